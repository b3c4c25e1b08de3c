"""One replica and two customers for each module of attacks."""

import pytest

from tests.hosted.attacks.world import world as two_customers
from tests.hosted.replicas.platform import platform


@pytest.fixture(scope="session")
def anyio_backend():
    """One event loop for all, so that a module's tests can share a replica."""
    return "asyncio"


@pytest.fixture(scope="session")
def attacked_platform(tmp_path_factory):
    """PostgreSQL, Redis, and a sandbox that is Clerk and the issuer."""
    with platform(tmp_path_factory.mktemp("attacks")) as found:
        yield found


@pytest.fixture(scope="module")
async def world(attacked_platform, anyio_backend):
    """Two customers in a database of the module's own."""
    async with two_customers(attacked_platform) as found:
        yield found
