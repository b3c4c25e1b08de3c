"""Whole commands, as processes of their own, through the branches that are Windows'."""

import ast
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

import deskclerk
from tests.system.windows import POSIX_ONLY

ROOT = Path(__file__).parents[2]
SECONDS = 60


@pytest.fixture
def environment(tmp_path):
    """Without a key, and with a home that is there already and hands down everybody's rights."""
    (tmp_path / "home").mkdir()
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("DESKCLERK", "CLERK"))}
    path = os.pathsep.join([str(ROOT), str(Path(deskclerk.__file__).parents[1])])
    ours = {"DESKCLERK_HOME": str(tmp_path / "home"), "DESKCLERK_APPROVAL_WAIT": "0"}
    return kept | ours | {"PYTHONPATH": path}


def command(tmp_path, *words):
    return [sys.executable, "-m", "tests.system.as_windows", str(tmp_path / "report"), *words]


@pytest.fixture
def run(tmp_path, environment):
    def ran(*words, stdin="", code=0, encoding=None):
        more = {"PYTHONIOENCODING": encoding, "PYTHONUTF8": "0"} if encoding else {}
        found = subprocess.run(
            command(tmp_path, *words),
            input=stdin.encode(),
            capture_output=True,
            env=environment | more,
            timeout=SECONDS,
            cwd=ROOT,
            check=False,
        )
        assert found.returncode == code, found.stderr.decode()
        told = json.loads((tmp_path / "report").read_text())
        # Of what the desk keeps nothing is anybody else's to read.
        assert told["all"] > 0
        assert told["open"] == []
        return found.stdout.decode()

    return ran


def test_reading_writing_the_journal_and_undo_work_and_leave_no_file_to_others(run):
    user = json.loads(run("users", "list", "--limit", "1", "--json"))["id"]
    assert json.loads(run("users", "ban", user, "--yes", "--json"))["banned"] is True
    entry = json.loads(run("journal", "--action", "clerk_user_ban", "--json").splitlines()[-1])
    assert entry["action"] == "clerk_user_ban"
    assert json.loads(run("undo", entry["entry"], "--yes", "--json"))["banned"] is False
    assert json.loads(run("journal", "verify"))["ok"] is True


def test_a_secret_from_a_pipe_of_an_old_code_page_is_kept_as_it_was_sent(run, tmp_path):
    run("secret", "set", "pw", stdin="pässwörd→", encoding="cp1252")
    assert (tmp_path / "home" / "secrets" / "pw").read_bytes() == "pässwörd→".encode()


def test_nobody_signs_through_a_pipe(run):
    run("users", "ban", "sol.castellanos@example.com", "--json", stdin="yes\n", code=8)


def test_mcp_on_standard_input_and_output_answers_and_ends_with_its_client(tmp_path, environment):
    client = {"name": "test", "version": "1"}
    opening = {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": client}
    asked = {"name": "clerk_users_list", "arguments": {"limit": 1}}
    messages = [
        {"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": opening},
        {"jsonrpc": "2.0", "method": "notifications/initialized"},
        {"jsonrpc": "2.0", "id": 2, "method": "tools/call", "params": asked},
    ]
    with subprocess.Popen(
        command(tmp_path, "mcp"),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=environment,
        cwd=ROOT,
        text=True,
    ) as process:
        answers = []
        for message in messages:
            process.stdin.write(json.dumps(message) + "\n")
            process.stdin.flush()
            if "id" in message:
                answers.append(json.loads(process.stdout.readline()))
        _, said = process.communicate(timeout=SECONDS)
    assert process.returncode == 0, said
    assert len(answers[1]["result"]["structuredContent"]["items"]) == 1
    assert json.loads((tmp_path / "report").read_text())["open"] == []


@pytest.mark.parametrize("words", [("sandbox", "--port", "0"), ("serve", "--port", "0")])
def test_a_signal_ends_what_serves_in_order(tmp_path, environment, words):
    with subprocess.Popen(
        command(tmp_path, *words, "--json"),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=environment,
        cwd=ROOT,
        text=True,
    ) as process:
        assert process.stdout.readline().startswith("{")
        process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=SECONDS)
    assert process.returncode == 0, said
    assert "Traceback" not in said
    assert (tmp_path / "report").exists()


def test_every_module_can_be_imported_without_what_only_posix_has(environment):
    program = f"""
import builtins, importlib, pkgutil
real = builtins.__import__
def imported(name, globals=None, locals=None, fromlist=(), level=0):
    importer = str((globals or {{}}).get("__name__", ""))
    if importer.startswith("deskclerk") and name.partition(".")[0] in {set(POSIX_ONLY)!r}:
        raise ModuleNotFoundError(name)
    return real(name, globals, locals, fromlist, level)
builtins.__import__ = imported
import deskclerk
names = [module.name for module in pkgutil.walk_packages(deskclerk.__path__, "deskclerk.")]
names = [name for name in names if not name.endswith("__main__") and ".migrations." not in name]
for name in names:
    importlib.import_module(name)
print(len(names))
"""
    ran = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, env=environment, check=False
    )
    assert ran.returncode == 0, ran.stderr
    assert int(ran.stdout) > 300


def test_what_only_one_system_has_is_imported_where_that_system_is_asked_for():
    """Outside of functions no module imports them; inside, the room of systems and two others."""
    source = Path(deskclerk.__file__).parent
    found = {}
    for path in source.rglob("*.py"):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        inside = {
            id(node)
            for function in ast.walk(tree)
            if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef)
            for node in ast.walk(function)
        }
        for node in ast.walk(tree):
            names = {alias.name for alias in node.names} if isinstance(node, ast.Import) else set()
            if named := names & (POSIX_ONLY | {"msvcrt", "win32security", "win32file", "win32api"}):
                assert id(node) in inside, f"{path}: {named}"
                found.setdefault(path.relative_to(source).as_posix(), set()).update(named)
    assert found == {
        "desk/journal/process_locks.py": {"fcntl", "msvcrt"},
        "faces/mcp/http.py": {"resource"},
        "system/private_files.py": {"fcntl"},
        "system/terminals.py": {"msvcrt"},
        "system/windows_access.py": {"msvcrt", "win32api", "win32file", "win32security"},
    }


def test_every_text_file_is_opened_in_a_named_encoding():
    """Windows would take its code page: what one system writes another could not read."""
    unnamed = []
    for path in Path(deskclerk.__file__).parent.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute):
                continue
            if node.func.attr in ("read_text", "write_text"):
                named = node.args[1:] if node.func.attr == "write_text" else node.args
                if not named and not any(given.arg == "encoding" for given in node.keywords):
                    unnamed.append((path.name, node.lineno))
    assert unnamed == []
