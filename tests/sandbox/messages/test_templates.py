"""Templates of e-mails and text messages."""

import pytest

from deskclerk.sandbox.messages.rendering import render
from tests.sandbox.rows import beside

pytestmark = pytest.mark.anyio

CODE = "/templates/email/verification_code"
NEWS = "/templates/sms/password_changed"


async def put(clerk, place, **body):
    status, answer = await clerk.ask("PUT", place, json=body)
    assert status == 200, answer
    return answer


async def test_both_types_are_listed_in_their_order_and_by_pages(shared):
    emails = await shared.get("/templates/email", {"limit": 500})
    texts = await shared.get("/templates/sms")
    for listed, kind in ((emails, "email"), (texts, "sms")):
        assert [item["position"] for item in listed] == [*range(len(listed))]
        assert {(item["template_type"], item["resource_type"]) for item in listed} == {(kind, "system")}
    assert {"verification_code", "invitation", "waitlist_invitation"} <= {item["slug"] for item in emails}
    assert [item["subject"] for item in texts] == [None] * len(texts)
    assert await shared.get("/templates/email") == emails[:10]
    page = await shared.get("/templates/email", {"limit": 2, "offset": 3, "paginated": "true"})
    assert page == {"data": emails[3:5], "total_count": len(emails)}
    assert await shared.get(CODE) == emails[0]


async def test_every_default_has_what_it_requires_and_renders_without_a_hole(shared):
    for kind in ("email", "sms"):
        for item in await shared.get(f"/templates/{kind}", {"limit": 500}):
            assert set(item["required_variables"]) <= set(item["available_variables"])
            assert all(f"{{{{{name}}}}}" in item["body"] for name in item["required_variables"])
            # Taken as its own new body: what is checked of others holds for it.
            place = f"/templates/{kind}/{item['slug']}/preview"
            shown = await shared.post(place, {"body": item["body"]})
            used = [name for name in item["available_variables"] if f"{{{{{name}}}}}" in item["body"]]
            blank = await shared.post(place)
            assert blank == shown
            assert used
            assert "{{" not in str(shown)
            assert "  " not in shown["body"]


async def test_new_words_are_kept_until_they_are_reverted(clerk, clock):
    default = await clerk.get(CODE)
    clock.advance(1000)
    words = {
        "name": "Our code",
        "subject": "{{otp_code}}",
        "markup": "code",
        "body": "<b>{{otp_code}}</b>",
        "from_email_name": "hello",
        "reply_to_email_name": "help",
        "delivered_by_clerk": False,
    }
    changed = await put(clerk, CODE, **words)
    assert {name: changed[name] for name in words} == words
    assert (changed["resource_type"], changed["can_revert"]) == ("user", True)
    assert changed["created_at"] == changed["updated_at"] == clock.now()
    assert changed["instance_id"].startswith("ins_")
    assert await clerk.get(CODE) == changed == (await clerk.get("/templates/email"))[0]
    assert (await clerk.get("/templates/sms"))[0]["can_revert"] is False
    again = await put(clerk, CODE, subject=None, markup=None, delivered_by_clerk=None)
    assert again == changed
    assert await clerk.post(f"{CODE}/revert") == default == await clerk.get(CODE)
    assert await clerk.refused("POST", f"{CODE}/revert") == (400, "template_revert_error", None)


async def test_a_body_has_its_required_variables_and_tags_that_are_understood(clerk):
    missing = (422, "required_variable_missing", "body")
    malformed = (422, "invalid_template_body", "body")
    for body, refused in (
        ("no code", missing),
        ("{{#if otp_code}}yes{{/if}}", missing),
        ("{{otp_code}} {{", malformed),
        ("{{otp_code}} {{#each codes}}{{/each}}", malformed),
        ("{{otp_code}} {{#if app.name}}", malformed),
        ("{{otp_code}} {{/if}}", malformed),
        ("{{otp_code}} {{#if a}}{{else}}{{else}}{{/if}}", malformed),
        (" ", malformed),
    ):
        assert await clerk.refused("PUT", CODE, json={"body": body}) == refused
        assert await clerk.refused("POST", f"{CODE}/preview", json={"body": body}) == refused
    subject = (422, "invalid_template_body", "subject")
    assert await clerk.refused("PUT", CODE, json={"subject": "{{#if}}"}) == subject
    name = (422, "form_param_value_invalid", "name")
    assert await clerk.refused("PUT", CODE, json={"name": " "}) == name
    sender = (422, "form_param_format_invalid", "from_email_name")
    assert await clerk.refused("PUT", CODE, json={"from_email_name": "a@b.example"}) == sender
    assert (await clerk.get(CODE))["resource_type"] == "system"


async def test_a_preview_has_values_in_the_place_of_variables_and_changes_nothing(clerk):
    before = await clerk.get(CODE)
    shown = await clerk.post(
        f"{CODE}/preview",
        {
            "subject": "{{otp_code}} for {{app.name}} & more",
            "body": "{{otp_code}}{{#if nothing}}a{{else}}<i>b</i>{{#if app.name}}c{{/if}}{{/if}}"
            "{{{app.url}}}{{> app_logo}}{{unknown}} p{a{}}",
            "from_email_name": "hello",
        },
    )
    assert shown == {
        "subject": "123456 for Sandbox & more",
        "body": "123456<i>b</i>chttps://sandbox.accounts.dev p{a{}}",
        "from_email_address": "hello@sandbox.clerk.accounts.dev",
        "reply_to_email_address": None,
    }
    assert await clerk.get(CODE) == before
    await put(clerk, CODE, subject="Kept", reply_to_email_name="help")
    kept = await clerk.post(f"{CODE}/preview")
    assert (kept["subject"], kept["reply_to_email_address"]) == ("Kept", "help@sandbox.clerk.accounts.dev")
    assert [*await clerk.post(f"{NEWS}/preview", {"subject": "None"})] == ["body"]


async def test_a_value_is_escaped_in_the_body_of_an_email_alone():
    values = {"name": "<Ada>"}
    assert render("{{name}} {{{name}}}", values, html=True) == "&lt;Ada&gt; <Ada>"
    assert render("{{name}}", values) == "<Ada>"


async def test_of_a_condition_one_side_is_shown():
    words = "{{#if a}}1{{#if b}}2{{else}}3{{/if}}{{else}}4{{#if b}}5{{/if}}{{/if}}6"
    found = {(a, b): render(words, {"a": a, "b": b}) for a in ("", "x") for b in ("", "x")}
    assert found == {("", ""): "46", ("", "x"): "456", ("x", ""): "136", ("x", "x"): "126"}


async def test_who_writes_is_the_instances_own_name_until_a_template_has_another(clerk):
    assert (await clerk.get(CODE))["from_email_name"] == "noreply"
    await clerk.patch("/beta_features/instance_settings", {"from_email_address": "desk"})
    assert (await clerk.get(CODE))["from_email_name"] == "desk"
    assert (await put(clerk, CODE, from_email_name="codes"))["from_email_name"] == "codes"
    assert (await put(clerk, CODE, from_email_name=""))["from_email_name"] == "desk"
    assert (await clerk.get(NEWS))["from_email_name"] == ""


async def test_delivery_keeps_its_switch(clerk):
    place = f"{NEWS}/toggle_delivery"
    assert (await clerk.post(place, {"delivered_by_clerk": False}))["delivered_by_clerk"] is False
    assert (await clerk.post(place, {"delivered_by_clerk": False}))["delivered_by_clerk"] is False
    kept = await clerk.get(NEWS)
    assert (kept["delivered_by_clerk"], kept["can_toggle"]) == (False, True)
    assert (await clerk.post(place))["delivered_by_clerk"] is True
    assert (await clerk.post(place))["delivered_by_clerk"] is False
    assert (await clerk.post(f"{NEWS}/revert"))["delivered_by_clerk"] is True


async def test_the_words_of_a_code_by_text_message_stay(clerk):
    place = "/templates/sms/verification_code"
    body = (await clerk.get(place))["body"]
    restricted = (400, "template_body_modification_restricted", "body")
    assert await clerk.refused("PUT", place, json={"body": f"{body}!"}) == restricted
    changed = await put(clerk, place, body=body, name="Code", subject="None", from_email_name="no one")
    assert (changed["name"], changed["subject"], changed["from_email_name"]) == ("Code", None, "")
    assert (await put(clerk, NEWS, body="Changed."))["body"] == "Changed."


@pytest.mark.parametrize(
    ("method", "end"),
    [("GET", ""), ("PUT", ""), ("POST", "/revert"), ("POST", "/preview"), ("POST", "/toggle_delivery")],
)
async def test_there_are_two_types_and_no_slugs_but_the_known(shared, method, end):
    unsupported = (400, "template_type_unsupported", "template_type")
    assert await shared.refused(method, f"/templates/fax/verification_code{end}") == unsupported
    assert (await shared.refused(method, f"/templates/sms/invitation{end}"))[:2] == (
        404,
        "resource_not_found",
    )
    assert await shared.refused("GET", "/templates/fax") == unsupported


async def test_an_instance_has_its_own_words(clerk):
    changed = await put(clerk, CODE, subject="First")
    async with beside(clerk) as other:
        assert (await other.get(CODE))["resource_type"] == "system"
        await put(other, CODE, subject="Second")
        await other.post(f"{CODE}/revert")
    assert await clerk.get(CODE) == changed
