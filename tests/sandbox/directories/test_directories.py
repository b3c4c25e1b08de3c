"""Directories under both of their names: what stands in them, and their keys."""

import asyncio
import hashlib
import re

import pytest

from deskclerk.sandbox.controls.instances import AddInstance, add_new_instance
from deskclerk.sandbox.store.tables import directories
from tests.sandbox.companies import organization
from tests.sandbox.directories.connecting import connect

pytestmark = pytest.mark.anyio

BOTH = {"directories": "directory", "scim_directories": "scim_directory"}
ATTRIBUTE = {"name": "Level", "key": "level", "directory_path": "urn:level", "multi_valued": True}
each = pytest.mark.parametrize("name", BOTH)


async def make(clerk, connection_id=None, *, under="directories", **more):
    """A new directory; of a new connection if none is given."""
    key = connection_id or await connect(clerk)
    return await clerk.post(f"/{under}", {"enterprise_connection_id": key, "provider": "okta", **more})


@each
async def test_a_new_directory_is_off_and_shows_its_key_once(clerk, clock, name):
    connection_id = await connect(clerk)
    made = await make(clerk, connection_id, under=name)
    api_key = made.pop("api_key")
    assert re.fullmatch(r"ak_[0-9a-f]{32}", api_key)
    assert re.fullmatch(r"scim_\w{27}", made["id"])
    assert made == {
        "object": BOTH[name],
        "id": made["id"],
        "name": "Acme",
        "enterprise_connection_id": connection_id,
        "endpoint_url": made["endpoint_url"],
        "provider": "okta",
        "enabled": False,
        "group_role_mapping_enabled": False,
        "attribute_mapping": {},
        "custom_attributes": [],
        "created_at": clock.now(),
        "updated_at": clock.now(),
    }
    assert await clerk.get(f"/{name}/{made['id']}") == made
    assert (await clerk.get(f"/{name}"))["data"] == [made]


@each
async def test_a_directory_is_the_same_one_under_its_other_name(clerk, name):
    (other,) = BOTH.keys() - {name}
    made = await make(clerk, under=name)
    del made["api_key"]
    assert await clerk.get(f"/{other}/{made['id']}") == made | {"object": BOTH[other]}
    await clerk.patch(f"/{other}/{made['id']}", {"name": "Acme"})
    assert (await clerk.get(f"/{name}/{made['id']}"))["name"] == "Acme"
    gone = await clerk.delete(f"/{other}/{made['id']}")
    assert gone == {"object": BOTH[other], "id": made["id"], "deleted": True}
    assert await clerk.get(f"/{name}") == {"data": [], "total_count": 0}


async def test_no_key_is_kept_as_it_is(clerk):
    made = await make(clerk)
    rotated = await clerk.post(f"/directories/{made['id']}/rotate_api_key")
    async with clerk.sandbox.store.transaction(reads=True) as connection:
        kept = str((await connection.execute(directories.select())).all())
    assert made["id"] in kept
    assert hashlib.sha256(rotated["api_key"].encode()).hexdigest() in kept
    assert made["api_key"] not in kept
    assert rotated["api_key"] not in kept


@each
async def test_a_rotation_gives_a_new_key_and_shows_it_once(clerk, clock, name):
    made = await make(clerk, under=name)
    clock.advance(1000)
    rotated = await clerk.post(f"/{name}/{made['id']}/rotate_api_key")
    assert rotated["api_key"] != made["api_key"]
    assert rotated["updated_at"] == made["updated_at"] + 1000
    assert "api_key" not in await clerk.get(f"/{name}/{made['id']}")
    assert "api_key" not in await clerk.patch(f"/{name}/{made['id']}", {"enabled": True})


async def test_directories_are_listed_from_the_newest(clerk, clock):
    ids = []
    for number in range(3):
        ids.insert(0, (await make(clerk, await connect(clerk, f"acme-{number}")))["id"])
        clock.advance(1000)
    listed = await clerk.get("/directories")
    assert ([item["id"] for item in listed["data"]], listed["total_count"]) == (ids, 3)
    part = await clerk.get("/scim_directories", {"limit": 1, "offset": 1})
    assert ([item["id"] for item in part["data"]], part["total_count"]) == (ids[1:2], 3)


async def test_a_connection_has_one_directory_until_that_is_deleted(clerk):
    connection_id = await connect(clerk, organization_id=await organization(clerk))
    first = await make(clerk, connection_id)
    body = {"enterprise_connection_id": connection_id, "provider": "entra"}
    used = (422, "scim_directory_enterprise_connection_already_used", "enterprise_connection_id")
    assert await clerk.refused("POST", "/scim_directories", json=body) == used
    await clerk.delete(f"/directories/{first['id']}")
    assert (await make(clerk, connection_id))["id"] != first["id"]


async def test_an_organization_has_one_directory_whichever_its_connections(clerk):
    team, other = await organization(clerk), await organization(clerk, "Other")
    first, second = [await connect(clerk, name, organization_id=team) for name in ("first", "second")]
    made = await make(clerk, first)
    body = {"enterprise_connection_id": second, "provider": "okta"}
    used = (400, "scim_directory_organization_already_used", "enterprise_connection_id")
    assert await clerk.refused("POST", "/directories", json=body) == used
    assert await clerk.refused("POST", "/scim_directories", json=body) == used
    for name, more in (("theirs", {"organization_id": other}), ("one", {}), ("two", {})):
        await make(clerk, await connect(clerk, name, **more))
    # A connection that has a directory can still be linked to the organization.
    third = (await make(clerk, await connect(clerk, "third")))["enterprise_connection_id"]
    await clerk.patch(f"/enterprise_connections/{third}", {"organization_id": team})
    await clerk.delete(f"/enterprise_connections/{third}")
    assert await clerk.refused("POST", "/directories", json=body) == used
    await clerk.delete(f"/directories/{made['id']}")
    await make(clerk, second)


async def test_of_directories_at_once_for_one_organization_one_is_made(clerk):
    team = await organization(clerk)
    bodies = [
        {"enterprise_connection_id": await connect(clerk, name, organization_id=team), "provider": "okta"}
        for name in ("first", "second", "third")
    ]
    answers = await asyncio.gather(*(clerk.ask("POST", "/directories", json=body) for body in bodies))
    assert sorted(status for status, _ in answers) == [200, 400, 400]
    assert (await clerk.get("/directories"))["total_count"] == 1


@each
async def test_a_directory_outlives_its_connection_and_its_organization_can_have_another(clerk, name):
    team = await organization(clerk)
    connection_id = await connect(clerk, organization_id=team, custom_attributes=[ATTRIBUTE])
    made = await make(clerk, connection_id, under=name)
    await clerk.delete(f"/enterprise_connections/{connection_id}")
    left = await clerk.get(f"/{name}/{made['id']}")
    assert left == {
        **{key: value for key, value in made.items() if key != "api_key"},
        "enterprise_connection_id": None,
        "custom_attributes": [],
    }
    assert (await clerk.patch(f"/{name}/{made['id']}", {"enabled": True}))["enabled"]
    again = await make(clerk, await connect(clerk, organization_id=team), under=name)
    await clerk.delete(f"/enterprise_connections/{again['enterprise_connection_id']}")
    listed = (await clerk.get(f"/{name}"))["data"]
    assert [item["enterprise_connection_id"] for item in listed] == [None, None]


@each
async def test_the_attributes_of_its_connection_are_shown_as_they_are_now(clerk, clock, name):
    shown = {**ATTRIBUTE, "scim_path": "urn:level"}
    connection_id = await connect(clerk, custom_attributes=[ATTRIBUTE])
    made = await make(clerk, connection_id, under=name)
    assert made["custom_attributes"] == [shown]
    place = f"/{name}/{made['id']}"
    assert (await clerk.patch(place, {"enabled": True}))["custom_attributes"] == [shown]
    changed = {**shown, "name": "Grade"}
    await clerk.patch(f"/enterprise_connections/{connection_id}", {"custom_attributes": [changed]})
    assert (await clerk.get(place))["custom_attributes"] == [changed]
    clock.advance(1000)
    await make(clerk, await connect(clerk, "plain"), under=name)
    listed = (await clerk.get(f"/{name}"))["data"]
    assert [item["custom_attributes"] for item in listed] == [[], [changed]]
    rotated = await clerk.post(f"{place}/rotate_api_key")
    assert rotated["custom_attributes"] == [changed]


async def test_attributes_are_merged_into_the_mapping_and_taken_out_by_null(clerk, clock):
    place = f"/directories/{(await make(clerk))['id']}"
    await clerk.patch(place, {"attribute_mapping": {"first_name": "name.givenName", "email": "userName"}})
    clock.advance(1000)
    changed = await clerk.patch(place, {"attribute_mapping": {"email": None, "last_name": "name.familyName"}})
    assert changed["attribute_mapping"] == {"first_name": "name.givenName", "last_name": "name.familyName"}
    assert changed["updated_at"] == changed["created_at"] + 1000
    assert await clerk.get(place) == changed


async def test_what_is_not_given_stays_as_it_is(clerk):
    made = await make(clerk, name="Before")
    place = f"/directories/{made['id']}"
    await clerk.patch(place, {"name": "Acme", "enabled": True, "group_role_mapping_enabled": True})
    changed = await clerk.patch(place, {"provider": "custom"})
    assert [changed[name] for name in ("name", "enabled", "group_role_mapping_enabled", "provider")] == [
        "Acme",
        True,
        True,
        "custom",
    ]


async def test_a_directory_that_clerk_would_have_to_ask_cannot_be_on(clerk):
    asked = f"/directories/{(await make(clerk, provider='google'))['id']}"
    refused = (400, "scim_directory_pull_mode_not_configured", "enabled")
    assert await clerk.refused("PATCH", asked, json={"enabled": True}) == refused
    told = f"/directories/{(await make(clerk, await connect(clerk, 'told')))['id']}"
    await clerk.patch(told, {"enabled": True})
    assert await clerk.refused("PATCH", told, json={"provider": "google"}) == refused
    assert (await clerk.get(told))["provider"] == "okta"
    await clerk.patch(told, {"provider": "google", "enabled": False})


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"provider": "paper"}, "form_param_value_invalid provider"),
        ({"enterprise_connection_id": ""}, "form_resource_not_found enterprise_connection_id"),
        ({"enterprise_connection_id": "entconn_none"}, "form_resource_not_found enterprise_connection_id"),
        ({"enterprise_connection_id": "e" * 65}, "form_resource_not_found enterprise_connection_id"),
        ({"name": None}, "form_param_nil name"),
        ({"enabled": True}, "form_param_unknown enabled"),
    ],
)
async def test_what_is_no_directory_is_refused(shared, change, expected):
    body = {"enterprise_connection_id": "entconn_none", "provider": "okta", **change}
    status, code, param = await shared.refused("POST", "/directories", json=body)
    assert (status, f"{code} {param}") == (422, expected)
    assert await shared.get("/directories") == {"data": [], "total_count": 0}


@each
async def test_directories_of_another_instance_are_not_there(clerk, name):
    made = await make(clerk, under=name)
    one, key = f"/{name}/{made['id']}", "sk_test_other"
    await add_new_instance(clerk.sandbox.store, AddInstance(secret_key=key))
    theirs = {"headers": {"Authorization": f"Bearer {key}"}}
    assert await clerk.ask("GET", f"/{name}", **theirs) == (200, {"data": [], "total_count": 0})
    for method, end in (
        ("GET", ""),
        ("PATCH", ""),
        ("DELETE", ""),
        ("POST", "/rotate_api_key"),
        ("GET", "/group_role_mappings"),
    ):
        absent = (404, "resource_not_found", None)
        assert await clerk.refused(method, f"{one}{end}", **theirs) == absent
    body = {"enterprise_connection_id": await connect(clerk, "free"), "provider": "okta"}
    unknown = (422, "form_resource_not_found", "enterprise_connection_id")
    assert await clerk.refused("POST", f"/{name}", json=body, **theirs) == unknown
    assert (await clerk.get(f"/{name}"))["total_count"] == 1
