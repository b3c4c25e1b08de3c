"""Machines: services that call each other, their secret keys, and which may call which."""

import hmac
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import bindparam, delete, or_, select

from deskclerk.catalogue.route import DELETE, GET, PATCH, POST
from deskclerk.database import Database, Statement
from deskclerk.sandbox.http.admission import Machine
from deskclerk.sandbox.http.call import Call, Handlers
from deskclerk.sandbox.http.errors import invalid, refusal
from deskclerk.sandbox.http.rows import (
    RowMapping,
    all_of,
    change,
    get,
    insert,
    ordered,
    page,
    remove,
    split_order,
)
from deskclerk.sandbox.ids import new_id
from deskclerk.sandbox.machines.credentials import digest, new_secret
from deskclerk.sandbox.store.tables import machine_keys, machine_scopes, machines

WHAT = "machine"
DEFAULT_TOKEN_TTL = 3600
MOST_SCOPES = 150
_ONE = "/machines/{machine_id}"
_BY_KEY = Statement(
    select(
        machine_keys.c.machine_id,
        machine_keys.c.instance_id,
        machine_keys.c.secret,
        machine_keys.c.expires_at,
    ).where(machine_keys.c.secret_digest == bindparam("secret_digest"))
)


async def list_machines(call: Call) -> Any:
    """Machines with an id or a part of a name, newest first by default."""
    query, columns = all_of(call, machines), machines.c
    if text := call.query.get("query", "").strip():
        part = columns.name_folded.contains(text.casefold(), autoescape=True)
        query = query.where(or_(columns.id == text, part))
    name, descends = split_order(call.query.get("order_by", "-created_at"))
    by = {"created_at": columns.created_at, "name": columns.name_folded}[name]
    return await page(call, ordered(query, by, columns.id, descends=descends), present_machines)


async def get_machine(call: Call) -> dict[str, Any]:
    """One machine, with those that it may call."""
    (answer,) = await present_machines(call, [await _machine(call)])
    return answer


async def create_machine(call: Call) -> dict[str, Any]:
    """A new machine; its secret key is in the answer, as it is in no other answer of a machine's."""
    body, key = call.body, new_id("mch", call.now)
    others = list(dict.fromkeys(body.get("scoped_machines", [])))
    await _check_others(call, others)
    times = {"created_at": call.now, "updated_at": call.now}
    ttl = body.get("default_token_ttl", DEFAULT_TOKEN_TTL)
    await insert(call, machines, id=key, **_named(body["name"]), default_token_ttl=ttl, **times)
    for other in others:
        await _insert_scope(call, key, other)
    secret = await _insert_key(call, key)
    (answer,) = await present_machines(call, [await get(call, machines, key, WHAT)])
    return {**answer, "secret_key": secret}


async def update_machine(call: Call) -> dict[str, Any]:
    """Change what is given."""
    row, values = await _machine(call), dict(call.body)
    if "name" in values:
        values |= _named(values["name"])
    await change(call, machines, row["id"], **values, updated_at=call.now)
    return await get_machine(call)


async def delete_machine(call: Call) -> dict[str, Any]:
    """Delete a machine, and with it its keys, its tokens and whom it may call."""
    row = await _machine(call)
    await remove(call, machines, row["id"])
    return {"object": "machine", "id": row["id"], "deleted": True}


async def get_secret_key(call: Call) -> dict[str, Any]:
    """The secret key, which can be read at any time."""
    row, columns = await _machine(call), machine_keys.c
    query = select(columns.secret).where(columns.instance_id == call.instance.id)
    current = query.where(columns.machine_id == row["id"], columns.expires_at.is_(None))
    return _key_answer((await call.connection.execute(current)).scalar_one())


async def rotate_secret_key(call: Call) -> dict[str, Any]:
    """A new secret key; the one before it holds a while longer."""
    row, columns = await _machine(call), machine_keys.c
    ends = call.now + 1000 * call.body["previous_token_ttl"]
    mine = (columns.instance_id == call.instance.id) & (columns.machine_id == row["id"])
    current = mine & columns.expires_at.is_(None)
    await call.connection.execute(machine_keys.update().where(current).values(expires_at=ends))
    await call.connection.execute(delete(machine_keys).where(mine & (columns.expires_at <= call.now)))
    return _key_answer(await _insert_key(call, row["id"]))


async def create_scope(call: Call) -> dict[str, Any]:
    """Let a machine call another one."""
    row, other = await _machine(call), call.body["to_machine_id"]
    await get(call, machines, other, WHAT)
    if other == row["id"]:
        raise invalid("to_machine_id", "to_machine_id must be another machine.")
    known = (await scoped_machines(call, [row["id"]]))[row["id"]]
    if any(each["id"] == other for each in known):
        raise refusal("conflict", "exists already", f"{row['id']} may call {other} already.")
    if len(known) >= MOST_SCOPES:
        text = f"A machine may call at most {MOST_SCOPES} others."
        raise refusal("quota_exceeded", "too many scopes", text)
    await _insert_scope(call, row["id"], other)
    return {**_scope_answer(row["id"], other), "created_at": call.now}


async def delete_scope(call: Call) -> dict[str, Any]:
    """Let a machine call another one no longer; tokens that it has already are good until they end."""
    row, other = await _machine(call), call.path["other_machine_id"]
    columns = machine_scopes.c
    pair = (columns.from_machine_id == row["id"]) & (columns.to_machine_id == other)
    gone = await call.connection.execute(
        delete(machine_scopes).where(columns.instance_id == call.instance.id, pair)
    )
    if not gone.rowcount:
        text = f"{row['id']} may not call {other}."
        raise refusal("resource_not_found", "not found", text)
    return {**_scope_answer(row["id"], other), "deleted": True}


async def machine_of(database: Database, secret: str, now: int) -> Machine | None:
    """The machine whose secret key this is, if the key holds at that moment."""
    rows = await database.ask(_BY_KEY, secret_digest=digest(secret))
    for machine_id, instance_id, kept, expires_at in rows:
        if hmac.compare_digest(kept, secret) and (expires_at is None or expires_at > now):
            return Machine(machine_id, instance_id)
    return None


async def _machine(call: Call) -> RowMapping:
    return await get(call, machines, call.path["machine_id"], WHAT)


async def scoped_machines(call: Call, ids: Sequence[str]) -> Mapping[str, Sequence[RowMapping]]:
    """By machine, those that it may call, in the order in which that was allowed."""
    pairs = machine_scopes.c
    query = select(pairs.from_machine_id, machines).join(machines, machines.c.id == pairs.to_machine_id)
    query = query.where(pairs.instance_id == call.instance.id, pairs.from_machine_id.in_(ids))
    found: dict[str, list[RowMapping]] = {key: [] for key in ids}
    rows = await call.connection.execute(query.order_by(pairs.created_at, pairs.to_machine_id))
    for row in rows.mappings():
        found[row["from_machine_id"]].append(row)
    return found


async def _check_others(call: Call, ids: Sequence[str]) -> None:
    query = select(machines.c.id).where(machines.c.instance_id == call.instance.id, machines.c.id.in_(ids))
    if absent := set(ids) - set((await call.connection.execute(query)).scalars()):
        text = f"No machine with the id {min(absent)} exists in this instance."
        raise refusal("form_resource_not_found", "not found", text, param="scoped_machines")


async def _insert_scope(call: Call, key: str, other: str) -> None:
    await insert(call, machine_scopes, from_machine_id=key, to_machine_id=other, created_at=call.now)


async def _insert_key(call: Call, machine_id: str) -> str:
    kept, key = new_secret("ak"), new_id("mchkey", call.now)
    more = {"machine_id": machine_id, "expires_at": None, "created_at": call.now}
    await insert(call, machine_keys, id=key, **kept, **more)
    return kept["secret"]


def _named(name: str) -> dict[str, str]:
    return {"name": name, "name_folded": name.casefold()}


async def present_machines(call: Call, rows: Sequence[RowMapping]) -> list[dict[str, Any]]:
    """The answers for rows, each with the machines that it may call."""
    others = await scoped_machines(call, [row["id"] for row in rows])
    return [
        {
            **_answer(row),
            "scoped_machines": [_answer(other) for other in others[row["id"]]],
        }
        for row in rows
    ]


def _answer(row: RowMapping) -> dict[str, Any]:
    same = ("id", "name", "instance_id", "default_token_ttl", "created_at", "updated_at")
    return {"object": "machine", **{name: row[name] for name in same}}


def _key_answer(secret: str) -> dict[str, Any]:
    return {"object": "machine_secret_key", "secret": secret}


def _scope_answer(key: str, other: str) -> dict[str, Any]:
    return {"object": "machine_scope", "from_machine_id": key, "to_machine_id": other}


HANDLERS: Handlers = {
    GET("/machines"): list_machines,
    POST("/machines"): create_machine,
    GET(_ONE): get_machine,
    PATCH(_ONE): update_machine,
    DELETE(_ONE): delete_machine,
    GET(f"{_ONE}/secret_key"): get_secret_key,
    POST(f"{_ONE}/secret_key/rotate"): rotate_secret_key,
    POST(f"{_ONE}/scopes"): create_scope,
    DELETE(f"{_ONE}/scopes/{{other_machine_id}}"): delete_scope,
}
