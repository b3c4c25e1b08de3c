import json

import pytest
import quicktok

pytestmark = pytest.mark.anyio
BUDGET = 8_000


@pytest.mark.promise("few-tokens")
async def test_the_whole_tool_list_fits_its_budget(connect):
    async with connect() as client:
        tools = (await client.list_tools()).tools
    wire = [tool.model_dump(by_alias=True, mode="json", exclude_none=True) for tool in tools]
    text = json.dumps(wire, separators=(",", ":"))
    assert len(quicktok.get_encoding("o200k_base").encode(text)) <= BUDGET


async def test_the_instructions_are_short(connect):
    async with connect() as client:
        assert len(quicktok.get_encoding("o200k_base").encode(client.instructions)) <= 150
