"""What the controls have set, as one request finds it: instances, time, faults, webhook endpoints."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from sqlalchemy import Select, select

from deskclerk.database import Connection, Statement
from deskclerk.sandbox.store.controls import faults, sandbox_state, webhook_endpoints
from deskclerk.sandbox.store.instances import instances

KEY = "sk_test_sandbox"
"""The secret key of the embedded sandbox's instance: known to all, and good for nothing else."""
LIVE_PREFIX = "sk_live_"
REVISION = Statement(select(sandbox_state.c.revision))
_TIME = select(sandbox_state.c.revision, sandbox_state.c.clock_offset, sandbox_state.c.clock_frozen_at)


@dataclass(frozen=True, slots=True)
class Instance:
    """One instance: what the rules need to know of it.

    `slug` names it in addresses, `user_quota` is None where there is no limit, `rate_limits` the kind
    of instance whose limits are kept.
    """

    id: str
    secret_key: str
    slug: str
    user_quota: int | None
    lockout_seconds: int
    rate_limits: str | None = None

    @property
    def is_live(self) -> bool:
        """Whether it is a production instance, as its key says."""
        return self.secret_key.startswith(LIVE_PREFIX)

    @property
    def is_embedded(self) -> bool:
        """Whether it is the one that every sandbox has, and that faces without a key use."""
        return self.secret_key == KEY


@dataclass(frozen=True, slots=True)
class Fault:
    """What requests by a method to a path meet; `effect` is what `faults.Effect` holds."""

    id: str
    instance_id: str | None
    method: str
    path: str
    effect: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where an instance's webhooks go, and which of them."""

    id: str
    instance_id: str
    events: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Time:
    """The sandbox's time against the machine's, both in milliseconds since the epoch."""

    offset: int = 0
    frozen_at: int | None = None

    def at(self, machine: int) -> int:
        """The sandbox's time at the machine's."""
        return self.frozen_at if self.frozen_at is not None else machine + self.offset


@dataclass(frozen=True)
class State:
    """Everything that the controls have set, at one revision."""

    revision: int
    time: Time
    by_key: Mapping[str, Instance]
    faults: tuple[Fault, ...]
    endpoints: tuple[Endpoint, ...]

    @cached_property
    def plain(self) -> bool:
        """Whether nothing is set that counts requests."""
        limited = any(instance.rate_limits is not None for instance in self.by_key.values())
        return not self.faults and not limited


async def read_state(connection: Connection) -> State:
    """The state now."""
    revision, offset, frozen_at = (await connection.execute(_TIME)).one()
    # Used-up faults stay in the table, where their hits can be read.
    live = (faults.c.remaining.is_(None)) | (faults.c.remaining > 0)
    found_faults = await _rows(connection, _of(Fault, faults).where(live).order_by(faults.c.created_at))
    endpoints = await _rows(
        connection, _of(Endpoint, webhook_endpoints).where(webhook_endpoints.c.enabled.is_(True))
    )
    return State(
        revision=revision,
        time=Time(offset, frozen_at),
        by_key=await read_instances(connection),
        faults=tuple(Fault(**row) for row in found_faults),
        endpoints=tuple(Endpoint(row["id"], row["instance_id"], tuple(row["events"])) for row in endpoints),
    )


async def read_instances(connection: Connection) -> dict[str, Instance]:
    """The instances in the database by their secret keys."""
    rows = await _rows(connection, _of(Instance, instances).order_by(instances.c.created_at, instances.c.id))
    return {item.secret_key: item for item in (Instance(**row) for row in rows)}


async def touch(connection: Connection, **values: Any) -> None:
    """Note that a control was changed, and new values of the state's row."""
    # Counted by the database: two processes that change something both move it on.
    changed = {"revision": sandbox_state.c.revision + 1, **values}
    await connection.execute(sandbox_state.update().values(changed))


def _of(kind: type[Any], table: Any) -> Select[Any]:
    return select(*(table.c[name] for name in kind.__slots__))


async def _rows(connection: Connection, query: Select[Any]) -> list[Any]:
    return list((await connection.execute(query)).mappings().all())
