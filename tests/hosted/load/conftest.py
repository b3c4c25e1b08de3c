"""A platform whose Clerk is a stub that answers at once, with forty workspaces on it."""

import asyncio

import pytest

from tests.hosted.load.stub import customers, stub_clerk
from tests.hosted.replicas.platform import platform

WORKSPACES = 40


@pytest.fixture(scope="module")
def here(tmp_path_factory):
    with platform(tmp_path_factory.mktemp("platform"), stub_clerk()) as found:

        async def prepare():
            async with found.parts() as parts:
                return await customers(found, parts, WORKSPACES)

        found.agents = asyncio.run(prepare())
        yield found
