"""Opening a sandbox: its database, its instance, its people."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from deskclerk.database import Connection, open_database, shown, upgrade
from deskclerk.sandbox.billing.plans import add_free_plans
from deskclerk.sandbox.http.app import BackendApi
from deskclerk.sandbox.instance.domains import add_primary_domain
from deskclerk.sandbox.organizations.permissions import add_system_roles
from deskclerk.sandbox.store.instances import instances
from deskclerk.sandbox.store.state import KEY, read_instances, touch
from deskclerk.sandbox.store.store import Clock, Instance, Store
from deskclerk.sandbox.users.documents import fill_documents

if TYPE_CHECKING:
    from starlette.types import ASGIApp

INSTANCE = Instance(
    id="ins_2sandbox0000000000000000000",
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

    @property
    def place(self) -> str:
        """Where its database is, as it may be shown: of a URL, no password."""
        return shown(self.store.database.url)


@asynccontextmanager
async def open_sandbox(
    location: str | Path, *, seed: bool = True, clock: Clock | None = None
) -> AsyncIterator[Sandbox]:
    """A sandbox on a database file or URL, which other processes may have open too.

    An empty database gets its instance, and with `seed` a small company to try things on.
    """
    database, clock = open_database(location), clock or Clock()
    try:
        store = Store(database, clock)
        await _prepare(store, seed=seed)
        yield Sandbox(BackendApi(store), KEY, store)
    finally:
        await database.dispose()


async def _prepare(store: Store, *, seed: bool) -> None:
    """The newest schema, and at least one instance."""
    if await upgrade(store.database, "deskclerk.sandbox.store.migrations"):
        async with store.transaction(reads=False) as connection:
            await fill_documents(connection)
    # Without a write lock: nearly every opening finds a database that is filled.
    if (await store.state()).by_key:
        return
    async with store.transaction(reads=False) as connection:  # one process fills the database
        # Looked at again under the lock: another process may have filled it meanwhile.
        if not await read_instances(connection):
            now = await store.now(connection)
            await add_instance(connection, INSTANCE, now)
            if seed:
                await add_company(connection, INSTANCE.id, now)
            # A new revision, so that whoever has read the empty state reads it again.
            await touch(connection)


async def add_instance(connection: Connection, instance: Instance, now: int) -> None:
    """A new instance, with what every instance has from its first day."""
    values = {name: getattr(instance, name) for name in instance.__slots__}
    await connection.execute(instances.insert().values(created_at=now, **values))
    await furnish(connection, instance, now)


async def furnish(connection: Connection, instance: Instance, now: int) -> None:
    """What every instance has from its first day; a reset puts it back."""
    await add_primary_domain(connection, instance, now)
    await add_system_roles(connection, instance.id, now)
    await add_free_plans(connection, instance.id, now)


async def add_company(connection: Connection, instance_id: str, now: int) -> None:
    """The small company, in an instance without people."""
    from deskclerk.sandbox.seed import fill  # noqa: PLC0415 - needed once in a database's life

    await fill(connection, instance_id, now)
