"""Canaries: marked secrets go through every action, face, failure and log level, and are found nowhere.

The Clerk here repeats whatever it was sent, key included, in error messages and in fields that no
document names. What is searched afterwards: everything said, logged, raised and written to the disk.
"""

import asyncio
import base64
import contextlib
import io
import json
import logging
import subprocess
import sys
import traceback
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import httpx2
import pytest
from mcp import Client

from deskclerk.catalogue import ACTIONS, READ
from deskclerk.clerk import client as clerks_client
from deskclerk.clerk.client import Clerk
from deskclerk.desk import Decision, Desk, Signature
from deskclerk.desk.execution import settling
from deskclerk.desk.journal.records import EntryFilter
from deskclerk.errors import DeskclerkError
from deskclerk.faces.cli.main import main
from deskclerk.faces.console.site import Console
from deskclerk.faces.mcp.server import build
from deskclerk.settings import Settings
from tests.answers import object_at
from tests.faces.console.conftest import AGENT, ORIGIN, Browser
from tests.faces.mcp.conftest import ERAS, THING, Dialogue, least
from tests.faces.mcp.processes import HANDSHAKE, STDIO, environment, request, send, started

pytestmark = pytest.mark.anyio
WRITES = [action for action in ACTIONS if action.spec.effect is not READ]
EXPORTS = ("/activity/export?format=csv", "/activity/export?format=ndjson")
MARK = "c4nary"
KEY = f"sk_test_{MARK}0key0of0nobody"
LINES = (
    f"-----BEGIN MADE UP KEY-----\n{MARK}signing0line0one\n{MARK}signing0line0two\n-----END MADE UP KEY-----"
)
PLAIN = {
    "password": f'{MARK} "pass" \\ wörd%&+',
    "password_digest": f"$2b$10${MARK}digest/made.up",
    "totp_secret": f"{MARK}TOTPMADEUP",
    "backup_codes": [f"{MARK}-code1", f"{MARK}c2"],
    "signing_key": LINES,
}
MORE = {"custom_signing_key": True, "signing_algorithm": "RS256", "password_hasher": "bcrypt"}
HANDED = f"{MARK}-client-secret"
ONCE = {
    "client_secret": HANDED,
    "jwt": f"{MARK}.jwt.made-up",
    "token": f"{MARK}-token",
    "url": f"https://accounts.test/v1/tickets/accept?__clerk_ticket={MARK}.ticket.made-up",
}
TROUBLES = (
    "none",
    "echo 400",
    "echo 422",
    "echo 401",
    "echo 500",
    "malformed",
    "timeout",
    "refused",
    "strange",
)


def given(action):
    """The least that an action takes, and every secret that it takes."""
    known = action.parameters()
    more = {name: value for name, value in MORE.items() if name in known}
    return least(action) | more | {name: value for name, value in PLAIN.items() if known.get(name)}


def echo(seen):
    """Everything that came in, in every form in which it may come back."""
    return {
        **seen,
        "as_json": json.dumps(seen),
        "as_text": str(seen),
        "said": " ".join(str(item) for item in seen.values()),
    }


class Parrot:
    """Repeats the request, in trouble or in a good answer, and hands out what is handed out once."""

    def __init__(self):
        self.trouble = "none"
        self.heard = ""

    async def __call__(self, asked):
        key = asked.headers["authorization"]
        body = json.loads(asked.content) if asked.content else {}
        self.heard += f"{key} {asked.content.decode()}"
        status, answer = self.answer(asked.method, asked.url.path, key, body)
        return httpx2.Response(status, content=answer, headers={"x-clerk-trace-id": f"trace {key}"})

    def answer(self, method, path, key, body):
        if method == "GET":
            thing = THING | {"object": object_at(path), "url": ONCE["url"], "token": ONCE["token"]}
            one = path.endswith("x_1")
            return 200, json.dumps(thing if one else {"data": [thing], "total_count": 1})
        seen = echo({"sent": body, "key": key})
        match self.trouble.split():
            case ["timeout"]:
                raise httpx2.ReadTimeout(str(seen))
            case ["refused"]:
                raise httpx2.RemoteProtocolError(str(seen))
            case ["strange"]:
                raise RuntimeError(str(seen))
            case ["malformed"]:
                return 200, f"{{not json {seen}"
            case ["echo", status]:
                error = {"message": str(seen), "long_message": seen["said"], "code": f"bad {key}"}
                return int(status), json.dumps(
                    {"errors": [error | {"meta": {"param_name": seen["as_text"]}}]}
                )
        told = {"object": object_at(path), "unknown": seen, "name": seen["said"]}
        return 200, json.dumps(THING | ONCE | told)


class Net:
    """Everything that anybody could read afterwards."""

    def __init__(self):
        self.caught = []

    def keep(self, *things):
        self.caught += [text for thing in things for text in (str(thing), repr(thing))]

    def keep_error(self, error):
        self.keep(error, getattr(error, "args", ""), getattr(error, "__dict__", ""))
        self.keep("".join(traceback.format_exception(error)))
        while error := (error.__cause__ or error.__context__):
            self.keep(error, "".join(traceback.format_exception(error)))

    def keep_folder(self, home):
        """Everything on the disk but what is there for the person only."""
        for path in home.rglob("*"):
            if path.is_file() and path.parent.name not in ("secrets", "handover"):
                self.caught.append(path.read_bytes().decode("latin-1"))

    def findings(self):
        marks = (MARK, base64.b64encode(MARK.encode()).decode()[:7])
        found = [(text, mark) for text in self.caught for mark in marks if mark in text]
        return sorted({text[max(0, text.index(mark) - 90) :][:200] for text, mark in found})


@pytest.fixture(autouse=True)
def read_back_at_once(monkeypatch):
    monkeypatch.setattr(settling, "WAITS", (0,))


@pytest.fixture
def net():
    """Catches all logging at every level, whatever its text is made from."""
    found = Net()

    class Everything(logging.Handler):
        def emit(self, record):
            found.keep(record.getMessage(), record.args, record.exc_text)
            if record.exc_info and record.exc_info[1]:
                found.keep_error(record.exc_info[1])

    handler, root = Everything(), logging.getLogger()
    levels = {name: logging.getLogger(name).level for name in ("", *logging.root.manager.loggerDict)}
    for name in levels:
        logging.getLogger(name).setLevel(
            logging.DEBUG if not name.startswith("mcp.client") else logging.ERROR
        )
    root.addHandler(handler)
    yield found
    root.removeHandler(handler)
    for name, level in levels.items():
        logging.getLogger(name).setLevel(level)


@contextlib.asynccontextmanager
async def a_desk(home, parrot, approver=None, **options):
    settings = Settings(home=home, secret_key=KEY, approval_wait=0, **options)
    transport = httpx2.MockTransport(parrot)
    async with (
        Clerk("https://clerk.test", KEY, transport=transport) as clerk,
        Desk(settings, clerk=clerk, approver=approver) as desk,
    ):
        yield desk


async def signs(plan):
    return Signature(Decision.APPROVED, "test")


@pytest.mark.parametrize("trouble", TROUBLES)
async def test_python_sees_no_canary_in_any_action(trouble, net, tmp_path):
    parrot, shown = Parrot(), []
    parrot.trouble = trouble

    async def person(plan):
        shown.append(plan)
        return await signs(plan)

    async with a_desk(tmp_path / "home", parrot, person) as desk:
        net.keep(desk, desk.settings, vars(desk.settings))
        for action in ACTIONS:
            asked = action.parse(given(action))
            net.keep(asked, asked.arguments())
            try:
                answer = await desk.perform(asked)
            except (DeskclerkError, RuntimeError) as error:
                if isinstance(error, DeskclerkError):  # the strange one is raised by the test itself
                    net.keep_error(error)
                    net.keep(error.as_dict())
            else:
                net.keep(answer, answer.text)
    net.keep(*(plan.text() for plan in shown), *shown)
    net.keep_folder(tmp_path / "home")
    assert MARK in parrot.heard
    for value in PLAIN.values():
        assert json.dumps(value, ensure_ascii=False, separators=(",", ":")) in parrot.heard
    assert net.findings() == []


@pytest.mark.promise("the-key-is-nowhere")
@pytest.mark.parametrize("mode", list(ERAS.values()))
async def test_mcp_sees_no_canary_in_either_era(mode, net, tmp_path):
    parrot = Parrot()
    dialogue = Dialogue()
    for trouble in ("none", "echo 400", "echo 401", "malformed", "strange"):
        parrot.trouble = trouble
        async with (
            a_desk(tmp_path / "home", parrot) as desk,
            Client(build(desk), mode=mode, elicitation_callback=dialogue) as client,
        ):
            for action in [
                item for item in ACTIONS if trouble == "none" or PLAIN.keys() & item.parameters().keys()
            ]:
                net.keep((await client.call_tool(action.spec.name, given(action))).model_dump_json())
                wrong = given(action) | {"passwort": PLAIN["password"], "password": [PLAIN["password"]]}
                net.keep((await client.call_tool(action.spec.name, wrong)).model_dump_json())
    net.keep(*dialogue.asked)
    net.keep_folder(tmp_path / "home")
    assert MARK in parrot.heard
    assert net.findings() == []


@contextlib.contextmanager
def parrot_on_a_port(parrot):
    """The same Clerk over HTTP, for processes."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *_):
            pass

        def take(self):
            body = self.rfile.read(int(self.headers.get("content-length") or 0))
            parrot.heard += body.decode()
            path = self.path.partition("?")[0]
            found = parrot.answer(
                self.command, path, self.headers["authorization"], json.loads(body or b"{}")
            )
            data = found[1].encode()
            self.send_response(found[0])
            self.send_header("content-length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

    for method in ("GET", "POST", "PATCH", "DELETE"):
        setattr(Handler, f"do_{method}", Handler.take)
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


WITH_SECRETS = [action for action in ACTIONS if PLAIN.keys() & action.parameters().keys()]


@pytest.fixture
def command_line(monkeypatch, capsys):
    """One command line in this process; all that it said."""

    def run(*words, stdin=""):
        monkeypatch.setattr(sys, "stdin", io.StringIO(stdin))
        main(words)
        return "".join(capsys.readouterr())

    return run


@pytest.mark.parametrize("trouble", ["none", "echo 422", "malformed"])
def test_the_command_line_sees_no_canary_even_with_debug(trouble, net, tmp_path, command_line, monkeypatch):
    parrot = Parrot()
    parrot.trouble = trouble
    with parrot_on_a_port(parrot) as origin:
        for name, value in environment(tmp_path / "home", origin, CLERK_SECRET_KEY=KEY).items():
            monkeypatch.setenv(name, value)
        command_line("secret", "set", "ref", stdin=PLAIN["password"])
        for action in WITH_SECRETS:
            words = ["--debug", "call", action.spec.name]
            for json_too in ((), ("--json",)):
                net.keep(command_line(*words, "-", *json_too, stdin=json.dumps(given(action))))
            net.keep(command_line(*words, json.dumps(given(action))))
            references = dict.fromkeys(PLAIN.keys() & action.parameters().keys(), "secret:ref")
            net.keep(command_line(*words, "-", stdin=json.dumps(given(action) | references)))
        net.keep(
            command_line("--debug", "secret", "list"), command_line("secret", "set", "a", PLAIN["password"])
        )
        net.keep(command_line("--debug", "doctor"), command_line("actions", "--json"))
    net.keep_folder(tmp_path / "home")
    assert net.findings() == []


@pytest.mark.promise("the-key-is-nowhere")
def test_processes_say_and_leave_no_canary(net, tmp_path):
    parrot = Parrot()
    parrot.trouble = "echo 400"
    action = next(item for item in WITH_SECRETS if item.spec.name == "clerk_user_create")
    with parrot_on_a_port(parrot) as origin:
        env = environment(
            tmp_path / "home", origin, CLERK_SECRET_KEY=KEY, DESKCLERK_CONFIRM="never", PYTHONASYNCIODEBUG="1"
        )
        words = [sys.executable, "-c", "from deskclerk.faces.cli.main import run; run()"]
        words += ["--debug", "call", action.spec.name, "-"]
        ran = subprocess.run(
            words,
            input=json.dumps(given(action)).encode(),
            env=env,
            capture_output=True,
            timeout=20,
            check=False,
        )
        net.keep(ran.stdout, ran.stderr)
        loud = f"import logging; logging.basicConfig(level=1); {STDIO}"
        with started(loud, env) as process:
            call = request(2, "tools/call", name=action.spec.name, arguments=given(action))
            send(process, *HANDSHAKE, call)
            said = [process.stdout.readline() for _ in range(2)]
            out, err = process.communicate(timeout=20)
        net.keep(*said, out, err)
    net.keep_folder(tmp_path / "home")
    assert MARK in parrot.heard
    assert b"Clerk refused" in said[1]
    assert net.findings() == []


@pytest.mark.promise("shown-once-goes-to-the-person")
async def test_what_is_handed_out_once_is_in_its_file_only(net, tmp_path):
    async with a_desk(tmp_path / "home", Parrot(), signs) as desk:
        action = next(item for item in ACTIONS if item.spec.name == "clerk_client_create")
        net.keep(await desk.perform(action.parse(given(action))))
    net.keep_folder(tmp_path / "home")
    assert net.findings() == []
    (path,) = (tmp_path / "home" / "handover").iterdir()
    assert path.read_text() == f"client_secret = {HANDED}\n"


async def test_the_net_catches_what_gets_through(net, tmp_path, monkeypatch):
    """The proof of all the others: without the hiding, canaries are found."""
    monkeypatch.setattr(clerks_client, "redactor", lambda *_: lambda value: value)
    parrot = Parrot()
    parrot.trouble = "echo 400"
    async with a_desk(tmp_path / "home", parrot, signs) as desk:
        with pytest.raises(DeskclerkError) as caught:
            await desk.perform(WITH_SECRETS[0].parse(given(WITH_SECRETS[0])))
    net.keep_error(caught.value)
    assert net.findings()
    await asyncio.sleep(0)


@pytest.mark.promise("the-key-is-nowhere")
@pytest.mark.parametrize("trouble", ["none", "echo 422"])
async def test_no_page_of_the_console_shows_a_canary(trouble, net, tmp_path):
    """Each write waits there with its secrets; all are done, read in the journal and exported."""
    parrot = Parrot()
    parrot.trouble = trouble
    async with a_desk(tmp_path / "home", parrot) as desk:
        person = Browser(Console(desk, ORIGIN))
        async with person.http:
            await person.sign_in()
            parrot.trouble = "none"
            plans = [await desk.propose(action.parse(given(action)), AGENT) for action in WRITES]
            await keep_pages(net, person, "/", *(f"/plans/{plan.id}" for plan in plans if plan))
            parrot.trouble = trouble
            for action in ACTIONS:
                with contextlib.suppress(DeskclerkError):
                    await desk.perform(action.parse(given(action)), caller=AGENT, approver=signs)
            entries = [line["entry"] for line in await desk.journal.entries(EntryFilter())]
            assert len(entries) >= len(ACTIONS)
            await keep_pages(net, person, *(f"/activity/{entry}" for entry in entries))
            await keep_pages(
                net, person, "/activity", *EXPORTS, "/secrets", "/connect", "/permissions?toolset=all"
            )
    assert MARK in parrot.heard
    assert net.findings() == []


async def keep_pages(net, person, *paths):
    for path in paths:
        page = await person.get(path)
        assert page.status_code == 200, path
        net.keep(page.text, dict(page.headers))
