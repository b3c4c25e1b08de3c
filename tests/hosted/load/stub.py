"""A Clerk that answers at once, in a process of its own, in the sandbox's place."""

import contextlib
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

from tests.hosted.replicas.platform import free_port

STUB = Path(__file__).parents[3] / "benchmarks/stub_clerk.py"
USERS = 1000


@contextlib.contextmanager
def stub_clerk():
    """Its addresses, and a key that it takes like any other."""
    port = free_port()
    command = [sys.executable, str(STUB), str(port), str(USERS)]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        try:
            assert process.stdout.readline(), "the stub of Clerk did not start"
            url = f"http://127.0.0.1:{port}"
            yield SimpleNamespace(url=url, api_url=f"{url}/v1", secret_key="sk_live_stub", process=process)
        finally:
            process.terminate()


async def customers(here, parts, count, *, first=0, limits=None):
    """So many workspaces, each with a live instance of its own, as `(slug, token)`."""
    found = []
    for number in range(first, first + count):
        made = await here.workspace(parts, f"load-{number}", key=f"sk_live_load{number:04}")
        if limits:
            await parts.workspaces.set_limits(made.id, limits, None)
        found.append((made.slug, made.token))
    return found
