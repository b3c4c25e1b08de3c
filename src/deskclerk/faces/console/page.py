"""What a page of the console is, and what its handlers find at hand."""

import contextlib
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import cast

from starlette.datastructures import ImmutableMultiDict
from starlette.requests import Request
from starlette.routing import BaseRoute

from deskclerk.catalogue import EVERY_BY_NAME, READ
from deskclerk.desk import Caller, Desk
from deskclerk.faces.console.changes_feed import ChangesFeed
from deskclerk.faces.console.job_view import Rates
from deskclerk.faces.console.journal_view import ChainChecks
from deskclerk.faces.console.proposed_writes import ProposedWrites
from deskclerk.faces.console.sessions import Session, SessionDoor, Sessions


@dataclass(frozen=True, slots=True)
class ConsolePage:
    """One entry of the navigation and all that is served for it, under paths of the session's own.

    `path` is where its entry leads, `counts` whether it carries the number of waiting plans, `own_machine`
    whether it is about the machine that the console runs on.
    """

    title: str
    path: str
    routes: Sequence[BaseRoute]
    counts: bool = False
    sandbox_only: bool = False
    own_machine: bool = False


class ConsoleState:
    """One console on a desk: who is in, its pages, its address, and MCP's where that is beside it."""

    first_link: str | None = None
    """A one-time link for whoever started it, where it `greets` somebody at a terminal."""

    def __init__(
        self,
        desk: Desk,
        url: str,
        *,
        greets: bool = False,
        mcp: str | None = None,
        door: SessionDoor | None = None,
    ) -> None:
        """`door` lets people in that sign in by name; without one, one-time links do."""
        self.desk = desk
        self.url = url
        self.mcp = mcp
        self._greets = greets
        self.sessions = Sessions()
        self.door: SessionDoor = door or self.sessions
        self.feed = ChangesFeed(desk)
        self.proposals = ProposedWrites(desk)
        self.chain = ChainChecks(desk)
        self.rates = Rates()
        self.pages: tuple[ConsolePage, ...] = ()

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Known to other processes, at its address, for as long as the block lasts."""
        presence = await self.desk.console_links.announce(self.url)
        self.desk.handovers.open_console = self.attend
        try:
            if self._greets:
                self.first_link = await self.link()
            yield
        finally:
            self.feed.end()
            self.chain.end()
            await self.desk.console_links.leave(presence)

    def leave(self) -> None:
        """Let the pages that follow along go: the server wants to end."""
        self.feed.end()

    async def link(self) -> str:
        """A new one-time link, for a person at a terminal."""
        return f"{self.url}/in/{await self.desk.console_links.issue()}"

    async def attend(self) -> str:
        """Where a person who is in takes what is handed over."""
        return f"{self.url}/secrets"


def console_of(request: Request) -> ConsoleState:
    """The console that serves a request."""
    return cast("ConsoleState", request.scope["deskclerk.console"])


def desk_of(request: Request) -> Desk:
    """The desk behind a request."""
    return console_of(request).desk


def session_of(request: Request) -> Session:
    """Whose request it is; `SessionRequired` has let it through."""
    return cast("Session", request.scope["deskclerk.session"])


def caller_of(request: Request) -> Caller:
    """Who asks, for the desk, in all that is done for a request."""
    return session_of(request).caller


def form_of(request: Request) -> ImmutableMultiDict[str, str]:
    """The fields of a form, whose CSRF token has been checked; empty for a GET."""
    return cast("ImmutableMultiDict[str, str]", request.scope["deskclerk.form"])


def may_send(session: Session, path: str) -> bool:
    """Whether a form to this path, below the session's home, is taken from it; pages show no others.

    Who may only look signs out, and reads by the forms of actions that change nothing.
    """
    if session.may_sign or path == "/out":
        return True
    action = EVERY_BY_NAME.get(path.removeprefix("/actions/"))
    return action is not None and action.spec.effect is READ and not action.spec.by_desk


def home_of(request: Request) -> str:
    """The path that every address of this session begins with."""
    return str(request.scope.get("root_path", ""))
