"""Runs every benchmark and writes docs/performance.md. Run: make bench"""

import datetime as dt
import json
import os
import platform
import subprocess
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
from results import Row

HERE = Path(__file__).parent
PAGE = HERE.parent / "docs/performance.md"
PROGRAMS = (
    "sandbox_rates",
    "sizes",
    "mcp_stdio",
    "mcp_http",
    "signed_write",
    "cli",
    "bulk_reads",
    "jobs",
    "hosted",
    "startup",
    "tasks",
)
HEAD = """# Performance

Measured by `make bench` on {day}: {machine}. Both sides of each row were taken in one run on this machine;
what counts is the ratio, which another machine gives alike. "Beside" is what the last column names.

| what | ours | beside | ratio | goal | met | beside what |
| --- | --- | --- | --- | --- | --- | --- |
"""


def machine() -> str:
    """The processor's name and number, and the versions that matter."""
    names = [
        line.partition(":")[2].strip()
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
        if line.startswith("model name")
    ]
    return (
        f"{os.cpu_count()} x {names[0] if names else platform.machine()}, Python {platform.python_version()}"
    )


def main() -> None:
    """Run them one after the other; nothing else should run meanwhile."""
    rows: list[Row] = []
    for name in PROGRAMS:
        print(name, flush=True)
        told = subprocess.run(
            [sys.executable, str(HERE / f"{name}.py"), "--json"],
            stdout=subprocess.PIPE,
            text=True,
            check=True,
        ).stdout
        rows += [Row(**json.loads(line)) for line in told.splitlines()]
    table = "".join(f"| {' | '.join(row.cells())} |\n" for row in rows)
    notes = (HERE / "notes.md").read_text(encoding="utf-8")
    head = HEAD.format(day=dt.datetime.now(dt.UTC).date().isoformat(), machine=machine())
    PAGE.write_text(f"{head}{table}\n{notes}", encoding="utf-8")
    print(table)


if __name__ == "__main__":
    main()
