"""Directories under both of their names: what stands in them, and their keys."""

import hashlib
import re

import pytest

from deskclerk.sandbox.controls.instances import AddInstance, add_new_instance
from deskclerk.sandbox.store.tables import directories

pytestmark = pytest.mark.anyio

BOTH = {"directories": "directory", "scim_directories": "scim_directory"}
each = pytest.mark.parametrize("name", BOTH)


async def make(clerk, connection="ent_1", *, under="directories", **more):
    return await clerk.post(f"/{under}", {"enterprise_connection_id": connection, "provider": "okta", **more})


@each
async def test_a_new_directory_is_off_and_shows_its_key_once(clerk, clock, name):
    made = await make(clerk, under=name)
    api_key = made.pop("api_key")
    assert re.fullmatch(r"ak_[0-9a-f]{32}", api_key)
    assert re.fullmatch(r"scim_\w{27}", made["id"])
    assert made == {
        "object": BOTH[name],
        "id": made["id"],
        "name": "Okta",
        "enterprise_connection_id": "ent_1",
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
        ids.insert(0, (await make(clerk, f"ent_{number}"))["id"])
        clock.advance(1000)
    listed = await clerk.get("/directories")
    assert ([item["id"] for item in listed["data"]], listed["total_count"]) == (ids, 3)
    part = await clerk.get("/scim_directories", {"limit": 1, "offset": 1})
    assert ([item["id"] for item in part["data"]], part["total_count"]) == (ids[1:2], 3)


async def test_a_connection_has_one_directory_until_that_is_deleted(clerk):
    first = await make(clerk)
    body = {"enterprise_connection_id": "ent_1", "provider": "entra"}
    used = (422, "scim_directory_enterprise_connection_already_used", "enterprise_connection_id")
    assert await clerk.refused("POST", "/scim_directories", json=body) == used
    await clerk.delete(f"/directories/{first['id']}")
    assert (await make(clerk))["id"] != first["id"]


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
    told = f"/directories/{(await make(clerk, 'ent_2'))['id']}"
    await clerk.patch(told, {"enabled": True})
    assert await clerk.refused("PATCH", told, json={"provider": "google"}) == refused
    assert (await clerk.get(told))["provider"] == "okta"
    await clerk.patch(told, {"provider": "google", "enabled": False})


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"provider": "paper"}, "form_param_value_invalid provider"),
        ({"enterprise_connection_id": ""}, "form_resource_not_found enterprise_connection_id"),
        ({"enterprise_connection_id": "e" * 65}, "form_resource_not_found enterprise_connection_id"),
        ({"name": None}, "form_param_nil name"),
        ({"enabled": True}, "form_param_unknown enabled"),
    ],
)
async def test_what_is_no_directory_is_refused(shared, change, expected):
    body = {"enterprise_connection_id": "ent_1", "provider": "okta", **change}
    status, code, param = await shared.refused("POST", "/directories", json=body)
    assert (status, f"{code} {param}") == (422, expected)
    assert await shared.get("/directories") == {"data": [], "total_count": 0}


@each
async def test_directories_of_another_instance_are_not_there(clerk, name):
    one = f"/{name}/{(await make(clerk))['id']}"
    key = "sk_test_other"
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
    body = {"enterprise_connection_id": "ent_1", "provider": "okta"}
    # Whatever theirs is called, it is not ours.
    assert (await clerk.ask("POST", f"/{name}", json=body, **theirs))[0] == 200
    assert (await clerk.get(f"/{name}"))["total_count"] == 1
