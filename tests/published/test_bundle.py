import json

import pytest
from mcp import Client, StdioServerParameters

from deskclerk.catalogue import ACTIONS
from tests.published.conftest import ROOT

MCPB = ROOT / "packaging" / "node_modules" / ".bin" / "mcpb"
CONFIGURATION = ROOT / "tests" / "published" / "client_configuration.mjs"
KEY = "sk_test_" + "k" * 40


@pytest.fixture
def folder(run, packed, tmp_path):
    """The bundle as a client has unpacked it."""
    run(MCPB, "unpack", packed, tmp_path / "bundle")
    return tmp_path / "bundle"


@pytest.fixture
def started_with(run, folder, alone):
    """What a client starts for a person who filled the form in so."""

    def started_with(**settings):
        found = json.loads(run("node", CONFIGURATION, folder, json.dumps(settings)))
        return StdioServerParameters(
            command=found["command"], args=found["args"], env=alone | found.get("env", {})
        )

    return started_with


@pytest.mark.anyio
async def test_a_bundle_without_a_key_serves_the_sandbox(started_with):
    async with Client(started_with()) as client:
        assert {tool.name for tool in (await client.list_tools()).tools} == {
            action.spec.name for action in ACTIONS
        }
        found = await client.call_tool("clerk_users_list", {"limit": 1})
    assert found.structured_content["items"][0]["id"].startswith("user_")


@pytest.mark.anyio
async def test_what_a_person_fills_in_narrows_and_widens_the_tools(started_with):
    server = started_with(toolsets="core,jobs", read_only=True)
    async with Client(server) as client:
        tools = (await client.list_tools()).tools
    assert all(tool.annotations.read_only_hint for tool in tools)
    assert "clerk_users_list" in {tool.name for tool in tools}
    assert len(tools) != len(ACTIONS)


def test_the_key_goes_into_the_environment_and_into_no_argument(started_with, folder):
    server = started_with(secret_key=KEY)
    assert server.env["CLERK_SECRET_KEY"] == KEY
    assert KEY not in " ".join([server.command, *server.args])
    manifest = json.loads((folder / "manifest.json").read_text("utf-8"))
    assert manifest["user_config"]["secret_key"]["sensitive"] is True


def test_the_bundle_asks_for_the_versions_that_were_tested(folder):
    project = (folder / "pyproject.toml").read_text("utf-8")
    locked = (ROOT / "requirements" / "run.txt").read_text("utf-8")
    assert sum("==" in line for line in project.splitlines()) == sum(
        "==" in line for line in locked.splitlines()
    )
