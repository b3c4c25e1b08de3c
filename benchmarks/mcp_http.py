"""MCP over HTTP, 200 sessions that get a user from a stub of Clerk: deskclerk beside the bare SDK.

Run: python benchmarks/mcp_http.py
"""

import asyncio
import json
import os
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
from results import Row, report
from servers import free_port, ready_at, started

HERE = Path(__file__).parent
DESKCLERK = Path(sys.executable).with_name("deskclerk")
KEY = "sk_test_sandbox"
"""The sandbox's own key: an instance of it has no rate budget, which is not what is measured."""
SESSIONS, CALLS = 200, 20
HELLO = {
    "protocolVersion": "2025-11-25",
    "capabilities": {},
    "clientInfo": {"name": "benchmark", "version": "0"},
}


class Session:
    """One client on one connection; as little of HTTP as that takes."""

    def __init__(self, port: int) -> None:
        self.port, self.more = port, ""

    async def begin(self) -> None:
        """Connect and shake hands."""
        self.reader, self.writer = await asyncio.open_connection("127.0.0.1", self.port)
        head, _ = await self.post({"jsonrpc": "2.0", "id": 0, "method": "initialize", "params": HELLO})
        (session,) = [line for line in head.split("\r\n") if line.lower().startswith("mcp-session-id")]
        self.more = f"{session}\r\nMCP-Protocol-Version: 2025-11-25\r\n"
        await self.post({"jsonrpc": "2.0", "method": "notifications/initialized"})

    async def call(self, number: int) -> None:
        """Get one user."""
        params = {"name": "clerk_user_get", "arguments": {"user_id": f"user_{number:08}"}}
        _, body = await self.post(
            {"jsonrpc": "2.0", "id": number + 1, "method": "tools/call", "params": params}
        )
        assert f"user_{number:08}" in body, body[:500]
        assert '"isError":true' not in body, body[:500]

    async def post(self, message: dict) -> tuple[str, str]:
        """One message and its answer: head and body."""
        body = json.dumps(message)
        self.writer.write(
            f"POST /mcp HTTP/1.1\r\nHost: 127.0.0.1:{self.port}\r\nContent-Type: application/json\r\n"
            f"Accept: application/json, text/event-stream\r\n{self.more}"
            f"Content-Length: {len(body)}\r\n\r\n{body}".encode()
        )
        head = (await self.reader.readuntil(b"\r\n\r\n")).decode()
        lower = head.lower()
        if "transfer-encoding: chunked" in lower:
            found = b""
            while size := int((await self.reader.readuntil(b"\r\n")), 16):
                found += (await self.reader.readexactly(size + 2))[:-2]
            await self.reader.readexactly(2)
            return head, found.decode()
        length = int(lower.partition("content-length:")[2].partition("\r\n")[0] or 0)
        return head, (await self.reader.readexactly(length)).decode()


async def rate(port: int) -> float:
    """Calls a second of all sessions together."""
    sessions = [Session(port) for _ in range(SESSIONS)]
    for session in sessions:
        await session.begin()

    async def calls(session: Session) -> None:
        for number in range(CALLS):
            await session.call(number)

    await asyncio.gather(*(session.call(0) for session in sessions))
    begun = time.perf_counter()
    await asyncio.gather(*map(calls, sessions))
    return SESSIONS * CALLS / (time.perf_counter() - begun)


def main() -> None:
    """Print the row."""
    stub, mine, bare = free_port(), free_port(), free_port()
    origin = f"http://127.0.0.1:{stub}"
    with tempfile.TemporaryDirectory() as home:
        env = os.environ | {
            "DESKCLERK_HOME": home,
            # The rate budget of a live instance is not what is measured.
            "CLERK_SECRET_KEY": KEY,
            "CLERK_API_URL": origin,
        }
        with (
            started([sys.executable, str(HERE / "stub_clerk.py"), str(stub), "1000"]),
            started([sys.executable, str(HERE / "bare_mcp.py"), origin, str(bare)]),
            started([str(DESKCLERK), "serve", "--port", str(mine)], env, quiet=True),
        ):
            ready_at(mine)
            ready_at(bare)
            pairs = [(asyncio.run(rate(mine)), asyncio.run(rate(bare))) for _ in range(3)]
    ours, beside = (max(side) for side in zip(*pairs, strict=True))
    report(
        [Row("MCP over HTTP, 200 sessions, get user, calls a second", ours, beside, "/s", 0.5, at_least=True)]
    )


if __name__ == "__main__":
    main()
