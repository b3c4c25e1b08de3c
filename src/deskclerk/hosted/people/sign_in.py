"""Signing in with OpenID Connect: the code flow with PKCE, at the issuer of the settings.

What a sign-in needs to come back is the browser's: nonce and verifier are derived from its cookie and the
state, so that neither a stolen state nor a copy of the database ends one.
"""

import asyncio
import time
from collections.abc import Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import httpx2
from authlib.integrations.base_client import OAuthError
from authlib.integrations.httpx_client import AsyncOAuth2Client
from joserfc import jwt
from joserfc.errors import InvalidClaimError, InvalidKeyIdError, JoseError, MissingClaimError
from joserfc.jwk import KeySet
from sqlalchemy import func, select

from deskclerk.database import Database
from deskclerk.desk.time_and_ids import now
from deskclerk.errors import DeskclerkError, InvalidSettings
from deskclerk.hosted.people.persons import Claims, Person, arrived
from deskclerk.hosted.people.secret_values import derived, digest, new_value
from deskclerk.hosted.people.tables import sign_ins

SECONDS = 600
"""How long a person may take at the issuer."""
MOST = 10_000
"""Sign-ins under way at one time: whoever only begins them must not fill the database."""
_SCOPE = "openid email profile"
_LEEWAY_SECONDS = 60
_TIMEOUT = httpx2.Timeout(10)
_KEPT_SECONDS = 3600
# Whoever makes up key ids must not make the issuer be asked each time.
_REFRESH_SECONDS = 30
_MOST_BYTES = 1_000_000
# Signatures with a public key only: a shared secret as the key is how tokens are forged.
_ALGORITHMS = ["RS256", "PS256", "ES256", "EdDSA", "RS384", "RS512", "ES384", "ES512"]
_KINDS = ("RSA", "EC", "OKP")
_LOOPBACK = ("localhost", "127.0.0.1", "::1")
_AGAIN = "Begin again at /sign-in."


class SignInFailed(DeskclerkError):
    """A sign-in that did not come about; nobody is in because of it."""


@dataclass(frozen=True, slots=True)
class Issuer:
    """What an issuer's metadata says."""

    issuer: str
    authorize: str
    token: str
    jwks: str
    userinfo: str | None
    basic: bool
    says_issuer: bool


@dataclass(frozen=True, slots=True)
class Begun:
    """A sign-in that begins: where the browser goes, and the cookie that it takes along."""

    url: str
    cookie: str


class SignIn:
    """Sign-ins at one issuer, as one client of it."""

    def __init__(
        self, database: Database, issuer: str, client_id: str, client_secret: str | None, redirect_uri: str
    ) -> None:
        _check_secure(issuer)
        self._database = database
        self.issuer = issuer.rstrip("/")
        self._client_id = client_id
        self._client_secret = client_secret
        self._redirect_uri = redirect_uri
        self._asking = asyncio.Lock()
        self._known: tuple[float, Issuer] | None = None
        self._keys: tuple[float, KeySet] | None = None

    async def begin(self, return_to: str, cookie: str | None = None) -> Begun:
        """Begin a sign-in for the browser that has the cookie; a new one where it has none.

        `return_to` is the path that the person wanted. SignInFailed if the issuer cannot be reached.
        """
        found = await self._discovered()
        # One cookie for all tabs: each has a state of its own.
        cookie = cookie or new_value()
        state = new_value()
        row = {
            "state": digest(state),
            "browser": digest(cookie),
            "return_to": own_path(return_to),
            "expires_at": now() + SECONDS * 1000,
        }
        async with self._database.writing() as connection:
            await connection.execute(sign_ins.delete().where(sign_ins.c.expires_at <= now()))
            count = (await connection.execute(select(func.count()).select_from(sign_ins))).scalar_one()
            if count >= MOST:
                raise SignInFailed(
                    "Too many people are signing in at this moment.",
                    next_step="Try again in some minutes.",
                )
            await connection.execute(sign_ins.insert(), row)
        async with self._client(found) as client:
            url, _ = client.create_authorization_url(
                found.authorize,
                state=state,
                nonce=derived(cookie, f"nonce {state}"),
                code_verifier=derived(cookie, f"verifier {state}"),
            )
        return Begun(url, cookie)

    async def finish(self, answer: Mapping[str, str], cookie: str | None) -> tuple[Person, str]:
        """The person who comes back with the issuer's answer, and the path that they wanted.

        Raises:
            SignInFailed: another browser's answer, one that was used or is late, or a token that is none.
        """
        found = await self._discovered()
        state = answer.get("state", "")
        return_to = await self._take(state, cookie or "")
        # RFC 9207: an answer of another issuer than the one that was asked is a mix-up.
        if answer.get("iss", self.issuer if not found.says_issuer else "").rstrip("/") != self.issuer:
            raise SignInFailed("The answer is from another issuer.", next_step=_AGAIN)
        if "error" in answer:
            raise SignInFailed("The issuer did not let you in.", next_step=_AGAIN)
        claims = await self._claims(found, answer.get("code", ""), state, cookie or "")
        async with self._database.writing() as connection:
            return await arrived(connection, self.issuer, claims), return_to

    async def _take(self, state: str, cookie: str) -> str:
        """Use a state up; the path that was wanted. Of several who come with it one gets past here."""
        mine = (
            sign_ins.c.state == digest(state),
            sign_ins.c.browser == digest(cookie),
            sign_ins.c.expires_at > now(),
        )
        async with self._database.writing() as connection:
            taken = await connection.execute(sign_ins.delete().where(*mine).returning(sign_ins.c.return_to))
            path = taken.scalar_one_or_none()
        if path is None:
            raise SignInFailed(
                "This sign-in was not begun in this browser, was used already, or took too long.",
                next_step=_AGAIN,
            )
        return str(path)

    async def _claims(self, found: Issuer, code: str, state: str, cookie: str) -> Claims:
        """Exchange the code, and believe what the ID token says once it is checked."""
        try:
            async with self._client(found) as client:
                token = await client.fetch_token(
                    found.token,
                    grant_type="authorization_code",
                    code=code,
                    code_verifier=derived(cookie, f"verifier {state}"),
                )
                claims = await self._checked(token.get("id_token"), derived(cookie, f"nonce {state}"))
                if claims.get("email") is None and found.userinfo:
                    answer = await client.get(found.userinfo)
                    said = answer.json() if answer.is_success else {}
                    # Of another subject it would be another person's address.
                    if isinstance(said, dict) and said.get("sub") == claims["sub"]:
                        claims = said | claims
        except (OAuthError, JoseError, httpx2.HTTPError, ValueError) as error:
            # Its kind and not its words: they may hold the token.
            raise SignInFailed(
                f"The issuer's answer could not be checked ({type(error).__name__}).", next_step=_AGAIN
            ) from None
        return Claims(
            claims["sub"],
            _text(claims.get("email")),
            claims.get("email_verified") is True,
            _text(claims.get("name")) or _text(claims.get("preferred_username")),
        )

    async def _checked(self, id_token: object, nonce: str) -> dict[str, Any]:
        """The claims of an ID token for this client, this sign-in, this issuer, now."""
        if not isinstance(id_token, str):
            raise MissingClaimError("id_token")
        try:
            token = jwt.decode(id_token, await self._jwks(), algorithms=_ALGORITHMS)
        except InvalidKeyIdError:
            # The key is not among those known: the issuer may have a new one.
            token = jwt.decode(id_token, await self._jwks(again=True), algorithms=_ALGORITHMS)
        required: Any = {"essential": True}
        jwt.JWTClaimsRegistry(
            leeway=_LEEWAY_SECONDS,
            iss={"essential": True, "value": self._known[1].issuer if self._known else self.issuer},
            aud={"essential": True, "value": self._client_id},
            nonce={"essential": True, "value": nonce},
            sub=required,
            exp=required,
            iat=required,
        ).validate(token.claims)
        several = isinstance(token.claims["aud"], list) and len(token.claims["aud"]) > 1
        if token.claims.get("azp", None if several else self._client_id) != self._client_id:
            raise InvalidClaimError("azp")
        if not isinstance(token.claims["sub"], str) or not token.claims["sub"]:
            raise InvalidClaimError("sub")
        return dict(token.claims)

    async def _discovered(self) -> Issuer:
        """The issuer's metadata, looked up once an hour."""
        async with self._asking:
            if self._known and time.monotonic() - self._known[0] < _KEPT_SECONDS:
                return self._known[1]
            said = await self._fetch(f"{self.issuer}/.well-known/openid-configuration")
            try:
                # An issuer that calls itself something else could speak for another.
                if str(said["issuer"]).rstrip("/") != self.issuer:
                    raise SignInFailed(
                        "The issuer's metadata is of another issuer.", next_step="Correct DESKCLERK_ISSUER."
                    )
                methods = said.get("token_endpoint_auth_methods_supported", ["client_secret_basic"])
                found = Issuer(
                    said["issuer"],
                    said["authorization_endpoint"],
                    said["token_endpoint"],
                    said["jwks_uri"],
                    said.get("userinfo_endpoint"),
                    basic="client_secret_basic" in methods,
                    says_issuer=said.get("authorization_response_iss_parameter_supported") is True,
                )
            except (KeyError, TypeError):
                raise SignInFailed(
                    "The issuer's metadata says too little.", next_step="Correct DESKCLERK_ISSUER."
                ) from None
            for address in (found.authorize, found.token, found.jwks, found.userinfo or found.token):
                _check_secure(address)
            self._known = (time.monotonic(), found)
            return found

    async def _jwks(self, *, again: bool = False) -> KeySet:
        """The issuer's keys; looked up `again` only where they are not fresh."""
        found = await self._discovered()
        async with self._asking:
            age = time.monotonic() - self._keys[0] if self._keys else _KEPT_SECONDS
            if self._keys and age < (_REFRESH_SECONDS if again else _KEPT_SECONDS):
                return self._keys[1]
            keys = _keys_of(await self._fetch(found.jwks))
            self._keys = (time.monotonic(), keys)
            return keys

    async def _fetch(self, url: str) -> Any:
        """A JSON object of the issuer's."""
        failed = SignInFailed(
            "The issuer does not answer.",
            next_step="Try again in a moment; an operator looks at DESKCLERK_ISSUER.",
        )
        try:
            async with httpx2.AsyncClient(timeout=_TIMEOUT) as client:
                answer = await client.get(url)
                if not answer.is_success or len(answer.content) > _MOST_BYTES:
                    raise failed
                said = answer.json()
        except (httpx2.HTTPError, ValueError):
            raise failed from None
        if not isinstance(said, dict):
            raise failed
        return said

    def _client(self, found: Issuer) -> AbstractAsyncContextManager[Any]:
        method = "client_secret_basic" if found.basic else "client_secret_post"
        client: AbstractAsyncContextManager[Any] = AsyncOAuth2Client(
            self._client_id,
            self._client_secret,
            scope=_SCOPE,
            redirect_uri=self._redirect_uri,
            code_challenge_method="S256",
            token_endpoint_auth_method=method if self._client_secret else "none",
            timeout=_TIMEOUT,
        )
        return client


def _keys_of(said: Any) -> KeySet:
    """The keys of a set that check signatures here; an issuer may have others too."""
    listed = said.get("keys")
    wanted = [key for key in listed if isinstance(key, dict) and key.get("kty") in _KINDS] if listed else []
    return KeySet.import_key_set({"keys": wanted})


def own_path(path: str) -> str:
    """A path of this site's as it was given; the beginning for anything that leads elsewhere."""
    plain = path.isascii() and path.isprintable() and "\\" not in path
    return path if plain and path.startswith("/") and not path.startswith("//") else "/"


def _text(value: object) -> str | None:
    return value if isinstance(value, str) and value.strip() else None


def _check_secure(url: str) -> None:
    """InvalidSettings for an address that others on the way could read."""
    parts = urlsplit(url)
    if parts.scheme != "https" and not (parts.scheme == "http" and parts.hostname in _LOOPBACK):
        raise InvalidSettings(
            f"{url!r} is no https address.", next_step="Set DESKCLERK_ISSUER to the issuer's https address."
        )
