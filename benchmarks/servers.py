"""Starting and stopping what is measured."""

import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

PEERS = Path(__file__).parent / "peers/node_modules"
"""What is measured beside us; `npm ci` in `peers` puts it there."""
NODE = str(PEERS / ".bin/node")


def free_port() -> int:
    """A port of loopback that nobody listens at."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


@contextmanager
def started(
    command: list[str], env: dict[str, str] | None = None, *, quiet: bool = False
) -> Iterator[subprocess.Popen[str]]:
    """A process that has printed its first line, unless it is `quiet`; ended with the block."""
    process = subprocess.Popen(
        command,
        env=env,
        text=True,
        stdout=subprocess.DEVNULL if quiet else subprocess.PIPE,
        stderr=subprocess.DEVNULL if quiet else None,
    )
    try:
        if process.stdout is not None:
            assert process.stdout.readline(), f"{command[0]} did not start"
        yield process
    finally:
        process.terminate()
        process.wait(10)


def ready_at(port: int, seconds: float = 30.0) -> None:
    """Wait until somebody listens at a port."""
    until = time.monotonic() + seconds
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            assert time.monotonic() < until, f"nobody listens at {port}"
            time.sleep(0.05)
        else:
            return
