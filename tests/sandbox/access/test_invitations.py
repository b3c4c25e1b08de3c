"""Invitations to the application."""

import asyncio

import pytest

from deskclerk.sandbox.store.tables import invitations
from tests.sandbox.companies import user

pytestmark = pytest.mark.anyio

DAY = 24 * 3_600_000
INVITED = (400, "duplicate_record", "email_address")


def asking(name="guest", **more):
    return {"email_address": f"{name}@example.com", **more}


async def accept(clerk, invitation_id):
    """What signing up with the link does, which is no part of the Backend API."""
    async with clerk.sandbox.store.transaction(reads=False) as connection:
        mine = invitations.update().where(invitations.c.id == invitation_id)
        await connection.execute(mine.values(status="accepted"))


async def test_an_invitation_is_pending_with_a_link_for_thirty_days(clerk, clock):
    answer = await clerk.post("/invitations", asking("Guest", public_metadata={"a": 1}))
    assert answer.pop("id").startswith("inv_")
    assert answer.pop("url").startswith("https://sandbox.clerk.accounts.dev/v1/tickets/accept?ticket=")
    assert answer == {
        "object": "invitation",
        "email_address": "guest@example.com",
        "public_metadata": {"a": 1},
        "revoked": False,
        "status": "pending",
        "expires_at": clock.now() + 30 * DAY,
        "created_at": clock.now(),
        "updated_at": clock.now(),
    }


@pytest.mark.parametrize(
    ("change", "code", "param"),
    [
        ({"email_address": "no address"}, "form_param_format_invalid", "email_address"),
        ({"email_address": None}, "form_param_nil", "email_address"),
        ({"redirect_url": "/welcome"}, "form_param_format_invalid", "redirect_url"),
        ({"expires_in_days": 0}, "form_param_value_invalid", "expires_in_days"),
        ({"template_slug": "other"}, "form_param_value_invalid", "template_slug"),
        ({"private_metadata": {}}, "form_param_unknown", "private_metadata"),
    ],
)
async def test_what_cannot_be_sent_is_refused(clerk, change, code, param):
    assert await clerk.refused("POST", "/invitations", json=asking() | change) == (422, code, param)


async def test_an_invited_address_is_not_invited_again_unless_that_is_wanted(clerk):
    await clerk.post("/invitations", asking())
    assert await clerk.refused("POST", "/invitations", json=asking("GUEST")) == INVITED
    for _ in range(2):
        await clerk.post("/invitations", asking(ignore_existing=True))
    assert len(await clerk.get("/invitations")) == 3
    assert await clerk.refused("POST", "/invitations", json=asking()) == INVITED


async def test_of_two_requests_at_once_one_invites(clerk):
    answers = await asyncio.gather(*(clerk.ask("POST", "/invitations", json=asking()) for _ in range(4)))
    assert sorted(status for status, _ in answers) == [200, 400, 400, 400]


async def test_a_user_is_not_invited_unless_that_is_wanted(clerk):
    await user(clerk, "guest")
    refused = await clerk.refused("POST", "/invitations", json=asking())
    assert refused == (422, "form_identifier_exists", "email_address")
    await clerk.post("/invitations", asking(ignore_existing=True))


async def test_an_address_can_be_invited_again_when_its_invitation_is_over(clerk, clock):
    first = await clerk.post("/invitations", asking(expires_in_days=1))
    clock.advance(DAY)
    second = await clerk.post("/invitations", asking())
    await clerk.post(f"/invitations/{second['id']}/revoke")
    third = await clerk.post("/invitations", asking())
    assert len({item["id"] for item in (first, second, third)}) == 3


async def test_revoking_ends_an_invitation_once(clerk, clock):
    sent = await clerk.post("/invitations", asking())
    revoke = f"/invitations/{sent['id']}/revoke"
    clock.advance(3)
    revoked = await clerk.post(revoke)
    assert (revoked["status"], revoked["revoked"], revoked["updated_at"]) == ("revoked", True, clock.now())
    assert "url" not in revoked
    assert await clerk.refused("POST", revoke) == (400, "invitation_already_revoked", None)
    missing = await clerk.refused("POST", "/invitations/inv_none/revoke")
    assert missing == (404, "resource_not_found", None)


async def test_an_accepted_invitation_cannot_be_revoked_and_an_expired_one_can(clerk, clock):
    accepted, late = [await clerk.post("/invitations", asking(name)) for name in ("yes", "late")]
    await accept(clerk, accepted["id"])
    refused = await clerk.refused("POST", f"/invitations/{accepted['id']}/revoke")
    assert refused == (400, "invitation_already_accepted", None)
    clock.advance(30 * DAY)
    assert (await clerk.post(f"/invitations/{late['id']}/revoke"))["status"] == "revoked"


@pytest.fixture
async def found(clerk, clock):
    """One invitation in each status; asks for invitations and answers their statuses."""
    for name, days in (("pending", 9), ("expired", 1), ("revoked", 8), ("accepted", 7)):
        sent = await clerk.post("/invitations", asking(name, expires_in_days=days))
        if name == "revoked":
            await clerk.post(f"/invitations/{sent['id']}/revoke")
        if name == "accepted":
            await accept(clerk, sent["id"])
        clock.advance(1000)
    clock.advance(DAY)

    async def find(**query):
        answer = await clerk.get("/invitations", query)
        assert all(item["status"] == item["email_address"].partition("@")[0] for item in answer)
        assert all(("url" in item) == (item["status"] == "pending") for item in answer)
        return [item["status"] for item in answer]

    return find


async def test_revoked_invitations_are_listed_only_when_asked_for(found):
    assert await found() == ["accepted", "expired", "pending"]
    for status in ("pending", "accepted", "revoked", "expired"):
        assert await found(status=status) == [status]


async def test_invitations_are_sought_and_ordered(clerk, found):
    assert await found(query="PEND") == ["pending"]
    assert await found(query="%") == []
    (pending,) = await clerk.get("/invitations", {"status": "pending"})
    assert await found(query=pending["id"]) == ["pending"]
    assert await found(order_by="created_at") == ["pending", "expired", "accepted"]
    assert await found(order_by="-email_address") == ["pending", "expired", "accepted"]
    assert await found(order_by="expires_at", limit=1, offset=1) == ["accepted"]


async def test_a_page_comes_with_the_number_of_all_when_that_is_asked_for(clerk, found):
    answer = await clerk.get("/invitations", {"paginated": "true", "limit": 2})
    assert ([item["status"] for item in answer["data"]], answer["total_count"]) == (
        ["accepted", "expired"],
        3,
    )
