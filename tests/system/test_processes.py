"""Signals, processes that outlive a terminal, event loops: as Windows has them."""

import asyncio
import signal
import subprocess
import sys

import pytest

from deskclerk.database import open_database
from deskclerk.desk.jobs.worker import start_worker
from deskclerk.errors import InvalidSettings
from deskclerk.faces.clients import configuration
from deskclerk.settings import Settings
from deskclerk.system.processes import detached, on_signals

pytestmark = pytest.mark.anyio


@pytest.fixture
def loop_of_windows(windows, monkeypatch):
    """An event loop that takes no signal handlers, as those of Windows."""

    def refused(*_):
        raise NotImplementedError

    def ready(loop):
        monkeypatch.setattr(loop, "add_signal_handler", refused, raising=False)
        monkeypatch.setattr(loop, "remove_signal_handler", refused, raising=False)

    return ready


@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM"])
async def test_on_windows_a_signal_ends_what_serves_in_order(loop_of_windows, name):
    loop_of_windows(asyncio.get_running_loop())
    before = signal.getsignal(getattr(signal, name))
    told, heard = asyncio.Event(), []
    leave = on_signals(lambda number: (heard.append(number), told.set()))
    signal.raise_signal(getattr(signal, name))
    await asyncio.wait_for(told.wait(), 5)
    leave()
    assert heard == [getattr(signal, name)]
    assert signal.getsignal(getattr(signal, name)) == before


async def test_elsewhere_the_loop_hears_it_and_forgets_it_afterwards():
    told = asyncio.Event()
    leave = on_signals(lambda _: told.set(), ("SIGTERM",))
    signal.raise_signal(signal.SIGTERM)
    await asyncio.wait_for(told.wait(), 5)
    leave()
    assert signal.getsignal(signal.SIGTERM) == signal.SIG_DFL


async def test_on_windows_ctrl_break_is_heard_too(windows, monkeypatch):
    # A number that Linux has and that nothing here uses.
    monkeypatch.setattr(signal, "SIGBREAK", signal.SIGUSR2, raising=False)
    told = asyncio.Event()
    leave = on_signals(lambda _: told.set())
    signal.raise_signal(signal.SIGUSR2)
    await asyncio.wait_for(told.wait(), 5)
    leave()


def test_a_worker_outlives_its_terminal_on_each_system(monkeypatch, windows):
    assert detached() == {"creationflags": 0x08000200}
    monkeypatch.setattr(sys, "platform", "darwin")
    assert detached() == {"start_new_session": True}


async def test_on_windows_a_worker_is_started_so_and_its_log_is_private(windows, monkeypatch, tmp_path):
    from deskclerk.desk import Desk  # noqa: PLC0415 - takes a moment

    started = []
    monkeypatch.setattr(subprocess, "Popen", lambda words, **more: started.append(more))
    async with Desk.open(Settings(home=tmp_path / "home")) as desk:
        assert start_worker(desk.settings, desk.journal, desk.instance)
    assert started[0]["creationflags"] == 0x08000200
    assert "start_new_session" not in started[0]
    assert not windows.lets_others_in(tmp_path / "home" / "jobs" / "worker.log")


async def test_on_windows_postgresql_in_the_usual_loop_is_an_error_that_says_what_to_do(windows, monkeypatch):
    monkeypatch.setattr(asyncio, "ProactorEventLoop", type(asyncio.get_running_loop()), raising=False)
    with pytest.raises(InvalidSettings) as refused:
        open_database("postgresql://desk@127.0.0.1:1/desk")
    assert "WSL" in refused.value.next_step
    monkeypatch.setattr(asyncio, "ProactorEventLoop", type("Other", (), {}), raising=False)
    await open_database("postgresql://desk@127.0.0.1:1/desk").dispose()


def test_on_windows_a_client_is_told_words_that_its_shells_take(windows, monkeypatch, tmp_path):
    (tmp_path / "My Tools").mkdir()
    program = tmp_path / "My Tools" / "deskclerk.exe"
    program.touch()
    monkeypatch.setattr(sys, "argv", [str(program.with_suffix(""))])
    told = configuration.claude_code(Settings())
    assert told == f'claude mcp add deskclerk -- "{program}" mcp'
