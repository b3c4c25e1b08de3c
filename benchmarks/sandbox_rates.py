"""How fast the sandbox answers beside bare Starlette and beside `emulate`, in one run.

Run: (cd benchmarks/peers && npm ci); python benchmarks/sandbox_rates.py; needs `wrk` and, for its row,
PostgreSQL's server programs.
"""

import concurrent.futures
import contextlib
import json
import re
import subprocess
import sys
import tempfile
import urllib.request
from collections.abc import Iterator
from pathlib import Path

sys.path[:0] = [str(Path(__file__).parent), str(Path(__file__).parent.parent)]
from results import Row, report
from servers import NODE, PEERS, free_port, ready_at, started

HERE = Path(__file__).parent
DESKCLERK = Path(sys.executable).with_name("deskclerk")
SECONDS, ROUNDS = 3, 3
KEY = "sk_test_sandbox"
READ = 'wrk.headers["Authorization"] = "Bearer %s"'
# Numbers that no round before has used: an address is one user's.
CREATE = """
local number = %d
request = function()
  number = number + 1
  local body = string.format('{"email_address":["p%%d@example.com"],"first_name":"Ada"}', number)
  local headers = {["Authorization"] = "Bearer %s", ["Content-Type"] = "application/json"}
  return wrk.format("POST", nil, headers, body)
end
"""
# The peer answers 429 after so many requests with one key, and takes any key.
ROTATING = """
local number = 0
request = function()
  number = number + 1
  local key = "sk_test_" .. tostring(math.floor(number / 4000))
  return wrk.format("GET", nil, {["Authorization"] = "Bearer " .. key})
end
"""


def wrk(url: str, script: str, *, connections: int = 16, percent: int = 50) -> tuple[float, float]:
    """Good answers a second, and a percentile of their latency in microseconds: the median."""
    with tempfile.NamedTemporaryFile("w", suffix=".lua") as file:
        file.write(script)
        file.flush()
        told = subprocess.run(
            ["wrk", "--latency", "-t1", f"-c{connections}", f"-d{SECONDS}", "-s", file.name, url],
            capture_output=True,
            text=True,
            check=True,
        ).stdout
    count = int(re.search(r"(\d+) requests in", told)[1])
    bad = re.search(r"Non-2xx or 3xx responses: (\d+)", told)
    value, unit = re.search(rf"{percent}%\s+([\d.]+)(us|ms|s)", told).groups()
    return (count - int(bad[1] if bad else 0)) / SECONDS, float(value) * {"us": 1, "ms": 1e3, "s": 1e6}[unit]


def p99_beside_a_writer(url: str, read: str, users: str, create: str) -> float:
    """The 99th percentile of a read in microseconds, while another client writes all the time."""
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        writing = pool.submit(wrk, users, create, connections=1)
        found = wrk(url, read, connections=1, percent=99)[1]
        assert writing.result()[0] > 0
    return found


def get(url: str, key: str = KEY) -> object:
    """The JSON at an address."""
    request = urllib.request.Request(url, headers={"Authorization": f"Bearer {key}"})
    with urllib.request.urlopen(request) as answer:
        return json.load(answer)


@contextlib.contextmanager
def sandbox(location: str) -> Iterator[str]:
    """A sandbox with the small company; its origin."""
    port = free_port()
    with started([str(DESKCLERK), "sandbox", "--port", str(port), "--db", location], quiet=True):
        ready_at(port)
        yield f"http://127.0.0.1:{port}/v1"


@contextlib.contextmanager
def emulate() -> Iterator[str]:
    """The peer, with as many users as a page has; its origin."""
    port = free_port()
    script = str(PEERS / "emulate/dist/index.js")
    with started([NODE, script, "start", "-s", "clerk", "-p", str(port)], quiet=True):
        ready_at(port)
        origin = f"http://127.0.0.1:{port}/v1"
        for number in range(9):
            body = json.dumps({"email_address": [f"p{number}@example.com"], "first_name": "Ada"}).encode()
            headers = {"Authorization": "Bearer sk_test_fill", "Content-Type": "application/json"}
            urllib.request.urlopen(urllib.request.Request(f"{origin}/users", body, headers)).close()
        yield origin


def rounds(**measures: object) -> dict[str, float]:
    """The best of each measure, taken in turn."""
    found: dict[str, list[float]] = {}
    for _ in range(ROUNDS):
        for name, measure in measures.items():
            found.setdefault(name, []).append(measure())
    return {name: min(values) if name.startswith("p50") else max(values) for name, values in found.items()}


def rows() -> Iterator[Row]:
    """All comparisons."""
    numbers = iter(range(1_000_000_000, 10**15, 10_000_000))
    with tempfile.TemporaryDirectory() as folder, sandbox(f"{folder}/sandbox.db") as ours:
        user = get(f"{ours}/users?limit=1")[0]
        file = Path(folder) / "user.json"
        file.write_text(json.dumps(user), encoding="utf-8")
        port, one = free_port(), f"{ours}/users/{user['id']}"
        bare = f"http://127.0.0.1:{port}/v1/users/x"
        read = READ % KEY
        with started([sys.executable, str(HERE / "bare_starlette.py"), str(port), str(file)]):
            ready_at(port)
            found = rounds(
                bare=lambda: wrk(bare, read)[0],
                get=lambda: wrk(one, read)[0],
                page=lambda: wrk(f"{ours}/users?limit=10", read)[0],
                create=lambda: wrk(f"{ours}/users", CREATE % (next(numbers), KEY))[0],
                p50_bare=lambda: wrk(bare, read, connections=1)[1],
                p50_get=lambda: wrk(one, read, connections=1)[1],
                p50_page=lambda: wrk(f"{ours}/users?limit=10", read, connections=1)[1],
                p50_create=lambda: wrk(f"{ours}/users", CREATE % (next(numbers), KEY), connections=1)[1],
            )
            for name, what, goal in (
                ("get", "get user", 0.55),
                ("page", "page of 10", 0.35),
                ("create", "create user", 0.15),
            ):
                yield Row(
                    f"sandbox on SQLite, 16 connections, {what}, a second",
                    found[name],
                    found["bare"],
                    "/s",
                    goal,
                    at_least=True,
                    note="bare Starlette",
                )
            for name, what in (("get", "get user"), ("page", "page of 10"), ("create", "create user")):
                note = "bare Starlette, get"
                yield Row(
                    f"one connection, p50, {what}",
                    found[f"p50_{name}"],
                    found["p50_bare"],
                    "µs",
                    2.0,
                    note=note,
                )
            beside = rounds(
                p50_p99=lambda: p99_beside_a_writer(
                    one, read, f"{ours}/users", CREATE % (next(numbers), KEY)
                ),
                p50_bare=lambda: p99_beside_a_writer(
                    bare, read, f"{ours}/users", CREATE % (next(numbers), KEY)
                ),
            )
            yield Row(
                "one connection, p99, get user while another client creates users all the time",
                beside["p50_p99"],
                beside["p50_bare"],
                "µs",
                2.0,
                note="bare Starlette, while that client does the same to the sandbox",
            )
            with postgres() as url, sandbox(url) as on_server:
                there = f"{on_server}/users/{get(f'{on_server}/users?limit=1')[0]['id']}"
                both = rounds(bare=lambda: wrk(bare, read)[0], get=lambda: wrk(there, read)[0])
                yield Row(
                    "sandbox on PostgreSQL, 16 connections, get user, a second",
                    both["get"],
                    both["bare"],
                    "/s",
                    0.25,
                    at_least=True,
                    note="bare Starlette",
                )
        with emulate() as theirs:
            other = f"{theirs}/users/{get(f'{theirs}/users?limit=1', 'sk_test_fill')['data'][0]['id']}"
            found = rounds(
                get=lambda: wrk(one, read)[0],
                other_get=lambda: wrk(other, ROTATING)[0],
                page=lambda: wrk(f"{ours}/users?limit=10", read)[0],
                other_page=lambda: wrk(f"{theirs}/users?limit=10", ROTATING)[0],
            )
            for name, what in (("get", "get user"), ("page", "page of 10")):
                yield Row(
                    f"sandbox beside emulate, {what}, a second",
                    found[name],
                    found[f"other_{name}"],
                    "/s",
                    1.0,
                    at_least=True,
                    note="emulate 0.12.2, in memory",
                )


@contextlib.contextmanager
def postgres() -> Iterator[str]:
    """A server of our own and an empty database on it."""
    from tests.databases import Postgres  # noqa: PLC0415 - as the tests start theirs

    with Postgres.started("fsync=on", "full_page_writes=on") as server:
        yield server.new()


if __name__ == "__main__":
    report(rows())
