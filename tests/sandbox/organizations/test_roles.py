"""Roles and permissions of the instance's own: they count wherever a role does."""

import pytest

from tests.sandbox.companies import join, organization, user

pytestmark = pytest.mark.anyio

LAST = (400, "organization_minimum_permissions_needed", None)


async def role(clerk, key, *permissions, **more):
    known = (await clerk.get("/organization_permissions", {"limit": 100}))["data"]
    ids = [item["id"] for item in known if item["key"] in permissions]
    body = {"name": key, "key": key, "permissions": ids, "include_in_initial_role_set": True}
    return await clerk.post("/organization_roles", body | more)


MINIMUM = ("org:sys_memberships:manage", "org:sys_memberships:read", "org:sys_profile:delete")


async def test_a_member_has_the_permissions_of_a_role_of_ones_own(clerk):
    ada = await user(clerk, "ada")
    bob = await user(clerk, "bob")
    acme = await organization(clerk, created_by=ada)
    own = await clerk.post("/organization_permissions", {"name": "Send", "key": "org:invoices:send"})
    made = await role(clerk, "org:clerk", own["key"], name="Clerk")
    place = f"/organizations/{acme}/memberships"
    member = await clerk.post(place, {"user_id": bob, "role": "org:clerk"})
    assert (member["role_name"], member["permissions"]) == ("Clerk", ["org:invoices:send"])
    read = next(
        item["id"]
        for item in (await clerk.get("/organization_permissions", {"query": "Read members"}))["data"]
    )
    await clerk.post(f"/organization_roles/{made['id']}/permissions/{read}")
    assert (await clerk.get(place, {"user_id": bob}))["data"][0]["permissions"] == [
        "org:invoices:send",
        "org:sys_memberships:read",
    ]
    await clerk.delete(f"/organization_permissions/{own['id']}")
    assert (await clerk.get(place, {"user_id": bob}))["data"][0]["permissions"] == [
        "org:sys_memberships:read"
    ]


async def test_the_last_member_with_the_minimum_stays_whatever_the_role_is_called(clerk):
    ada = await user(clerk, "ada")
    bob = await user(clerk, "bob")
    acme = await organization(clerk, created_by=ada)
    await role(clerk, "org:owner", *MINIMUM)
    await role(clerk, "org:greeter", MINIMUM[0])  # a part of the minimum is not enough
    await join(clerk, acme, bob, "org:greeter")
    place = f"/organizations/{acme}/memberships"
    assert await clerk.refused("DELETE", f"{place}/{ada}") == LAST
    await clerk.patch(f"{place}/{ada}", {"role": "org:owner"})
    assert await clerk.refused("PATCH", f"{place}/{ada}", json={"role": "org:member"}) == LAST
    await clerk.patch(f"{place}/{bob}", {"role": "org:owner"})
    await clerk.delete(f"{place}/{ada}")
    flag = "include_missing_member_with_elevated_permissions"
    found = await clerk.get(f"/organizations/{acme}", {flag: "true"})
    assert found["missing_member_with_elevated_permissions"] is False


async def test_only_a_role_that_manages_members_invites(clerk):
    ada = await user(clerk, "ada")
    bob = await user(clerk, "bob")
    acme = await organization(clerk, created_by=ada)
    inviter = await role(clerk, "org:greeter", "org:sys_memberships:manage")
    await join(clerk, acme, bob, "org:greeter")
    body = {"email_address": "guest@example.com", "role": "org:greeter", "inviter_user_id": bob}
    sent = await clerk.post(f"/organizations/{acme}/invitations", body)
    assert sent["role_name"] == "org:greeter"
    (permission,) = inviter["permissions"]
    await clerk.delete(f"/organization_roles/{inviter['id']}/permissions/{permission['id']}")
    refused = await clerk.refused(
        "POST", f"/organizations/{acme}/invitations", json=body | {"email_address": "b@example.com"}
    )
    assert refused == (403, "missing_organization_permission", None)


async def test_a_new_key_goes_along_to_members_invitations_and_settings(clerk):
    ada = await user(clerk, "ada")
    owner = await role(clerk, "org:owner", *MINIMUM)
    settings = "/instance/organization_settings"
    await clerk.patch(settings, {"creator_role_id": owner["id"]})
    acme = await organization(clerk, created_by=ada)
    await clerk.post(
        f"/organizations/{acme}/invitations", {"email_address": "g@example.com", "role": "org:owner"}
    )
    await clerk.patch(f"/organization_roles/{owner['id']}", {"key": "org:boss", "name": "Boss"})
    (member,) = (await clerk.get(f"/organizations/{acme}/memberships"))["data"]
    (invited,) = (await clerk.get(f"/organizations/{acme}/invitations"))["data"]
    assert [(item["role"], item["role_name"]) for item in (member, invited)] == [("org:boss", "Boss")] * 2
    assert (await clerk.get(settings))["creator_role"] == "org:boss"


async def test_a_role_in_use_is_not_deleted(clerk):
    ada = await user(clerk, "ada")
    bob = await user(clerk, "bob")
    acme = await organization(clerk, created_by=ada)
    made = await role(clerk, "org:clerk")
    place = f"/organization_roles/{made['id']}"
    await join(clerk, acme, bob, "org:clerk")
    assert await clerk.refused("DELETE", place) == (422, "organization_role_assigned_members", None)
    await clerk.patch(f"/organizations/{acme}/memberships/{bob}", {"role": "org:member"})
    await clerk.post(
        f"/organizations/{acme}/invitations", {"email_address": "g@example.com", "role": "org:clerk"}
    )
    assert await clerk.refused("DELETE", place) == (422, "organization_role_exists_in_invitations", None)
    await clerk.delete(f"/organizations/{acme}")
    assert (await clerk.delete(place))["deleted"] is True
    refused = await clerk.refused("DELETE", place)
    assert refused == (404, "resource_not_found", None)


async def test_an_instance_has_ten_roles_at_most(clerk):
    for number in range(8):
        await role(clerk, f"org:role_{number}")
    refused = await clerk.refused("POST", "/organization_roles", json={"name": "No", "key": "org:no"})
    assert refused == (403, "organization_instance_roles_quota_exceeded", None)


async def test_roles_and_permissions_are_found_by_id_part_of_name_or_key(clerk):
    made = await role(clerk, "org:night_desk", name="Night desk", description="After ten")
    for text in (made["id"], "NIGHT", "org:night"):
        found = await clerk.get("/organization_roles", {"query": text})
        assert [item["key"] for item in found["data"]] == ["org:night_desk"]
    keys = [item["key"] for item in (await clerk.get("/organization_roles", {"order_by": "key"}))["data"]]
    assert keys == ["org:admin", "org:member", "org:night_desk"]
    found = await clerk.get("/organization_permissions", {"query": "sys_dom", "order_by": "-key"})
    assert [item["key"] for item in found["data"]] == ["org:sys_domains:read", "org:sys_domains:manage"]
