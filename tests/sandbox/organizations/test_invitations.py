"""Invitations to organizations: who may invite whom, for how long, and how that ends."""

import pytest

from deskclerk.sandbox.store.tables import organization_invitations
from tests.sandbox.companies import join, organization, user

pytestmark = pytest.mark.anyio

DAY = 24 * 3_600_000
NOT_UNIQUE = (400, "organization_invitation_not_unique", None)
NOT_PENDING = (404, "organization_invitation_not_pending", None)
FULL = (403, "organization_membership_quota_exceeded", None)


@pytest.fixture
async def ada(clerk):
    return await user(clerk, "ada", first_name="Ada")


@pytest.fixture
async def acme(clerk, ada):
    return await organization(clerk, created_by=ada, max_allowed_memberships=0)


@pytest.fixture
def place(acme):
    return f"/organizations/{acme}/invitations"


def asking(name="guest", **more):
    return {"email_address": f"{name}@example.com", "role": "org:member", **more}


async def test_an_invitation_shows_its_link_and_its_inviter(clerk, acme, ada, place, clock):
    asked = asking(
        "Guest", inviter_user_id=ada, public_metadata={"a": 1}, private_metadata=None, notify=False
    )
    answer = await clerk.post(
        place, asked | {"redirect_url": "https://app.example/welcome", "role": "org:admin"}
    )
    assert answer.pop("id").startswith("orginv_")
    assert "ticket=" in answer.pop("url")
    image = (await clerk.get(f"/users/{ada}"))["image_url"]
    assert answer == {
        "object": "organization_invitation",
        "email_address": "guest@example.com",
        "role": "org:admin",
        "role_name": "Admin",
        "organization_id": acme,
        "inviter_id": ada,
        "public_inviter_data": {
            "user_id": ada,
            "first_name": "Ada",
            "last_name": None,
            "image_url": image,
            "has_image": False,
            "identifier": "ada@example.com",
        },
        "status": "pending",
        "public_metadata": {"a": 1},
        "private_metadata": {},
        "expires_at": clock.now() + 30 * DAY,
        "created_at": clock.now(),
        "updated_at": clock.now(),
    }


async def test_what_cannot_be_sent_is_refused(clerk, acme, ada, place):
    bob = await user(clerk, "bob")
    for change, refused in (
        ({"email_address": "no address"}, (422, "form_param_format_invalid", "email_address")),
        ({"role": "org:none"}, (404, "resource_not_found", "role")),
        ({"redirect_url": "nowhere"}, (422, "form_param_format_invalid", "redirect_url")),
        ({"expires_in_days": 0}, (422, "form_param_value_invalid", "expires_in_days")),
        ({"expires_in_days": 366}, (422, "form_param_value_invalid", "expires_in_days")),
        ({"inviter_user_id": "user_none"}, (404, "resource_not_found", None)),
        ({"inviter_user_id": bob}, (403, "not_a_member_in_organization", None)),
        ({"email_address": "ADA@example.com"}, (400, "already_a_member_in_organization", None)),
    ):
        assert await clerk.refused("POST", place, json=asking() | change) == refused
    await join(clerk, acme, bob)
    refused = (403, "missing_organization_permission", None)
    assert await clerk.refused("POST", place, json=asking(inviter_user_id=bob)) == refused
    assert (await clerk.get(place))["total_count"] == 0


async def test_an_address_has_one_pending_invitation_to_an_organization(clerk, ada, place):
    first = await clerk.post(place, asking())
    assert await clerk.refused("POST", place, json=asking("GUEST")) == NOT_UNIQUE
    other = await organization(clerk, "Other", created_by=ada)
    await clerk.post(f"/organizations/{other}/invitations", asking())
    await clerk.post(f"{place}/{first['id']}/revoke")
    assert (await clerk.post(place, asking()))["id"] != first["id"]


async def test_open_invitations_fill_an_organization(clerk, ada, clock):
    small = await organization(clerk, "Small", created_by=ada, max_allowed_memberships=2)
    place = f"/organizations/{small}/invitations"
    first = await clerk.post(place, asking(expires_in_days=1))
    assert await clerk.refused("POST", place, json=asking("other")) == FULL
    assert await clerk.refused("POST", place, json=asking()) == NOT_UNIQUE
    clock.advance(DAY)
    second = await clerk.post(place, asking())
    assert first["id"] != second["id"]
    await clerk.post(f"{place}/{second['id']}/revoke", {"requesting_user_id": ada})
    await clerk.post(place, asking("other"))


async def test_only_an_admin_revokes_and_only_a_pending_invitation(clerk, acme, ada, place, clock):
    bob = await user(clerk, "bob")
    await join(clerk, acme, bob)
    sent = await clerk.post(place, asking())
    revoke = f"{place}/{sent['id']}/revoke"
    refused = await clerk.refused("POST", revoke, json={"requesting_user_id": bob})
    assert refused == (403, "missing_organization_permission", None)
    clock.advance(3)
    revoked = await clerk.post(revoke, {"requesting_user_id": ada})
    news = {"status": "revoked", "url": None, "updated_at": clock.now()}
    assert revoked == sent | {"public_inviter_data": None} | news
    assert await clerk.refused("POST", revoke) == NOT_PENDING
    late = await clerk.post(place, asking("late", expires_in_days=1))
    clock.advance(DAY)
    assert await clerk.refused("POST", f"{place}/{late['id']}/revoke") == NOT_PENDING


async def test_an_invitation_of_another_organization_is_not_found(clerk, ada, place):
    sent = await clerk.post(place, asking())
    other = await organization(clerk, "Other", created_by=ada)
    missing = (404, "resource_not_found", None)
    elsewhere = f"/organizations/{other}/invitations/{sent['id']}/revoke"
    assert await clerk.refused("POST", elsewhere) == missing
    assert await clerk.refused("POST", f"{place}/orginv_none/revoke") == missing
    assert await clerk.refused("GET", "/organizations/org_none/invitations") == missing


@pytest.fixture
async def found(clerk, place, clock):
    """One invitation in each status; asks for invitations and answers the names of their addresses."""
    for name, days in (("pending", 30), ("expired", 1), ("revoked", 30), ("accepted", 30)):
        sent = await clerk.post(place, asking(name, expires_in_days=days))
        if name == "revoked":
            await clerk.post(f"{place}/{sent['id']}/revoke")
        clock.advance(1000)
    table = organization_invitations
    accepted = table.update().where(table.c.email_address == "accepted@example.com")
    async with clerk.sandbox.store.transaction(reads=False) as connection:
        await connection.execute(accepted.values(status="accepted"))
    clock.advance(DAY)

    async def find(**query):
        answer = await clerk.get(place, query)
        assert all(item["status"] == item["email_address"].partition("@")[0] for item in answer["data"])
        assert "limit" in query or answer["total_count"] == len(answer["data"])
        return [item["status"] for item in answer["data"]]

    return find


async def test_every_status_can_be_asked_for_also_several(found):
    assert await found() == ["accepted", "revoked", "expired", "pending"]
    for status in ("pending", "expired", "revoked", "accepted"):
        assert await found(status=status) == [status]
    assert await found(status=["pending", "expired"]) == ["expired", "pending"]


async def test_an_unknown_status_is_refused(clerk, place):
    refused = await clerk.refused("GET", place, params={"status": ["pending", "open"]})
    assert refused == (422, "form_param_value_invalid", "status")


async def test_invitations_are_found_by_address_and_ordered(found):
    assert await found(email_address="Expired@example.com") == ["expired"]
    assert await found(email_address="expired@example") == []
    assert await found(order_by="email_address") == ["accepted", "expired", "pending", "revoked"]
    assert await found(order_by="-email_address", limit=2, offset=1) == ["pending", "expired"]
    assert await found(order_by="created_at") == ["pending", "expired", "revoked", "accepted"]


async def test_an_invitation_outlives_its_inviter(clerk, acme, ada, place):
    bob = await user(clerk, "bob")
    await join(clerk, acme, bob, "org:admin")
    await clerk.post(place, asking(inviter_user_id=bob))
    await clerk.delete(f"/users/{bob}")
    (left,) = (await clerk.get(place))["data"]
    assert (left["inviter_id"], left["public_inviter_data"]) == (None, None)
