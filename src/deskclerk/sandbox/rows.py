"""Reading and changing rows of one instance."""

from typing import Any

from sqlalchemy import Delete, RowMapping, Select, Table, Update, delete, select, update

from deskclerk.sandbox.call import Call
from deskclerk.sandbox.refusals import not_found


def all_of(call: Call, table: Table) -> Select[Any]:
    """The rows of a table that belong to the call's instance."""
    return select(table).where(table.c.instance_id == call.instance.id)


async def find(call: Call, table: Table, /, **keys: Any) -> RowMapping | None:
    """The row whose columns have these values, if there is one."""
    query = all_of(call, table).filter_by(**keys)
    row: RowMapping | None = (await call.connection.execute(query)).mappings().one_or_none()
    return row


async def get(call: Call, table: Table, key: str, what: str) -> RowMapping:
    """The row with this id; else a 404 that says `what` was sought."""
    row = await find(call, table, id=key)
    if row is None:
        raise not_found(what, key)
    return row


async def insert(call: Call, table: Table, /, **values: Any) -> None:
    """A new row of the call's instance."""
    await call.connection.execute(table.insert().values(instance_id=call.instance.id, **values))


async def change(call: Call, table: Table, key: str, /, **values: Any) -> None:
    """New values in the row with this id."""
    await call.connection.execute(_update(call, table).where(table.c.id == key).values(**values))


async def remove(call: Call, table: Table, key: str) -> None:
    """Delete the row with this id, and what belongs to it."""
    await call.connection.execute(_delete(call, table).where(table.c.id == key))


def _update(call: Call, table: Table) -> Update:
    return update(table).where(table.c.instance_id == call.instance.id)


def _delete(call: Call, table: Table) -> Delete:
    return delete(table).where(table.c.instance_id == call.instance.id)
