"""An agent of a test: the official MCP client, in either era, with a workspace's token."""

import contextlib
import json

import httpx2
import mcp_types as types
from mcp import Client
from mcp.client.streamable_http import streamable_http_client


@contextlib.asynccontextmanager
async def agent(url, token, *, mode="auto", answer=None):
    """A client at an MCP URL; `answer` is what its person says to a plan, `accept` or `decline`."""
    asked = []

    async def elicit(_context, params):
        asked.append(params.message)
        if answer is None:
            return types.ElicitResult(action="cancel")
        words = {"confirm": True} if answer == "accept" else None
        return types.ElicitResult(action=answer, content=filled(params, words) if words else None)

    async with httpx2.AsyncClient(headers={"authorization": f"Bearer {token}"}, timeout=60) as http:
        transport = streamable_http_client(url, http_client=http)
        callback = elicit if answer is not None else None
        async with Client(transport, mode=mode, elicitation_callback=callback) as client:
            client.asked = asked
            yield client


def filled(params, _words):
    """A form as a person fills it in: yes, and the words that the plan asks to be typed."""
    schema = params.requested_schema
    properties = schema["properties"] if isinstance(schema, dict) else schema.properties
    found = {}
    for name, item in properties.items():
        kind = item.get("type")
        if kind == "boolean":
            found[name] = True
        elif item.get("enum"):
            found[name] = item["enum"][0]
        else:
            found[name] = params.message
    return found


def told(result):
    """What a tool answered: its value, or the error as data."""
    if result.is_error:
        return (result.meta or {}).get("deskclerk/error") or result.content[0].text
    return result.structured_content or json.loads(result.content[0].text)
