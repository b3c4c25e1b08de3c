"""A sandbox for tests, on a real port of this machine, driven from plain synchronous code.

`with sandbox_server() as clerk: …` serves one from a thread of its own; the pytest fixtures
`clerk_sandbox` and `clerk_sandbox_session` hand out the same.
"""

import asyncio
import socket
import threading
from collections.abc import Coroutine, Iterator, Mapping, Sequence
from concurrent.futures import Future
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

from deskclerk.sandbox import open_sandbox
from deskclerk.sandbox.controls import clock, data
from deskclerk.sandbox.controls.arguments import iso, read
from deskclerk.sandbox.controls.http import CONTROLS
from deskclerk.sandbox.opening import Sandbox
from deskclerk.sandbox.serving import serving

__all__ = ["ClerkSandbox", "sandbox_server"]

Result = TypeVar("Result")


class ClerkSandbox:
    """A running sandbox.

    `url` is what `CLERK_API_URL` and the JavaScript SDK take, `api_url` (with `/v1`) what the Python SDK
    does, `secret_key` its instance's key, `environment` the variables that point applications here.
    """

    def __init__(self, sandbox: Sandbox, url: str, loop: asyncio.AbstractEventLoop) -> None:
        self._sandbox = sandbox
        self._loop = loop
        self.url = url
        self.api_url = f"{url}/v1"
        self.secret_key = sandbox.key
        self.environment = {"CLERK_SECRET_KEY": sandbox.key, "CLERK_API_URL": url}
        self.clock = SandboxClock(self)
        self.faults = SandboxFaults(self)
        self.instances = SandboxInstances(self)
        self.webhooks = SandboxWebhooks(self)
        self.outbox = SandboxOutbox(self)

    def control(self, name: str, **values: Any) -> dict[str, Any]:
        """Run any control by its name; InvalidRequest says what it does not accept."""
        item = CONTROLS[name]
        return _wait(self._loop, item.run(self._sandbox.store, read(item.takes, values)))

    def seed(
        self,
        source: str | Path | Mapping[str, Any] | None = None,
        *,
        company: bool = False,
        instance: str = "",
    ) -> dict[str, Any]:
        """Put in what a YAML file (a path), a YAML text or a mapping holds, or the small company."""
        more: dict[str, Any] = {"instance": instance} if instance else {}
        if isinstance(source, Path):
            more |= {"yaml": source.read_text(encoding="utf-8"), "file": str(source)}
        elif isinstance(source, str):
            more |= {"yaml": source}
        elif source is not None:
            more |= {"data": dict(source)}
        return self.control("seed", company=company, **more)

    def reset(self, *, company: bool = False) -> None:
        """Empty everything; with `company`, the small company is in it."""
        self.control("reset", company=company)

    def limits(self, mode: str) -> None:
        """Keep Clerk's rate limits as a `test` or `live` instance has them, or `off`."""
        self.control("limits.set", mode=mode)

    def snapshot(self) -> bytes:
        """Everything, as a file's content."""
        return _wait(self._loop, data.snapshot(self._sandbox.store, clock.Nothing()))

    def restore(self, content: bytes) -> None:
        """Put a snapshot in the place of everything."""
        _wait(self._loop, data.restore(self._sandbox.store, content))


class _Part:
    def __init__(self, sandbox: ClerkSandbox) -> None:
        self._sandbox = sandbox


class SandboxClock(_Part):
    """The sandbox's time: durations are seconds or text such as `7d`, times milliseconds or ISO 8601."""

    def now(self) -> int:
        """Milliseconds since the epoch."""
        return int(self._sandbox.control("clock")["now"])

    def __str__(self) -> str:
        return iso(self.now())

    def set(self, to: int | str) -> None:
        """Make it another time; it runs on from there."""
        self._sandbox.control("clock.set", to=to)

    def advance(self, by: float | str) -> None:
        """Let time pass at once."""
        self._sandbox.control("clock.advance", by=by)

    def freeze(self, at: int | str | None = None) -> None:
        """Stop it."""
        self._sandbox.control("clock.freeze", at=at)

    def release(self) -> None:
        """Let it run on."""
        self._sandbox.control("clock.release")

    def reset(self) -> None:
        """Back to the machine's time."""
        self._sandbox.control("clock.reset")


class SandboxFaults(_Part):
    """What requests meet in place of an answer."""

    def add(self, method: str = "*", path: str = "*", **effect: Any) -> dict[str, Any]:
        """A fault: status, code, message, retry_after, delay, drop, truncate; for `count` requests."""
        return self._sandbox.control("faults.add", method=method, path=path, **effect)

    def list(self) -> list[dict[str, Any]]:
        """All, with how many requests each has met (`hits`)."""
        found: list[dict[str, Any]] = self._sandbox.control("faults")["faults"]
        return found

    def clear(self) -> None:
        """Remove all."""
        self._sandbox.control("faults.clear")


class SandboxInstances(_Part):
    """Several instances, each with its own key."""

    def add(self, slug: str | None = None, **more: Any) -> dict[str, Any]:
        """A new one: its `secret_key`, `id`, `slug`; more: kind, secret_key, user_quota, company."""
        return self._sandbox.control("instances.add", slug=slug, **more)

    def list(self) -> list[dict[str, Any]]:
        """All, with their keys."""
        found: list[dict[str, Any]] = self._sandbox.control("instances")["instances"]
        return found

    def remove(self, instance: str) -> None:
        """Remove one with everything in it."""
        self._sandbox.control("instances.remove", instance=instance)


class SandboxWebhooks(_Part):
    """Where webhooks go."""

    def add(self, url: str, events: Sequence[str] = (), secret: str | None = None) -> dict[str, Any]:
        """A new endpoint on this machine; its `secret` verifies what it is sent."""
        return self._sandbox.control("webhooks.add", url=url, events=tuple(events), secret=secret)

    def remove(self, endpoint: str) -> None:
        """Remove one."""
        self._sandbox.control("webhooks.remove", id=endpoint)


class SandboxOutbox(_Part):
    """What webhooks told, whether or not there is an endpoint."""

    def list(self, kind: str | None = None) -> list[dict[str, Any]]:
        """The newest messages, of one type or of all: type, payload, deliveries."""
        found: list[dict[str, Any]] = self._sandbox.control("outbox", type=kind, limit=500)["messages"]
        return found

    def replay(self, message: str) -> None:
        """Send one once more."""
        self._sandbox.control("outbox.replay", id=message)


@contextmanager
def sandbox_server(location: str | Path, *, company: bool = False, port: int = 0) -> Iterator[ClerkSandbox]:
    """A sandbox on a database file or URL, served on loopback from a thread until the block ends."""
    loop, ended = asyncio.new_event_loop(), asyncio.Event()
    ready: Future[ClerkSandbox] = Future()

    async def serve() -> None:
        with socket.create_server(("127.0.0.1", port)) as listener:
            url = f"http://127.0.0.1:{listener.getsockname()[1]}"
            async with open_sandbox(location, seed=company) as sandbox, serving(sandbox, listener):
                ready.set_result(ClerkSandbox(sandbox, url, loop))
                await ended.wait()

    def run() -> None:
        asyncio.set_event_loop(loop)
        try:
            loop.run_until_complete(serve())
        except BaseException as error:
            if ready.done():
                raise
            ready.set_exception(error)
        finally:
            loop.close()

    thread = threading.Thread(target=run, name="clerk-sandbox", daemon=True)
    thread.start()
    try:
        yield ready.result()
    finally:
        if not loop.is_closed():
            loop.call_soon_threadsafe(ended.set)
        thread.join()


def _wait(loop: asyncio.AbstractEventLoop, work: Coroutine[Any, Any, Result]) -> Result:
    return asyncio.run_coroutine_threadsafe(work, loop).result()
