"""The allow-list and the block-list."""

import asyncio

import pytest

from tests.sandbox.companies import user

pytestmark = pytest.mark.anyio

ALLOW, BLOCK = "/allowlist_identifiers", "/blocklist_identifiers"
both = pytest.mark.parametrize(
    ("path", "what", "prefix"),
    [(ALLOW, "allowlist_identifier", "alid_"), (BLOCK, "blocklist_identifier", "blid_")],
)


@both
async def test_every_kind_of_identifier_is_told_and_kept_in_one_form(clerk, clock, path, what, prefix):
    for given, kept, kind in (
        (" Bob@Example.com", "bob@example.com", "email_address"),
        ("*@Example.com", "*@example.com", "email_address"),
        ("+1 (555) 010-0001", "+15550100001", "phone_number"),
        ("0x" + "AB" * 20, "0x" + "ab" * 20, "web3_wallet"),
    ):
        answer = await clerk.post(path, {"identifier": given})
        assert answer.pop("id").startswith(prefix)
        assert answer.pop("instance_id").startswith("ins_")
        assert answer == {
            "object": what,
            "identifier": kept,
            "identifier_type": kind,
            "created_at": clock.now(),
            "updated_at": clock.now(),
        }
        twice = await clerk.refused("POST", path, json={"identifier": kept})
        assert twice == (400, "duplicate_record", "identifier")


@both
@pytest.mark.parametrize(
    "text", ["", "bob", "*@", "*@nowhere", "*bob@example.com", "+12", "0x12", "example.com"]
)
async def test_what_is_no_identifier_is_refused(clerk, path, what, prefix, text):
    refused = await clerk.refused("POST", path, json={"identifier": text})
    assert refused == (422, "form_param_format_invalid", "identifier")


@both
async def test_an_identifier_is_taken_off_once(clerk, path, what, prefix):
    entry = await clerk.post(path, {"identifier": "bob@example.com"})
    assert await clerk.delete(f"{path}/{entry['id']}") == {"object": what, "id": entry["id"], "deleted": True}
    refused = await clerk.refused("DELETE", f"{path}/{entry['id']}")
    assert refused == (404, "resource_not_found", None)
    await clerk.post(path, {"identifier": "bob@example.com"})


@both
async def test_of_two_requests_at_once_one_is_carried_out(clerk, path, what, prefix):
    body = {"identifier": "bob@example.com"}
    answers = await asyncio.gather(*(clerk.ask("POST", path, json=body) for _ in range(4)))
    assert sorted(status for status, _ in answers) == [200, 400, 400, 400]


async def test_the_lists_know_nothing_of_each_other(clerk):
    allowed = await clerk.post(ALLOW, {"identifier": "bob@example.com"})
    await clerk.post(BLOCK, {"identifier": "bob@example.com"})
    refused = await clerk.refused("DELETE", f"{BLOCK}/{allowed['id']}")
    assert refused == (404, "resource_not_found", None)


async def test_the_allow_list_is_paged_and_the_block_list_is_whole(clerk, clock):
    for number in range(12):
        for path in (ALLOW, BLOCK):
            await clerk.post(path, {"identifier": f"p{number}@example.com"})
        clock.advance(1)
    newest = [f"p{number}@example.com" for number in reversed(range(12))]
    assert [item["identifier"] for item in await clerk.get(ALLOW)] == newest[:10]
    page = await clerk.get(ALLOW, {"paginated": "true", "limit": 2, "offset": 1})
    assert ([item["identifier"] for item in page["data"]], page["total_count"]) == (newest[1:3], 12)
    whole = await clerk.get(BLOCK)
    assert ([item["identifier"] for item in whole["data"]], whole["total_count"]) == (newest, 12)


async def test_an_allowed_address_is_invited_when_that_is_asked_for(clerk):
    entry = await clerk.post(ALLOW, {"identifier": "bob@example.com", "notify": True})
    assert [item["id"] for item in await clerk.get("/invitations")] == [entry["invitation_id"]]


async def test_a_pending_invitation_serves_and_an_expired_one_does_not(clerk, clock):
    sent = await clerk.post("/invitations", {"email_address": "bob@example.com", "expires_in_days": 1})
    entry = await clerk.post(ALLOW, {"identifier": "bob@example.com", "notify": True})
    assert entry["invitation_id"] == sent["id"]
    await clerk.delete(f"{ALLOW}/{entry['id']}")
    clock.advance(24 * 3_600_000)
    entry = await clerk.post(ALLOW, {"identifier": "bob@example.com", "notify": True})
    assert entry["invitation_id"] != sent["id"]


async def test_nobody_is_invited_who_has_no_need_or_no_address(clerk):
    await user(clerk, "ada")
    for text in ("ada@example.com", "*@example.com", "+15550100001"):
        assert "invitation_id" not in await clerk.post(ALLOW, {"identifier": text, "notify": True})
    assert await clerk.get("/invitations") == []
