"""`kill -9` at each step of a write: nothing twice, nothing unnoted, nothing untrue.

`make test-faults` kills about a hundred times; `make test` twice at each step.
"""

import json
import os
import signal
import sqlite3
import subprocess
import sys
from collections import Counter
from contextlib import closing, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Event, Thread

import pytest

from deskclerk.desk import Desk
from deskclerk.desk.execution import settling
from deskclerk.desk.journal.records import EntryFilter
from deskclerk.settings import Settings

STEPS = (
    "before the intent",
    "after the intent",
    "received, not done",
    "done, not answered",
    "half an answer",
    "before the outcome",
    "after the outcome",
)
ROUNDS, ROUNDS_WITH_FAULTS = 2, 14


class FaultyClerk:
    """Users who can be banned; at a step of its own it kills whoever asks."""

    def __init__(self):
        self.users = {}
        self.bans = Counter()
        self.unnoted = []
        self.step = self.pid = self.journal = None
        self.known = Event()

    def kill(self):
        assert self.known.wait(20)
        os.kill(self.pid, signal.SIGKILL)

    def add(self, user_id):
        self.users[user_id] = {"id": user_id, "object": "user", "banned": False, "updated_at": 1}

    def ban(self, user_id):
        self.bans[user_id] += 1
        if not self.has_intent(user_id):
            self.unnoted.append(user_id)
        if self.step == "received, not done":
            self.kill()
            return None
        self.users[user_id] |= {"banned": True, "updated_at": 2}
        if self.step == "done, not answered":
            self.kill()
            return None
        return self.users[user_id]

    def has_intent(self, user_id):
        query = "select count(*) from events where kind = 'intent' and target = ?"
        with closing(sqlite3.connect(self.journal)) as database:
            return database.execute(query, (user_id,)).fetchone()[0] == 1


@contextmanager
def serving(clerk):
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self):
            user = clerk.users.get(self.path.rpartition("/")[2])
            self.answer(json.dumps(user).encode())

        def do_POST(self):
            self.rfile.read(int(self.headers.get("content-length") or 0))
            user = clerk.ban(self.path.split("/")[3])
            self.close_connection = user is None
            if user:
                self.answer(json.dumps(user).encode(), half=clerk.step == "half an answer")

        def answer(self, data, *, half=False):
            self.send_response(200)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(data)))
            self.end_headers()
            self.wfile.write(data[: len(data) // 2] if half else data)
            if half:
                self.wfile.flush()
                self.close_connection = True
                clerk.kill()

        def log_message(self, *_): ...

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


@pytest.mark.promise("at-most-once")
@pytest.mark.anyio
async def test_killed_at_any_step_it_writes_once_and_tells_the_truth(tmp_path, monkeypatch, request):
    rounds = ROUNDS_WITH_FAULTS if request.config.getoption("--faults") else ROUNDS
    monkeypatch.setattr(settling, "longest_under_way", lambda _: 0)
    clerk = FaultyClerk()
    clerk.journal = tmp_path / "desk.db"
    with serving(clerk) as origin:
        settings = Settings(home=tmp_path, secret_key="sk_test_x", api_url=origin)
        async with Desk.open(settings) as desk:
            await desk.journal.entries(EntryFilter())  # makes the database
        killed = kill_at_every_step(clerk, tmp_path, origin, rounds)
        async with Desk.open(settings) as desk:
            await desk.settling.orphans()
            entries = await desk.journal.entries(EntryFilter(action="clerk_user_ban"))
            chain = await desk.journal.verify()
    assert len(killed) == len(STEPS) * rounds
    assert chain.fault is None
    assert set(clerk.bans.values()) == {1}
    assert clerk.unnoted == []
    assert Counter(line["target"] for line in entries) == {
        user: 1 for user, step in killed.items() if step != "before the intent"
    }
    told = {line["target"]: line["outcome"] for line in entries}
    for user, outcome in told.items():
        happened = clerk.users[user]["banned"]
        assert outcome == ("done" if happened else "not_done"), killed[user]


def kill_at_every_step(clerk, home, origin, rounds):
    """Which user's ban was killed at which step."""
    program = [sys.executable, Path(__file__).with_name("kill_child.py"), home, origin]
    killed = {}
    with subprocess.Popen(program, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as parent:
        for number in range(rounds):
            for step in STEPS:
                user = f"user_{number}_{STEPS.index(step)}"
                clerk.add(user)
                clerk.step = step
                clerk.known.clear()
                parent.stdin.write(f"{step}\t{user}\n")
                parent.stdin.flush()
                clerk.pid = int(parent.stdout.readline())
                clerk.known.set()
                assert int(parent.stdout.readline()) == -signal.SIGKILL, step
                killed[user] = step
        parent.stdin.close()
        assert parent.wait() == 0
    return killed
