"""Terminals and the standard streams: who sits there, and which characters they take.

A signature is typed by a person, so that what is no terminal must never pass for one. On POSIX a terminal is
a device, and `/dev/tty` the one that a process belongs to. On Windows it is a console: `isatty` says yes of
any character device, NUL among them, and only a console has a console mode.
"""

import contextlib
import errno
import io
import os
import select
import signal
import socket
import sys
from typing import Any, TextIO


def is_terminal(stream: TextIO) -> bool:
    """Whether a stream is a terminal; a closed or replaced one is not."""
    try:
        if not stream.isatty():
            return False
    except ValueError:
        return False
    return sys.platform != "win32" or _is_console(stream)


def owns_terminal() -> bool:
    """Whether the process belongs to a terminal, so that what is typed there reaches it."""
    # Pipes and a made-up terminal can look like a person's; these are the one that the process belongs to.
    places = ("CONIN$", "CONOUT$") if sys.platform == "win32" else ("/dev/tty",)
    try:
        for place in places:
            os.close(os.open(place, os.O_RDWR))
    except OSError:
        return False
    return True


def await_input(stream: TextIO) -> None:
    """Wait until something is typed; a Ctrl-C ends it, also one from just before the reading begins."""
    # A console's reading is ended by Ctrl-C itself, and nothing there can be waited for beside sockets.
    if sys.platform == "win32" or not _has_descriptor(stream):
        return
    heard, told = socket.socketpair()
    told.setblocking(False)
    # A signal that comes between the prompt and the reading would else be lost, and the line waited for.
    before = signal.set_wakeup_fd(told.fileno(), warn_on_full_buffer=False)
    try:
        waited: list[Any] = [stream, heard]
        select.select(waited, [], [])
    finally:
        signal.set_wakeup_fd(before)
        heard.close()
        told.close()


def speak_utf8() -> None:
    """Have the standard streams take every character: UTF-8 in files and pipes, whatever the code page is.

    So does Python by itself from 3.15 on (peps.python.org/pep-0686). A terminal keeps its encoding and shows
    `?` for what it has not.
    """
    for stream in (sys.stdin, sys.stdout, sys.stderr):
        # None without a console (pythonw); another kind where somebody has put their own there.
        if not isinstance(stream, io.TextIOWrapper) or _is_utf8(stream):
            continue
        if is_terminal(stream):
            stream.reconfigure(errors="replace")
        elif stream is sys.stdin:
            # Windows' own programs begin a text with a mark that is no part of it.
            stream.reconfigure(encoding="utf-8-sig", errors="strict")
        else:
            stream.reconfigure(
                encoding="utf-8", errors="backslashreplace" if stream is sys.stderr else "strict"
            )


def reader_has_gone(error: OSError) -> bool:
    """Whether a write failed as its reader has enough (`| head`): Windows says EINVAL of some such pipes."""
    # github.com/python/cpython/issues/79935
    return isinstance(error, BrokenPipeError) or (sys.platform == "win32" and error.errno == errno.EINVAL)


def silence(stream: TextIO) -> None:
    """Whoever read has enough: what is still buffered goes nowhere when the process ends."""
    # Closing the stream would raise again when Python flushes it at its end.
    os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def _is_console(stream: TextIO) -> bool:
    """Whether Windows has a console behind a stream: it has a mode, which NUL and serial lines have not."""
    if sys.platform != "win32":
        return False
    import ctypes  # noqa: PLC0415 - these two are there only
    import msvcrt  # noqa: PLC0415

    with contextlib.suppress(OSError, ValueError):
        handle, mode = msvcrt.get_osfhandle(stream.fileno()), ctypes.c_ulong()
        kernel = ctypes.WinDLL("kernel32")
        return bool(kernel.GetConsoleMode(ctypes.c_void_p(handle), ctypes.byref(mode)))
    return False


def _is_utf8(stream: TextIO) -> bool:
    return stream.encoding.lower().replace("-", "").replace("_", "") in ("utf8", "utf8sig")


def _has_descriptor(stream: TextIO) -> bool:
    """Whether the system can wait for a stream."""
    try:
        stream.fileno()
    except OSError:
        return False
    return True
