"""All of the sandbox's data at once: reset, snapshot and restore."""

import base64
import gzip
import json
from collections.abc import Iterator
from typing import Any

from sqlalchemy import LargeBinary, Table, delete, select, update
from sqlalchemy.exc import SQLAlchemyError

from deskclerk.database import Connection
from deskclerk.sandbox.controls.arguments import OfInstance, find_instance, wrong
from deskclerk.sandbox.controls.clock import Nothing
from deskclerk.sandbox.opening import add_company, furnish
from deskclerk.sandbox.store.role_sets import add_missing_role_sets
from deskclerk.sandbox.store.state import touch
from deskclerk.sandbox.store.store import Store
from deskclerk.sandbox.store.tables import DERIVED, faults, instances, metadata
from deskclerk.sandbox.users.documents import fill_documents

FORMAT = 1
KEPT = {"instances", "signing_keys", "webhook_endpoints"}
"""Tables that a reset leaves alone: what applications were pointed at goes on working."""
_CHUNK = 1000


class Reset(OfInstance):
    """To nothing, or to the small `company`; one instance, or the whole sandbox."""

    company: bool = False


async def reset(store: Store, given: Reset) -> dict[str, Any]:
    """Empty instances; of the whole sandbox also clock, faults, rate limits and outbox are as new."""
    async with store.transaction(reads=False) as connection:
        state = await store.state(connection)
        chosen = [find_instance(state, given.instance)] if given.instance else list(state.by_key.values())
        # The whole sandbox goes back to the machine's time, below.
        now = store.clock.now() if not given.instance else state.time.at(store.clock.now())
        for instance in chosen:
            await _empty(connection, instance.id)
            await furnish(connection, instance, now)
            # The company has fixed ids, which can be in one instance only.
            if given.company and instance is chosen[0]:
                await add_company(connection, instance.id, now)
        if given.instance:
            await touch(connection)
        else:
            await connection.execute(delete(faults))
            await connection.execute(update(instances).values(rate_limits=None))
            await touch(connection, clock_offset=0, clock_frozen_at=None)
    return {"reset": [instance.slug for instance in chosen], "company": given.company}


async def _empty(connection: Connection, instance_id: str) -> None:
    # Backwards: what refers to a row goes before the row.
    for table in reversed(metadata.sorted_tables):
        if "instance_id" in table.c and table.name not in KEPT:
            mine = table.c.instance_id == instance_id
            await connection.execute(delete(table).where(mine), long=True)


async def snapshot(store: Store, given: Nothing) -> bytes:
    """Everything as compressed lines of JSON, the same from SQLite and from PostgreSQL."""
    lines = [json.dumps({"deskclerk_sandbox": FORMAT})]
    async with store.transaction(reads=True) as connection:
        for table in metadata.sorted_tables:
            if table.name in DERIVED:
                continue
            whole = select(table).order_by(*table.primary_key.columns)
            lines.append(json.dumps({"table": table.name, "columns": list(table.c.keys())}))
            async for rows in connection.partitions(whole, _CHUNK):
                lines += [
                    json.dumps([_out(value) for value in row.values()], ensure_ascii=False) for row in rows
                ]
    text = "\n".join(lines) + "\n"
    # No time in it: the same data is the same file, which a test may compare.
    return gzip.compress(text.encode(), compresslevel=6, mtime=0)


async def restore(store: Store, content: bytes) -> dict[str, Any]:
    """Put everything of a snapshot in the place of what there is; all of it or nothing."""
    # Read before the lock is taken: a damaged file keeps nobody waiting.
    parts = _read(content)
    async with store.transaction(reads=False) as connection:
        revision = (await store.state(connection)).revision
        for table in reversed(metadata.sorted_tables):
            await connection.execute(delete(table), long=True)
        try:
            for table, rows in parts:
                for start in range(0, len(rows), _CHUNK):
                    await connection.execute(table.insert(), rows[start : start + _CHUNK])
        except SQLAlchemyError as error:
            # The type alone: a database's message quotes the row.
            raise wrong("snapshot", f"does not fit this sandbox: {type(error).__name__}") from None
        # A snapshot of an older release has none.
        await connection.run_sync(add_missing_role_sets)
        await fill_documents(connection)
        # Above the present one, not the snapshot's: every process has to notice.
        await touch(connection, revision=revision + 1)
    store.emitted.set()
    return {"restored": {table.name: len(rows) for table, rows in parts if rows}}


def _read(content: bytes) -> list[tuple[Table, list[dict[str, Any]]]]:
    try:
        lines: Iterator[Any] = map(json.loads, gzip.decompress(content).decode().splitlines())
        head = next(lines)
    except (OSError, EOFError, ValueError, StopIteration):
        raise wrong("snapshot", "not a snapshot of a sandbox") from None
    if not isinstance(head, dict) or head.get("deskclerk_sandbox") != FORMAT:
        raise wrong("snapshot", f"not a snapshot of format {FORMAT}")
    found: dict[str, list[dict[str, Any]]] = {}
    try:
        for line in lines:
            if isinstance(line, dict):
                columns, name = line["columns"], line["table"]
                _check(name, columns)
                binary, found[name] = _binary(name), []
            else:
                found[name].append(_row(columns, line, binary))
    # Unbound are the columns of a row that stands before the line of its table.
    except (KeyError, TypeError, ValueError, UnboundLocalError):
        raise wrong("snapshot", "is damaged") from None
    if not found.get("instances") or not found.get("sandbox_state"):
        raise wrong("snapshot", "is incomplete")
    return [(table, found[table.name]) for table in metadata.sorted_tables if table.name in found]


def _check(name: str, columns: list[str]) -> None:
    table = metadata.tables.get(name)
    unknown = columns if table is None else [column for column in columns if column not in table.c]
    if table is None or unknown:
        text = f"is of a newer deskclerk: {name} has {', '.join(unknown)}"
        raise wrong("snapshot", text)


def _out(value: Any) -> Any:
    return base64.b64encode(value).decode() if isinstance(value, bytes) else value


def _row(columns: list[str], values: list[Any], binary: set[str]) -> dict[str, Any]:
    row = dict(zip(columns, values, strict=True))
    for name in binary & row.keys():
        row[name] = row[name] if row[name] is None else base64.b64decode(row[name], validate=True)
    return row


def _binary(table: str) -> set[str]:
    return {column.name for column in metadata.tables[table].c if isinstance(column.type, LargeBinary)}
