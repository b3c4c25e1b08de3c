"""Many MCP sessions of many workspaces on one replica: no error, and no more open than may be."""

import re
from pathlib import Path

import httpx2
import pytest

from deskclerk.hosted.workspaces import desks as desks_module
from deskclerk.hosted.workspaces.desks import Desks, Place
from tests.fuzz.processes import descriptors
from tests.hosted.load.sessions import MODERN, OLDER, Order, load

pytestmark = pytest.mark.anyio
SESSIONS, SECONDS, PAUSE = 200, 15, 5
WRITES = re.compile(r'deskclerk_calls_total\{[^}]*action="clerk_user_ban"[^}]*outcome="done"[^}]*\} (\d+)')


def test_two_hundred_sessions_of_forty_workspaces_meet_no_error(here):
    replica = here.replica(worker=False)
    agents = [here.agents[number % len(here.agents)] for number in range(SESSIONS)]
    host = here.public_url.removeprefix("http://")
    found = load(Order([replica.port], host, agents, SECONDS, PAUSE), "nice")
    assert found.errors == []
    # Each session's calls, but for those that a busy machine kept waiting.
    assert found.calls >= SESSIONS
    assert set(found.millis) == {"list", "get", "tools", "ban"}
    assert found.signed > 0
    told = httpx2.get(f"{replica.url}/metrics", timeout=30).text
    done = [int(float(number)) for number in WRITES.findall(told)]
    assert sum(done) == found.signed, told
    # Connections of sessions that left are closed; those to the database and to Clerk are a bounded number.
    assert descriptors(replica.process.pid) < SESSIONS
    assert "Traceback" not in Path(replica.log).read_text()


async def test_a_replica_has_no_more_desks_open_than_it_may(here, monkeypatch):
    monkeypatch.setattr(desks_module, "MOST", 4)
    async with here.parts() as parts:
        desks = Desks.alone(parts.workspaces, parts.doors, parts.agents.rules)
        places = [Place.of(one, "prod") for one in (await parts.workspaces.all())[:12]]
        for place in [*places, *places]:
            async with desks.use(place) as desk:
                assert desk.workspace.id == place.workspace
            assert len(desks) <= 4
        await desks.close()
        assert len(desks) == 0


@pytest.mark.parametrize("era", [OLDER, MODERN])
def test_what_goes_wrong_is_counted(here, era):
    replica = here.replica(worker=False)
    agents = [(here.agents[0][0], "dck_wrong")]
    host = here.public_url.removeprefix("http://")
    found = load(Order([replica.port], host, agents, 0.5, 0.2, eras=(era,)))
    assert found.calls == 0
    assert "401" in found.errors[0]
