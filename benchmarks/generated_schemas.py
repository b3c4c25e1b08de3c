"""What the tool list of a server costs that FastMCP generates from Clerk's OpenAPI document, in o200k tokens.

Run where `fastmcp` 4.1.2, `pyyaml` and `quicktok` are installed: python generated_schemas.py OPENAPI
"""

import asyncio
import json
import sys
from pathlib import Path

import httpx
import quicktok
import yaml
from fastmcp import Client, FastMCP


async def main(document: dict) -> None:
    """Print the number."""
    server = FastMCP.from_openapi(document, client=httpx.AsyncClient(base_url="http://localhost/v1"))
    async with Client(server) as client:
        tools = [
            tool.model_dump(by_alias=True, mode="json", exclude_none=True)
            for tool in await client.list_tools()
        ]
    text = json.dumps(tools, ensure_ascii=False, separators=(",", ":"))
    print(f"{len(tools)} tools: {len(quicktok.get_encoding('o200k_base').encode(text))} tokens")


if __name__ == "__main__":
    asyncio.run(main(yaml.safe_load(Path(sys.argv[1]).read_text(encoding="utf-8"))))
