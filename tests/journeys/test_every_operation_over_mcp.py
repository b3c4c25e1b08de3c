"""Every operation that the sandbox serves as a tool of an MCP client: called, signed, carried out, told."""

import asyncio

import httpx2
import pytest
from mcp import Client

from deskclerk.clerk.client import Clerk
from deskclerk.desk import Desk
from deskclerk.faces.mcp.server import build
from deskclerk.sandbox import KEY, open_sandbox
from deskclerk.sandbox.http.routes import HANDLERS
from deskclerk.settings import Settings
from tests.contract import openapi
from tests.contract.journeys import JOURNEYS
from tests.contract.sdk_visit import REFUSED
from tests.contract.visit import HEADERS
from tests.faces.mcp.conftest import ERAS, Dialogue
from tests.journeys.mcp_visit import McpVisit, Wire

SERVED = {(str(route.method), openapi.shape(route.path)) for route in HANDLERS}


@pytest.fixture(scope="module")
def visit(tmp_path_factory):
    home = tmp_path_factory.mktemp("mcp")

    async def go():
        person = Dialogue()
        settings = Settings(home=home, toolsets=("all",), approval_wait=0)
        async with open_sandbox(home / "clerk.db") as sandbox:
            wire = Wire(sandbox.app)
            plain = httpx2.ASGITransport(app=sandbox.app, raise_app_exceptions=False)
            async with (
                httpx2.AsyncClient(transport=plain, base_url="http://sandbox.test", headers=HEADERS) as http,
                Clerk("http://sandbox.localhost", KEY, transport=wire) as clerk,
                Desk(settings, clerk=clerk) as desk,
                Client(build(desk), mode=ERAS["handshake"], elicitation_callback=person) as client,
            ):
                visit = McpVisit(http, mcp=client, person=person, wire=wire)
                for journey in JOURNEYS:
                    await journey(visit)
                return visit

    return asyncio.run(go())


@pytest.mark.promise("all-249")
def test_every_operation_that_is_served_is_done_by_its_tool(visit):
    assert SERVED - visit.made == REFUSED.keys()


@pytest.mark.promise("handed-over")
def test_no_tool_tells_what_it_hands_over(visit):
    assert visit.leaked == []


def test_what_a_tool_does_not_do_it_was_not_asked_for(visit):
    # The way also changes nothing, which Clerk takes and the desk sends no request for.
    assert [text for text in visit.refusals if "nothing to change was given" not in text] == []


def test_every_preview_says_what_it_is_about(visit):
    """What is there already is named, or at least given by the ids that it was asked with."""
    made = (
        "Create",
        "Update instance",
        "Update sign-up",
        "Update org",
        "Update comm",
        "Update OAuth app",
        "Update Protect",
    )
    told = [item.message for item in visit.person.asked]
    assert [text for text in told if "Target: " not in text and not text.startswith(made)] == []


@pytest.mark.parametrize(
    "line",
    [
        "Target: +15555550121 (idn_",
        "Target: https://contract.example/back (ru_",
        "Target: credit@contract.example (user_",
        "Target: sign_in_token_id sit_",
        "removes the wallet 0x",
        "removes the passkey Phone",
        "a device of Priya Raghavan",
        "Files takes tokens of ",
        "Files takes no longer tokens of ",
        "whoever has it acts for ",
        "the agent helper is signed in as ",
        "Target: Larkspur Desktop (oa_",
        "removes the account oauth_",
        "whoever holds it is token@contract.example (user_",
        'permissions: ["org:sys_memberships:read"] → ',
    ],
)
def test_whoever_signs_can_tell_which_one_it_is(visit, line):
    assert any(line in item.message for item in visit.person.asked)
