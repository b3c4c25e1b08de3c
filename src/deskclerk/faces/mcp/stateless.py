"""MCP for a hosted desk: many desks behind one address, and no session of either era kept.

Every request stands for itself, so that any replica can answer it. A client of the handshake era then has no
way back by which a person could be asked: what needs a signature waits for one in the console. Later clients
are asked by the answer to their call, whose state every replica can open.
"""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import anyio
from anyio.abc import TaskGroup
from mcp.server.streamable_http_manager import StreamableHTTPSessionManager
from starlette.types import Receive, Scope, Send

from deskclerk.desk import Desk
from deskclerk.faces.mcp.calls import Doorway
from deskclerk.faces.mcp.http_access import public_security
from deskclerk.faces.mcp.server import build


@dataclass
class _Served:
    """One desk's server; `ready` once it takes requests, which it does until `over`."""

    manager: StreamableHTTPSessionManager
    ready: asyncio.Event = field(default_factory=asyncio.Event)
    over: asyncio.Event = field(default_factory=asyncio.Event)


class StatelessMcp:
    """Serves MCP on whichever desk a request is for."""

    def __init__(self, public_url: str, state_keys: Sequence[bytes]) -> None:
        """`state_keys` are the same in every replica; see `build`."""
        self._security = public_security(public_url)
        self._keys = tuple(state_keys)
        self._served: dict[Desk, _Served] = {}
        self._tasks: TaskGroup | None = None

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Entered while the server runs; requests under way end with it."""
        async with anyio.create_task_group() as self._tasks:
            try:
                yield
            finally:
                for served in self._served.values():
                    served.over.set()

    async def serve(self, desk: Desk, console: Doorway, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request on this desk; `console` tells where a plan of its is signed."""
        served = self._served.get(desk)
        if served is None:
            served = self._begin(desk, console)
        await served.ready.wait()
        await served.manager.handle_request(scope, receive, send)

    def forget(self, desk: Desk) -> None:
        """Let go of a desk that is about to be closed, and on which no request is under way."""
        if served := self._served.pop(desk, None):
            served.over.set()

    def _begin(self, desk: Desk, console: Doorway) -> _Served:
        if self._tasks is None:
            raise RuntimeError("running() is not entered")
        server = build(desk, console, self._keys)
        manager = StreamableHTTPSessionManager(server, stateless=True, security_settings=self._security)
        served = self._served[desk] = _Served(manager)
        self._tasks.start_soon(self._run, served)
        return served

    async def _run(self, served: _Served) -> None:
        # In a task of its own: what it enters has to be left in the task that entered it.
        async with served.manager.run():
            served.ready.set()
            await served.over.wait()
