"""`users list --all --json` against a server that answers at once, beside a plain loop over the same pages.

Run: python benchmarks/bulk_reads.py
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
DESKCLERK = Path(sys.executable).with_name("deskclerk")
PLAIN = """
import json, sys, httpx2
with httpx2.Client(base_url=sys.argv[1]) as http:
    params = {"limit": 500}
    while page := json.loads(http.get("/v1/users", params=params).content):
        for user in page:
            print(json.dumps(user, ensure_ascii=False, separators=(",", ":")))
        params["starting_after"] = page[-1]["id"]
"""


def timed(command: list[str], env: dict[str, str], lines: int) -> tuple[float, float]:
    """Seconds of a command, and its largest memory in MiB; it has to print so many lines."""
    with tempfile.TemporaryFile() as out:
        begun = time.perf_counter()
        process = subprocess.Popen(command, env=env, stdout=out)
        _, status, used = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - begun
        out.seek(0)
        assert status == 0
        assert sum(1 for _ in out) == lines, "all of them, and no more"
    return seconds, used.ru_maxrss / 1024


def measure(users: int) -> tuple[float, float, float]:
    """Seconds of ours and of the plain loop, and our memory in MiB."""
    port = free_port()
    with (
        started([sys.executable, str(HERE / "stub_clerk.py"), str(port), str(users)]),
        tempfile.TemporaryDirectory() as home,
    ):
        origin = f"http://127.0.0.1:{port}"
        env = os.environ | {
            "DESKCLERK_HOME": home,
            "CLERK_SECRET_KEY": "sk_live_benchmark",
            "CLERK_API_URL": origin,
        }
        ours = [str(DESKCLERK), "users", "list", "--all", "--json"]
        plain = [sys.executable, "-c", PLAIN, origin]
        timed(plain, env, users)  # the server's pages are made
        pairs = [(timed(ours, env, users), timed(plain, env, users)) for _ in range(3)]
    return (
        min(mine[0] for mine, _ in pairs),
        min(other[0] for _, other in pairs),
        min(mine[1] for mine, _ in pairs),
    )


def main() -> None:
    """Print the rows."""
    few, many = 20_000, 200_000
    _, _, small = measure(few)
    ours, plain, large = measure(many)
    what, note = "users list --all --json, users a second", "a loop of httpx2, json.loads, json.dumps"
    report(
        [
            Row(what, many / ours, many / plain, "/s", 0.2, at_least=True, note=note),
            Row("the same, memory at 200,000 users", large, small, "MiB", 1.2, note="20,000 users"),
        ]
    )


if __name__ == "__main__":
    main()
