"""Processes and what ends them: signals in an event loop, and a process that outlives its terminal."""

import asyncio
import signal
import subprocess
import sys
from collections.abc import Callable, Iterable
from types import FrameType
from typing import Any

ENDING = ("SIGINT", "SIGTERM", "SIGBREAK")
"""What asks a process to end; SIGBREAK is Windows' Ctrl-Break and the closing of the console."""


def on_signals(call: Callable[[int], object], names: Iterable[str] = ENDING) -> Callable[[], None]:
    """Have signals call something in the running event loop; calling what this returns ends that.

    Signals that the system has not are left out.
    """
    numbers = [getattr(signal, name) for name in names if hasattr(signal, name)]
    loop = asyncio.get_running_loop()
    if sys.platform != "win32":
        for number in numbers:
            loop.add_signal_handler(number, call, number)

        def leave() -> None:
            for number in numbers:
                loop.remove_signal_handler(number)

        return leave

    # Windows' loops take no handlers. Python's own runs between two steps of the main thread, which a signal
    # wakes up; the loop goes on from there.
    def heard(number: int, frame: FrameType | None) -> None:
        del frame
        loop.call_soon_threadsafe(call, number)

    before = {number: signal.signal(number, heard) for number in numbers}

    def give_back() -> None:
        for number, handler in before.items():
            signal.signal(number, handler)

    return give_back


def detached() -> dict[str, Any]:
    """What `subprocess.Popen` is given for a process that goes on when the terminal closes."""
    if sys.platform == "win32":
        # A console of its own without a window: no Ctrl-C of this one reaches it, nor its closing.
        return {"creationflags": subprocess.CREATE_NEW_PROCESS_GROUP | subprocess.CREATE_NO_WINDOW}
    return {"start_new_session": True}
