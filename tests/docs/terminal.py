"""A shell on a terminal of its own, in a home where nothing is yet: what a page shows is typed there."""

import contextlib
import fcntl
import os
import pty
import re
import select
import shutil
import socket
import struct
import subprocess
import sys
import tempfile
import termios
from collections.abc import Iterator
from pathlib import Path

from tests.docs.pages import INTERRUPT, ROOT, Example, GivenFile

SECONDS = 60
_READY = "<ready for the next line>"
_ANSI = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]|\x1b\][^\x07]*\x07")
# The session's first terminal becomes its own: bash then has jobs, and Ctrl-C reaches what runs. Whoever runs
# the tests may not listen to a hangup (nohup), which is what ends the jobs with their window.
_BASH = (
    "import os, signal; signal.signal(signal.SIGHUP, signal.SIG_DFL); os.open(os.ttyname(0), os.O_RDWR); "
    "os.execvp('bash', ['bash', '--noprofile', '--norc', '--noediting', '-i'])"
)
_KEPT = ("PATH", "LANG", "LC_ALL", "PYTHONPATH", "SSL_CERT_FILE", "TMPDIR")
_LISTENING = ("8765", "8767", "9100")
"""Ports that pages name: each stands for a free one."""
_DEFAULT_PORTS = {"deskclerk serve": "8765", "deskclerk sandbox": "8767", "make run": "8765"}


class Shell:
    """bash in a home of its own: `run` types a command of a page, and returns what was shown."""

    def __init__(self, home: Path, master: int) -> None:
        self._home = home
        self._master = master
        self._ports = dict(zip(_LISTENING, _free_ports(len(_LISTENING)), strict=True))
        self._raw = self._told = ""
        self._begin = self._past = 0
        # Not in one piece: the terminal echoes what is typed, and that is not the prompt yet.
        self._type(f"PS2=''; PS1='{_READY[:6]}''{_READY[6:]}'\n")
        self._until(_READY)

    def give(self, file: GivenFile) -> None:
        """Have the file where a reader would put it: settings in their folder, all else at hand."""
        folder = self._home / ".config" / "deskclerk" if file.name == "settings.toml" else self._home
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / file.name
        path.write_text(self._here(file.text), "utf-8")
        path.chmod(0o600)

    def link(self, path: Path) -> None:
        """Have a folder of this machine in the home, by its own name."""
        (self._home / path.name).symlink_to(path)

    def run(self, example: Example) -> str:
        """Type a command and what it asks for; what it shows."""
        self._raw, self._past = "", 0
        command = f"{self._here(self._filled(_with_port(example.command)))}\n"
        self._type(command)
        self._until(command)
        self._begin = self._past
        for prompt, answer in example.typed:
            self._until(prompt)
            self._type(f"{answer}\n")
        if example.interrupted:
            wanted = re.compile(as_pattern(example.shown))
            while not wanted.fullmatch(self._there(plain(self._shown[self._begin :]))):
                self._read("what the page shows before ^C")
            self._type("\x03")
        self._until(_READY)
        shown = self._there(plain(self._shown[self._begin : self._past].removesuffix(_READY)))
        self._told += f"{shown}\n"
        return shown

    def _filled(self, command: str) -> str:
        """With what was shown last in the place of `ent_…`, `12:…` and their like."""

        def last(match: re.Match[str]) -> str:
            found = re.findall(rf"\b{match[1]}\w+", self._told)
            assert found, f"nothing that was shown begins with {match[1]}"
            return str(found[-1])

        return re.sub(r"\b(\w+[_:])…", last, command)

    def _here(self, text: str) -> str:
        """With ports that are free here, in the place of those that the page names."""
        for named, free in self._ports.items():
            text = re.sub(rf"\b{named}\b", free, text)
        return text

    def _there(self, text: str) -> str:
        """With the page's ports."""
        for named, free in self._ports.items():
            text = re.sub(rf"\b{free}\b", named, text)
        return text

    @property
    def _shown(self) -> str:
        return _ANSI.sub("", self._raw).replace("\r\n", "\n")

    def _type(self, text: str) -> None:
        os.write(self._master, text.encode())

    def _until(self, text: str) -> None:
        """Read until this is shown behind what was waited for before."""
        while (found := self._shown.find(text, self._past)) < 0:
            if _READY in self._shown:
                raise AssertionError(f"ended without {text!r}:\n{self._shown}")
            self._read(text)
        self._past = found + len(text)

    def _read(self, wanted: str) -> None:
        if not select.select([self._master], [], [], SECONDS)[0]:
            raise AssertionError(f"silent for {SECONDS} s, without {wanted!r}:\n{self._shown}")
        try:
            self._raw += os.read(self._master, 65536).decode(errors="replace")
        except OSError:  # Linux's way to say that the other end is closed
            raise AssertionError(f"ended without {wanted!r}:\n{self._shown}") from None


@contextlib.contextmanager
def shell(columns: int = 100) -> Iterator[Shell]:
    """A shell in a new home, with this environment's deskclerk and no setting of this machine's."""
    # Short, as a person's home: a longer name would break lines elsewhere.
    with tempfile.TemporaryDirectory(prefix="h") as home:
        master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 40, columns, 0, 0))
        environment = {name: os.environ[name] for name in _KEPT if name in os.environ}
        environment |= {"HOME": home, "TERM": "xterm-256color", "DESKCLERK_APPROVAL_WAIT": "0"}
        environment["PATH"] = f"{_programs(Path(home))}{os.pathsep}{environment['PATH']}"
        process = subprocess.Popen(
            [sys.executable, "-c", _BASH],
            stdin=slave,
            stdout=slave,
            stderr=slave,
            start_new_session=True,
            env=environment,
            cwd=home,
        )
        os.close(slave)
        try:
            yield Shell(Path(home), master)
        finally:
            # As a window that is closed: bash hangs up, and so do the jobs that it has in the background.
            os.close(master)
            process.wait(SECONDS)


def _programs(home: Path) -> Path:
    """deskclerk and Python of this environment, and `make` in the checkout, whose environment is made."""
    folder = home / ".programs"
    folder.mkdir()
    venv = Path(sys.prefix)
    words = {name: f"{venv}/bin/{name}" for name in ("deskclerk", "python")}
    make = shutil.which("make")
    words["make"] = f"{make} --silent --directory {ROOT} --old-file={venv}/run.stamp VENV={venv}"
    for name, start in words.items():
        # Not a link: Python finds its environment by where it is started from.
        (folder / name).write_text(f'#!/bin/sh\nexec {start} "$@"\n', "utf-8")
        (folder / name).chmod(0o700)
    return folder


def _free_ports(count: int) -> list[str]:
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(socket.create_server(("127.0.0.1", 0))) for _ in range(count)]
        return [str(item.getsockname()[1]) for item in sockets]


def _with_port(command: str) -> str:
    port = _DEFAULT_PORTS.get(command)
    if port is None:
        return command
    return f"PORT={port} {command}" if command.startswith("make ") else f"{command} --port {port}"


def as_pattern(lines: list[str]) -> str:
    """As a regular expression; a line that is `…` alone stands for any number of lines."""
    return "\n".join(
        r"[\s\S]*" if line == "…" else ".*".join(map(re.escape, line.split("…"))) for line in lines
    ).strip()


def plain(text: str) -> str:
    """Without what is typed where a signature is asked for, trailing blanks, and empty lines at both ends."""
    kept = (line.rstrip() for line in text.splitlines() if not line.startswith((INTERRUPT, "> ")))
    return "\n".join(kept).strip()
