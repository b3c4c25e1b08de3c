"""Trusted devices, as seeds bring them."""

import pytest

from deskclerk.errors import InvalidRequest
from tests.sandbox.companies import user
from tests.sandbox.rows import bring

pytestmark = pytest.mark.anyio


def device(key, owner, **more):
    return {"id": key, "user_id": owner, "platform": "ios", "app_identifier": "com.example.app", **more}


async def test_the_active_devices_of_a_user_are_listed_newest_first_and_whole(clerk, clock):
    key = await user(clerk)
    place = f"/users/{key}/trusted_devices"
    assert await clerk.get(place) == {"data": [], "total_count": 0}
    await bring(clerk, trusted_devices=[device("tdev_old", key)])
    clock.advance(1)
    more = {"name": "Phone", "platform": "android", "last_used_at": "2026-01-31T12:00:00Z"}
    await bring(clerk, trusted_devices=[device("tdev_new", key, **more)])
    await bring(clerk, trusted_devices=[device(f"tdev_{number}", key) for number in range(10)])
    listed = await clerk.get(place)
    assert (len(listed["data"]), listed["total_count"]) == (12, 12)
    old = listed["data"][-1]
    new = next(item for item in listed["data"] if item["id"] == "tdev_new")
    assert old == {
        "object": "trusted_device",
        "id": "tdev_old",
        "platform": "ios",
        "app_identifier": "com.example.app",
        "name": None,
        "algorithm": "ES256",
        "status": "active",
        "created_at": clock.now() - 1,
        "updated_at": clock.now() - 1,
        "last_used_at": None,
        "revoked_at": None,
    }
    assert (new["name"], new["platform"], new["last_used_at"]) == ("Phone", "android", 1_769_860_800_000)


async def test_a_revoked_device_is_told_once_and_listed_no_more(clerk, clock):
    key = await user(clerk)
    place = f"/users/{key}/trusted_devices"
    await bring(clerk, trusted_devices=[device("tdev_a", key), device("tdev_b", key)])
    (before,) = [item for item in (await clerk.get(place))["data"] if item["id"] == "tdev_a"]
    clock.advance(1000)
    revoked = await clerk.delete(f"{place}/tdev_a")
    now = clock.now()
    assert revoked == before | {"status": "revoked", "revoked_at": now, "updated_at": now}
    assert [item["id"] for item in (await clerk.get(place))["data"]] == ["tdev_b"]
    absent = (404, "resource_not_found", None)
    assert await clerk.refused("DELETE", f"{place}/tdev_a") == absent


async def test_a_device_is_its_users_alone(clerk):
    ada, grace = await user(clerk), await user(clerk, "grace")
    await bring(clerk, trusted_devices=[device("tdev_a", ada)])
    absent = (404, "resource_not_found", None)
    for owner in (grace, "user_none"):
        assert await clerk.refused("DELETE", f"/users/{owner}/trusted_devices/tdev_a") == absent
    assert (await clerk.get(f"/users/{grace}/trusted_devices"))["data"] == []
    assert await clerk.refused("GET", "/users/user_none/trusted_devices") == absent
    assert (await clerk.get(f"/users/{ada}/trusted_devices"))["total_count"] == 1


@pytest.mark.parametrize("wrong", [{"platform": "web"}, {"user_id": "user_none"}, {"app_identifier": ""}])
async def test_what_is_wrong_with_a_device_in_a_seed_is_refused(clerk, wrong):
    entry = device("tdev_a", await user(clerk)) | wrong
    with pytest.raises(InvalidRequest, match=r"trusted_devices\[0\]"):
        await bring(clerk, trusted_devices=[entry])
