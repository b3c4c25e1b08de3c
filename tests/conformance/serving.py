"""`deskclerk serve` as it is, with the suite's fixtures beside its tools, in a process of its own.

The suite cannot show a bearer token, so each request is given one on its way to the guard, which wants it.
"""

import contextlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

from deskclerk.faces.mcp import http
from deskclerk.settings import Settings
from tests.conformance.fixtures import mount

FOLDER = Path(__file__).parent
MODULES = FOLDER / "node_modules"
NODE = MODULES / ".bin" / "node"
DESKCLERK = shutil.which("deskclerk", path=str(Path(sys.executable).parent))
TOKEN = "0123456789abcdef-conformance"


class WithToken(http.AccessGuard):
    async def __call__(self, scope, receive, send):
        if scope["type"] == "http":
            shown = (b"authorization", f"Bearer {TOKEN}".encode())
            scope = {**scope, "headers": [*scope["headers"], shown]}
        await super().__call__(scope, receive, send)


def environment(home, **more):
    """Of a deskclerk on the embedded sandbox, which waits for who signs elsewhere."""
    known = {"DESKCLERK_HOME": str(home), "DESKCLERK_APPROVAL_WAIT": "20"}
    return {"PATH": os.environ["PATH"]} | known | more


@contextlib.contextmanager
def serving(home):
    """The URL of a server that runs."""
    command = [sys.executable, "-m", "tests.conformance.serving"]
    where = {"env": environment(home, DESKCLERK_TOKEN=TOKEN), "cwd": FOLDER.parents[1]}
    with subprocess.Popen(command, **where, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield process.stdout.readline().strip()
        finally:
            process.terminate()
            process.communicate(timeout=20)


def _serve():
    build = http.build
    http.build = lambda desk, console=None: mount(build(desk, console))
    http.AccessGuard = WithToken
    ready = sys.stdout
    http.run(Settings.load(), "127.0.0.1", 0, lambda url: ready.write(url + "\n") and ready.flush())


if __name__ == "__main__":
    _serve()
