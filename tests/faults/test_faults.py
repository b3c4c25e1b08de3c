"""Every action before every fault: bounded, at most once, and told as it happened.

`make test-faults` runs all of them; `make test` a sample, one read and three writes before each fault.
"""

import contextlib
import shutil

import httpx2
import pytest

from deskclerk.catalogue import ACTIONS
from deskclerk.desk import Desk
from deskclerk.desk.execution import settling
from deskclerk.sandbox import open_sandbox
from deskclerk.settings import Settings
from tests.faults.cases import check, run
from tests.faults.faults import FAULTS
from tests.faults.faulty_clerk import API
from tests.journeys.writes import World, approve, seed

pytestmark = pytest.mark.anyio
SAMPLE = ("clerk_user_get", "clerk_user_ban", "clerk_allowlist_create", "clerk_user_delete")


def pytest_generate_tests(metafunc):
    if "name" in metafunc.fixturenames:
        every = metafunc.config.getoption("--faults")
        names = [action.spec.name for action in ACTIONS] if every else SAMPLE
        metafunc.parametrize("name", names)
        metafunc.parametrize("fault", FAULTS, ids=lambda fault: fault.__name__)


@pytest.fixture(scope="module")
def seeded(tmp_path_factory):
    return seed(tmp_path_factory.mktemp("seeded") / "sandbox.db")


@pytest.fixture(autouse=True)
def read_back_at_once(monkeypatch):
    monkeypatch.setattr(settling, "WAITS", (0,))


@contextlib.asynccontextmanager
async def prepared(seeded, folder):
    """A sandbox with the company in it, and a desk beside it that makes what the action needs."""
    home = folder / "beside"
    home.mkdir()
    shutil.copy(seeded, home / "sandbox.db")
    async with (
        open_sandbox(home / "sandbox.db", seed=False) as sandbox,
        httpx2.AsyncClient(
            transport=httpx2.ASGITransport(app=sandbox.app),
            base_url="http://sandbox/v1",
            headers={"authorization": f"Bearer {sandbox.key}", **API},
        ) as http,
        Desk.open(Settings(home=home), approver=approve) as desk,
    ):
        yield World(desk, http), sandbox


async def test_what_is_told_is_what_happened(seeded, tmp_path, name, fault):
    async with prepared(seeded, tmp_path) as (at, sandbox):
        case = await run(name, fault, at, sandbox, tmp_path / "desk")
    check(case)
