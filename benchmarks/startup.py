"""How long a client waits for its first tool list over stdio, and what the process holds while it waits.

Beside it stands bare Python with `mcp` imported. Run: python benchmarks/startup.py
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
from results import Row, report

RUNS = 9
DESKCLERK = str(Path(sys.executable).with_name("deskclerk"))
BARE = "import mcp.server.lowlevel, mcp.server.stdio; print('ready', flush=True); input()"
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


def resident(pid: int) -> float:
    """MiB that a process holds."""
    status = Path(f"/proc/{pid}/status").read_text(encoding="utf-8")
    return int(status.split("VmRSS:")[1].split()[0]) / 1024


def bare() -> tuple[float, float]:
    """Milliseconds for Python to start and import `mcp`, and its memory."""
    begun = time.perf_counter()
    with subprocess.Popen(
        [sys.executable, "-c", BARE], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        process.stdout.readline()
        found = (time.perf_counter() - begun) * 1000, resident(process.pid)
        process.stdin.write(b"\n")
        process.stdin.close()
    return found


def first_list() -> tuple[float, float]:
    """Milliseconds from the start of deskclerk to its tool list, and its memory."""
    with tempfile.TemporaryDirectory() as home:
        begun = time.perf_counter()
        with subprocess.Popen(
            [DESKCLERK, "mcp"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=os.environ | {"DESKCLERK_HOME": home},
        ) as process:
            process.stdin.write(b"".join(json.dumps(line).encode() + b"\n" for line in HELLO))
            process.stdin.flush()
            answers = [json.loads(process.stdout.readline()) for _ in range(2)]
            found = (time.perf_counter() - begun) * 1000, resident(process.pid)
            process.stdin.close()
            assert len(answers[1]["result"]["tools"]) == 48
        assert not any(Path(home).iterdir()), "nothing is opened before the first call"
    return found


def main() -> None:
    """Print the rows."""
    pairs = [(bare(), first_list()) for _ in range(RUNS)]
    (base, held), (ours, holds) = (
        (sorted(side[0] for side in sides)[RUNS // 2], sorted(side[1] for side in sides)[RUNS // 2])
        for sides in zip(*pairs, strict=True)
    )
    note = "bare Python with mcp imported"
    report(
        [
            Row("start to tools/list over stdio", ours, base, "ms", 1.10, note=note),
            Row("memory then", holds, held, "MiB", 1.15, note=note),
        ]
    )


if __name__ == "__main__":
    main()
