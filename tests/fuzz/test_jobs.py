"""The tools for jobs before made-up arguments: what is wrong is told, and nothing is sent unsigned."""

import contextlib
import json

import httpx2
import pytest
from anyio.from_thread import start_blocking_portal
from hypothesis import given
from hypothesis import strategies as st
from mcp import Client

from deskclerk.catalogue import ACTIONS, TOOLSETS
from deskclerk.clerk.client import Clerk
from deskclerk.desk import Desk
from deskclerk.desk.jobs import jobs as door
from deskclerk.faces.mcp.server import build
from deskclerk.settings import Settings
from tests.faces.mcp.conftest import ERAS, OneOfEverything
from tests.fuzz.test_arguments import HOSTILE, KEY, NAMES

SCALARS = st.one_of(st.text(max_size=12), st.integers(), st.booleans(), st.none(), HOSTILE)
NAMED = st.one_of(st.sampled_from([action.spec.name for action in ACTIONS]), st.text(max_size=12), HOSTILE)
FILTERS = st.dictionaries(
    st.sampled_from(["query", "banned", "user_id", "limit", "organization_id", "status", "role", "x"]),
    SCALARS,
    max_size=3,
)
ARGUMENTS = st.dictionaries(
    st.sampled_from(["user_id", "organization_id", "role", "name", "email_address", "password", "clear"]),
    st.one_of(SCALARS, st.sampled_from(["$1.id", "$2.id", "$0.id", "$99.id", "$x.id", "x_1", "user_x_1"])),
    max_size=4,
)
STEP = st.one_of(
    st.builds(
        lambda name, given_arguments: json.dumps({"action": name, "arguments": given_arguments}, default=str),
        NAMED,
        ARGUMENTS,
    ),
    st.text(max_size=20),
    HOSTILE,
)
TOOLS = {action.spec.name: action for action in TOOLSETS["jobs"]}
GIVEN = st.fixed_dictionaries(
    {},
    optional={
        "action": NAMED,
        "values": st.one_of(ARGUMENTS, st.builds(json.dumps, ARGUMENTS.filter(bool)), HOSTILE),
        "where": st.one_of(
            FILTERS, st.builds(lambda found: json.dumps(found, default=str), FILTERS), HOSTILE
        ),
        "targets": st.one_of(st.lists(st.one_of(st.just("x_1"), SCALARS), max_size=4), HOSTILE),
        "steps": st.one_of(st.lists(STEP, max_size=4), HOSTILE),
        "job_id": st.one_of(st.just("job_1"), HOSTILE),
        "limit": SCALARS,
        "unknown": SCALARS,
    },
)


@contextlib.asynccontextmanager
async def connected(home, era, clerk):
    settings = Settings(home=home, secret_key=KEY, toolsets=("core", "jobs"), approval_wait=0)
    transport = httpx2.MockTransport(clerk)
    async with (
        Clerk("https://clerk.test", KEY, transport=transport) as at,
        Desk(settings, clerk=at) as desk,
        Client(build(desk), mode=era) as client,
    ):
        yield client


@pytest.fixture(scope="module", params=list(ERAS))
def asker(request, tmp_path_factory):
    clerk = OneOfEverything()
    opened = connected(tmp_path_factory.mktemp("fuzz"), ERAS[request.param], clerk)
    with pytest.MonkeyPatch.context() as patch, start_blocking_portal() as portal:
        patch.setattr(door, "start_worker", lambda *_: False)
        with portal.wrap_async_context_manager(opened) as client:
            yield lambda name, told: (portal.call(client.call_tool, name, told), clerk.writes)


@pytest.mark.parametrize("name", list(TOOLS))
@given(data=st.data())
def test_what_is_wrong_with_a_job_is_told_and_nothing_is_sent(name, data, asker):
    told = data.draw(GIVEN)
    if data.draw(st.booleans()):
        told = {key: value for key, value in told.items() if key in TOOLS[name].parameters()}
    if data.draw(st.integers(0, 9)) == 0:
        told[data.draw(NAMES)] = data.draw(SCALARS)
    result, writes = asker(name, told)
    text = " ".join(item.text for item in result.content)
    assert "failed inside deskclerk" not in text
    assert KEY not in text
    assert writes == []
    error = (result.meta or {}).get("deskclerk/error", {}) if result.is_error else {}
    if error.get("error") == "invalid_request":
        assert error["next_step"], text
        assert error["problems"], text
        assert len(text) < 6_000
