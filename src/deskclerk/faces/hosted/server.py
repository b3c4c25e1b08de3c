"""A hosted desk's server: pages and MCP of all workspaces on one address, on any number of replicas.

A request says by its session or its token which workspace and instance it is for; the desk of that place is
opened when it is first needed, with its console and its MCP server around it.
"""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from functools import partial
from weakref import WeakSet

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Mount, Route
from starlette.types import ASGIApp, Scope

from deskclerk.desk import Desk
from deskclerk.desk.misses import missed
from deskclerk.desk.workspace import Workspace
from deskclerk.errors import DeskclerkError
from deskclerk.faces.console.site import Console
from deskclerk.faces.hosted import reaching
from deskclerk.faces.hosted.access import ADMITTED, MemberRequired, MembersDoor, MemberSession
from deskclerk.faces.hosted.admission import Admitted, is_stream, status_of, told_to_agents
from deskclerk.faces.hosted.app import pages_app
from deskclerk.faces.hosted.rendering import failure, not_here
from deskclerk.faces.hosted.site import people_site
from deskclerk.faces.mcp.stateless import stateless
from deskclerk.hosted.agents.agent import SCOPE, Agent
from deskclerk.hosted.agents.arrivals import Arrivals
from deskclerk.hosted.agents.guard import AgentGuard
from deskclerk.hosted.agents.oauth_tokens import OAuthTokens
from deskclerk.hosted.agents.resource_server import MCP, ResourceServer
from deskclerk.hosted.errors import NotHere
from deskclerk.hosted.limits import WorkspaceLimits
from deskclerk.hosted.operating.operating import Operating
from deskclerk.hosted.parts import Parts, opened
from deskclerk.hosted.workspaces.desks import Desks, Place
from deskclerk.hosted.workspaces.store import WorkspaceRecord
from deskclerk.settings import Settings


@dataclass(frozen=True, slots=True)
class OpenDesk:
    """A desk with what is served on it."""

    desk: Desk
    console: Console
    mcp: ASGIApp
    limits: WorkspaceLimits


@dataclass(frozen=True, slots=True)
class Replica:
    """What a process serves: the application, and who is told when it is to end."""

    app: Starlette
    operating: Operating
    places: "_Places"

    def leave(self) -> None:
        """Let those go who only wait: the server wants to end."""
        self.places.leave()


@asynccontextmanager
async def hosted_app(settings: Settings, *, loopback: bool = False) -> AsyncIterator["Replica"]:
    """One replica, with everything that it needs open while the block lasts.

    `loopback` says that only this machine reaches it.

    Raises:
        InvalidSettings: what a hosted desk needs is not set, or cannot be used.
        StorageUnavailable: its database cannot be opened.
    """
    async with AsyncExitStack() as stack:
        parts = await stack.enter_async_context(opened(settings))
        public_url, issuer = parts.needed.public_url, parts.issuer
        site = people_site(
            public_url,
            parts.database,
            parts.workspaces,
            parts.attempts,
            issuer,
            destinations=parts.destinations,
        )
        resources = ResourceServer(public_url, issuer)
        arrivals = Arrivals(parts.database, resources, parts.attempts, OAuthTokens(issuer))
        door = MembersDoor(site)

        @asynccontextmanager
        async def around(desk: Desk, workspace: WorkspaceRecord, instance: str) -> AsyncIterator[OpenDesk]:
            address = parts.console(workspace, instance)

            def page(plan_id: str) -> str:
                return f"{address}/plans/{plan_id}"

            async def page_of(plan_id: str) -> str:
                return page(plan_id)

            keys = [await parts.state_key(workspace, instance)]
            desk.signing.console, desk.signing.page = address, page
            origin = parts.needed.public_url
            console = Console(desk, address, mcp=f"{origin}{MCP}/{workspace.slug}", door=door)
            serving = stateless(desk, page_of, public_url=origin, state_keys=keys)
            async with serving as mcp:
                try:
                    yield OpenDesk(desk, console, mcp, parts.limits(workspace))
                finally:
                    console.leave()

        operating = Operating.of_replica(
            settings, parts.database, parts.vault, parts.wakes, loopback=loopback
        )
        stack.push_async_callback(operating.close)

        def doors(workspace: WorkspaceRecord, instance: str) -> Workspace:
            return operating.watched(parts.doors(workspace, instance))

        desks: Desks[OpenDesk] = Desks(parts.workspaces, doors, parts.agents.rules, around, parts.common)
        stack.push_async_callback(desks.close)
        places = _Places(parts, desks)
        guard = partial(AgentGuard, arrivals=arrivals, server=resources)
        mcp = Admitted(places.mcp, told_to_agents, lambda scope: scope[SCOPE].workspace, guard)
        consoles = Admitted(
            places.console,
            _refused_page,
            lambda scope: scope["deskclerk.session"].record.id,
            partial(MemberRequired, forms=False),
        )
        routes = [
            # Two: a mount is for what stands below its path, and not for the path itself.
            Route(MCP, endpoint=mcp),
            Mount(MCP, app=mcp),
            Mount("", app=pages_app(site, consoles)),
        ]
        app = Starlette(routes=routes, middleware=[*operating.middleware, Middleware(guard)])
        yield Replica(app, operating, places)


class _Places:
    """Passes requests on to the desk that they are for."""

    def __init__(self, parts: Parts, desks: Desks[OpenDesk]) -> None:
        self._parts = parts
        self._desks = desks
        self._consoles: WeakSet[Console] = WeakSet()
        self._asked: WeakSet[Desk] = WeakSet()

    def leave(self) -> None:
        """Let every page go that follows events, and every call that waits for a signature."""
        for console in self._consoles:
            console.leave()
        for desk in self._asked:
            desk.signing.leave()

    @asynccontextmanager
    async def mcp(self, scope: Scope) -> AsyncIterator[ASGIApp]:
        """MCP for an agent that was let in."""
        agent: Agent = scope[SCOPE]
        place = Place(agent.workspace, agent.instance, agent.version)
        async with (
            self._desks.use(place) as found,
            self._parts.counters.admitted(place.workspace, found.limits, stream=is_stream(scope)),
        ):
            self._asked.add(found.desk)
            note = partial(self._parts.attempts.note_admitted, agent.workspace, agent.caller)
            yield partial(reaching.serve, found.mcp, note)

    @asynccontextmanager
    async def console(self, scope: Scope) -> AsyncIterator[ASGIApp]:
        """The console for a member."""
        session: MemberSession = scope["deskclerk.session"]
        place = Place.of(session.record, scope["path_params"]["instance"])
        async with (
            self._desks.use(place) as found,
            self._parts.counters.admitted(place.workspace, found.limits, stream=is_stream(scope)),
        ):
            scope[ADMITTED] = True
            self._consoles.add(found.console)
            yield found.console.app


def _refused_page(request: Request, error: DeskclerkError) -> Response:
    """Why there is no console for a member, as a page."""
    if isinstance(error, NotHere):
        missed(request.path_params["instance"])
        return not_here(request)
    return failure(request, error.message, error.next_step, status_of(error))
