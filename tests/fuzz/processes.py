"""A deskclerk in a process of its own, looked at from outside: its memory, its descriptors, its answers."""

import contextlib
import json
import queue
import threading
from pathlib import Path

from tests.faces.mcp.processes import HANDSHAKE, STDIO, request, send, started

SECONDS = 30


def memory(pid):
    """The most that a process has had in memory, in MiB."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM")) / 1024


def descriptors(pid):
    """How many files and sockets a process has open."""
    return len(list(Path(f"/proc/{pid}/fd").iterdir()))


class Stdio:
    """An MCP client that writes whatever it is told to, and reads what comes back."""

    def __init__(self, process):
        self.process = process
        self._lines = queue.Queue()
        self._number = 0
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self):
        for line in self.process.stdout:
            self._lines.put(line)
        self._lines.put(b"")

    def write(self, line):
        """A line, as it is."""
        self.process.stdin.write(line)
        self.process.stdin.flush()

    def read(self):
        """The next message; it fails where none comes in time."""
        line = self._lines.get(timeout=SECONDS)
        assert line, "it has ended"
        return json.loads(line)

    def until(self, number):
        """The answer to a request."""
        while (message := self.read()).get("id") != number:
            pass
        return message

    def ping(self):
        """What came before the answer to a ping, which shows that everything before it was read."""
        self._number += 1
        mine = f"the {self._number}th ping"
        send(self.process, request(mine, "ping"))
        found = []
        while (message := self.read()).get("id") != mine:
            found.append(message)
        return found


@contextlib.contextmanager
def stdio(env):
    """One that has shaken hands."""
    with started(STDIO, env) as process:
        client = Stdio(process)
        send(process, HANDSHAKE[0])
        assert client.read()["id"] == 1
        send(process, HANDSHAKE[1])
        yield client
