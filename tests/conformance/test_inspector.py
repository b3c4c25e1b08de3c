"""MCP Inspector's command line lists the tools and calls them."""

import json
import subprocess

import pytest

from deskclerk.catalogue import ACTIONS
from tests.conformance.serving import DESKCLERK, MODULES, NODE, TOKEN, environment

INSPECTOR = MODULES / "@modelcontextprotocol" / "inspector" / "clients" / "launcher" / "build" / "index.js"
SECONDS = 60
REFUSED = 5
"""How Inspector ends where a tool answers that it failed."""


@pytest.fixture(params=["stdio", "http"])
def inspect(request, home, url):
    """Runs one method of Inspector's; its exit code and what it printed."""
    target = [DESKCLERK, "mcp"] if request.param == "stdio" else [url]
    header = [] if request.param == "stdio" else ["--header", f"Authorization: Bearer {TOKEN}"]

    def run(*arguments):
        command = [NODE, INSPECTOR, "--cli", *target, *header, "--method", *arguments]
        # Its catalogue of servers goes into a home of its own.
        env = environment(home, HOME=str(home), DESKCLERK_APPROVAL_WAIT="0")
        done = subprocess.run(command, env=env, capture_output=True, text=True, timeout=SECONDS, check=False)
        return done.returncode, json.loads(done.stdout)

    return run


@pytest.mark.promise("conformance")
def test_it_lists_every_action(inspect):
    code, listed = inspect("tools/list")
    names = [tool["name"] for tool in listed["tools"]]
    assert (code, names[: len(ACTIONS)]) == (0, [action.spec.name for action in ACTIONS])


def test_it_reads(inspect):
    code, result = inspect("tools/call", "--tool-name", "clerk_users_list", "--tool-arg", "limit=2")
    assert (code, len(result["structuredContent"]["items"])) == (0, 2)


def test_its_write_waits_for_a_person(inspect):
    _, found = inspect("tools/call", "--tool-name", "clerk_users_list", "--tool-arg", "limit=1")
    user_id = found["structuredContent"]["items"][0]["id"]
    code, result = inspect("tools/call", "--tool-name", "clerk_user_ban", "--tool-arg", f"user_id={user_id}")
    assert (code, result["_meta"]["deskclerk/error"]["error"]) == (REFUSED, "approval_needed")
    _, after = inspect("tools/call", "--tool-name", "clerk_user_get", "--tool-arg", f"user_id={user_id}")
    assert "banned" not in after["structuredContent"]
