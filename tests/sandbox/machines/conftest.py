"""What tests of machines share: somebody with another instance's key, and machines' own keys."""

import dataclasses

import pytest

from deskclerk.sandbox.opening import INSTANCE
from deskclerk.sandbox.store.state import touch
from deskclerk.sandbox.store.tables import instances
from tests.sandbox.conftest import Client

SECOND = dataclasses.replace(INSTANCE, id="ins_second", secret_key="sk_test_second", slug="second")


@pytest.fixture
async def stranger(clerk):
    """A client of a second instance in the same sandbox."""
    async with clerk.sandbox.store.transaction(reads=False) as connection:
        row = dataclasses.asdict(SECOND) | {"created_at": clerk.sandbox.store.clock.now()}
        await connection.execute(instances.insert().values(**row))
        await touch(connection)
    client = Client(clerk.sandbox)
    client.http.headers["Authorization"] = f"Bearer {SECOND.secret_key}"
    async with client.http:
        yield client
