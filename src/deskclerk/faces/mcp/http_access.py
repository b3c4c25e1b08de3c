"""Who may reach MCP over HTTP: the names this server answers to, and the token it wants.

A page in a browser can be made to send requests to this machine (DNS rebinding), so Host and Origin
are checked on every bind; on any but loopback a bearer token is needed as well.
"""

import hmac
import ipaddress
import re
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol, cast
from urllib.parse import urlsplit

from mcp.server.transport_security import TransportSecurityMiddleware, TransportSecuritySettings
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from deskclerk.desk import Caller
from deskclerk.errors import InvalidSettings
from deskclerk.settings import Settings

TOKEN = "deskclerk.token"  # noqa: S105 - a name, no secret
"""Where a request's scope keeps the name of the token that it showed."""
AGENT = "deskclerk.agent"
"""Where a request's scope keeps its agent, on a hosted desk."""
HTTP_PORT = 80
"""The port that a browser leaves out of an Origin."""
# Sixteen characters are the least that nobody tries out.
_TOKEN = re.compile(r"[!-~]{16,}")
_LOOPBACK_NAMES = ("localhost", "127.0.0.1", "[::1]")


class HostedAgent(Protocol):
    """Who a request comes from, as a hosted desk has let it in."""

    @property
    def caller(self) -> Caller:
        """Who asks, for the desk; what the client calls itself is added."""

    @property
    def principal(self) -> str:
        """Who alone may come back with a state that was given out."""

    @property
    def dialogue(self) -> bool:
        """Whether a person may sign in the client's own dialogue."""


def agent_of(request: object) -> HostedAgent | None:
    """The agent of a request on a hosted desk; None on any other."""
    found = request.scope.get(AGENT) if isinstance(request, Request) else None
    return cast("HostedAgent | None", found)


@dataclass(frozen=True, slots=True)
class Bind:
    """Where to listen: a literal address, so that what is checked is what is bound."""

    family: socket.AddressFamily
    address: str
    port: int
    name: str
    """The host as it was asked for."""

    @classmethod
    def find(cls, host: str, port: int) -> "Bind":
        """The first address of a host; InvalidSettings if it has none."""
        try:
            # Resolved once, here: a name that resolves to something else later is not what was checked.
            found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
        except (OSError, UnicodeError):
            raise InvalidSettings(
                f"--host {host}: there is no such address.",
                next_step="Use 127.0.0.1, or an address of this machine.",
            ) from None
        family, _, _, _, place = found[0]
        return cls(family, str(place[0]), port, host)

    @property
    def loopback(self) -> bool:
        """Whether only this machine can reach it."""
        return ipaddress.ip_address(self.address.partition("%")[0]).is_loopback

    @property
    def origin(self) -> str:
        """Where it is reached, as the beginning of a URL."""
        return f"http://{bracketed(self.name if self.loopback else self.address)}:{self.port}"

    def names(self) -> list[str]:
        """The names by which a client may call this server, as they stand in a Host header."""
        names = [*_LOOPBACK_NAMES, bracketed(self.name), bracketed(self.address)]
        if not self.loopback:
            machine = socket.gethostname()
            names += [machine, socket.getfqdn(), *addresses_of(machine)]
        return list(dict.fromkeys(names))


def addresses_of(machine: str) -> list[str]:
    """The addresses that a name stands for; none if it cannot be resolved."""
    try:
        found = socket.getaddrinfo(machine, None, type=socket.SOCK_STREAM)
    except OSError:
        return []
    return [bracketed(str(place[0]).partition("%")[0]) for *_, place in found]


def bracketed(host: str) -> str:
    """A host as it stands in a URL."""
    return f"[{host}]" if ":" in host and not host.startswith("[") else host


def check_token(settings: Settings, bind: Bind) -> None:
    """InvalidSettings if the bind needs a token and has none, or a token is too short to be one."""
    tokens = tokens_of(settings)
    make_one = "Set DESKCLERK_TOKEN to at least 16 random characters, for example: openssl rand -hex 24."
    if not tokens and not bind.loopback:
        raise InvalidSettings(
            f"--host {bind.name} can be reached by other machines, and no token is set.",
            next_step=f"{make_one} Or listen on 127.0.0.1.",
        )
    for name, token in tokens.items():
        if not _TOKEN.fullmatch(token):
            where = f"tokens.{name}" if name in settings.tokens else "DESKCLERK_TOKEN"
            raise InvalidSettings(
                f"{where} is too short, or holds more than printable ASCII.", next_step=make_one
            )


def tokens_of(settings: Settings) -> dict[str, str]:
    """Every token that lets a caller in, by its name; the single one is called `token`."""
    named = {name: token.get_secret_value() for name, token in settings.tokens.items()}
    return ({"token": settings.token.get_secret_value()} if settings.token else {}) | named


def security_of(settings: Settings, bind: Bind) -> TransportSecuritySettings:
    """The Host and Origin values that are accepted.

    The port of a Host may differ (a forwarded port); an Origin has to be this server's own. The names
    in `hosts` are what a proxy before this server is called, so for them any port and scheme goes.
    """
    names, proxied = bind.names(), list(settings.hosts)
    own = [f"http://{name}:{bind.port}" for name in names]
    if bind.port == HTTP_PORT:
        own += [f"http://{name}" for name in names]
    others = [f"{scheme}://{name}" for name in proxied for scheme in ("https", "http")]
    return TransportSecuritySettings(
        allowed_hosts=_any_port([*names, *proxied]), allowed_origins=own + _any_port(others)
    )


def public_security(public_url: str) -> TransportSecuritySettings:
    """The Host and Origin values of a server that is reached at one origin, whatever stands before it."""
    parts = urlsplit(public_url)
    return TransportSecuritySettings(
        allowed_hosts=_any_port([bracketed(parts.hostname or "")]), allowed_origins=[public_url]
    )


def _any_port(names: list[str]) -> list[str]:
    return [form for name in names for form in (name, f"{name}:*")]


class AccessGuard:
    """ASGI middleware before everything that is served: Host, Origin, then the token.

    With a `path` the token is wanted for that path alone: what stands beside it checks its callers itself.
    """

    def __init__(
        self,
        app: ASGIApp,
        security: TransportSecuritySettings,
        tokens: Mapping[str, str],
        path: str | None = None,
    ) -> None:
        self._app = app
        self._path = path
        self._security = TransportSecurityMiddleware(security)
        self._tokens = {name: token.encode() for name, token in tokens.items()}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or refuse it."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request = Request(scope)
        # Host and Origin before the token: a page that was rebound to this machine learns nothing of tokens.
        refusal = await self._security.validate_request(request)
        scope[TOKEN] = self._token_of(request)
        wanted = bool(self._tokens) and self._path in (None, scope["path"])
        if refusal is None and wanted and scope[TOKEN] is None:
            refusal = JSONResponse(
                {"error": "invalid_token", "error_description": "A bearer token is required."},
                status_code=401,
                headers={"WWW-Authenticate": 'Bearer realm="deskclerk"'},
            )
        await (refusal or self._app)(scope, receive, send)

    def _token_of(self, request: Request) -> str | None:
        """The name of the token that a request shows; every token is compared, in constant time."""
        scheme, _, given = request.headers.get("authorization", "").partition(" ")
        shown = given.strip().encode("latin-1")
        # All of them, whichever fits: how long it takes does not tell which one.
        same = [name for name, token in self._tokens.items() if hmac.compare_digest(shown, token)]
        return same[0] if same and scheme.lower() == "bearer" else None
