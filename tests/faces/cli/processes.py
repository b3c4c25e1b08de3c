"""deskclerk as a process of its own: in a pipe, and on a pseudo-terminal that a test types into."""

import fcntl
import json
import os
import pty
import re
import select
import signal
import struct
import subprocess
import sys
import termios
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

PROGRAM = [sys.executable, "-c", "from deskclerk.faces.cli.main import run; run()"]
# The first terminal that a session opens becomes its own, so that Ctrl-C reaches it.
ON_TERMINAL = [sys.executable, "-c", f"import os; os.open(os.ttyname(0), os.O_RDWR); {PROGRAM[2]}"]
SECONDS = 20
_ANSI = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


def piped(*words: str, **more: object) -> subprocess.CompletedProcess[str]:
    """One run with nothing but pipes."""
    options = {"capture_output": True, "text": True, "timeout": SECONDS, "stdin": subprocess.DEVNULL} | more
    return subprocess.run([*PROGRAM, *words], check=False, **options)  # type: ignore[call-overload]


@contextmanager
def serving(*words: str, stderr: str = "") -> Iterator[dict[str, Any]]:
    """A command that stays, and the JSON line that it begins with; `stderr` is what it may say there."""
    with subprocess.Popen(
        [*PROGRAM, *words, "--port", "0", "--json"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        try:
            line = process.stdout.readline()
            assert line, process.stderr.read()
            yield json.loads(line)
            process.send_signal(signal.SIGINT)
            code, errors = process.wait(SECONDS), process.stderr.read()
            assert code == 0, errors
            assert stderr in errors if stderr else errors == ""
        finally:
            process.kill()


class Terminal:
    """A process on a pseudo-terminal: what it shows is read, what a person types is written."""

    def __init__(self, master: int, process: subprocess.Popen[bytes]) -> None:
        self._master = master
        self._process = process
        self.raw = ""

    @property
    def shown(self) -> str:
        """Everything shown so far, without colours."""
        return _ANSI.sub("", self.raw).replace("\r\n", "\n")

    def until(self, text: str) -> None:
        """Read until this is shown."""
        while text not in self.shown:
            if not self._read():
                raise AssertionError(f"ended without {text!r}:\n{self.shown}")

    def type(self, text: str) -> None:
        """Type something."""
        os.write(self._master, text.encode())

    def end(self) -> int:
        """Read to the end; the exit code."""
        while self._read():
            pass
        return self._process.wait(SECONDS)

    def _read(self) -> bool:
        if not select.select([self._master], [], [], SECONDS)[0]:
            raise AssertionError(f"silent for {SECONDS} s after:\n{self.shown}")
        try:
            data = os.read(self._master, 65536)
        except OSError:  # Linux's way to say that the other end is closed
            return False
        self.raw += data.decode()
        return bool(data)


@contextmanager
def on_a_terminal(*words: str, columns: int = 100) -> Iterator[Terminal]:
    """deskclerk on a terminal of its own, so wide."""
    master, slave = pty.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 40, columns, 0, 0))
    environment = {key: value for key, value in os.environ.items() if key not in ("COLUMNS", "LINES")}
    process = subprocess.Popen(
        [*ON_TERMINAL, *words],
        stdin=slave,
        stdout=slave,
        stderr=slave,
        start_new_session=True,
        env=environment | {"TERM": "xterm-256color"},
    )
    os.close(slave)
    try:
        yield Terminal(master, process)
    finally:
        process.kill()
        process.wait()
        os.close(master)
