"""Who sits at a terminal, and which characters the standard streams take."""

import io
import os
import sys

import pytest

from deskclerk.faces.cli.main import main
from deskclerk.settings import SANDBOX_KEY
from deskclerk.system.terminals import is_terminal, owns_terminal, reader_has_gone, speak_utf8
from tests.faces.cli.stub import Stub, running


class Stream(io.TextIOWrapper):
    """A stream on a file, with what `isatty` says of it: yes of a console, and on Windows of NUL."""

    def __init__(self, path, text="", *, device=True, encoding="utf-8"):
        path.write_bytes(text.encode())
        super().__init__(path.open("r+b", buffering=0), encoding=encoding, write_through=True)
        self.device = device

    def isatty(self):
        return self.device


@pytest.fixture
def stream(tmp_path):
    """Streams by name, closed at the end."""
    made = []

    def opened(name, text="", **more):
        made.append(Stream(tmp_path / name, text, **more))
        return made[-1]

    yield opened
    for item in made:
        item.close()


@pytest.fixture
def clerk(monkeypatch, tmp_path):
    with running(Stub()) as stub:
        monkeypatch.setenv("CLERK_SECRET_KEY", SANDBOX_KEY)
        monkeypatch.setenv("CLERK_API_URL", stub.origin)
        monkeypatch.setenv("DESKCLERK_HOME", str(tmp_path / "home"))
        monkeypatch.setenv("TERM", "dumb")
        yield stub


@pytest.fixture
def type_yes(monkeypatch, tmp_path, clerk, windows):
    """Ban a user on Windows with `yes` on standard input; the streams whose names are given are consoles."""
    user = clerk.add()

    def ban(*consoles, device=True):
        streams = {
            "stdin": Stream(tmp_path / "stdin", "yes\n", device=device),
            "stdout": Stream(tmp_path / "stdout"),
            "stderr": Stream(tmp_path / "stderr"),
        }
        windows.consoles = {streams[name].fileno() for name in consoles}
        with monkeypatch.context() as patched:
            for name, stream in streams.items():
                patched.setattr(sys, name, stream)
            code = main(["users", "ban", user])
        for stream in streams.values():
            stream.close()
        return code, (tmp_path / "stderr").read_text()

    return ban


ALL = ("stdin", "stdout", "stderr")


@pytest.mark.promise("a-person-signs")
def test_on_windows_a_person_signs_at_the_console(type_yes, clerk):
    code, shown = type_yes(*ALL)
    assert code == 0, shown
    assert "To sign it, type yes" in shown
    assert "banned: false → true" in shown
    assert len(clerk.writes) == 1


@pytest.mark.promise("nobody-there-nothing-happens")
def test_on_windows_a_pipe_signs_nothing_though_the_console_could_be_opened(type_yes, clerk, windows):
    assert windows.attached
    code, _ = type_yes("stdout", "stderr", device=False)
    assert code == 8
    assert clerk.writes == []


@pytest.mark.promise("nobody-there-nothing-happens")
@pytest.mark.parametrize("consoles", [(), ("stderr",), ("stdin",), ("stdin", "stdout")])
def test_on_windows_a_device_that_is_no_console_signs_nothing(type_yes, clerk, consoles):
    # NUL and a serial line: Python's isatty says yes of them there.
    assert type_yes(*consoles)[0] == 8
    assert clerk.writes == []


def test_on_windows_a_process_without_a_console_signs_nothing(type_yes, clerk, windows):
    windows.attached = False
    assert type_yes(*ALL)[0] == 8
    assert clerk.writes == []


def test_on_windows_both_ends_of_the_console_have_to_open(windows, monkeypatch):
    assert owns_terminal()
    asked, real = [], os.open

    def only_input(path, flags, *more, **named):
        asked.append(path)
        if path == "CONOUT$":
            raise OSError(6, "The handle is invalid.")
        return real(path, flags, *more, **named)

    monkeypatch.setattr(os, "open", only_input)
    assert not owns_terminal()
    assert asked == ["CONIN$", "CONOUT$"]


def test_on_windows_a_closed_stream_and_one_without_a_descriptor_are_no_terminal(windows, stream):
    closed = stream("closed")
    closed.close()
    assert not is_terminal(closed)

    class Memory(io.StringIO):
        def isatty(self):
            return True

    assert not is_terminal(Memory())


def test_on_windows_a_pipe_of_an_old_code_page_takes_every_character(windows, monkeypatch, tmp_path, stream):
    out = stream("out", device=False, encoding="cp1252")
    said = stream("in", "\ufeffAda → Łódź", device=False, encoding="cp1252")
    monkeypatch.setattr(sys, "stdout", out)
    monkeypatch.setattr(sys, "stdin", said)
    speak_utf8()
    assert sys.stdin.read() == "Ada → Łódź"
    out.write("banned: false → true Łódź")
    out.flush()
    assert (tmp_path / "out").read_bytes().decode() == "banned: false → true Łódź"


def test_a_terminal_of_an_old_code_page_shows_a_mark_for_what_it_has_not(
    windows, monkeypatch, tmp_path, stream
):
    out = stream("out", encoding="cp437")
    windows.consoles = {out.fileno()}
    monkeypatch.setattr(sys, "stdout", out)
    speak_utf8()
    out.write("é → 你\n")
    assert (tmp_path / "out").read_bytes().strip() == "é ? ?".encode("cp437")


def test_streams_that_take_everything_stay_as_they_are(monkeypatch, stream):
    out = stream("out", device=False)
    monkeypatch.setattr(sys, "stdout", out)
    monkeypatch.setattr(sys, "stdin", None)
    speak_utf8()
    assert (out.encoding, out.errors) == ("utf-8", "strict")


def test_what_windows_says_of_a_reader_that_has_gone_is_understood_there_alone(windows, monkeypatch):
    assert reader_has_gone(OSError(22, "Invalid argument"))
    assert not reader_has_gone(OSError(28, "No space left on device"))
    monkeypatch.setattr(sys, "platform", "linux")
    assert reader_has_gone(BrokenPipeError())
    assert not reader_has_gone(OSError(22, "Invalid argument"))
