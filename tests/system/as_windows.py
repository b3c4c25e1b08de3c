"""Runs one command line as on Windows, and writes down which files others could then read.

Started as a process of its own: `as_windows.py REPORT WORDS…`. The event loop takes no signal handlers and no
readers, as Windows' own has it.
"""

import asyncio
import importlib
import json
import os
import pkgutil
import sys
from pathlib import Path

import pytest

import deskclerk
from tests.system.windows import Windows

# What libraries do on Windows is theirs: they are loaded as what this machine is.
for module in pkgutil.walk_packages(deskclerk.__path__, "deskclerk."):
    if not module.name.endswith(("__main__", "pytest_plugin")) and ".migrations" not in module.name:
        importlib.import_module(module.name)

from deskclerk.faces.cli import main as command_line  # noqa: E402


def refused(*_: object) -> None:
    raise NotImplementedError


def report(path: Path) -> None:
    home = Path(os.environ["DESKCLERK_HOME"])
    open_to_others = [
        found.relative_to(home).as_posix() for found in home.rglob("*") if windows.lets_others_in(found)
    ]
    path.write_text(json.dumps({"open": open_to_others, "all": sum(1 for _ in home.rglob("*"))}))


windows = Windows()
place, *words = sys.argv[1:]
patch = pytest.MonkeyPatch()
patch.setattr(asyncio.SelectorEventLoop, "add_signal_handler", refused)
patch.setattr(asyncio.SelectorEventLoop, "add_reader", refused)
windows.begin(patch)
ended = os._exit


def end(code: int) -> None:
    report(Path(place))
    ended(code)


patch.setattr(os, "_exit", end)
command_line.run(words)
