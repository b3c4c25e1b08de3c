"""Memberships: who joins, in which role, who is found, and that an admin stays."""

import asyncio

import pytest

from tests.sandbox.companies import join, organization, user
from tests.sandbox.rows import set_user, sign_in

pytestmark = pytest.mark.anyio

LAST_ADMIN = (400, "organization_minimum_permissions_needed", None)


@pytest.fixture
async def ada(clerk):
    return await user(clerk, "ada", first_name="Ada", last_name="King", username="adaking")


@pytest.fixture
async def acme(clerk, ada):
    return await organization(clerk, created_by=ada)


async def test_a_member_is_answered_with_role_organization_and_public_data(clerk, acme, clock):
    bob = await user(clerk, "bob", first_name="Bob", username="bobby", banned=True)
    asked = {"user_id": bob, "role": "org:member", "public_metadata": {"desk": 4}, "private_metadata": None}
    answer = await clerk.post(f"/organizations/{acme}/memberships", asked)
    assert answer.pop("id").startswith("orgmem_")
    assert answer["organization"] == await clerk.get(f"/organizations/{acme}")
    image = (await clerk.get(f"/users/{bob}"))["image_url"]
    assert answer == {
        "object": "organization_membership",
        "role": "org:member",
        "role_name": "Member",
        "permissions": ["org:sys_billing:read", "org:sys_memberships:read"],
        "public_metadata": {"desk": 4},
        "private_metadata": {},
        "organization": answer["organization"],
        "public_user_data": {
            "user_id": bob,
            "first_name": "Bob",
            "last_name": None,
            "profile_image_url": image,
            "image_url": image,
            "has_image": False,
            "identifier": "bob@example.com",
            "username": "bobby",
            "banned": True,
            "deprovisioned": False,
        },
        "created_at": clock.now(),
        "updated_at": clock.now(),
    }


async def test_an_admin_has_every_system_permission(clerk, acme):
    (admin,) = (await clerk.get(f"/organizations/{acme}/memberships"))["data"]
    assert admin["role_name"] == "Admin"
    assert "org:sys_memberships:manage" in admin["permissions"]
    assert all(item.startswith("org:sys_") for item in admin["permissions"])


@pytest.mark.parametrize(
    ("person", "identifier"),
    [
        ({"phone_number": ["+15550100001"], "username": "somebody"}, "+15550100001"),
        ({"username": "somebody", "web3_wallet": ["0x" + "ab" * 20]}, "somebody"),
        ({"web3_wallet": ["0x" + "ab" * 20]}, "0x" + "ab" * 20),
        ({"skip_user_requirement": True}, None),
    ],
)
async def test_the_identifier_is_the_first_that_a_user_has(clerk, acme, person, identifier):
    somebody = (await clerk.post("/users", person))["id"]
    assert (await join(clerk, acme, somebody))["public_user_data"]["identifier"] == identifier


async def test_what_cannot_be_joined_is_refused(clerk, acme, ada):
    place, bob = f"/organizations/{acme}/memberships", await user(clerk, "bob")
    for body, refused in (
        ({"user_id": "user_none", "role": "org:member"}, (404, "resource_not_found", None)),
        ({"user_id": bob, "role": "org:none"}, (404, "resource_not_found", "role")),
        ({"user_id": ada, "role": "org:member"}, (400, "already_a_member_in_organization", None)),
        ({"user_id": bob}, (422, "form_param_missing", "role")),
        ({"role": "org:member"}, (422, "form_param_missing", "user_id")),
    ):
        assert await clerk.refused("POST", place, json=body) == refused
    body = {"user_id": bob, "role": "org:member"}
    refused = await clerk.refused("POST", "/organizations/org_none/memberships", json=body)
    assert refused == (404, "resource_not_found", None)


async def test_a_full_organization_takes_nobody_and_open_invitations_count(clerk, ada, clock):
    small = await organization(clerk, "Small", created_by=ada, max_allowed_memberships=2)
    body = {"email_address": "guest@example.com", "role": "org:member", "expires_in_days": 1}
    await clerk.post(f"/organizations/{small}/invitations", body)
    bob = {"user_id": await user(clerk, "bob"), "role": "org:member"}
    place, full = f"/organizations/{small}/memberships", (403, "organization_membership_quota_exceeded", None)
    assert await clerk.refused("POST", place, json=bob) == full
    member = {"user_id": ada, "role": "org:member"}
    already = (400, "already_a_member_in_organization", None)
    assert await clerk.refused("POST", place, json=member) == already
    clock.advance(24 * 3_600_000)
    await clerk.post(place, bob)
    other = {"user_id": await user(clerk, "cy"), "role": "org:member"}
    assert await clerk.refused("POST", place, json=other) == full
    await clerk.patch(f"/organizations/{small}", {"max_allowed_memberships": 0})
    await clerk.post(place, other)


async def test_the_last_place_is_given_away_once(clerk, ada):
    small = await organization(clerk, "Small", created_by=ada, max_allowed_memberships=2)
    people = [{"user_id": await user(clerk, name), "role": "org:member"} for name in ("bob", "cy", "di")]
    place = f"/organizations/{small}/memberships"
    answers = await asyncio.gather(*(clerk.ask("POST", place, json=body) for body in people))
    assert sorted(status for status, _ in answers) == [200, 403, 403]


async def test_a_role_is_changed(clerk, acme, clock):
    bob = await user(clerk, "bob")
    joined = await join(clerk, acme, bob)
    clock.advance(7)
    place = f"/organizations/{acme}/memberships/{bob}"
    promoted = await clerk.patch(place, {"role": "org:admin"})
    assert (promoted["id"], promoted["role"], promoted["role_name"]) == (joined["id"], "org:admin", "Admin")
    assert (promoted["created_at"], promoted["updated_at"]) == (joined["created_at"], clock.now())
    refused = await clerk.refused("PATCH", place, json={"role": "org:none"})
    assert refused == (404, "resource_not_found", "role")


async def test_the_last_admin_can_neither_be_demoted_nor_removed(clerk, acme, ada):
    bob = await user(clerk, "bob")
    await join(clerk, acme, bob)
    place = f"/organizations/{acme}/memberships/{ada}"
    assert await clerk.refused("PATCH", place, json={"role": "org:member"}) == LAST_ADMIN
    assert await clerk.refused("DELETE", place) == LAST_ADMIN
    assert (await clerk.patch(place, {"role": "org:admin"}))["role"] == "org:admin"
    await clerk.patch(f"/organizations/{acme}/memberships/{bob}", {"role": "org:admin"})
    assert (await clerk.patch(place, {"role": "org:member"}))["role"] == "org:member"
    await clerk.delete(place)


async def test_an_admin_of_another_organization_does_not_count(clerk, acme, ada):
    await organization(clerk, "Other", created_by=await user(clerk, "bob"))
    assert await clerk.refused("DELETE", f"/organizations/{acme}/memberships/{ada}") == LAST_ADMIN


async def test_of_two_admins_that_leave_at_once_one_stays(clerk, acme, ada):
    bob = await user(clerk, "bob")
    await join(clerk, acme, bob, "org:admin")
    places = [f"/organizations/{acme}/memberships/{who}" for who in (ada, bob)]
    answers = await asyncio.gather(*(clerk.ask("DELETE", place) for place in places))
    assert sorted(status for status, _ in answers) == [200, 400]


async def test_removing_answers_the_membership_and_ends_its_place_in_sessions(clerk, acme):
    bob = await user(clerk, "bob")
    joined = await join(clerk, acme, bob)
    session = await sign_in(clerk, bob, last_active_organization_id=acme)
    place = f"/organizations/{acme}/memberships/{bob}"
    assert await clerk.delete(place) == joined
    assert (await clerk.get(f"/sessions/{session['id']}"))["last_active_organization_id"] is None
    assert (await clerk.get(f"/users/{bob}"))["id"] == bob
    for method in ("DELETE", "PATCH"):
        refused = await clerk.refused(method, place, json={"role": "org:admin"})
        assert refused == (404, "resource_not_found", None)


async def test_deleting_a_user_ends_memberships(clerk, acme):
    bob = await user(clerk, "bob")
    await join(clerk, acme, bob)
    await clerk.delete(f"/users/{bob}")
    assert (await clerk.get(f"/organizations/{acme}/memberships"))["total_count"] == 1


@pytest.fixture
async def ids(clerk, acme, ada, clock):
    """Three members and a stranger by short name."""
    bob = await clerk.post(
        "/users",
        {
            "email_address": ["zoe@example.com", "bob@example.org"],
            "phone_number": ["+15550100002"],
            "first_name": "Bob",
            "last_name": "Élan",
            "created_at": "2024-01-02T00:00:00Z",
        },
    )
    cy = await clerk.post(
        "/users",
        {
            "phone_number": ["+15550100001"],
            "username": "Cy_100",
            "web3_wallet": ["0x" + "ab" * 20],
            "created_at": "2024-01-03T00:00:00Z",
        },
    )
    await user(clerk, "stranger", first_name="Bob")
    for person, role in ((bob, "org:member"), (cy, "org:admin")):
        clock.advance(1000)
        await join(clerk, acme, person["id"], role)
    await set_user(clerk, ada, last_active_at=500)
    await set_user(clerk, bob["id"], last_active_at=600)
    return {"ada": ada, "bob": bob["id"], "cy": cy["id"]}


@pytest.fixture
def found(clerk, acme, ids):
    """Asks for members; answers their short names."""
    names = {key: name for name, key in ids.items()}

    async def find(query):
        answer = await clerk.get(f"/organizations/{acme}/memberships", query)
        if not {"limit", "offset"} & query.keys():
            assert answer["total_count"] == len(answer["data"])
        return [names[item["public_user_data"]["user_id"]] for item in answer["data"]]

    return find


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ({"email_address": ["BOB@example.org", "ada@example.com", "none@example.com"]}, ["bob", "ada"]),
        ({"phone_number": "+15550100001"}, ["cy"]),
        ({"username": ["cy_100", "ADAKING"]}, ["cy", "ada"]),
        ({"web3_wallet": "0x" + "AB" * 20}, ["cy"]),
        ({"role": "org:member"}, ["bob"]),
        ({"role": ["org:member", "org:admin", "org:none"]}, ["cy", "bob", "ada"]),
        ({"role": "org:none"}, []),
        ({"query": "BOB"}, ["bob"]),
        ({"query": "élan"}, ["bob"]),
        ({"query": "y_1"}, ["cy"]),
        ({"query": "%"}, []),
        ({"email_address_query": "EXAMPLE.O"}, ["bob"]),
        ({"phone_number_query": "0100"}, ["cy", "bob"]),
        ({"username_query": "KING"}, ["ada"]),
        ({"name_query": "da k"}, ["ada"]),
        ({"last_active_at_before": 600}, ["ada"]),
        ({"last_active_at_after": 500}, ["bob"]),
        ({"created_at_before": 1_704_200_000_000}, ["bob"]),
        ({"created_at_after": 1_704_200_000_000}, ["cy", "ada"]),
        ({"limit": 1, "offset": 1}, ["bob"]),
        ({"role": "org:admin", "query": "ada", "email_address": "ada@example.com"}, ["ada"]),
    ],
)
async def test_every_filter(found, query, names):
    assert await found(query) == names


async def test_user_ids_include_and_exclude(found, ids):
    assert await found({"user_id": [ids["ada"], f"+{ids['bob']}"]}) == ["bob", "ada"]
    assert await found({"user_id": f"-{ids['ada']}"}) == ["cy", "bob"]
    assert await found({"user_id": "user_none"}) == []


@pytest.mark.parametrize(
    ("order", "names"),
    [
        ("created_at", ["ada", "bob", "cy"]),
        ("-created_at", ["cy", "bob", "ada"]),
        ("email_address", ["ada", "bob", "cy"]),
        ("-email_address", ["bob", "ada", "cy"]),
        ("phone_number", ["cy", "bob", "ada"]),
        ("+first_name", ["ada", "bob", "cy"]),
        ("-last_name", ["bob", "ada", "cy"]),
        ("-username", ["cy", "ada", "bob"]),
    ],
)
async def test_every_order(found, order, names):
    assert await found({"order_by": order}) == names


async def test_one_membership_is_found_by_its_user(clerk, acme, ids):
    answer = await clerk.get(f"/organizations/{acme}/memberships", {"user_id": ids["cy"]})
    assert [item["role"] for item in answer["data"]] == ["org:admin"]
