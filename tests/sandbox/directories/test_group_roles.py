"""Roles that groups of a directory give: their order, what replaces what, and what goes with what."""

import asyncio

import pytest

from deskclerk.sandbox.controls.instances import AddInstance, add_new_instance
from deskclerk.sandbox.store.tables import directory_group_roles
from tests.sandbox.directories.connecting import connect

pytestmark = pytest.mark.anyio

FAMILIES = [("directories", "directory_group"), ("scim_directories", "scim_group")]
each = pytest.mark.parametrize(("family", "group"), FAMILIES)


@pytest.fixture
async def roles(clerk):
    """The ids of roles by their keys."""
    return {role["key"]: role["id"] for role in (await clerk.get("/organization_roles"))["data"]}


@pytest.fixture
async def member(roles):
    return roles["org:member"]


async def make(clerk, family="directories", of="acme", *, on=True, **more):
    """Where the roles of a new directory's groups are; `of` is what its connection is called."""
    body = {"enterprise_connection_id": await connect(clerk, of), "provider": "okta", **more}
    place = f"/{family}/{(await clerk.post(f'/{family}', body))['id']}"
    if on:
        await clerk.patch(place, {"group_role_mapping_enabled": True})
    return f"{place}/group_role_mappings"


async def listed(clerk, place):
    """The groups and their precedence, in the order of the list."""
    found = await clerk.get(place)
    assert found["total_count"] == len(found["data"])
    return [(item["directory_group_id"], item["precedence"]) for item in found["data"]]


async def put(clerk, place, mappings):
    status, answer = await clerk.ask("PUT", place, json={"mappings": mappings})
    assert status == 200, answer
    return answer


@each
async def test_a_mapping_has_its_role_and_all_ids_under_both_names(clerk, clock, roles, family, group):
    place = await make(clerk, family)
    made = await clerk.post(place, {f"{group}_id": "g-1", "role_id": roles["org:admin"]})
    directory = place.split("/")[2]
    assert made.pop("role") == await clerk.get(f"/organization_roles/{roles['org:admin']}")
    assert made == {
        "object": f"{group}_role_mapping",
        "id": made["id"],
        "directory_id": directory,
        "scim_directory_id": directory,
        "directory_group_id": "g-1",
        "scim_group_id": "g-1",
        "directory_group_display_name": "",
        "scim_group_display_name": "",
        "precedence": 1,
        "created_at": clock.now(),
        "updated_at": clock.now(),
    }


@each
async def test_a_directory_can_begin_with_mappings_and_then_has_them_on(clerk, member, family, group):
    given = [
        {f"{group}_id": "g-1", "role_id": member, "precedence": 7, f"{group}_display_name": "Staff"},
        {f"{group}_id": "g-2", "role_id": member},
        {f"{group}_id": "g-3", "role_id": member},
    ]
    place = await make(clerk, family, on=False, group_role_mappings=given)
    assert (await clerk.get(place.removesuffix("/group_role_mappings")))["group_role_mapping_enabled"]
    assert await listed(clerk, place) == [("g-2", 2), ("g-3", 3), ("g-1", 7)]
    last = (await clerk.get(place))["data"][-1]
    assert {last[f"{name}_display_name"] for _, name in FAMILIES} == {"Staff"}
    plain = await make(clerk, family, "second", on=False, group_role_mappings=[])
    assert not (await clerk.get(plain.removesuffix("/group_role_mappings")))["group_role_mapping_enabled"]


async def test_a_refused_mapping_leaves_no_directory(clerk, member):
    body = {"enterprise_connection_id": await connect(clerk), "provider": "okta"}
    given = [{"scim_group_id": "g-1", "role_id": member}, {"scim_group_id": "g-2", "role_id": "role_none"}]
    refused = await clerk.refused("POST", "/directories", json=body | {"group_role_mappings": given})
    assert refused == (422, "form_resource_not_found", "group_role_mappings.role_id")
    assert await clerk.get("/directories") == {"data": [], "total_count": 0}


async def test_a_mapping_comes_after_the_last_one_if_nothing_else_is_said(clerk, clock, member):
    place = await make(clerk)
    for name, more in (("g-1", {}), ("g-2", {"precedence": 5}), ("g-3", {}), ("g-4", {"precedence": 1})):
        clock.advance(1000)
        await clerk.post(place, {"scim_group_id": name, "role_id": member, **more})
    assert await listed(clerk, place) == [("g-1", 1), ("g-4", 1), ("g-2", 5), ("g-3", 6)]


async def test_after_the_highest_precedence_there_is_none(clerk, member):
    place = await make(clerk)
    await clerk.post(place, {"scim_group_id": "g-1", "role_id": member, "precedence": 2**31 - 1})
    refused = await clerk.refused("POST", place, json={"scim_group_id": "g-2", "role_id": member})
    assert refused == (422, "form_param_value_invalid", "precedence")


async def test_a_group_gives_one_role(clerk, roles):
    place = await make(clerk)
    await clerk.post(place, {"directory_group_id": "g-1", "role_id": roles["org:member"]})
    again = {"scim_group_id": "g-1", "role_id": roles["org:admin"]}
    assert await clerk.refused("POST", place, json=again) == (
        422,
        "form_identifier_exists",
        "directory_group_id",
    )
    old = place.replace("/directories", "/scim_directories")
    assert (await clerk.refused("POST", old, json=again))[2] == "scim_group_id"
    elsewhere = await make(clerk, of="second")
    await clerk.post(elsewhere, again)
    assert (await clerk.get(place))["data"][0]["role"]["key"] == "org:member"


async def test_of_requests_at_once_for_one_group_one_is_carried_out(clerk, member):
    place, body = await make(clerk), {"directory_group_id": "g-1", "role_id": member}
    answers = await asyncio.gather(*(clerk.ask("POST", place, json=body) for _ in range(4)))
    assert sorted(status for status, _ in answers) == [200, 422, 422, 422]
    assert await listed(clerk, place) == [("g-1", 1)]


async def test_names_that_differ_are_refused_and_equal_ones_are_one(clerk, member):
    place = await make(clerk)
    body = {"directory_group_id": "g-1", "scim_group_id": "g-2", "role_id": member}
    assert await clerk.refused("POST", place, json=body) == (
        422,
        "form_param_value_conflict",
        "directory_group_id",
    )
    await clerk.post(place, body | {"scim_group_id": "g-1"})
    assert await clerk.refused("POST", place, json={"role_id": member}) == (
        422,
        "form_param_missing",
        "directory_group_id",
    )


@each
async def test_a_replacement_is_ordered_as_it_is_given_and_keeps_what_groups_are_called(
    clerk, roles, family, group
):
    called = [{f"{group}_id": "g-1", f"{group}_display_name": "Staff", "role_id": roles["org:member"]}]
    place = await make(clerk, family, group_role_mappings=called)
    (before,) = (await clerk.get(place))["data"]
    given = [{f"{group}_id": name, "role_id": roles["org:admin"]} for name in ("g-2", "g-1")]
    answer = await put(clerk, place, given)
    assert answer == await clerk.get(place)
    assert await listed(clerk, place) == [("g-2", 1), ("g-1", 2)]
    assert [item["scim_group_display_name"] for item in answer["data"]] == ["", "Staff"]
    assert {item["role"]["key"] for item in answer["data"]} == {"org:admin"}
    assert before["id"] not in {item["id"] for item in answer["data"]}
    assert await put(clerk, place, []) == {"data": [], "total_count": 0}


async def test_a_refused_replacement_replaces_nothing(clerk, member):
    place = await make(clerk, group_role_mappings=[{"scim_group_id": "g-1", "role_id": member}])
    twice = [{"scim_group_id": "g-2", "role_id": member}, {"directory_group_id": "g-2", "role_id": member}]
    refused = (422, "form_param_duplicate", "mappings.directory_group_id")
    assert await clerk.refused("PUT", place, json={"mappings": twice}) == refused
    assert await listed(clerk, place) == [("g-1", 1)]


async def test_a_replacement_leaves_those_of_other_directories(clerk, member):
    given = [{"scim_group_id": "g-1", "role_id": member}]
    place = await make(clerk, group_role_mappings=given)
    other = await make(clerk, of="second", group_role_mappings=given)
    await put(clerk, place, [])
    assert (await listed(clerk, place), await listed(clerk, other)) == ([], [("g-1", 1)])


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"directory_group_id": ""}, "form_param_missing directory_group_id"),
        ({"directory_group_id": "g" * 256}, "form_param_max_length_exceeded directory_group_id"),
        ({"role_id": "org:member"}, "form_resource_not_found role_id"),
        ({"precedence": 0}, "form_param_value_invalid precedence"),
        ({"precedence": 2**31}, "form_param_value_invalid precedence"),
        ({"directory_group_display_name": "Staff"}, "form_param_unknown directory_group_display_name"),
    ],
)
async def test_what_is_no_mapping_is_refused(clerk, member, change, expected):
    place, body = await make(clerk), {"directory_group_id": "g-1", "role_id": member, **change}
    status, code, param = await clerk.refused("POST", place, json=body)
    assert (status, f"{code} {param}") == (422, expected)
    assert await listed(clerk, place) == []


async def test_a_role_of_another_instance_is_none(clerk, member):
    await add_new_instance(clerk.sandbox.store, AddInstance(secret_key="sk_test_other"))
    theirs = {"headers": {"Authorization": "Bearer sk_test_other"}}
    body = {"enterprise_connection_id": await connect(clerk, **theirs), "provider": "okta"}
    body["group_role_mappings"] = [{"scim_group_id": "g-1", "role_id": member}]
    refused = (422, "form_resource_not_found", "group_role_mappings.role_id")
    assert await clerk.refused("POST", "/directories", json=body, **theirs) == refused


async def test_a_deleted_mapping_is_gone_and_the_others_stay_where_they_are(clerk, member):
    place = await make(clerk)
    ids = [
        (await clerk.post(place, {"scim_group_id": name, "role_id": member}))["id"]
        for name in ("g-1", "g-2", "g-3")
    ]
    one = f"{place}/{ids[1]}"
    elsewhere = await make(clerk, of="second")
    absent = (404, "resource_not_found", None)
    assert await clerk.refused("DELETE", f"{elsewhere}/{ids[1]}") == absent
    gone = {"object": "directory_group_role_mapping", "id": ids[1], "deleted": True}
    assert await clerk.delete(one) == gone
    assert await clerk.refused("DELETE", one) == absent
    assert await listed(clerk, place) == [("g-1", 1), ("g-3", 3)]


@each
async def test_where_mapping_is_off_mappings_are_read_only(clerk, member, family, group):
    place = await make(clerk, family)
    made = await clerk.post(place, {f"{group}_id": "g-1", "role_id": member})
    await clerk.patch(place.removesuffix("/group_role_mappings"), {"group_role_mapping_enabled": False})
    off = (400, "feature_not_enabled", None)
    new = {f"{group}_id": "g-2", "role_id": member}
    assert await clerk.refused("POST", place, json=new) == off
    assert await clerk.refused("PUT", place, json={"mappings": []}) == off
    assert await clerk.refused("DELETE", f"{place}/{made['id']}") == off
    assert await listed(clerk, place) == [("g-1", 1)]


async def test_mappings_go_with_their_role_and_with_their_directory(clerk, member):
    made = await clerk.post("/organization_roles", {"name": "Clerk", "key": "org:clerk", "permissions": []})
    place = await make(clerk)
    await clerk.post(place, {"scim_group_id": "g-1", "role_id": made["id"]})
    await clerk.post(place, {"scim_group_id": "g-2", "role_id": member})
    await clerk.delete(f"/organization_roles/{made['id']}")
    assert await listed(clerk, place) == [("g-2", 2)]
    await clerk.delete(place.removesuffix("/group_role_mappings"))
    async with clerk.sandbox.store.transaction(reads=True) as connection:
        assert (await connection.execute(directory_group_roles.select())).all() == []
