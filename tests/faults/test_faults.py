"""Every action before every fault: bounded, at most once, and told as it happened.

`make test-faults` runs all of them; `make test` a sample, one read and one of three writes before each fault.
"""

import pytest

from deskclerk.catalogue import ACTIONS
from deskclerk.desk.execution import settling
from tests.faults.cases import check, prepared, run
from tests.faults.faults import FAULTS
from tests.faults.page import PAGE, page, rows
from tests.journeys.writes import seed

pytestmark = pytest.mark.anyio
READ, WRITES = "clerk_user_get", ("clerk_user_ban", "clerk_allowlist_create", "clerk_user_delete")
SAMPLE = [
    case for turn, fault in enumerate(FAULTS) for case in ((READ, fault), (WRITES[turn % len(WRITES)], fault))
]


def pytest_generate_tests(metafunc):
    if "name" in metafunc.fixturenames:
        every = [(action.spec.name, fault) for action in ACTIONS for fault in FAULTS]
        cases = every if metafunc.config.getoption("--faults") else SAMPLE
        ids = [f"{name}-{fault.__name__}" for name, fault in cases]
        metafunc.parametrize(("name", "fault"), cases, ids=ids)


@pytest.fixture(scope="module")
def seeded(tmp_path_factory):
    return seed(tmp_path_factory.mktemp("seeded") / "sandbox.db")


@pytest.fixture(autouse=True)
def read_back_at_once(monkeypatch):
    monkeypatch.setattr(settling, "WAITS", (0,))


@pytest.mark.promise("told-is-what-happened")
async def test_what_is_told_is_what_happened(seeded, tmp_path, name, fault):
    async with prepared(seeded, tmp_path) as (at, sandbox):
        case = await run(name, fault, at, sandbox, tmp_path / "desk")
    check(case)


@pytest.mark.promise("told-is-what-happened")
async def test_the_page_says_what_happens(request):
    written = PAGE.read_text(encoding="utf-8")
    if request.config.getoption("--faults"):
        assert written == page(await rows())
    else:
        assert set(await rows(FAULTS[-8:-4])) <= set(written.splitlines())
