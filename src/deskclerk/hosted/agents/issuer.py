"""The issuer of access tokens, as a resource server asks it: metadata, keys, and whether a token still holds.

What it publishes is kept and asked for again no more often than every ten seconds, however many tokens
name keys that nobody knows.
"""

import asyncio
import json
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Generic, TypeVar
from urllib.parse import quote, urlsplit

import httpx2
from joserfc.errors import JoseError
from joserfc.jwk import JWKRegistry, Key

from deskclerk.errors import DeskclerkError

T = TypeVar("T")
Clock = Callable[[], float]

KEEP_SECONDS, PAUSE_SECONDS, GRACE_SECONDS = 600.0, 10.0, 3600.0
"""How long what is published is kept; between two tries; and how long it counts when the issuer is silent."""
_TIMEOUT_SECONDS = 5.0
_LARGEST_ANSWER = 2**18
_MOST_KEYS = 100
_MOST_AT_ONCE, _MOST_WAITING = 32, 256
_OK, _NOT_FOUND = 200, 404
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
            f"The issuer of access tokens cannot be used: {reason}.",
            next_step="Ask again in a moment. If it stays so, the operator checks DESKCLERK_ISSUER.",
        )


@dataclass(frozen=True, slots=True)
class Metadata:
    """What an issuer says of itself (RFC 8414), as far as it concerns a resource server."""

    keys: str | None
    introspection: str | None
    scopes: tuple[str, ...]


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
    """One OAuth authorization server, and our own client's credentials at it."""

    def __init__(
        self,
        url: str,
        client_id: str | None = None,
        client_secret: str | None = None,
        *,
        transport: httpx2.AsyncBaseTransport | None = None,
        clock: Clock = time.monotonic,
    ) -> None:
        self.url = url
        self._client_id, self._client_secret = client_id, client_secret
        self._http = httpx2.AsyncClient(
            timeout=_TIMEOUT_SECONDS, transport=transport, trust_env=False, follow_redirects=False
        )
        self._metadata = Fetched(self._fetch_metadata, clock)
        self._keys = Fetched(self._fetch_keys, clock)
        self._asking = asyncio.Semaphore(_MOST_AT_ONCE)
        self._waiting = 0

    def __repr__(self) -> str:
        return f"Issuer({self.url!r})"

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
        return bool(self._client_id and (await self.metadata()).introspection)

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
        if not (endpoint and self._client_id):
            raise IssuerUnavailable.because("it cannot be asked about tokens that are no JWT")
        form, auth = {"token": token, "token_type_hint": "access_token"}, None
        if self._client_secret:
            # RFC 6749, 2.3.1: both are encoded before they are joined.
            auth = (quote(self._client_id, safe=""), quote(self._client_secret, safe=""))
        else:
            form["client_id"] = self._client_id
        return await self._json("POST", endpoint, data=form, auth=auth)

    async def _fetch_metadata(self) -> Metadata:
        for address in _places(self.url):
            found = await self._json("GET", address, may_lack=True)
            if not found:
                continue
            # RFC 8414, 3.3: metadata of somebody else could name keys of somebody else.
            if found.get("issuer") != self.url:
                raise IssuerUnavailable.because("its metadata names another issuer")
            scopes = found.get("scopes_supported")
            return Metadata(
                keys=self._endpoint(found, "jwks_uri"),
                introspection=self._endpoint(found, "introspection_endpoint"),
                scopes=tuple(str(scope) for scope in scopes) if isinstance(scopes, list) else (),
            )
        raise IssuerUnavailable.because("it publishes no metadata")

    def _endpoint(self, found: dict[str, Any], name: str) -> str | None:
        """An endpoint of the metadata; our client's secret travels to one."""
        value = found.get(name)
        if value is None:
            return None
        parts = urlsplit(value) if isinstance(value, str) else None
        safe = parts and (parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in _LOOPBACK))
        if not safe:
            raise IssuerUnavailable.because(f"its {name} is no https address")
        return str(value)

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
            async with (
                self._asking,
                self._http.stream(
                    method, address, data=data, auth=auth, headers={"Accept": "application/json"}
                ) as answer,
            ):
                if may_lack and answer.status_code == _NOT_FOUND:
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
            raise IssuerUnavailable.because(f"no answer ({type(error).__name__})") from None
        except ValueError:
            raise IssuerUnavailable.because("its answer is no JSON") from None
        if not isinstance(found, dict):
            raise IssuerUnavailable.because("its answer is no JSON object")
        return found


def _places(url: str) -> tuple[str, ...]:
    """Where an issuer's metadata may stand: RFC 8414, then OpenID Connect Discovery."""
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
