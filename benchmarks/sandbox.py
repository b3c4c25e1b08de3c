"""What the sandbox costs at 1,000, 100,000 and 1,000,000 users, beside what it costs at 1,000.

Run: python benchmarks/sandbox.py [--url URL | --postgres] [--sizes 1000,100000,1000000] [--runs N]

Each question is asked RUNS times over an in-process HTTP transport; the best time counts. Without a URL the
database is a SQLite file in a temporary folder; with --postgres it is one of a server that is started
here and thrown away. A database of a URL has to be empty, and is not cleared.
"""

import argparse
import asyncio
import contextlib
import itertools
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

import httpx2

sys.path.insert(0, str(Path(__file__).parent.parent))
from deskclerk.sandbox import KEY, open_sandbox
from deskclerk.sandbox.opening import INSTANCE
from deskclerk.sandbox.seed.generated import generate

_numbers = itertools.count()


def questions(size: int, middle: dict) -> dict:
    """What is asked, by name: a verb, a path and its parameters."""
    email = middle["email_addresses"][0]["email_address"]
    return {
        "look-up by id": ("GET", f"/users/{middle['id']}", None),
        "look-up by e-mail address": ("GET", "/users", {"email_address": email}),
        "first page": ("GET", "/users", {}),
        "page by name": ("GET", "/users", {"order_by": "last_name"}),
        "page behind a cursor": ("GET", "/users", {"starting_after": middle["id"]}),
        "page, banned only": ("GET", "/users", {"banned": "true"}),
        "page, active lately": ("GET", "/users", {"last_active_at_since": 1_780_000_000_000}),
        "text that one has": ("GET", "/users", {"query": f".{size // 2}@example.com"}),
        "text that many have": ("GET", "/users", {"query": "lind"}),
        "text of two letters": ("GET", "/users", {"query": "zi"}),
        "page at an offset of half": ("GET", "/users", {"offset": size // 2}),
        "count": ("GET", "/users/count", {}),
        "count of a text": ("GET", "/users/count", {"query": "lind"}),
        "members of an organization": ("GET", f"/organizations/{middle['team']}/memberships", {}),
        "create": ("POST", "/users", None),
    }


async def ask(http: httpx2.AsyncClient, verb: str, path: str, params: dict | None) -> object:
    body = None
    if verb == "POST":
        number = next(_numbers)
        body = {"username": f"bench-{number}", "email_address": [f"bench-{number}@example.net"]}
    answer = await http.request(verb, path, params=params, json=body)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def measured(http: httpx2.AsyncClient, question: tuple, runs: int) -> float:
    """The best in milliseconds, as other work only ever adds; a slow one is asked less often."""
    taken: list[float] = []
    begun = time.perf_counter()
    await ask(http, *question)
    while len(taken) < runs and (time.perf_counter() - begun < 10 or len(taken) < 3):
        before = time.perf_counter()
        await ask(http, *question)
        taken.append((time.perf_counter() - before) * 1000)
    return min(taken)


async def costs(place: str, sizes: list[int], runs: int) -> None:
    table: dict[str, list[float]] = {}
    async with open_sandbox(place, seed=False) as sandbox:
        transport = httpx2.ASGITransport(app=sandbox.app)
        headers = {"Authorization": f"Bearer {KEY}", "Clerk-API-Version": "2026-05-12"}
        async with httpx2.AsyncClient(
            transport=transport, base_url="http://sandbox.localhost/v1", headers=headers
        ) as http:
            for size in sizes:
                have = (await ask(http, "GET", "/users/count", {}))["total_count"]
                begun = time.perf_counter()
                await generate(sandbox.store, INSTANCE.id, size - have)
                seconds = time.perf_counter() - begun
                print(f"{size - have:,} people generated in {seconds:.1f} s", flush=True)
                (middle,) = await ask(http, "GET", "/users", {"offset": size // 2, "limit": 1})
                teams = await ask(http, "GET", "/organizations", {"limit": 1})
                middle["team"] = teams["data"][0]["id"]
                for name, question in questions(size, middle).items():
                    table.setdefault(name, []).append(await measured(http, question, runs))
    print(f"\n{'ms (ratio to the first)':28}" + "".join(f"{size:>20,}" for size in sizes))
    for name, values in table.items():
        print(f"{name:28}" + "".join(f"{value:>12.2f} ({value / values[0]:>4.1f})" for value in values))


def memory(place: str) -> None:
    """What the process of `deskclerk sandbox` holds at its start and after a thousand requests."""
    command = [str(Path(sys.executable).with_name("deskclerk")), "sandbox", "--port", "0", "--json"]
    with subprocess.Popen([*command, "--db", place], stdout=subprocess.PIPE, text=True) as process:
        try:
            url = process.stdout.readline().split('"backend_api":"')[1].split('"')[0]
            held = [resident(process.pid)]
            for _ in range(1_000):
                request = urllib.request.Request(f"{url}/users", headers={"Authorization": f"Bearer {KEY}"})
                with urllib.request.urlopen(request) as answer:
                    answer.read()
            held.append(resident(process.pid))
        finally:
            process.terminate()
    print("memory of the process: {:.0f} MB at its start, {:.0f} MB after 1,000 requests".format(*held))


def resident(pid: int) -> float:
    status = Path(f"/proc/{pid}/status").read_text(encoding="utf-8")
    return int(status.split("VmRSS:")[1].split()[0]) / 1024


@contextlib.contextmanager
def where(options: argparse.Namespace):
    if options.url:
        yield options.url
    elif options.postgres:
        from tests.databases import Postgres  # noqa: PLC0415 - only then

        with Postgres.started(
            "shared_buffers=1GB", "fsync=on", "full_page_writes=on", "max_wal_size=4GB"
        ) as it:
            yield it.new()
    else:
        with tempfile.TemporaryDirectory() as folder:
            yield str(Path(folder) / "sandbox.db")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--url")
    parser.add_argument("--postgres", action="store_true")
    parser.add_argument("--sizes", default="1000,100000,1000000")
    parser.add_argument("--runs", type=int, default=30)
    options = parser.parse_args()
    with where(options) as place:
        asyncio.run(costs(place, [int(size) for size in options.sizes.split(",")], options.runs))
        memory(place)


if __name__ == "__main__":
    main()
