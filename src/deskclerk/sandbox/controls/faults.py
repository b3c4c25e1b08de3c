"""Faults: add, list, clear."""

from typing import Annotated, Any, Literal, Self

from pydantic import Field, model_validator
from sqlalchemy import delete, select

from deskclerk.sandbox.controls.arguments import OfInstance, find_instance, wrong
from deskclerk.sandbox.controls.clock import Nothing
from deskclerk.sandbox.http.faults import CODES
from deskclerk.sandbox.ids import new_id
from deskclerk.sandbox.store.controls import faults
from deskclerk.sandbox.store.state import touch
from deskclerk.sandbox.store.store import Store

Method = Literal["*", "GET", "POST", "PATCH", "PUT", "DELETE"]
_EFFECT = ("status", "code", "message", "retry_after", "delay", "drop", "truncate")


class AddFault(OfInstance):
    """Which requests, how many of them (`count`; all until cleared if not given), and what they meet.

    `delay` and `retry_after` are seconds; of `status`, `drop` and `truncate` one at most, any with a delay.
    """

    method: Method = "*"
    path: Annotated[str, Field(min_length=1)] = "*"
    count: Annotated[int, Field(ge=1, le=10**9)] | None = None
    status: Annotated[int, Field(ge=400, le=599)] | None = None
    code: str | None = None
    message: str | None = None
    retry_after: Annotated[int, Field(ge=0, le=86_400)] | None = None
    delay: Annotated[float, Field(gt=0, le=600)] | None = None
    drop: bool = False
    truncate: bool = False

    @model_validator(mode="after")
    def _one(self) -> Self:
        chosen = [name for name in ("status", "drop", "truncate") if getattr(self, name)]
        if len(chosen) > 1:
            raise ValueError(f"{' and '.join(chosen)} exclude each other")
        if not chosen and not self.delay:
            raise ValueError("a fault needs a status, a delay, drop or truncate")
        if not self.status and (self.code or self.message or self.retry_after is not None):
            raise ValueError("code, message and retry_after go with a status")
        return self


class ClearFaults(OfInstance):
    """One by its id, those of one instance, or all."""

    id: str | None = None


async def add_fault(store: Store, given: AddFault) -> dict[str, Any]:
    """A new fault; the oldest that fits a request is the one it meets."""
    async with store.transaction(reads=False) as connection:
        state = await store.state(connection)
        now = state.time.at(store.clock.now())
        effect = {name: value for name in _EFFECT if _is_given(value := getattr(given, name))}
        if given.status and not given.code:
            effect["code"] = CODES.get(given.status, "internal_clerk_error")
        row = {
            "id": new_id("fault", now),
            "instance_id": find_instance(state, given.instance).id if given.instance else None,
            "method": given.method,
            "path": given.path,
            "effect": effect,
            "remaining": given.count,
            "hits": 0,
            "created_at": now,
        }
        await connection.execute(faults.insert().values(**row))
        await touch(connection)
    return _told(row)


async def list_faults(store: Store, given: Nothing) -> dict[str, Any]:
    """All faults, those that are used up too, with how many requests each has met."""
    query = select(faults).order_by(faults.c.created_at, faults.c.id)
    async with store.transaction(reads=True) as connection:
        rows = (await connection.execute(query)).mappings().all()
    return {"faults": [_told(row) for row in rows]}


async def clear_faults(store: Store, given: ClearFaults) -> dict[str, Any]:
    """Remove faults; how many there were."""
    async with store.transaction(reads=False) as connection:
        query = delete(faults)
        if given.id:
            query = query.where(faults.c.id == given.id)
        if given.instance:
            instance = find_instance(await store.state(connection), given.instance)
            query = query.where(faults.c.instance_id == instance.id)
        cleared = (await connection.execute(query)).rowcount
        if given.id and not cleared:
            raise wrong("id", "no such fault")
        await touch(connection)
    return {"cleared": cleared}


def _is_given(value: object) -> bool:
    # By identity: a `retry_after` of 0 equals False and is given all the same.
    return value is not None and value is not False


def _told(row: Any) -> dict[str, Any]:
    names = ("id", "instance_id", "method", "path", "remaining", "hits")
    return {**{name: row[name] for name in names}, **row["effect"]}
