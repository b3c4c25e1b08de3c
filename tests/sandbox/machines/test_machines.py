"""Machines: how they are found, whom they may call, and what goes with them."""

import pytest

from deskclerk.sandbox.machines.credentials import digest
from deskclerk.sandbox.store.tables import machine_keys, machine_scopes

pytestmark = pytest.mark.anyio


async def machine(clerk, name, *others, **more):
    return await clerk.post("/machines", {"name": name, "scoped_machines": list(others), **more})


async def rows(clerk, table):
    async with clerk.sandbox.store.transaction(reads=True) as connection:
        return (await connection.execute(table.select())).mappings().all()


async def test_a_machine_is_read_as_it_was_made_without_its_secret_key(clerk):
    files = await machine(clerk, "Files")
    mail = await machine(clerk, "Mail", files["id"], default_token_ttl=60)
    secret = mail.pop("secret_key")
    assert secret.startswith("ak_")
    assert await clerk.get(f"/machines/{mail['id']}") == mail
    assert (files["default_token_ttl"], mail["default_token_ttl"]) == (3600, 60)
    (scoped,) = mail["scoped_machines"]
    assert scoped == {name: files[name] for name in files if name not in ("scoped_machines", "secret_key")}
    assert await clerk.get(f"/machines/{mail['id']}/secret_key") == {
        "object": "machine_secret_key",
        "secret": secret,
    }


async def test_machines_are_listed_newest_first_and_found_by_name_and_id(clerk, clock):
    made = []
    for name in ("Beta", "alpha", "Gamma"):
        made.append((await machine(clerk, name))["id"])
        clock.advance(1000)
    beta, alpha, gamma = made

    async def listed(**query):
        answer = await clerk.get("/machines", query)
        return [item["id"] for item in answer["data"]], answer["total_count"]

    assert await listed() == ([gamma, alpha, beta], 3)
    assert await listed(order_by="created_at") == ([beta, alpha, gamma], 3)
    assert await listed(order_by="+name") == ([alpha, beta, gamma], 3)
    assert await listed(order_by="-name", limit=1, offset=1) == ([beta], 3)
    assert await listed(query="ALPH") == ([alpha], 1)
    assert await listed(query="%") == ([], 0)
    assert await listed(query=gamma) == ([gamma], 1)
    assert await listed(query=gamma[:-1]) == ([], 0)


async def test_a_change_leaves_what_it_does_not_name(clerk, clock):
    made = await machine(clerk, "Mail", default_token_ttl=60)
    del made["secret_key"]
    clock.advance(1000)
    changed = await clerk.patch(f"/machines/{made['id']}", {"name": "Letters"})
    assert changed == made | {"name": "Letters", "updated_at": made["updated_at"] + 1000}
    assert (await clerk.get("/machines", {"query": "letter"}))["total_count"] == 1


async def test_who_may_call_whom_has_a_direction(clerk, clock):
    files, mail = await machine(clerk, "Files"), await machine(clerk, "Mail")
    clock.advance(1000)
    scope = await clerk.post(f"/machines/{mail['id']}/scopes", {"to_machine_id": files["id"]})
    assert (scope["from_machine_id"], scope["to_machine_id"]) == (mail["id"], files["id"])
    assert scope["created_at"] == mail["created_at"] + 1000

    async def scoped(item):
        found = await clerk.get(f"/machines/{item['id']}")
        return [other["id"] for other in found["scoped_machines"]]

    assert (await scoped(mail), await scoped(files)) == ([files["id"]], [])
    path = f"/machines/{files['id']}/scopes/{mail['id']}"
    assert await clerk.refused("DELETE", path) == (404, "resource_not_found", None)
    await clerk.delete(f"/machines/{mail['id']}/scopes/{files['id']}")
    assert await scoped(mail) == []


async def test_what_is_refused_leaves_no_machine_behind(clerk):
    body = {"name": "Mail", "scoped_machines": ["mch_none"]}
    refused = await clerk.refused("POST", "/machines", json=body)
    assert refused == (422, "form_resource_not_found", "scoped_machines")
    assert await clerk.get("/machines") == {"data": [], "total_count": 0}


async def test_a_deleted_machine_is_in_nobodys_reach_and_leaves_nothing(clerk):
    files = await machine(clerk, "Files")
    mail = await machine(clerk, "Mail", files["id"])
    await clerk.post(f"/machines/{files['id']}/scopes", {"to_machine_id": mail["id"]})
    await clerk.delete(f"/machines/{files['id']}")
    assert (await clerk.get(f"/machines/{mail['id']}"))["scoped_machines"] == []
    assert await rows(clerk, machine_scopes) == []
    assert [row["machine_id"] for row in await rows(clerk, machine_keys)] == [mail["id"]]


async def test_a_rotation_keeps_the_key_before_for_as_long_as_is_asked(clerk, clock):
    made = await machine(clerk, "Mail")
    place = f"/machines/{made['id']}/secret_key"
    kept = await clerk.post(f"{place}/rotate", {"previous_token_ttl": 60})
    assert kept["secret"] != made["secret_key"]
    assert await clerk.get(place) == kept
    ends = {row["secret"]: row["expires_at"] for row in await rows(clerk, machine_keys)}
    assert ends == {made["secret_key"]: clock.now() + 60_000, kept["secret"]: None}
    last = await clerk.post(f"{place}/rotate", {"previous_token_ttl": 0})
    assert {row["secret"] for row in await rows(clerk, machine_keys)} == {made["secret_key"], last["secret"]}
    clock.advance(60_000)
    newest = await clerk.post(f"{place}/rotate", {"previous_token_ttl": 0})
    (row,) = await rows(clerk, machine_keys)
    assert row["secret_digest"] == digest(newest["secret"])


async def test_machines_of_another_instance_are_not_there(clerk, stranger):
    files, mail = await machine(clerk, "Files"), await machine(clerk, "Mail")
    theirs = await machine(stranger, "Theirs")
    assert [item["id"] for item in (await stranger.get("/machines"))["data"]] == [theirs["id"]]
    place = f"/machines/{mail['id']}"
    for method, end in (("GET", ""), ("PATCH", ""), ("DELETE", ""), ("GET", "/secret_key")):
        assert (await stranger.refused(method, f"{place}{end}"))[:2] == (404, "resource_not_found")
    to = {"to_machine_id": files["id"]}
    assert (await stranger.refused("POST", f"/machines/{theirs['id']}/scopes", json=to))[0] == 404
    assert (await stranger.refused("POST", f"{place}/scopes", json=to))[0] == 404
    body = {"name": "Theirs", "scoped_machines": [files["id"]]}
    assert (await stranger.refused("POST", "/machines", json=body))[1] == "form_resource_not_found"
    assert (await clerk.get("/machines"))["total_count"] == 2
