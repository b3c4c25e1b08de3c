"""Passkeys, as seeds bring them."""

import pytest

from tests.sandbox.companies import user
from tests.sandbox.rows import HOUR, bring

pytestmark = pytest.mark.anyio


async def test_a_user_shows_its_passkeys_until_they_are_taken_away(clerk, clock):
    key = await user(clerk)
    place = f"/users/{key}"
    before = await clerk.get(place)
    clock.advance(HOUR)
    at = "2026-01-31T12:00:00Z"
    await bring(
        clerk,
        passkeys=[
            {"id": "idn_laptop", "user_id": key, "name": "Laptop"},
            {"id": "idn_phone", "user_id": key, "name": "Phone", "last_used_at": at},
        ],
    )
    for answer in (await clerk.get(place), (await clerk.get("/users"))[0]):
        laptop, phone = answer["passkeys"]
        assert (laptop["id"], laptop["name"], laptop["last_used_at"]) == ("idn_laptop", "Laptop", clock.now())
        assert (phone["id"], phone["last_used_at"]) == ("idn_phone", 1_769_860_800_000)
        assert phone["verification"]["status"] == "verified"
    gone = await clerk.delete(f"{place}/passkeys/idn_phone")
    assert gone == {"object": "passkey", "id": "idn_phone", "deleted": True}
    assert (await clerk.get(place))["passkeys"] == [laptop]
    # Also the last: what identifies the user is the address.
    await clerk.delete(f"{place}/passkeys/idn_laptop")
    assert await clerk.get(place) == before | {"updated_at": clock.now()}


async def test_a_passkey_is_its_users_alone(clerk):
    ada, grace = await user(clerk), await user(clerk, "grace")
    await bring(clerk, passkeys=[{"id": "idn_key", "user_id": ada, "name": "Key"}])
    absent = (404, "resource_not_found", None)
    for owner in (grace, "user_none"):
        assert await clerk.refused("DELETE", f"/users/{owner}/passkeys/idn_key") == absent
    assert await clerk.refused("DELETE", f"/users/{ada}/passkeys/idn_none") == absent
    assert len((await clerk.get(f"/users/{ada}"))["passkeys"]) == 1
    await clerk.delete(f"/users/{ada}")
    assert await clerk.refused("DELETE", f"/users/{ada}/passkeys/idn_key") == absent
