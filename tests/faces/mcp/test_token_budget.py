"""What a model pays: for the tools once, and for each answer beside what Clerk itself says."""

import json

import pytest
import quicktok

from deskclerk.desk import Caller, Desk
from deskclerk.settings import Settings

pytestmark = pytest.mark.anyio
BUDGET = 7_500


def tokens(value):
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return len(quicktok.get_encoding("o200k_base").encode(text))


@pytest.mark.promise("few-tokens")
async def test_the_whole_tool_list_fits_its_budget(connect):
    async with connect() as client:
        tools = (await client.list_tools()).tools
    wire = [tool.model_dump(by_alias=True, mode="json", exclude_none=True) for tool in tools]
    assert tokens(wire) <= BUDGET


async def test_the_instructions_are_short(connect):
    async with connect() as client:
        assert tokens(client.instructions) <= 150


@pytest.fixture(scope="module")
def company(tmp_path_factory):
    """A home whose sandbox holds the small company that it begins with."""
    return tmp_path_factory.mktemp("company")


@pytest.mark.promise("few-tokens")
@pytest.mark.parametrize(
    ("name", "arguments", "most"),
    [
        ("clerk_users_list", {"limit": 100}, 0.12),
        ("clerk_organizations_list", {"limit": 100}, 0.30),
        ("clerk_org_memberships_list", {"organization_id": "quillworks", "limit": 100}, 0.20),
        # Of the sandbox's own addresses, which are shorter than those of an instance of Clerk's.
        ("clerk_clients_list", {"limit": 100}, 0.31),
        ("clerk_users_list", {"limit": 100, "fields": ["*"]}, 0.72),
    ],
)
async def test_an_answer_costs_a_part_of_what_clerk_says(company, name, arguments, most):
    from deskclerk.catalogue import BY_NAME  # noqa: PLC0415

    model = Caller("mcp")
    async with Desk.open(Settings(home=company, answer_characters=10**9)) as desk:

        async def said(**more):
            return await desk.perform(await desk.action(BY_NAME[name], arguments | more, model), caller=model)

        shown, raw = await said(), await said(fields=["raw"])
    assert len(shown.value["items"]) == len(raw.value["items"])
    ratio = tokens(shown.value["items"]) / tokens(raw.value["items"])
    assert ratio <= most, f"{ratio:.3f}"
