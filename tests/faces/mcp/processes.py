"""deskclerk in a process of its own, and a Clerk of one user for it to reach over HTTP."""

import contextlib
import http.server
import json
import os
import subprocess
import sys
import threading

import mcp_types as types
import pytest
from mcp import MCPError

STDIO = "from deskclerk.faces.mcp.stdio import run; run(Settings.load())"
HTTP = (
    "from deskclerk.faces.mcp.http import run;"
    "run(Settings.load(), '127.0.0.1', 0, lambda url: print(url, flush=True))"
)
NOISE = """
import os
from deskclerk.desk import Desk
perform = Desk.perform
async def noisy(*args, **options):
    print("stray print")
    os.write(1, b"stray bytes\\n")
    return await perform(*args, **options)
Desk.perform = noisy
"""


class Upstream:
    """Answers every request with one user; while `gate` is not set, a write waits for it."""

    def __init__(self):
        self.writes = []
        self.arrived = threading.Event()
        self.gate = threading.Event()
        self.gate.set()

    def take(self, handler):
        if handler.command != "GET":
            handler.rfile.read(int(handler.headers.get("content-length") or 0))
            self.writes.append((handler.command, handler.path))
            self.arrived.set()
            self.gate.wait(20)
        thing = {"object": "user", "id": "x_1", "first_name": "Ada"}
        body = json.dumps(thing if "x_1" in handler.path else [thing]).encode()
        handler.send_response(200)
        handler.send_header("content-length", str(len(body)))
        handler.end_headers()
        with contextlib.suppress(BrokenPipeError):
            handler.wfile.write(body)


@contextlib.contextmanager
def serving(upstream):
    """The upstream on a port of this machine; its origin."""

    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *_):
            pass

        def answer(self):
            upstream.take(self)

    for method in ("GET", "POST", "PATCH", "DELETE"):
        setattr(Handler, f"do_{method}", Handler.answer)

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            upstream.gate.set()
            server.shutdown()
            thread.join()


def environment(home, origin, **more):
    """The environment of a deskclerk that reaches the upstream."""
    known = {"DESKCLERK_HOME": str(home), "CLERK_SECRET_KEY": "sk_test_x", "CLERK_API_URL": origin}
    kept = {name: os.environ[name] for name in ("PATH", "PYTHONPATH") if name in os.environ}
    return kept | known | more


def command(code):
    """Python running this code, with Settings at hand."""
    return [sys.executable, "-c", f"from deskclerk.settings import Settings; {code}"]


@contextlib.contextmanager
def started(code, env):
    """A process with pipes, killed in the end if it has not ended by itself."""
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    with subprocess.Popen(command(code), env=env, **pipes) as process:
        try:
            yield process
        finally:
            process.kill()


def send(process, *messages):
    """JSON-RPC messages, one a line."""
    process.stdin.write(b"".join(json.dumps(message).encode() + b"\n" for message in messages))
    process.stdin.flush()


def request(number, method, **params):
    """A JSON-RPC request."""
    return {"jsonrpc": "2.0", "id": number, "method": method, "params": params}


HANDSHAKE = (
    request(
        1,
        "initialize",
        protocolVersion="2025-11-25",
        capabilities={"elicitation": {}},
        clientInfo={"name": "test", "version": "0"},
    ),
    {"jsonrpc": "2.0", "method": "notifications/initialized"},
)


async def look_beside_the_tools(client):
    """Prompts, resources and completions, whatever carries them, are what the upstream makes of them."""
    assert "sign_in_trouble" in [prompt.name for prompt in (await client.list_prompts()).prompts]
    text = (await client.get_prompt("sign_in_trouble", {"user": "x_1"})).messages[0].content.text
    assert '"user": "x_1"' in text
    assert "deskclerk://journal" in [item.uri for item in (await client.list_resources()).resources]
    (contents,) = (await client.read_resource("clerk://users/user_x_1")).contents
    assert json.loads(contents.text)["first_name"] == "Ada"
    ref = types.PromptReference(name="sign_in_trouble")
    found = await client.complete(ref, {"name": "user", "value": "a"})
    assert found.completion.values == ["x_1"]
    with pytest.raises(MCPError, match="Read one of: deskclerk://policy"):
        await client.read_resource("deskclerk://nothing")
