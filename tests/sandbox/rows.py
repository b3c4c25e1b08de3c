"""Rows that no route of the sandbox makes, put into its database directly."""

from contextlib import asynccontextmanager

from deskclerk.sandbox.controls.instances import AddInstance, add_new_instance
from deskclerk.sandbox.controls.seeding import Seed, seed
from deskclerk.sandbox.ids import new_id
from deskclerk.sandbox.store.tables import external_accounts, sessions, users
from tests.sandbox.conftest import Client

HOUR = 3_600_000


async def add(clerk, table, **values):
    store = clerk.sandbox.store
    (instance,) = (await store.state()).by_key.values()
    now = store.clock.now()
    row = {"created_at": now, "updated_at": now, **values}
    async with store.transaction(reads=False) as connection:
        await connection.execute(table.insert().values(instance_id=instance.id, **row))
    return row


async def sign_in(clerk, user_id, *, client_id="client_a", ago=0, lasts=24 * HOUR, status="active", **more):
    """A session that began `ago` milliseconds before now."""
    now = clerk.sandbox.store.clock.now()
    return await add(
        clerk,
        sessions,
        id=new_id("sess", now - ago),
        user_id=user_id,
        client_id=client_id,
        status=status,
        last_active_at=now - ago,
        expire_at=now - ago + lasts,
        abandon_at=now - ago + 30 * 24 * HOUR,
        **{"created_at": now - ago, **more},
    )


async def link(clerk, user_id, provider, provider_user_id, email):
    """An account at an OAuth provider."""
    now = clerk.sandbox.store.clock.now()
    return await add(
        clerk,
        external_accounts,
        id=new_id("eac", now),
        user_id=user_id,
        identification_id=new_id("idn", now),
        provider=provider,
        provider_user_id=provider_user_id,
        approved_scopes="email profile",
        email_address=email,
        first_name="",
        last_name="",
        public_metadata={},
    )


async def set_user(clerk, user_id, **values):
    async with clerk.sandbox.store.transaction(reads=False) as connection:
        await connection.execute(users.update().where(users.c.id == user_id).values(**values))


@asynccontextmanager
async def beside(clerk, kind="test"):
    """A client of another instance in the same sandbox."""
    made = await add_new_instance(clerk.sandbox.store, AddInstance(kind=kind))
    other = Client(clerk.sandbox)
    other.http.headers["Authorization"] = f"Bearer {made['secret_key']}"
    async with other.http:
        yield other


async def bring(clerk, **sections):
    """What a seed file with these sections makes."""
    await seed(clerk.sandbox.store, Seed(data=sections))
