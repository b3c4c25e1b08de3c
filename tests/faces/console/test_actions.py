"""Every action has a form: what is typed becomes a request, a plan, or a word beside its field."""

import json
import re
import shlex
from html import unescape

import click
import pytest

from deskclerk.catalogue import ACTIONS, BY_NAME, EVERY_ACTION, READ, BanUser, UpdateUser
from deskclerk.faces.cli.commands import action_command
from deskclerk.faces.cli.options import arguments_of
from deskclerk.faces.console.forms import fields_of, fill, typed_of
from deskclerk.faces.console.pages.actions import request_examples
from deskclerk.faces.console.site import Console
from tests.faces.console.conftest import ORIGIN, Browser, problem
from tests.faces.console.test_activity import inert
from tests.journeys.attack_corpus import PAYLOADS

pytestmark = pytest.mark.anyio


async def ask(person, name, do="run", **typed):
    fields = {key if key.startswith("null.") else f"a.{key}": value for key, value in typed.items()}
    return await person.post(f"/actions/{name}", do=do, **fields)


async def token_of(browser):
    return re.search(r'name="csrf" value="([^"]+)"', (await browser.get("/secrets")).text)[1]


def beside(page, name):
    """What stands beside a field as its problem."""
    found = re.search(rf'id="p-{name}">([^<]*)<', page.text)
    return unescape(found[1]) if found else ""


def sample(item):
    """Some value that a parameter accepts."""
    schema = item.schema
    if item.secret:
        return ["secret:codes"] if schema["type"] == "array" else "secret:some.name"
    if item.times:
        return "2026-01-31T09:30:00"
    if item.sorts:
        return f"-{item.sorts[0]}"
    if "enum" in schema:
        return schema["enum"][-1]
    kinds = {
        "string": '-it\'s "one" $HOME',
        "integer": max(schema.get("minimum", 0), 1),
        "boolean": True,
        "object": {"plan": "pro", "a": [1, None, "ü"]},
    }
    if schema["type"] == "array":
        return [schema["items"].get("enum", ["one"])[0]]
    return "id_1" if item.where == "path" or item.name.endswith("_id") else kinds[schema["type"]]


def arguments(action):
    return {name: sample(item) for name, item in action.parameters().items()}


TOGETHER = {
    "provider": ["provider_user_id"],
    "provider_user_id": ["provider"],
    "email_address_identification_status": ["email_address"],
    "phone_number_identification_status": ["phone_number"],
    "custom_signing_key": ["signing_key", "signing_algorithm"],
}
"""What is taken only with others."""


def like(action, name):
    return sample(action.parameters()[name])


def one_of_each(action):
    """The required arguments with each of the others alone, as far as the action takes that."""
    needed = {name: sample(item) for name, item in action.parameters().items() if item.required}
    for name, item in action.parameters().items():
        for value in (sample(item), *([None] if item.nullable else [])):
            given = needed | {name: value}
            given |= {other: like(action, other) for other in TOGETHER.get(name, ())}
            made = fill(action, typed_of(action, given))
            if made.action:
                yield made.action, given


@pytest.mark.parametrize("action", ACTIONS, ids=lambda action: action.spec.name)
async def test_every_parameter_goes_through_the_form_and_through_every_spelling_unchanged(action):
    shown = [field.name for part in fields_of(action, {}, {}) for field in part]
    assert sorted(shown) == sorted(action.parameters())
    seen = set()
    for made, given in one_of_each(action):
        seen |= set(given)
        expected = action.parse(given).arguments()
        assert made.arguments() == expected
        said = request_examples(made)
        words = shlex.split(said["Command line"])
        assert words[:3] == ["deskclerk", action.spec.resource.plural, action.spec.verb]
        command = action_command(action)
        with click.Context(command) as context:
            command.parse_args(context, words[3:])
            assert action.parse(arguments_of(action, context.params)).arguments() == expected
        asked = json.loads(said["MCP"])["params"]
        assert asked["name"] == action.spec.name
        assert action.parse(asked["arguments"]).arguments() == expected
        call = re.search(r"perform\((.*)\)\Z", said["Python"], re.DOTALL)[1]
        assert eval(call, {action.__name__: action}).arguments() == expected
    assert seen == set(action.parameters())


async def test_only_what_the_policy_offers_is_listed_and_opens(open_desk):
    async with open_desk(access="write", deny=["clerk_user_ban"]) as desk:
        browser = Browser(Console(desk, ORIGIN))
        async with browser.http:
            await browser.sign_in()
            page = (await browser.get("/actions")).text
            names = re.findall(r'/actions/(clerk_\w+)"', page)
            assert len(names) == len(set(names))
            assert set(names) == {
                action.spec.name
                for action in EVERY_ACTION
                if action.spec.effect != "destructive" and action.spec.name != "clerk_user_ban"
            }
            assert (await browser.get("/actions/clerk_user_delete")).status_code == 403
            csrf = re.search(r'name="csrf" value="([^"]+)"', page)[1]
            refused = await browser.post("/actions/clerk_user_ban", csrf=csrf, **{"a.user_id": "user_1"})
            assert refused.status_code == 403
            assert await desk.plans.waiting() == []


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("LOCK write users", {"clerk_user_lock", "clerk_user_unlock"}),
        ("unBAN", {"clerk_user_unban", "clerk_users_bulk_unban"}),
        ("zzz", set()),
    ],
)
async def test_a_search_finds_actions_by_all_of_its_words(person, query, found):
    page = (await person.get("/actions", params={"q": query})).text
    assert set(re.findall(r'/actions/(clerk_\w+)"', page)) == found


@pytest.mark.promise("the-console")
async def test_every_form_opens(person):
    for action in EVERY_ACTION:
        page = await person.get(f"/actions/{action.spec.name}")
        assert page.status_code == 200
        for name in action.parameters():
            assert f'name="a.{name}"' in page.text
    assert (await person.get("/actions/clerk_everything_delete")).status_code == 404


async def test_a_read_runs_at_once_and_shows_a_table_or_its_json(person):
    page = await ask(person, "clerk_users_list", banned="false", limit="5")
    assert page.status_code == 200
    assert "<td>user_1</td>" in page.text
    assert "deskclerk users list --limit 5 --no-banned" in unescape(page.text) or (
        "--no-banned" in page.text and "--limit 5" in page.text
    )
    page = await ask(person, "clerk_user_get", user_id="user_1")
    assert '"first_name": "Ada"' in unescape(page.text)
    (last,) = await person.desk.journal.recent(1)
    assert (last["face"], last["action"]) == ("console", "clerk_user_get")


async def test_a_user_may_be_named_as_people_name_them(person, upstream):
    page = await ask(person, "clerk_user_get", user_id="ada@example.com")
    assert page.status_code == 200
    assert '"first_name": "Ada"' in unescape(page.text)
    upstream.users["user_2"] = upstream.users["user_1"] | {"id": "user_2"}
    page = await ask(person, "clerk_user_get", user_id="ada@example.com")
    assert "several have it" in beside(page, "user_id")
    assert "ada@example.com" in page.text


async def test_a_long_list_goes_on_with_a_button(person, upstream):
    upstream.users = {f"user_{n}": {"id": f"user_{n}", "object": "user"} for n in range(3)}
    page = await ask(person, "clerk_users_list", limit="3", order_by="-updated_at")
    form = page.text.partition('id="result"')[2].partition("<form")[2].partition("</form>")[0]
    hidden = dict(re.findall(r'name="(a\.\w+)" value="([^"]*)"', form))
    assert hidden["a.offset"] == "3"
    assert hidden["a.order_by"] == "-updated_at"


@pytest.mark.parametrize(
    ("name", "given", "said"),
    [
        ("clerk_users_list", ("limit", "many"), "integer"),
        ("clerk_users_list", ("limit", "501"), "1-500"),
        ("clerk_users_list", ("banned", "maybe"), "boolean"),
        ("clerk_users_list", ("order_by", "shoe_size"), "accepted"),
        ("clerk_users_list", ("created_at_before", "soon"), "not a time"),
        ("clerk_user_get", ("user_id", "../users"), "not an id"),
        ("clerk_user_get", ("user_id", ""), "required"),
        ("clerk_user_update", ("public_metadata", '{"a": }'), "line 1, column 7"),
        ("clerk_user_update", ("public_metadata", '{"a": NaN}'), "NaN is not JSON"),
        ("clerk_user_update", ("public_metadata", "[1]"), "not an object"),
        ("clerk_user_update", ("public_metadata", '{"a":' * 10_000), "nested"),
    ],
)
async def test_what_is_wrong_is_told_beside_its_field_and_what_was_typed_stays(
    person, upstream, name, given, said
):
    field, text = given
    more = {"user_id": "user_1"} if name == "clerk_user_update" else {}
    page = await ask(person, name, **more, **{field: text})
    assert page.status_code == 422
    assert said in beside(page, field)
    assert "Nothing was sent" in problem(page)
    assert text[:500] in unescape(page.text)
    for key, value in more.items():
        assert f'id="a-{key}" name="a.{key}" value="{value}"' in page.text
    assert upstream.writes == []
    assert await person.desk.journal.recent() == []


async def test_an_unknown_field_is_an_error(person):
    page = await ask(person, "clerk_user_get", user_id="user_1", shoe_size="44")
    assert page.status_code == 422
    assert "unknown argument" in page.text
    assert "unknown argument" in (await person.get("/actions/clerk_user_get?shoe_size=44")).text


async def test_a_value_and_null_exclude_each_other(person):
    page = await ask(
        person, "clerk_user_update", user_id="user_1", first_name="Ada", **{"null.first_name": "yes"}
    )
    assert "choose one" in beside(page, "first_name")


async def test_a_secret_that_was_typed_is_refused_and_never_repeated(person, upstream):
    page = await ask(person, "clerk_user_update", user_id="user_1", password="horse-battery-9")
    assert page.status_code == 422
    assert "stored under Secrets" in page.text
    assert "not typed here" in beside(page, "password")
    assert "horse-battery-9" not in page.text
    assert upstream.writes == []


async def test_a_secret_that_is_not_stored_leads_to_the_page_where_it_is(person, upstream):
    page = await ask(person, "clerk_user_update", user_id="user_1", password="secret:ada.password")
    assert page.status_code == 422
    assert "/secrets?name=ada.password" in page.text
    await person.desk.secrets.store("ada.password", "horse-battery-9")
    answer = await ask(person, "clerk_user_update", user_id="user_1", password="secret:ada.password")
    assert answer.status_code == 303
    (waiting,) = await person.desk.plans.waiting()
    assert "horse-battery-9" not in (await person.get(f"/plans/{waiting.plan.id}")).text
    await person.decide(waiting.plan)
    assert upstream.users["user_1"]["password"] == "horse-battery-9"


async def test_a_write_is_planned_signed_and_carried_out_once(person, upstream):
    answer = await ask(person, "clerk_user_ban", user_id="user_1")
    (waiting,) = await person.desk.plans.waiting()
    assert answer.headers["location"].endswith(f"/plans/{waiting.plan.id}")
    assert upstream.writes == []
    await person.decide(waiting.plan)
    assert upstream.writes == [("POST", "/users/user_1/ban")]
    assert (await person.decide(waiting.plan)).status_code == 409
    assert len(upstream.writes) == 1
    assert "This console" in (await person.get(f"/plans/{waiting.plan.id}")).text


async def test_a_signature_that_does_not_count_carries_nothing_out(person, upstream):
    await ask(person, "clerk_user_delete", user_id="user_1")
    (waiting,) = await person.desk.plans.waiting()
    assert (await person.decide(waiting.plan, typed="wrong")).status_code == 409
    assert upstream.writes == []


async def test_what_an_agent_asked_for_is_still_carried_out_by_the_agent(person, upstream):
    plan = await person.propose()
    await person.decide(plan)
    assert upstream.writes == []
    await person.desk.perform(BanUser(user_id="user_1"))
    assert len(upstream.writes) == 1


async def test_what_clerk_says_to_a_signed_write_is_told_on_its_page(person, upstream):
    await ask(person, "clerk_user_ban", user_id="user_1")
    (waiting,) = await person.desk.plans.waiting()

    async def refuse(request):
        del request
        return upstream.missing()

    upstream.trouble = refuse
    answer = await person.decide(waiting.plan)
    assert answer.status_code == 404
    assert "Signed, but not done." in answer.text


async def test_showing_a_request_as_code_sends_nothing(person, upstream):
    page = await ask(person, "clerk_user_ban", do="spell", user_id="user_1")
    assert "deskclerk users ban user_1" in page.text
    assert upstream.writes == []
    assert await person.desk.plans.waiting() == []


async def test_an_address_fills_the_form_in(person):
    page = (await person.get("/actions/clerk_user_get?user_id=user_1")).text
    assert 'name="a.user_id" value="user_1"' in page
    assert "deskclerk users get user_1" in page


async def test_a_form_without_the_pages_token_does_nothing(person, upstream):
    answer = await person.post("/actions/clerk_user_ban", csrf="guess", do="run", **{"a.user_id": "user_1"})
    assert answer.status_code == 403
    assert await person.desk.plans.waiting() == []


async def test_what_end_users_wrote_and_addresses_carry_is_inert(person, upstream):
    for said in PAYLOADS.values():
        typed = said.encode("utf-8", "replace").decode()
        upstream.users["user_1"]["first_name"] = said
        upstream.users["user_1"]["public_metadata"] = {said: said}
        inert((await ask(person, "clerk_users_list", query=typed[:999], fields="*")).text)
        inert((await ask(person, "clerk_user_get", user_id="user_1", fields="*")).text)
        address = {"query": typed[:999], typed[:999]: typed[:999], "limit": typed[:99]}
        inert((await person.get("/actions/clerk_users_list", params=address)).text)
        inert((await person.get("/actions", params={"q": typed[:999]})).text)


async def test_reads_and_writes_are_told_apart():
    """The forms above stand for every effect."""
    assert BY_NAME["clerk_users_list"].spec.effect is READ
    assert UpdateUser.spec.effect is not READ


async def test_a_write_asked_for_in_one_console_and_signed_in_another_is_carried_out_once(person, upstream):
    asked = await ask(person, "clerk_user_ban", user_id="user_1")
    plan = (await person.desk.plans.load(asked.headers["location"].rpartition("/")[2])).plan
    other = Browser(Console(person.desk, "http://127.0.0.1:8766"))
    async with other.http:
        await other.sign_in()
        assert (await other.decide(plan)).status_code == 303
        assert upstream.writes == [("POST", "/users/user_1/ban")]
        assert "Clerk carried it out" in (await other.get(f"/plans/{plan.id}")).text
    again = await person.post(f"/plans/{plan.id}/carry-out", csrf=await token_of(person))
    assert again.status_code == 303
    assert len(upstream.writes) == 1


async def test_what_an_agent_asked_for_is_not_carried_out_by_a_console(person, upstream):
    plan = await person.propose()
    await person.decide(plan)
    await person.post(f"/plans/{plan.id}/carry-out", csrf=await token_of(person))
    assert upstream.writes == []
