"""Role sets: what an organization offers its members, and what becomes of them when that changes."""

import gzip
import json

import pytest
from sqlalchemy import select

from deskclerk.sandbox import KEY
from deskclerk.sandbox.controls.data import Reset, reset, restore, snapshot
from deskclerk.sandbox.controls.instances import AddInstance, add_new_instance
from deskclerk.sandbox.store.tables import outbox
from tests.sandbox.companies import join, organization, user
from tests.sandbox.conftest import Client
from tests.sandbox.organizations.test_roles import role

pytestmark = pytest.mark.anyio

SETS = "/role_sets"
SETTINGS = "/instance/organization_settings"
FIRST = f"{SETS}/role_set:default"
INVALID, NOT_FOUND = "422 form_param_value_invalid", "404 resource_not_found"
UNFIT = "422 organization_missing_creator_role_permissions"


async def role_set(clerk, name="Clinic", roles=("org:admin", "org:member"), **more):
    """A new role set, whose members begin with the last of its roles."""
    body = {"name": name, "roles": list(roles), "creator_role_key": roles[0], "default_role_key": roles[-1]}
    return await clerk.post(SETS, body | more)


def keys(answer):
    return [item["key"] for item in answer["roles"]]


def by_user(members):
    return {item["public_user_data"]["user_id"]: item["role"] for item in members}


async def told(clerk):
    """What webhooks were told so far."""
    async with clerk.sandbox.store.transaction(reads=True) as connection:
        found = await connection.execute(select(outbox.c.payload).order_by(outbox.c.position))
        return [json.loads(text) for text in found.scalars()]


async def test_every_instance_begins_with_one_that_has_both_roles(clerk):
    (found,) = (await clerk.get(SETS))["data"]
    assert found == await clerk.get(FIRST) == await clerk.get(f"{SETS}/{found['id']}")
    assert (found["key"], found["type"], found["role_set_migration"]) == ("role_set:default", "initial", None)
    assert sorted(keys(found)) == ["org:admin", "org:member"]
    assert (found["default_role"]["key"], found["creator_role"]["key"]) == ("org:member", "org:admin")
    settings = await clerk.get(SETTINGS)
    assert (settings["initial_role_set_key"], settings["max_role_sets_allowed"]) == ("role_set:default", 10)


async def test_a_reset_and_a_snapshot_put_it_back(clerk):
    store = clerk.sandbox.store
    await role(clerk, "org:clerk")
    kept = await snapshot(store, None)
    before = await clerk.get(FIRST)
    await reset(store, Reset(instance=KEY))
    assert len((await clerk.get(FIRST))["roles"]) == 2
    await restore(store, kept)
    assert await clerk.get(FIRST) == before


async def test_a_snapshot_of_before_there_were_any_gets_one(clerk):
    acme = await organization(clerk)
    before = await clerk.get(FIRST)
    lines = gzip.decompress(await snapshot(clerk.sandbox.store, None)).decode().splitlines()
    kept, older = True, []
    for line in lines:
        if line.startswith('{"table"'):
            kept = json.loads(line)["table"] not in ("role_sets", "role_set_roles", "sign_ups")
        if kept:
            older.append(line.replace('"role_set:default"', "null"))
    await restore(clerk.sandbox.store, gzip.compress("\n".join(older).encode()))
    found = await clerk.get(FIRST)
    assert found == before | {"id": found["id"]}
    assert (await clerk.get(f"/organizations/{acme}"))["role_set_key"] == "role_set:default"


async def test_organizations_of_the_company_are_in_it_and_their_members_are_counted(company):
    found = await company.get(FIRST)
    members = (await company.get("/organization_memberships"))["total_count"]
    assert sum(item["members_count"] for item in found["roles"]) == members
    assert all(item["has_members"] for item in found["roles"])
    for item in (await company.get("/organizations"))["data"]:
        assert item["role_set_key"] == "role_set:default"


async def test_a_new_role_is_in_the_initial_set_only_when_it_is_asked_for(clerk):
    await role(clerk, "org:clerk", include_in_initial_role_set=False)
    assert "org:clerk" not in keys(await clerk.get(FIRST))
    await role(clerk, "org:greeter")
    assert "org:greeter" in keys(await clerk.get(FIRST))


async def test_members_and_guests_have_only_roles_that_their_organization_offers(clerk):
    ada, bob = await user(clerk, "ada"), await user(clerk, "bob")
    acme = await organization(clerk, created_by=ada)
    await role(clerk, "org:nurse", include_in_initial_role_set=False)
    place, refused = f"/organizations/{acme}", (404, "resource_not_found", "role")
    body = {"user_id": bob, "role": "org:nurse"}
    assert await clerk.refused("POST", f"{place}/memberships", json=body) == refused
    body = {"email_address": "guest@example.com", "role": "org:nurse"}
    assert await clerk.refused("POST", f"{place}/invitations", json=body) == refused
    await join(clerk, acme, bob)
    change = {"role": "org:nurse"}
    assert await clerk.refused("PATCH", f"{place}/memberships/{bob}", json=change) == refused
    await clerk.post(f"{FIRST}/roles", {"role_keys": ["org:nurse"]})
    assert (await clerk.patch(f"{place}/memberships/{bob}", change))["role"] == "org:nurse"
    await clerk.post(f"{place}/invitations", body)


async def test_an_organization_begins_with_the_set_it_names_and_its_role_for_creators(clerk):
    ada = await user(clerk, "ada")
    await role(
        clerk,
        "org:chief",
        "org:sys_memberships:manage",
        "org:sys_memberships:read",
        "org:sys_profile:delete",
        include_in_initial_role_set=False,
    )
    made = await role_set(clerk, roles=("org:chief", "org:member"))
    assert (made["key"], made["type"]) == ("role_set:clinic", "custom")
    clinic = await organization(clerk, "Clinic", created_by=ada, role_set_key=made["key"])
    (member,) = (await clerk.get(f"/organizations/{clinic}/memberships"))["data"]
    assert (member["role"], member["organization"]["role_set_key"]) == ("org:chief", "role_set:clinic")
    other = await clerk.get(f"/organizations/{await organization(clerk, 'Other', created_by=ada)}")
    assert other["role_set_key"] == "role_set:default"


async def test_only_one_set_is_initial_and_new_organizations_get_it(clerk):
    old = await organization(clerk, "Old")
    made = await role_set(clerk, type="initial")
    assert (await clerk.get(FIRST))["type"] == "custom"
    assert (await clerk.get(SETTINGS))["initial_role_set_key"] == made["key"]
    new = await organization(clerk, "New")
    sets = [(await clerk.get(f"/organizations/{key}"))["role_set_key"] for key in (old, new)]
    assert sets == ["role_set:default", made["key"]]
    await clerk.patch(FIRST, {"type": "initial"})
    found = (await clerk.get(SETS, {"order_by": "key"}))["data"]
    assert [item["type"] for item in found] == ["custom", "initial"]


async def test_the_settings_name_the_roles_of_the_initial_set(clerk):
    clerk_role = await role(clerk, "org:clerk", include_in_initial_role_set=False)
    place, body = SETTINGS, {"domains_default_role_id": clerk_role["id"]}
    refused = await clerk.refused("PATCH", place, json=body)
    assert refused == (422, "form_param_value_invalid", "domains_default_role_id")
    await clerk.post(f"{FIRST}/roles", {"role_keys": ["org:clerk"]})
    assert (await clerk.patch(place, body))["domains_default_role"] == "org:clerk"
    assert (await clerk.get(FIRST))["default_role"]["key"] == "org:clerk"
    await clerk.patch(FIRST, {"default_role_key": "org:member"})
    assert (await clerk.get(place))["domains_default_role"] == "org:member"


async def test_a_new_key_goes_along_to_organizations(clerk):
    acme = await organization(clerk)
    await clerk.patch(FIRST, {"key": "role_set:free", "name": "Free", "description": "For all"})
    assert (await clerk.get(f"/organizations/{acme}"))["role_set_key"] == "role_set:free"
    found = await clerk.get(f"{SETS}/role_set:free")
    assert (found["name"], found["description"]) == ("Free", "For all")
    await clerk.patch(f"{SETS}/role_set:free", {"description": None, "name": None})
    assert (await clerk.get(f"{SETS}/role_set:free"))["description"] is None
    assert await clerk.refused("GET", FIRST) == (404, "resource_not_found", None)


async def test_a_key_is_made_of_the_name_where_none_is_given(clerk):
    first, second = await role_set(clerk, "Große Praxis!"), await role_set(clerk, "große praxis")
    assert first["key"] == "role_set:groe_praxis"
    assert second["key"].startswith("role_set:groe_praxis_")
    assert (await role_set(clerk, "院"))["key"] == "role_set:roles"


async def test_sets_are_found_by_id_part_of_name_or_key(clerk):
    made = await role_set(clerk, "Clinic", key="role_set:hospital")
    for text in (made["id"], "CLIN", "hospi"):
        assert [item["id"] for item in (await clerk.get(SETS, {"query": text}))["data"]] == [made["id"]]
    page = await clerk.get(SETS, {"order_by": "-name", "limit": 1, "offset": 1})
    assert ([item["name"] for item in page["data"]], page["total_count"]) == (["Clinic"], 2)


async def test_a_role_that_is_in_a_set_already_is_added_once(clerk):
    await role(clerk, "org:nurse", include_in_initial_role_set=False)
    body = {"role_keys": ["org:member", "org:nurse", "org:nurse"], "default_role_key": "org:nurse"}
    answer = await clerk.post(f"{FIRST}/roles", body)
    assert sorted(keys(answer)) == ["org:admin", "org:member", "org:nurse"]
    assert answer["default_role"]["key"] == "org:nurse"


async def test_taking_a_role_out_gives_its_members_and_guests_the_other(clerk):
    ada, bob = await user(clerk, "ada"), await user(clerk, "bob")
    await role(clerk, "org:nurse")
    acme = await organization(clerk, created_by=ada)
    other = await organization(clerk, "Other", created_by=ada)
    await role_set(clerk, roles=("org:admin", "org:nurse"))
    await clerk.patch(f"/organizations/{other}", {"role_set_key": "role_set:clinic"})
    for place in (acme, other):
        await join(clerk, place, bob, "org:nurse")
        body = {"email_address": "guest@example.com", "role": "org:nurse"}
        await clerk.post(f"/organizations/{place}/invitations", body)
    body = {"role_key": "org:nurse", "to_role_key": "org:member"}
    answer = await clerk.post(f"{FIRST}/roles/replace", body)
    assert sorted(keys(answer)) == ["org:admin", "org:member"]
    for place, expected in ((acme, "org:member"), (other, "org:nurse")):
        members = (await clerk.get(f"/organizations/{place}/memberships", {"user_id": bob}))["data"]
        guests = (await clerk.get(f"/organizations/{place}/invitations"))["data"]
        assert [item["role"] for item in (*members, *guests)] == [expected, expected]


async def test_an_invitation_that_is_over_keeps_its_role(clerk):
    await role(clerk, "org:nurse")
    place = f"/organizations/{await organization(clerk)}/invitations"
    sent = await clerk.post(place, {"email_address": "guest@example.com", "role": "org:nurse"})
    await clerk.post(f"{place}/{sent['id']}/revoke", {})
    await clerk.post(f"{FIRST}/roles/replace", {"role_key": "org:nurse", "to_role_key": "org:member"})
    assert (await clerk.get(f"{place}/{sent['id']}"))["role"] == "org:nurse"


async def test_a_role_for_newcomers_that_is_taken_out_leaves_that_to_the_other(clerk):
    await role(clerk, "org:nurse")
    body = {"role_key": "org:member", "to_role_key": "org:nurse"}
    assert (await clerk.post(f"{FIRST}/roles/replace", body))["default_role"]["key"] == "org:nurse"
    body = {"role_key": "org:admin", "to_role_key": "org:nurse"}
    refused = await clerk.refused("POST", f"{FIRST}/roles/replace", json=body)
    assert refused == (422, "organization_missing_creator_role_permissions", None)


async def test_organizations_of_a_replaced_set_move_with_their_members(clerk):
    ada, bob = await user(clerk, "ada"), await user(clerk, "bob")
    await role(clerk, "org:nurse", include_in_initial_role_set=False)
    made = await role_set(clerk, roles=("org:admin", "org:nurse"))
    clinic = await organization(clerk, "Clinic", created_by=ada, role_set_key=made["key"])
    await join(clerk, clinic, bob, "org:nurse")
    place, body = f"{SETS}/{made['id']}/replace", {"dest_role_set_key": "role_set:default"}
    missing = (422, "organization_role_set_reassignment_mappings_missing", None)
    assert await clerk.refused("POST", place, json=body) == missing
    for wrong in ({"org:nurse": "org:nurse"}, {"org:none": "org:member"}, {"org:nurse": 7}):
        refused = await clerk.refused("POST", place, json=body | {"reassignment_mappings": wrong})
        assert refused == (
            422,
            "organization_role_set_reassignment_mappings_invalid",
            "reassignment_mappings",
        )
    answer = await clerk.post(place, body | {"reassignment_mappings": {"org:nurse": "org:member"}})
    assert answer == {"object": "role_set", "id": made["id"], "deleted": True}
    members = (await clerk.get(f"/organizations/{clinic}/memberships"))["data"]
    assert by_user(members) == {ada: "org:admin", bob: "org:member"}
    assert {item["organization"]["role_set_key"] for item in members} == {"role_set:default"}
    assert await clerk.refused("GET", f"{SETS}/{made['id']}") == (404, "resource_not_found", None)


async def test_roles_that_take_each_others_place_do_not_become_one(clerk):
    ada, bob = await user(clerk, "ada"), await user(clerk, "bob")
    acme = await organization(clerk, created_by=ada)
    await join(clerk, acme, bob)
    made = await role_set(clerk)
    body = {"org:admin": "org:member", "org:member": "org:admin"}
    await clerk.post(f"{FIRST}/replace", {"dest_role_set_key": made["key"], "reassignment_mappings": body})
    members = (await clerk.get(f"/organizations/{acme}/memberships"))["data"]
    assert by_user(members) == {ada: "org:member", bob: "org:admin"}


async def test_what_replaces_the_initial_set_is_initial(clerk):
    made = await role_set(clerk)
    await clerk.post(f"{FIRST}/replace", {"dest_role_set_key": made["key"]})
    (only,) = (await clerk.get(SETS))["data"]
    assert (only["id"], only["type"]) == (made["id"], "initial")
    assert (await clerk.get(SETTINGS))["initial_role_set_key"] == made["key"]


async def test_webhooks_hear_of_every_organization_and_member_that_moves(clerk):
    ada, bob = await user(clerk, "ada"), await user(clerk, "bob")
    acme = await organization(clerk, created_by=ada)
    await join(clerk, acme, bob)
    made = await role_set(clerk)
    before = len(await told(clerk))
    mapping = {"org:member": "org:admin"}
    await clerk.post(f"{FIRST}/replace", {"dest_role_set_key": made["key"], "reassignment_mappings": mapping})
    first, second = (await told(clerk))[before:]
    assert (first["type"], first["data"]["id"]) == ("organization.updated", acme)
    assert first["data"]["role_set_key"] == made["key"]
    assert (second["type"], second["data"]["role"]) == ("organizationMembership.updated", "org:admin")
    assert second["data"]["organization"]["role_set_key"] == made["key"]


async def test_an_organization_changes_to_a_set_only_if_that_offers_what_its_members_have(clerk):
    ada, bob = await user(clerk, "ada"), await user(clerk, "bob")
    acme = await organization(clerk, created_by=ada)
    await join(clerk, acme, bob)
    await role(clerk, "org:nurse")
    await role_set(clerk, roles=("org:admin", "org:nurse"))
    body = {"role_set_key": "role_set:clinic"}
    refused = await clerk.refused("PATCH", f"/organizations/{acme}", json=body)
    assert refused == (422, "organization_role_set_reassignment_mappings_missing", None)
    await clerk.patch(f"/organizations/{acme}/memberships/{bob}", {"role": "org:nurse"})
    assert (await clerk.patch(f"/organizations/{acme}", body))["role_set_key"] == "role_set:clinic"
    await clerk.patch(f"/organizations/{acme}", {"role_set_key": None})
    assert (await clerk.get(f"/organizations/{acme}"))["role_set_key"] == "role_set:clinic"


async def test_a_role_that_a_set_gives_to_newcomers_is_not_deleted(clerk):
    made = await role(clerk, "org:nurse", include_in_initial_role_set=False)
    place = f"/organization_roles/{made['id']}"
    clinic = await role_set(clerk, roles=("org:admin", "org:nurse"))
    refused = await clerk.refused("DELETE", place)
    assert refused == (422, "organization_role_domain_default_role", None)
    await clerk.patch(f"{SETS}/{clinic['id']}", {"default_role_key": "org:admin"})
    await clerk.delete(place)
    assert keys(await clerk.get(f"{SETS}/{clinic['id']}")) == ["org:admin"]


async def test_a_role_of_any_sets_creators_keeps_what_creators_need(clerk):
    permissions = ("org:sys_memberships:manage", "org:sys_memberships:read", "org:sys_profile:delete")
    chief = await role(clerk, "org:chief", *permissions, include_in_initial_role_set=False)
    await role_set(clerk, roles=("org:chief",))
    place, missing = f"/organization_roles/{chief['id']}", "organization_missing_creator_role_permissions"
    assert await clerk.refused("PATCH", place, json={"permissions": []}) == (422, missing, None)
    assert await clerk.refused("DELETE", place) == (422, "organization_role_default_creator_role", None)


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"roles": []}, (422, "form_param_value_invalid", "roles")),
        ({"roles": ["org:admin"] * 11}, (422, "form_param_array_size_exceeded", "roles")),
        ({"roles": ["org:admin", "org:none"]}, (404, "resource_not_found", "roles")),
        ({"default_role_key": "org:none"}, (422, "form_param_value_invalid", "default_role_key")),
        ({"creator_role_key": "org:member"}, (422, "organization_missing_creator_role_permissions", None)),
        ({"key": "clinic"}, (422, "form_param_format_invalid", "key")),
        ({"key": "role_set:Clinic"}, (422, "form_param_format_invalid", "key")),
        ({"key": "role_set:default"}, (422, "form_identifier_exists", "key")),
        ({"name": ""}, (422, "form_param_min_length_exceeded", "name")),
        ({"type": "second"}, (422, "form_param_value_invalid", "type")),
    ],
)
async def test_what_is_no_role_set_is_refused(shared, change, expected):
    body = {
        "name": "Clinic",
        "roles": ["org:admin", "org:member"],
        "default_role_key": "org:member",
        "creator_role_key": "org:admin",
    }
    assert await shared.refused("POST", SETS, json=body | change) == expected


@pytest.mark.parametrize(
    ("request_line", "body", "expected"),
    [
        (f"PATCH {FIRST}", {"default_role_key": "org:none"}, INVALID),
        (f"PATCH {FIRST}", {"creator_role_key": "org:member"}, UNFIT),
        (f"PATCH {SETS}/role_set_none", {"name": "Mine"}, NOT_FOUND),
        (f"POST {FIRST}/roles", {"role_keys": []}, INVALID),
        (f"POST {FIRST}/roles", {"role_keys": ["org:none"]}, NOT_FOUND),
        (f"POST {FIRST}/roles", {"role_keys": ["org:member"], "default_role_key": "org:admin"}, INVALID),
        (f"POST {FIRST}/roles/replace", {"role_key": "org:none", "to_role_key": "org:admin"}, NOT_FOUND),
        (f"POST {FIRST}/roles/replace", {"role_key": "org:admin", "to_role_key": "org:none"}, NOT_FOUND),
        (f"POST {FIRST}/roles/replace", {"role_key": "org:admin", "to_role_key": "org:admin"}, INVALID),
        (f"POST {FIRST}/roles/replace", {"role_key": "org:admin", "to_role_key": "org:member"}, UNFIT),
        (f"POST {FIRST}/replace", {"dest_role_set_key": "role_set:default"}, INVALID),
        (f"POST {FIRST}/replace", {"dest_role_set_key": "role_set:none"}, "422 form_resource_not_found"),
        (f"POST {SETS}/role_set_none/replace", {"dest_role_set_key": "role_set:default"}, NOT_FOUND),
    ],
)
async def test_what_cannot_be_changed_so_is_refused(shared, request_line, body, expected):
    status, code, _ = await shared.refused(*request_line.split(), json=body)
    assert f"{status} {code}" == expected


async def test_an_instance_has_ten_role_sets_at_most(clerk):
    for number in range(9):
        await role_set(clerk, f"Set {number}")
    body = {
        "name": "One more",
        "roles": ["org:admin"],
        "default_role_key": "org:admin",
        "creator_role_key": "org:admin",
    }
    refused = await clerk.refused("POST", SETS, json=body)
    assert refused == (403, "organization_instance_role_sets_quota_exceeded", None)


async def test_what_moves_in_one_instance_moves_in_no_other(clerk):
    made = await add_new_instance(clerk.sandbox.store, AddInstance(slug="second"))
    second = Client(clerk.sandbox)
    second.http.headers["Authorization"] = f"Bearer {made['secret_key']}"
    async with second.http:
        places = []
        for each in (clerk, second):
            ada, bob = await user(each, "ada"), await user(each, "bob")
            places.append(await organization(each, created_by=ada))
            await join(each, places[-1], bob)
        mine = await role_set(clerk)
        assert await second.refused("GET", f"{SETS}/{mine['id']}") == (404, "resource_not_found", None)
        assert (await second.get(SETS))["total_count"] == 1
        counts = {item["key"]: item["members_count"] for item in (await second.get(FIRST))["roles"]}
        assert counts == {"org:admin": 1, "org:member": 1}
        body = {"dest_role_set_key": mine["key"], "reassignment_mappings": {"org:member": "org:admin"}}
        await clerk.post(f"{FIRST}/replace", body)
        theirs = (await second.get(f"/organizations/{places[1]}/memberships"))["data"]
        assert sorted(item["role"] for item in theirs) == ["org:admin", "org:member"]
        assert {item["organization"]["role_set_key"] for item in theirs} == {"role_set:default"}
