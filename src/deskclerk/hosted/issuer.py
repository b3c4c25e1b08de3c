"""The issuer, as the desk asks it: what it says of itself, its keys, and whether a token still holds.

People sign in there and agents' access tokens come from there: both ask here. What it publishes is kept and
asked for again no more often than every ten seconds, however many tokens name keys that nobody knows.
"""

import asyncio
import json
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Generic, Self, TypeVar
from urllib.parse import quote, urlsplit

import httpx2
from joserfc.errors import JoseError
from joserfc.jwk import JWKRegistry, Key

from deskclerk.errors import DeskclerkError, InvalidSettings

T = TypeVar("T")
Clock = Callable[[], float]

KEEP_SECONDS, PAUSE_SECONDS, GRACE_SECONDS = 600.0, 10.0, 3600.0
"""How long what is published is kept; between two tries; and how long it counts when the issuer is silent."""
_TIMEOUT_SECONDS = 5.0
_LARGEST_ANSWER = 2**18
_MOST_KEYS = 100
_MOST_AT_ONCE, _MOST_WAITING = 32, 256
ALGORITHMS = (
    *("RS256", "RS384", "RS512", "PS256", "PS384", "PS512"),
    *("ES256", "ES384", "ES512", "Ed25519", "EdDSA"),
)
"""Signatures that count: none that a public key could be mistaken for the secret of, and not "none"."""
_OK = 200
# How servers say that they have no such page; of two places an issuer needs one.
_NOT_PUBLISHED = (400, 404, 405, 410)
_LOOPBACK = ("localhost", "127.0.0.1", "::1")
# What both parties hold (HS256) signs nothing here: whoever checks could also make.
_ASYMMETRIC = ("RSA", "EC", "OKP")


class IssuerUnavailable(DeskclerkError):
    """The issuer cannot be asked, or answers what no issuer answers."""

    kind = "issuer_unavailable"

    @classmethod
    def because(cls, reason: str) -> "IssuerUnavailable":
        """The error, with what to do."""
        return cls(
            f"The issuer cannot be used: {reason}.",
            next_step="Ask again in a moment. If it stays so, the operator checks DESKCLERK_ISSUER.",
        )


@dataclass(frozen=True, slots=True)
class Metadata:
    """What an issuer says of itself (RFC 8414, OpenID Connect Discovery), as far as the desk needs it.

    `issuer` is how it calls itself, to the letter; `basic` whether its token endpoint takes a client's secret
    in the header; `names_itself` whether its answers say whose they are (RFC 9207).
    """

    issuer: str
    authorization: str | None
    token: str | None
    userinfo: str | None
    keys: str | None
    introspection: str | None
    end_session: str | None
    scopes: tuple[str, ...]
    basic: bool
    names_itself: bool


class Fetched(Generic[T]):
    """Something published: fetched by one at a time, kept, and tried again after a pause at the earliest."""

    def __init__(self, fetch: Callable[[], Awaitable[T]], clock: Clock) -> None:
        self._fetch = fetch
        self._clock = clock
        self._lock = asyncio.Lock()
        self._value: T | None = None
        self._until = self._next = float("-inf")
        self._failure = IssuerUnavailable.because("it was not asked yet")

    async def get(self, *, newer: bool = False) -> T:
        """What is published; with `newer` fetched again, unless that was done a moment ago.

        Raises:
            IssuerUnavailable: it cannot be fetched, and nothing is kept that still counts.
        """
        if self._value is not None and not newer and self._clock() < self._until:
            return self._value
        async with self._lock:
            now = self._clock()
            if (newer or now >= self._until) and now >= self._next:
                self._next = now + PAUSE_SECONDS
                try:
                    self._value = await self._fetch()
                    self._until = self._clock() + KEEP_SECONDS
                except IssuerUnavailable as error:
                    self._failure = error
            if self._value is None or now >= self._until + GRACE_SECONDS:
                raise self._failure
            return self._value


class Issuer:
    """One authorization server, and the credentials of the client that the desk is there.

    `url` is the setting, without a slash at its end; InvalidSettings where others on the way could read it.
    """

    def __init__(
        self,
        url: str,
        client_id: str,
        client_secret: str | None = None,
        *,
        transport: httpx2.AsyncBaseTransport | None = None,
        clock: Clock = time.monotonic,
    ) -> None:
        if not _is_safe(url):
            raise InvalidSettings(
                f"{url!r} is no https address.",
                next_step="Set DESKCLERK_ISSUER to the issuer's https address.",
            )
        self.url = url.rstrip("/")
        self.client_id, self.client_secret = client_id, client_secret
        self._http = httpx2.AsyncClient(
            timeout=_TIMEOUT_SECONDS, transport=transport, trust_env=False, follow_redirects=False
        )
        self._metadata = Fetched(self._fetch_metadata, clock)
        self._keys = Fetched(self._fetch_keys, clock)
        self._asking = asyncio.Semaphore(_MOST_AT_ONCE)
        self._waiting = 0

    def __repr__(self) -> str:
        return f"Issuer({self.url!r})"

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self) -> None:
        """Close every connection."""
        await self._http.aclose()

    async def metadata(self) -> Metadata:
        """What it says of itself."""
        return await self._metadata.get()

    async def key(self, kid: str | None) -> Key | None:
        """The key of this id; without an id the only key, where there is one. None if there is none."""
        found = _among(await self._keys.get(), kid)
        return found or _among(await self._keys.get(newer=True), kid)

    async def can_introspect(self) -> bool:
        """Whether it can be asked about a token."""
        return (await self.metadata()).introspection is not None

    async def introspect(self, token: str) -> dict[str, Any]:
        """What it says of a token now (RFC 7662); `active` is true or nothing else counts.

        Raises:
            IssuerUnavailable: it cannot be asked, or too many wait to ask it already.
        """
        if self._waiting >= _MOST_WAITING:
            # Tokens that somebody makes up, one after another, must not pile up here.
            raise IssuerUnavailable.because("too many tokens are asked about at once")
        self._waiting += 1
        try:
            return await self._introspect(token)
        finally:
            self._waiting -= 1

    async def _introspect(self, token: str) -> dict[str, Any]:
        endpoint = (await self.metadata()).introspection
        if endpoint is None:
            raise IssuerUnavailable.because("it cannot be asked about tokens that are no JWT")
        form, auth = {"token": token, "token_type_hint": "access_token"}, None
        if self.client_secret:
            # RFC 6749, 2.3.1: both are encoded before they are joined.
            auth = (quote(self.client_id, safe=""), quote(self.client_secret, safe=""))
        else:
            form["client_id"] = self.client_id
        async with self._asking:
            return await self._json("POST", endpoint, data=form, auth=auth)

    async def _fetch_metadata(self) -> Metadata:
        found: dict[str, Any] = {}
        # OpenID Connect's last: of what both have it is what signs people in.
        for address in _places(self.url):
            part = await self._json("GET", address, may_lack=True)
            # RFC 8414, 3.3: metadata of somebody else could name keys of somebody else.
            if part and str(part.get("issuer")).rstrip("/") != self.url:
                raise IssuerUnavailable.because("its metadata names another issuer")
            found |= part
        if not found:
            raise IssuerUnavailable.because("it publishes no metadata")
        scopes = found.get("scopes_supported")
        # Left out it means this one (RFC 8414, 2).
        methods = found.get("token_endpoint_auth_methods_supported", ["client_secret_basic"])
        return Metadata(
            issuer=str(found["issuer"]),
            authorization=_endpoint(found, "authorization_endpoint"),
            token=_endpoint(found, "token_endpoint"),
            userinfo=_endpoint(found, "userinfo_endpoint"),
            keys=_endpoint(found, "jwks_uri"),
            introspection=_endpoint(found, "introspection_endpoint"),
            end_session=_endpoint(found, "end_session_endpoint"),
            scopes=tuple(str(scope) for scope in scopes) if isinstance(scopes, list) else (),
            basic=isinstance(methods, list) and "client_secret_basic" in methods,
            names_itself=found.get("authorization_response_iss_parameter_supported") is True,
        )

    async def _fetch_keys(self) -> list[Key]:
        address = (await self.metadata()).keys
        if address is None:
            raise IssuerUnavailable.because("it publishes no keys")
        found = (await self._json("GET", address)).get("keys")
        if not isinstance(found, list):
            raise IssuerUnavailable.because("its keys are no key set")
        usable = (_key(item) for item in found[:_MOST_KEYS])
        return [key for key in usable if key]

    async def _json(
        self,
        method: str,
        address: str,
        *,
        data: dict[str, str] | None = None,
        auth: tuple[str, str] | None = None,
        may_lack: bool = False,
    ) -> dict[str, Any]:
        """An object that it answers, of bounded size; empty for what `may_lack` and is not there."""
        try:
            async with self._http.stream(
                method, address, data=data, auth=auth, headers={"Accept": "application/json"}
            ) as answer:
                if may_lack and answer.status_code in _NOT_PUBLISHED:
                    return {}
                if answer.status_code != _OK:
                    raise IssuerUnavailable.because(f"it answers with status {answer.status_code}")
                body = b""
                async for part in answer.aiter_bytes():
                    body += part
                    if len(body) > _LARGEST_ANSWER:
                        raise IssuerUnavailable.because("its answer is too large")
            found = json.loads(body)
        except (httpx2.HTTPError, httpx2.InvalidURL) as error:
            # By its class alone: its message may hold the address, and that may hold anything.
            raise IssuerUnavailable.because(f"it does not answer ({type(error).__name__})") from None
        except ValueError:
            raise IssuerUnavailable.because("its answer is no JSON") from None
        if not isinstance(found, dict):
            raise IssuerUnavailable.because("its answer is no JSON object")
        return found


def _endpoint(found: dict[str, Any], name: str) -> str | None:
    """An endpoint of the metadata; our client's secret and people's browsers are sent to one."""
    value = found.get(name)
    if value is None:
        return None
    if not isinstance(value, str) or not _is_safe(value):
        raise IssuerUnavailable.because(f"its {name} is no https address")
    return value


def _is_safe(url: str) -> bool:
    """Whether nobody on the way can read what is sent there."""
    try:
        parts = urlsplit(url)
        host = parts.hostname
    except ValueError:
        return False
    return bool(host) and (parts.scheme == "https" or (parts.scheme == "http" and host in _LOOPBACK))


def _places(url: str) -> tuple[str, ...]:
    """Where an issuer's metadata may stand, in one or both: RFC 8414, and OpenID Connect Discovery."""
    parts = urlsplit(url)
    origin, path = f"{parts.scheme}://{parts.netloc}", parts.path.rstrip("/")
    return (
        f"{origin}/.well-known/oauth-authorization-server{path}",
        f"{origin}{path}/.well-known/openid-configuration",
    )


def _key(item: Any) -> Key | None:
    """A public key that signs; None for any other member of a key set."""
    if not isinstance(item, dict) or item.get("kty") not in _ASYMMETRIC or item.get("use", "sig") != "sig":
        return None
    try:
        return JWKRegistry.import_key(item)
    except (JoseError, ValueError, TypeError, KeyError):
        # One that cannot be read is as if it were not there: the others still count.
        return None


def _among(keys: list[Key], kid: str | None) -> Key | None:
    if kid is None:
        return keys[0] if len(keys) == 1 else None
    return next((key for key in keys if key.kid == kid), None)
