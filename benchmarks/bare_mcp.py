"""The Python SDK's low-level server alone, with one tool that makes the same HTTP call. For benchmarks.

Run: python benchmarks/bare_mcp.py ORIGIN [PORT]; without a port it serves standard input and output.
"""

import sys

import anyio
import httpx2
import uvicorn
from mcp import types
from mcp.server.lowlevel import Server
from mcp.server.stdio import stdio_server

ORIGIN = sys.argv[1]
TOOL = types.Tool(
    name="clerk_user_get",
    description="One user.",
    input_schema={"type": "object", "properties": {"user_id": {"type": "string"}}, "required": ["user_id"]},
)
http = httpx2.AsyncClient(base_url=ORIGIN, headers={"Authorization": "Bearer sk_live_benchmark"})


async def tools(_context: object, _params: object) -> types.ListToolsResult:
    """The one tool."""
    return types.ListToolsResult(tools=[TOOL])


async def call(_context: object, params: types.CallToolRequestParams) -> types.CallToolResult:
    """The one call: what Clerk says, as it is."""
    answer = await http.get(f"/v1/users/{(params.arguments or {})['user_id']}")
    return types.CallToolResult(
        content=[types.TextContent(text=answer.text)], structured_content=answer.json()
    )


server = Server("bare", on_list_tools=tools, on_call_tool=call)


async def over_stdio() -> None:
    """Serve standard input and output."""
    async with stdio_server() as (read, write):
        await server.run(read, write, server.create_initialization_options())


if __name__ == "__main__":
    if len(sys.argv) > 2:
        app = server.streamable_http_app(streamable_http_path="/mcp")
        config = uvicorn.Config(app, port=int(sys.argv[2]), log_level="error", access_log=False)
        print("ready", flush=True)
        uvicorn.Server(config).run()
    else:
        anyio.run(over_stdio)
