"""Getting a user over MCP and standard input: what it costs above the plain HTTP call.

Beside deskclerk stand `@clerk/agent-toolkit` and the Python SDK alone, with the same stub of Clerk and the
same client. Run: (cd benchmarks/peers && npm ci); python benchmarks/mcp_stdio.py
"""

import http.client
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
from results import Row, report
from servers import NODE, PEERS, free_port, started

HERE = Path(__file__).parent
DESKCLERK = Path(sys.executable).with_name("deskclerk")
CALLS = 300
HELLO = {
    "protocolVersion": "2025-06-18",
    "capabilities": {},
    "clientInfo": {"name": "benchmark", "version": "0"},
}
USER = "user_00000001"


def plain(port: int) -> float:
    """Milliseconds of one plain call, the median of many on one connection."""
    connection = http.client.HTTPConnection("127.0.0.1", port)
    taken = []
    for _ in range(CALLS):
        begun = time.perf_counter()
        connection.request("GET", f"/v1/users/{USER}")
        assert USER.encode() in connection.getresponse().read()
        taken.append(time.perf_counter() - begun)
    return statistics.median(taken) * 1000


def over_stdio(command: list[str], env: dict[str, str], name: str, argument: str) -> float:
    """Milliseconds of one call over MCP, the median of many in one process."""
    process = subprocess.Popen(
        command, env=env, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    )
    assert process.stdin
    assert process.stdout

    def ask(message: dict) -> dict:
        assert process.stdin
        assert process.stdout
        process.stdin.write(json.dumps({"jsonrpc": "2.0", **message}).encode() + b"\n")
        process.stdin.flush()
        while True:
            answer = json.loads(process.stdout.readline())
            if answer.get("id") == message["id"]:
                return dict(answer)

    try:
        ask({"id": 0, "method": "initialize", "params": HELLO})
        process.stdin.write(b'{"jsonrpc":"2.0","method":"notifications/initialized"}\n')
        taken = []
        for number in range(1, CALLS + 1):
            begun = time.perf_counter()
            answer = ask(
                {
                    "id": number,
                    "method": "tools/call",
                    "params": {"name": name, "arguments": {argument: USER}},
                }
            )
            taken.append(time.perf_counter() - begun)
            assert USER in json.dumps(answer), answer
        return statistics.median(taken) * 1000
    finally:
        process.stdin.close()
        process.terminate()
        process.wait(10)


def main() -> None:
    """Print the rows."""
    port = free_port()
    origin = f"http://127.0.0.1:{port}"
    with (
        started([sys.executable, str(HERE / "stub_clerk.py"), str(port), "1000"]),
        tempfile.TemporaryDirectory() as home,
    ):
        env = os.environ | {
            "DESKCLERK_HOME": home,
            "CLERK_SECRET_KEY": "sk_test_sandbox",
            "CLERK_API_URL": origin,
        }
        toolkit = [NODE, str(PEERS / "@clerk/agent-toolkit/dist/modelcontextprotocol/local-server.js")]
        bare = [sys.executable, str(HERE / "bare_mcp.py"), origin]
        rounds = [
            (
                plain(port),
                over_stdio([str(DESKCLERK), "mcp"], env, "clerk_user_get", "user_id"),
                over_stdio([*toolkit, "--tools", "users"], env, "getUser", "userId"),
                over_stdio(bare, env, "clerk_user_get", "user_id"),
            )
            for _ in range(3)
        ]
    base, ours, theirs, sdk = (min(side) for side in zip(*rounds, strict=True))
    what, cost = "MCP over stdio, get user, above plain HTTP", ours - base
    report(
        [
            Row(what, cost, theirs - base, "ms", 1.3, note="@clerk/agent-toolkit 0.3.15 on Node 24"),
            Row("the same", cost, sdk - base, "ms", 1.3, note="the Python SDK alone"),
        ]
    )


if __name__ == "__main__":
    main()
