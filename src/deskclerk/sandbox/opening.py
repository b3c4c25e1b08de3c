"""Opening a sandbox: its database, its instance, its people."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from deskclerk.database import open_engine, upgrade
from deskclerk.sandbox.app import create_app
from deskclerk.sandbox.clock import Clock
from deskclerk.sandbox.domains import add_primary_domain
from deskclerk.sandbox.roles import add_system_roles
from deskclerk.sandbox.store.instances import instances
from deskclerk.sandbox.store.store import Instance, Store, read_instances

if TYPE_CHECKING:
    from starlette.types import ASGIApp

KEY = "sk_test_sandbox"
"""The secret key of the embedded sandbox's instance: known to all, and good for nothing else."""

INSTANCE = Instance(
    id="ins_2sandbox00000000000000000000",
    secret_key=KEY,
    slug="sandbox",
    user_quota=None,
    lockout_seconds=3600,
)


@dataclass(frozen=True, slots=True)
class Sandbox:
    """An open sandbox: the ASGI application and the key that opens its instance."""

    app: "ASGIApp"
    key: str
    store: Store


@asynccontextmanager
async def open_sandbox(
    location: str | Path, *, seed: bool = True, clock: Clock | None = None
) -> AsyncIterator[Sandbox]:
    """A sandbox on a database file or URL, which other processes may have open too.

    An empty database gets its instance, and with `seed` a small company to try things on.
    """
    engine, clock = open_engine(location), clock or Clock()
    try:
        store = Store(engine, clock, await _instances(engine, clock, seed=seed))
        yield Sandbox(create_app(store), KEY, store)
    finally:
        await engine.dispose()


async def _instances(engine: AsyncEngine, clock: Clock, *, seed: bool) -> dict[str, Instance]:
    await upgrade(engine, "deskclerk.sandbox.store.migrations")
    async with engine.connect() as connection:
        await connection.execution_options(reads=True)
        found = await read_instances(connection)
    if not found:
        async with engine.begin() as connection:  # holds the write lock: one process fills the database
            found = await read_instances(connection)
            if not found:
                await _fill(connection, clock.now(), seed=seed)
                found = await read_instances(connection)
    return found


async def _fill(connection: AsyncConnection, now: int, *, seed: bool) -> None:
    values = {name: getattr(INSTANCE, name) for name in INSTANCE.__slots__}
    await connection.execute(instances.insert().values(created_at=now, **values))
    await add_primary_domain(connection, INSTANCE, now)
    await add_system_roles(connection, INSTANCE.id, now)
    if seed:
        from deskclerk.sandbox.seed import fill  # noqa: PLC0415 - needed once in a database's life

        await fill(connection, INSTANCE.id, now)
