"""How long a client waits for its first tool list over stdio, beside bare Python with `mcp` imported.

Run: python benchmarks/startup.py [RUNS]
"""

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

SERVE = (
    "from deskclerk.settings import Settings; from deskclerk.faces.mcp.stdio import run; run(Settings.load())"
)
BARE = "import mcp.server.lowlevel, mcp.server.stdio; print('ready', flush=True)"
HELLO = [
    {
        "jsonrpc": "2.0",
        "id": 1,
        "method": "initialize",
        "params": {
            "protocolVersion": "2025-11-25",
            "capabilities": {},
            "clientInfo": {"name": "benchmark", "version": "0"},
        },
    },
    {"jsonrpc": "2.0", "method": "notifications/initialized"},
    {"jsonrpc": "2.0", "id": 2, "method": "tools/list"},
]


def bare() -> float:
    """Seconds for Python to start and import `mcp`."""
    begun = time.perf_counter()
    with subprocess.Popen([sys.executable, "-c", BARE], stdout=subprocess.PIPE) as process:
        process.stdout.readline()
        return time.perf_counter() - begun


def first_list() -> float:
    """Seconds from the start of deskclerk to its tool list."""
    with tempfile.TemporaryDirectory() as home:
        begun = time.perf_counter()
        with subprocess.Popen(
            [sys.executable, "-c", SERVE],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=os.environ | {"DESKCLERK_HOME": home},
        ) as process:
            process.stdin.write(b"".join(json.dumps(line).encode() + b"\n" for line in HELLO))
            process.stdin.flush()
            answers = [json.loads(process.stdout.readline()) for _ in range(2)]
            taken = time.perf_counter() - begun
            process.stdin.close()
            assert len(answers[1]["result"]["tools"]) == 48
        assert not any(Path(home).iterdir()), "nothing is opened before the first call"
    return taken


def main() -> None:
    runs = int(sys.argv[1]) if len(sys.argv) > 1 else 7
    pairs = [(bare(), first_list()) for _ in range(runs)]
    base, ours = (statistics.median(times) for times in zip(*pairs, strict=True))
    print(f"bare python with mcp imported {base * 1000:6.0f} ms")
    print(f"start to tools/list           {ours * 1000:6.0f} ms   ({ours / base:.2f} times)")


if __name__ == "__main__":
    main()
