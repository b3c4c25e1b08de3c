"""From a request outside the Backend API to what the issuer answers: which instance, which endpoint."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from urllib.parse import parse_qsl

from starlette.responses import Response

from deskclerk.sandbox.http.admission import VERSIONS, Admitted
from deskclerk.sandbox.http.call import Call
from deskclerk.sandbox.http.errors import Problem, Refusal, envelope, not_found
from deskclerk.sandbox.http.faults import Faults, meet
from deskclerk.sandbox.http.incoming import Incoming
from deskclerk.sandbox.instance.domains import INSTANCES
from deskclerk.sandbox.oauth.access import revoke, token_info, userinfo
from deskclerk.sandbox.oauth.authorization import authorize
from deskclerk.sandbox.oauth.discovery import jwks, metadata
from deskclerk.sandbox.oauth.logout import end_session
from deskclerk.sandbox.oauth.registration import register
from deskclerk.sandbox.oauth.requests import OAuthError, OAuthRequest, read_fields
from deskclerk.sandbox.oauth.tokens import token
from deskclerk.sandbox.store.state import Instance, State
from deskclerk.sandbox.store.store import Store

AUTHORIZE, END_SESSION = "/oauth/authorize", "/oauth/logout"
METADATA = ("/.well-known/oauth-authorization-server", "/.well-known/openid-configuration")
_FORM, _JSON = "application/x-www-form-urlencoded", "application/json"
_MOST_FIELDS = 100
_NO_SUCH_METHOD = 405


@dataclass(frozen=True, slots=True)
class Endpoint:
    """What answers, by which methods; `takes` is the type of a POST's body."""

    answer: Callable[[OAuthRequest], Awaitable[Response]]
    methods: tuple[str, ...]
    takes: str = _FORM
    reads: bool = False


ENDPOINTS: Mapping[str, Endpoint] = {
    **{path: Endpoint(metadata, ("GET",), reads=True) for path in METADATA},
    # The first one who asks has the key made.
    "/.well-known/jwks.json": Endpoint(jwks, ("GET",)),
    AUTHORIZE: Endpoint(authorize, ("GET", "POST")),
    "/oauth/token": Endpoint(token, ("POST",)),
    "/oauth/token/revoke": Endpoint(revoke, ("POST",)),
    "/oauth/token_info": Endpoint(token_info, ("POST",), reads=True),
    "/oauth/userinfo": Endpoint(userinfo, ("GET", "POST"), reads=True),
    END_SESSION: Endpoint(end_session, ("GET", "POST"), reads=True),
    "/oauth/register": Endpoint(register, ("POST",), takes=_JSON),
}


@dataclass(frozen=True, slots=True)
class Place:
    """An endpoint's path, and the slug of the instance that is meant; None is the embedded one."""

    path: str
    slug: str | None

    @property
    def is_open(self) -> bool:
        """Whether scripts of any origin may ask: all but the pages that a person's browser is sent to."""
        return self.path not in (AUTHORIZE, END_SESSION)


def place_of(path: str) -> Place | None:
    """What a path means here; None where it is none of the issuer's."""
    if path in ENDPOINTS:
        return Place(path, None)
    # An issuer with a path: its metadata stand between host and path (RFC 8414, 3.1), or below it as OpenID
    # Connect has it; clients try both.
    for known in METADATA:
        if path.startswith(f"{known}{INSTANCES}"):
            return Place(known, path.removeprefix(f"{known}{INSTANCES}"))
    if path.startswith(INSTANCES):
        slug, slash, rest = path.removeprefix(INSTANCES).partition("/")
        if slash + rest in ENDPOINTS:
            return Place(slash + rest, slug)
    return None


class Issuers:
    """The issuers of all instances of a sandbox."""

    def __init__(self, store: Store, faults: Faults) -> None:
        self._store, self._faults = store, faults

    async def answer(self, request: Incoming, place: Place) -> Response:
        """The answer; a Refusal where no issuer is meant, or more is sent than is read."""
        endpoint = ENDPOINTS[place.path]
        state = await self._store.state()
        instance = _instance(state, place)
        # As the fault's own path has it, whichever instance is asked.
        request.path = place.path
        if fault := await self._faults.met(request, Admitted(instance, VERSIONS[-1], state)):
            stopped = await meet(fault, request)
            if stopped is not None:
                return stopped
        method = "GET" if request.method == "HEAD" else request.method
        if method not in endpoint.methods:
            return _no_such_method(request, endpoint)
        try:
            return await self._carry_out(request, place, method)
        except OAuthError as error:
            return error.answer()

    async def _carry_out(self, request: Incoming, place: Place, method: str) -> Response:
        endpoint = ENDPOINTS[place.path]
        content = await _content(request, endpoint) if method == "POST" else b""
        pairs = request.query
        if method == "POST":
            pairs = _fields(content) if endpoint.takes == _FORM else []
        given, resources = read_fields(pairs)
        reads = endpoint.reads or (method == "GET" and place.path == AUTHORIZE)
        async with self._store.transaction(reads=reads) as connection:
            # Read again inside: what the controls set since then counts.
            state = await self._store.state(connection)
            call = Call(
                connection=connection,
                instance=_instance(state, place),
                path={},
                query={},
                body={},
                version=VERSIONS[-1],
                now=state.time.at(self._store.clock.now()),
                wrapped=False,
                pages=True,
                base_url=request.base_url,
            )
            asked = OAuthRequest(
                call=call,
                method=method,
                given=given,
                resources=resources,
                content=content,
                authorization=request.header("authorization"),
                from_own_page=_from_own_page(request),
            )
            return await endpoint.answer(asked)


def _instance(state: State, place: Place) -> Instance:
    for item in state.by_key.values():
        if item.is_embedded if place.slug is None else item.slug == place.slug and not item.is_embedded:
            return item
    raise not_found("instance with an issuer", place.slug or "of the embedded sandbox")


def _from_own_page(request: Incoming) -> bool:
    """Whether no browser says that a page of another origin has sent this; a program says nothing."""
    site = request.header("sec-fetch-site")
    if site is not None:
        return site == "same-origin"
    # Older browsers say the origin alone, and "null" where they hide it.
    origin = request.header("origin")
    return origin is None or origin == request.base_url


async def _content(request: Incoming, endpoint: Endpoint) -> bytes:
    try:
        content = await request.raw()
    except Refusal as refused:
        raise OAuthError("invalid_request", "The body is too large.", status=refused.status) from None
    if content and request.content_type != endpoint.takes:
        raise OAuthError("invalid_request", f"Send the body as {endpoint.takes}.")
    return content


def _fields(content: bytes) -> list[tuple[str, str]]:
    try:
        return parse_qsl(content.decode(), keep_blank_values=True, max_num_fields=_MOST_FIELDS)
    except ValueError:
        text = f"The form is UTF-8, and has at most {_MOST_FIELDS} fields."
        raise OAuthError("invalid_request", text) from None


def _no_such_method(request: Incoming, endpoint: Endpoint) -> Response:
    text = f"{request.path} is asked with {' or '.join(endpoint.methods)}."
    problem = Problem("resource_not_found", "not found", text)
    return envelope(_NO_SUCH_METHOD, (problem,), request.trace, {"Allow": ", ".join(endpoint.methods)})
