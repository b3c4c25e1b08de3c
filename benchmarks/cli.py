"""Whole commands beside `python -c "import httpx2"`: `users list` on a remote instance and on the sandbox.

Run: python benchmarks/cli.py
"""

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
from results import Row, report
from servers import free_port, started

HERE = Path(__file__).parent
DESKCLERK = str(Path(sys.executable).with_name("deskclerk"))
RUNS = 15


def taken(command: list[str], env: dict[str, str]) -> float:
    """Milliseconds of a whole process."""
    begun = time.perf_counter()
    subprocess.run(command, env=env, check=True, capture_output=True)
    return (time.perf_counter() - begun) * 1000


def main() -> None:
    """Print the rows."""
    port = free_port()
    with (
        started([sys.executable, str(HERE / "stub_clerk.py"), str(port), "1000"]),
        tempfile.TemporaryDirectory() as home,
    ):
        sandbox = {
            key: value for key, value in os.environ.items() if not key.startswith(("CLERK", "DESKCLERK"))
        }
        sandbox["DESKCLERK_HOME"] = home
        remote = sandbox | {
            "CLERK_SECRET_KEY": "sk_test_benchmark",
            "CLERK_API_URL": f"http://127.0.0.1:{port}",
        }
        ours, plain = [DESKCLERK, "users", "list", "--limit", "5"], [sys.executable, "-c", "import httpx2"]
        taken(ours, sandbox)  # the first one makes the databases
        taken(ours, remote)
        rounds = [(taken(plain, sandbox), taken(ours, remote), taken(ours, sandbox)) for _ in range(RUNS)]
    bare, there, here = (sorted(side)[RUNS // 2] for side in zip(*rounds, strict=True))
    note = "import httpx2"
    report(
        [
            Row("deskclerk users list, remote instance, whole process", there, bare, "ms", 4.0, note=note),
            Row("deskclerk users list, sandbox, whole process", here, bare, "ms", 4.5, note=note),
        ]
    )


if __name__ == "__main__":
    main()
