"""Runs command lines in this process, in a pipe or on a screen, before a Clerk that notes everything."""

import io
import json
import sys
from dataclasses import dataclass

import pytest

from deskclerk.faces.cli.main import main
from deskclerk.settings import SANDBOX_KEY
from tests.faces.cli.stub import Stub, running


@dataclass(frozen=True)
class Ran:
    code: int
    out: str
    err: str

    @property
    def lines(self):
        return [json.loads(line) for line in self.out.splitlines()]

    @property
    def error(self):
        return json.loads(self.err)


class Screen(io.TextIOWrapper):
    """A stream that says it is a terminal."""

    def __init__(self, text=""):
        super().__init__(io.BytesIO(text.encode()), encoding="utf-8", write_through=True)

    def isatty(self):
        return True

    @property
    def shown(self):
        return self.buffer.getvalue().decode()


@pytest.fixture
def run(capsys, monkeypatch):
    """Run a command line in a pipe: nobody sees it, nobody types."""

    def run_piped(*words, stdin=""):
        monkeypatch.setattr(sys, "stdin", io.StringIO(stdin))
        capsys.readouterr()
        code = main(words)
        out, err = capsys.readouterr()
        return Ran(code, out, err)

    return run_piped


@pytest.fixture
def on_screen(monkeypatch):
    """Run a command line on a screen of so many columns, with what a person types."""

    def run_shown(*words, types="", columns=100):
        for name, value in {"TERM": "dumb", "COLUMNS": str(columns), "LINES": "40"}.items():
            monkeypatch.setenv(name, value)
        out, err = Screen(), Screen()
        with monkeypatch.context() as streams:
            streams.setattr(sys, "stdin", Screen(types))
            streams.setattr(sys, "stdout", out)
            streams.setattr(sys, "stderr", err)
            streams.setattr("deskclerk.faces.cli.terminal_signature.owns_terminal", lambda: True)
            code = main(words)
        return Ran(code, out.shown, err.shown)

    return run_shown


@pytest.fixture
def clerk(monkeypatch):
    """A stub behind the sandbox's key: there `--yes` signs."""
    with running(Stub()) as stub:
        monkeypatch.setenv("CLERK_SECRET_KEY", SANDBOX_KEY)
        monkeypatch.setenv("CLERK_API_URL", stub.origin)
        yield stub
