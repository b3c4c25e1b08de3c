"""What organizations have beyond members and invitations, and lists of the instance."""

import pytest
from sqlalchemy import func, select

from deskclerk.sandbox.store.tables import images
from tests.sandbox.companies import join, organization, user

pytestmark = pytest.mark.anyio

PNG = b"\x89PNG\r\n\x1a\n" + bytes(32)


@pytest.fixture
async def ada(clerk):
    return await user(clerk, "ada")


@pytest.fixture
async def acme(clerk, ada):
    return await organization(clerk, created_by=ada)


async def test_metadata_of_a_member_is_merged_deeply(clerk, ada, acme, clock):
    place = f"/organizations/{acme}/memberships/{ada}/metadata"
    await clerk.patch(place, {"public_metadata": {"desk": {"floor": 1, "seat": 2}}})
    clock.advance(5)
    answer = await clerk.patch(
        place, {"public_metadata": {"desk": {"floor": None}}, "private_metadata": {"a": 1}}
    )
    assert (answer["public_metadata"], answer["private_metadata"]) == ({"desk": {"seat": 2}}, {"a": 1})
    assert answer["updated_at"] == clock.now()


async def test_a_logo_is_shown_replaced_and_taken_away(clerk, acme):
    place = f"/organizations/{acme}/logo"
    files = {"file": ("logo.png", PNG, "image/png")}
    for _ in range(2):
        status, answer = await clerk.ask("PUT", place, files=files)
        assert (status, answer["has_image"], answer["logo_url"]) == (200, True, answer["image_url"])
    assert (await clerk.http.get(answer["image_url"])).content == PNG
    async with clerk.sandbox.store.transaction(reads=True) as connection:
        assert (await connection.execute(select(func.count()).select_from(images))).scalar_one() == 1
    assert (await clerk.delete(place))["has_image"] is False
    assert await clerk.refused("DELETE", place) == (404, "image_not_found", None)


async def test_a_verified_domain_belongs_to_one_organization(clerk, acme):
    other = await organization(clerk, "Other")
    wanted = {"name": "Acme.example", "enrollment_mode": "automatic_suggestion"}
    made = await clerk.post(f"/organizations/{acme}/domains", wanted)
    assert (made["name"], made["affiliation_verification"]["status"]) == ("acme.example", "verified")
    refused = await clerk.refused("POST", f"/organizations/{other}/domains", json=wanted)
    assert refused == (422, "organization_domain_already_exists", "name")
    loose = await clerk.post(f"/organizations/{other}/domains", wanted | {"verified": False})
    assert (loose["verification"], loose["ownership_verification"]) == (None, None)
    place = f"/organizations/{other}/domains/{loose['id']}"
    refused = await clerk.refused("PATCH", place, json={"verified": True})
    assert refused == (422, "organization_domain_already_exists", "name")
    elsewhere = f"/organizations/{acme}/domains/{loose['id']}"
    assert await clerk.refused("DELETE", elsewhere) == (404, "resource_not_found", None)


async def test_ownership_is_verified_once(clerk, acme, clock):
    domain = await clerk.post(
        f"/organizations/{acme}/domains", {"name": "a.example", "enrollment_mode": "manual_invitation"}
    )
    place = f"/organizations/{acme}/domains/{domain['id']}/verify_ownership"
    first = await clerk.post(place)
    assert first["ownership_verification"]["verified_at"] == clock.now()
    clock.advance(1000)
    assert await clerk.post(place) == first


async def test_domains_are_found_by_mode_state_name_and_organization(clerk, acme):
    other = await organization(clerk, "Other")
    modes = ("manual_invitation", "automatic_invitation", "enterprise_sso")
    for number, mode in enumerate(modes):
        home = other if number else acme
        await clerk.post(
            f"/organizations/{home}/domains",
            {"name": f"d{number}.example", "enrollment_mode": mode, "verified": number != 1},
        )

    async def found(**query):
        answer = await clerk.get("/organization_domains", query | {"order_by": "name"})
        assert answer["total_count"] == len(answer["data"])
        return "".join(item["name"][1] for item in answer["data"])

    assert await found() == "012"
    assert await found(verified="false") == "1"
    assert await found(enrollment_mode="-enterprise_sso") == "01"
    assert await found(enrollment_mode=["manual_invitation", "enterprise_sso"]) == "02"
    assert await found(query="D1.ex") == "1"
    assert await found(query=other) == "12"
    assert await found(domains=["d0.example", "d2.example"]) == "02"
    assert await found(organization_id=acme) == "0"
    assert len((await clerk.get(f"/organizations/{other}/domains"))["data"]) == 2


async def test_of_a_bulk_of_invitations_all_are_sent_or_none(clerk, ada, acme):
    place = f"/organizations/{acme}/invitations"
    asked = [{"email_address": f"g{number}@example.com", "role": "org:member"} for number in range(2)]
    body = [*asked, {"email_address": "ada@example.com", "role": "org:member"}]
    refused = await clerk.refused("POST", f"{place}/bulk", json=body)
    assert refused == (400, "already_a_member_in_organization", None)
    assert (await clerk.get(place))["total_count"] == 0
    sent = await clerk.ask("POST", f"{place}/bulk", json=asked)
    assert (sent[0], sent[1]["total_count"]) == (200, 2)
    assert await clerk.refused("POST", f"{place}/bulk", json=asked[:1] * 11) == (
        400,
        "bulk_size_exceeded",
        None,
    )
    refused = await clerk.refused("POST", f"{place}/bulk", json={"email_address": "a@example.com"})
    assert refused == (400, "request_body_invalid", None)


async def test_pending_leaves_out_what_is_over(clerk, acme, clock):
    place = f"/organizations/{acme}/invitations"
    for name, days in (("short", 1), ("long", 9)):
        body = {"email_address": f"{name}@example.com", "role": "org:member", "expires_in_days": days}
        await clerk.post(place, body)
    clock.advance(2 * 24 * 3_600_000)
    (left,) = (await clerk.get(f"{place}/pending"))["data"]
    assert left["email_address"] == "long@example.com"
    assert await clerk.get(f"{place}/{left['id']}") == left
    (shown,) = (await clerk.get("/organization_invitations", {"status": "pending"}))["data"]
    assert shown["public_organization_data"]["id"] == acme


async def test_the_members_of_all_organizations_are_listed(clerk, ada, acme):
    other = await organization(clerk, "Other", created_by=ada)
    await join(clerk, other, await user(clerk, "bob"))
    found = await clerk.get("/organization_memberships", {"order_by": "email_address"})
    assert [item["public_user_data"]["identifier"][0] for item in found["data"]] == ["a", "a", "b"]
    assert found["total_count"] == 3


async def test_who_waits_is_invited_once(clerk):
    entry = await clerk.post("/waitlist_entries", {"email_address": "Wait@example.com"})
    assert await clerk.post("/waitlist_entries", {"email_address": "wait@example.com"}) == entry
    invited = await clerk.post(f"/waitlist_entries/{entry['id']}/invite")
    assert (invited["status"], invited["invitation"]["status"]) == ("invited", "pending")
    again = await clerk.refused("POST", f"/waitlist_entries/{entry['id']}/invite")
    assert again == (409, "waitlist_entry_already_invited", None)
    assert len(await clerk.get("/invitations")) == 1


async def test_redirect_urls_are_listed_newest_first_and_once_each(clerk, clock):
    for url in ("https://a.example/back", "app://back", "http://localhost:3000/back"):
        await clerk.post("/redirect_urls", {"url": url})
        clock.advance(1)
    assert [item["url"][:4] for item in await clerk.get("/redirect_urls")] == ["http", "app:", "http"]
    page = await clerk.get("/redirect_urls", {"paginated": "true", "limit": 1, "offset": 1})
    assert (page["total_count"], page["data"][0]["url"]) == (3, "app://back")
    refused = await clerk.refused("POST", "/redirect_urls", json={"url": "http://a.example"})
    assert refused == (422, "insecure_url", "url")
    for url in ("/back", "http://[a", "https://[a]/", "https://a.example:99999/"):
        refused = await clerk.refused("POST", "/redirect_urls", json={"url": url})
        assert refused == (422, "form_param_format_invalid", "url")
