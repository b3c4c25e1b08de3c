"""A disk that is full, read-only, held or damaged: it is told, nothing unnoted is sent, nothing is lost."""

import contextlib
import json
import os
import sqlite3
import subprocess
import threading

import pytest

from tests.conformance.serving import DESKCLERK
from tests.faces.mcp import processes
from tests.faces.mcp.processes import STDIO, environment, request, send, started
from tests.fuzz.processes import Stdio

SECONDS = 60
BAN = {"name": "clerk_user_ban", "arguments": {"user_id": "user_x_1"}}
HELD_SECONDS = 20
DAMAGED, FULL = "Put a backup in its place", "Free some space"
NOT_WRITABLE = "Make the folder and the file writable"
COMMANDS = (
    ("users", "ban", "user_x_1"),
    ("journal",),
    ("journal", "verify"),
    ("pending",),
    ("serve", "--port", "0"),
)


class Asker(Stdio):
    """An agent before a person who says yes."""

    def __init__(self, process):
        super().__init__(process)
        hello = {"protocolVersion": "2025-11-25", "clientInfo": {"name": "test", "version": "0"}}
        send(process, request(1, "initialize", capabilities={"elicitation": {}}, **hello))
        self.until(1)
        send(process, {"jsonrpc": "2.0", "method": "notifications/initialized"})

    def call(self, name, arguments, number):
        """The result of a call; its question is answered with yes."""
        send(self.process, request(number, "tools/call", name=name, arguments=arguments))
        while (message := self.read()).get("id") != number or "method" in message:
            if message.get("method") == "elicitation/create":
                yes = {"action": "accept", "content": {"confirm": True}}
                send(self.process, {"jsonrpc": "2.0", "id": message["id"], "result": yes})
        return message["result"]


def text_of(result):
    return " ".join(item["text"] for item in result["content"])


@pytest.fixture
def clerk():
    return processes.Upstream()


@pytest.fixture
def origin(clerk):
    with processes.serving(clerk) as origin:
        yield origin


def environment_of(home, origin):
    return environment(home, origin, DESKCLERK_APPROVAL_WAIT="0")


def ran(home, origin, *words):
    """One command; its exit code and what it said on standard error."""
    done = subprocess.run(
        [DESKCLERK, *words],
        env=environment_of(home, origin),
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )
    return done.returncode, done.stderr


@contextlib.contextmanager
def mounted(folder, *options):
    """A small file system of its own at a folder; only root can."""
    folder.mkdir(exist_ok=True)
    command = ["mount", "-t", "tmpfs", "-o", ",".join(options), "tmpfs", str(folder)]
    if os.geteuid() != 0 or subprocess.run(command, capture_output=True, check=False).returncode:
        pytest.skip("nobody but root can mount a file system, and not everywhere")
    try:
        yield folder
    finally:
        subprocess.run(["umount", str(folder)], check=True)


def fill(folder):
    """Leave no byte free."""
    with contextlib.suppress(OSError), (folder / "ballast").open("wb", buffering=0) as file:
        while True:
            file.write(b"\0" * 4096)


def begin(home, origin):
    """A desk's database with something in it."""
    assert ran(home, origin, "users", "list")[0] == 0
    assert ran(home, origin, "journal")[0] == 0


def garbage(path):
    path.write_bytes(os.urandom(8192))


def cut_off(path):
    path.write_bytes(path.read_bytes()[:4096])


def one_page(path):
    with contextlib.closing(sqlite3.connect(path)) as database:
        database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        (page,) = database.execute("SELECT rootpage FROM sqlite_master WHERE name = 'events'").fetchone()
        (size,) = database.execute("PRAGMA page_size").fetchone()
    with path.open("r+b") as file:
        file.seek((page - 1) * size)
        file.write(b"\xff" * size)


@pytest.mark.promise("a-bad-disk-is-told")
@pytest.mark.parametrize("damage", [garbage, cut_off, one_page])
def test_a_damaged_database_is_told_by_every_face_and_left_as_it_is(clerk, origin, tmp_path, damage):
    home = tmp_path / "home"
    begin(home, origin)
    for beside in home.glob("desk.db-*"):
        beside.unlink()
    damage(home / "desk.db")
    before = (home / "desk.db").read_bytes()
    # Where one table is damaged, who does not need it goes on.
    for words in COMMANDS if damage is not one_page else COMMANDS[:3]:
        code, said = ran(home, origin, *words)
        assert (code, DAMAGED in said, "Traceback" in said) == (1, True, False), (words, said)
    with started(STDIO, environment_of(home, origin)) as process:
        result = Asker(process).call(**BAN, number=2)
        assert result["_meta"]["deskclerk/error"]["error"] == "storage_unavailable"
        assert DAMAGED in text_of(result)
    assert clerk.writes == []
    assert (home / "desk.db").read_bytes() == before


@pytest.mark.promise("a-bad-disk-is-told")
@pytest.mark.parametrize("empty", [False, True], ids=["with a database", "without one"])
def test_a_read_only_folder_is_told_and_nothing_is_sent(clerk, origin, tmp_path, empty):
    with mounted(tmp_path / "home", "size=8m") as home:
        if not empty:
            begin(home, origin)
        subprocess.run(["mount", "-o", "remount,ro", str(home)], check=True)
        code, said = ran(home, origin, "users", "ban", "user_x_1")
        assert (code, NOT_WRITABLE in said, "Traceback" in said) == (1, True, False), said
        with started(STDIO, environment_of(home, origin)) as process:
            assert NOT_WRITABLE in text_of(Asker(process).call(**BAN, number=2))
    assert clerk.writes == []


@pytest.mark.promise("a-bad-disk-is-told")
def test_on_a_full_disk_nothing_is_sent_and_with_space_again_all_goes_on(clerk, origin, tmp_path):
    with (
        mounted(tmp_path / "home", "size=4m") as home,
        started(STDIO, environment_of(home, origin)) as process,
    ):
        asker = Asker(process)
        assert not asker.call(**BAN, number=2).get("isError")
        fill(home)
        result = asker.call(**BAN, number=3)
        assert FULL in text_of(result)
        assert len(clerk.writes) == 1
        # A read is answered, and noted as soon as that is possible.
        assert not asker.call("clerk_users_list", {}, 4).get("isError")
        (home / "ballast").unlink()
        assert not asker.call(**BAN, number=5).get("isError")
        assert len(clerk.writes) == 2
        process.stdin.close()
        assert process.wait(SECONDS) == 0
        code, said = ran(home, origin, "journal", "verify")
        assert code == 0, said
        actions = [line["action"] for line in journal(home)]
        assert (actions.count("clerk_user_ban"), actions.count("clerk_users_list")) == (4, 1)


@pytest.mark.promise("a-bad-disk-is-told", "a-lost-answer-is-settled")
def test_a_disk_that_fills_up_while_clerk_works_does_not_make_a_lie_of_its_answer(clerk, origin, tmp_path):
    with mounted(tmp_path / "home", "size=4m") as home:
        with started(STDIO, environment_of(home, origin)) as process:
            asker = Asker(process)
            clerk.gate.clear()

            def meanwhile():
                clerk.arrived.wait(SECONDS)
                fill(home)
                clerk.gate.set()

            other = threading.Thread(target=meanwhile)
            other.start()
            result = asker.call(**BAN, number=2)
            other.join()
            assert not result.get("isError"), text_of(result)
            assert "could not be noted in the journal" in text_of(result)
            process.kill()
        (home / "ballast").unlink()
        assert [line["kind"] for line in journal(home)] == ["intent"]
        # The next desk finds out by reading, before it writes; this Clerk does not say whether it is banned.
        with started(STDIO, environment_of(home, origin)) as process:
            assert not Asker(process).call("clerk_user_lock", {"user_id": "user_x_1"}, 2).get("isError")
        first, *others = journal(home)
        assert [line["kind"] for line in others if line["entry"] == first["entry"]] == ["settled"]
    assert clerk.writes == [("POST", "/v1/users/user_x_1/ban"), ("POST", "/v1/users/user_x_1/lock")]


def journal(home):
    """The journal's lines."""
    with contextlib.closing(sqlite3.connect(home / "desk.db")) as database:
        database.row_factory = sqlite3.Row
        return [dict(row) for row in database.execute("SELECT * FROM events ORDER BY seq")]


def test_a_database_that_is_held_for_long_is_waited_for(clerk, origin, tmp_path):
    home = tmp_path / "home"
    begin(home, origin)
    free = {"isolation_level": None, "check_same_thread": False}
    with contextlib.closing(sqlite3.connect(home / "desk.db", **free)) as holder:
        holder.execute("BEGIN IMMEDIATE")
        release = threading.Timer(HELD_SECONDS, holder.rollback)
        release.start()
        with started(STDIO, environment_of(home, origin)) as process:
            result = Asker(process).call(**BAN, number=2)
            assert not result.get("isError"), text_of(result)
        release.join()
    assert len(clerk.writes) == 1
    assert ran(home, origin, "journal", "verify")[0] == 0


@pytest.mark.promise("several-desks")
def test_two_desks_and_a_console_on_one_database_lose_and_double_nothing(clerk, origin, tmp_path):
    home = tmp_path / "home"
    begin(home, origin)
    each = 40

    def ask(process, name, failures):
        try:
            asker = Asker(process)
            for number in range(each):
                assert not asker.call(name, {"user_id": "user_x_1"}, 100 + number).get("isError")
                assert not asker.call("clerk_users_list", {}, 200 + number).get("isError")
            process.stdin.close()
            assert process.wait(SECONDS) == 0
        except BaseException as error:  # noqa: BLE001 - told by the thread that waits
            failures.append(error)

    failures = []
    with contextlib.ExitStack() as stack:
        env = environment_of(home, origin)
        serve = [DESKCLERK, "serve", "--port", "0", "--json"]
        console = stack.enter_context(subprocess.Popen(serve, env=env, stdout=subprocess.PIPE))
        assert json.loads(console.stdout.readline())["console"]
        desks = [stack.enter_context(started(STDIO, env)) for _ in range(2)]
        # Two writes: of the same one the two desks would share the plan, and one signature is used once.
        names = ("clerk_user_ban", "clerk_user_lock")
        threads = [
            threading.Thread(target=ask, args=(*pair, failures)) for pair in zip(desks, names, strict=True)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        console.terminate()
        console.wait(SECONDS)
    assert failures == []
    assert len(clerk.writes) == 2 * each
    lines = journal(home)
    assert len({line["entry"] for line in lines if line["kind"] == "intent"}) == 2 * each
    assert sum(line["kind"] == "outcome" and line["outcome"] == "done" for line in lines) == 2 * each
    reads = [line for line in lines if line["kind"] == "read" and line["action"] == "clerk_users_list"]
    assert len(reads) == 2 * each + 1
    assert ran(home, origin, "journal", "verify")[0] == 0
