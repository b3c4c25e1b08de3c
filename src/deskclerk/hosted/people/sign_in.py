"""Signing in with OpenID Connect: the code flow with PKCE, at the issuer of the settings.

What a sign-in needs to come back is the browser's: nonce and verifier are derived from its cookie and the
state, so that neither a stolen state nor a copy of the database ends one.
"""

import logging
from collections.abc import Iterator, Mapping
from contextlib import AbstractAsyncContextManager, contextmanager
from dataclasses import dataclass
from typing import Any

import httpx2
from authlib.integrations.base_client import OAuthError
from authlib.integrations.httpx_client import AsyncOAuth2Client
from joserfc import jws, jwt
from joserfc.errors import InvalidClaimError, InvalidKeyIdError, JoseError, MissingClaimError
from sqlalchemy import select

from deskclerk.database import Database
from deskclerk.desk.time_and_ids import now
from deskclerk.errors import DeskclerkError
from deskclerk.hosted.issuer import ALGORITHMS, Issuer, IssuerUnavailable
from deskclerk.hosted.outside import SeldomLogged
from deskclerk.hosted.people.persons import Claims, Person, arrived
from deskclerk.hosted.people.secret_values import derived, digest, new_value
from deskclerk.hosted.people.sessions import FRESH_SECONDS
from deskclerk.hosted.people.tables import sign_ins

SECONDS = 600
"""How long a person may take at the issuer."""
MOST = 10_000
"""Sign-ins under way at one time: whoever only begins them must not fill the database."""
_SCOPE = "openid email profile"
_LEEWAY_SECONDS = 60
_TIMEOUT = httpx2.Timeout(10)
_ASKED = "asked."
"""What a state begins with whose sign-in wants the person; of states hashes are kept, so nobody makes one."""
_AGAIN = "Begin again at /sign-in."
_TO_THE_OPERATOR = (
    "Beginning again does not help. Tell whoever runs this desk: its log says what the issuer did not take."
)
_WRONG_CLIENT = "DESKCLERK_CLIENT_ID and DESKCLERK_CLIENT_SECRET, and that the issuer knows that client"
_WRONG_RIGHTS = (
    "at the issuer, that the client may use authorization codes with the scopes openid, email and profile"
)
_WRONG_REQUEST = "DESKCLERK_PUBLIC_URL, and the redirect URI of the client at the issuer"
_CHECKS = {
    "invalid_client": _WRONG_CLIENT,
    "unauthorized_client": _WRONG_RIGHTS,
    "unsupported_grant_type": _WRONG_RIGHTS,
    "unsupported_response_type": _WRONG_RIGHTS,
    "invalid_scope": _WRONG_RIGHTS,
    "invalid_request": _WRONG_REQUEST,
}
"""The codes of an issuer (RFC 6749, 4.1.2.1 and 5.2) that are about the client and not about who signs in."""


class SignInFailed(DeskclerkError):
    """A sign-in that did not come about; nobody is in because of it."""


@dataclass(frozen=True, slots=True)
class _Ends:
    """Where a sign-in goes at the issuer, by its metadata; `issuer` is how it calls itself."""

    issuer: str
    authorization: str
    token: str
    userinfo: str | None
    basic: bool
    names_itself: bool


@dataclass(frozen=True, slots=True)
class Begun:
    """A sign-in that begins: where the browser goes, and the cookie that it takes along."""

    url: str
    cookie: str


@dataclass(frozen=True, slots=True)
class Finished:
    """A sign-in that came about; `fresh`: the person was asked who they are a moment ago."""

    person: Person
    return_to: str
    fresh: bool


class SignIn:
    """Sign-ins at one issuer, as one client of it."""

    def __init__(self, database: Database, issuer: Issuer, redirect_uri: str) -> None:
        self._database = database
        self.issuer = issuer
        self._redirect_uri = redirect_uri
        self._log = SeldomLogged(logging.getLogger("deskclerk.sign_in"))

    @property
    def host(self) -> str:
        """What people know the issuer by."""
        return httpx2.URL(self.issuer.url).host

    async def begin(self, return_to: str, cookie: str | None = None, *, ask: bool = False) -> Begun:
        """Begin a sign-in for the browser that has the cookie; a new one where it has none.

        `return_to` is the path that the person wanted. `ask`: the issuer is to ask who is there even where
        the browser is signed in. SignInFailed if the issuer cannot be reached.
        """
        found = await self._ends()
        # One cookie for all tabs: each has a state of its own.
        cookie = cookie or new_value()
        state = (_ASKED if ask else "") + new_value()
        row = {
            "state": digest(state),
            "browser": digest(cookie),
            "return_to": own_path(return_to),
            "expires_at": now() + SECONDS * 1000,
        }
        async with self._database.writing() as connection:
            await connection.execute(sign_ins.delete().where(sign_ins.c.expires_at <= now()))
            # The oldest go: were the new refused, whoever only begins them would keep everybody else out.
            newest = select(sign_ins.c.state).order_by(sign_ins.c.expires_at.desc())
            await connection.execute(sign_ins.delete().where(sign_ins.c.state.in_(newest.offset(MOST - 1))))
            await connection.execute(sign_ins.insert(), row)
        async with self._client(found) as client:
            url, _ = client.create_authorization_url(
                found.authorization,
                **({"prompt": "login", "max_age": "0"} if ask else {}),
                state=state,
                nonce=derived(cookie, f"nonce {state}"),
                code_verifier=derived(cookie, f"verifier {state}"),
            )
        return Begun(url, cookie)

    async def finish(self, answer: Mapping[str, str], cookie: str | None) -> Finished:
        """Who comes back with the issuer's answer, and to which path.

        Raises:
            SignInFailed: another browser's answer, one that was used or is late, or a token that is none.
        """
        found = await self._ends()
        state = answer.get("state", "")
        return_to = await self._take(state, cookie or "")
        # RFC 9207: an answer of another issuer than the one that was asked is a mix-up.
        if answer.get("iss", found.issuer if not found.names_itself else "") != found.issuer:
            raise SignInFailed("The answer is from another issuer.", next_step=_AGAIN)
        if "error" in answer:
            raise self._refused("The issuer did not let you in.", answer["error"])
        claims = await self._claims(found, answer.get("code", ""), state, cookie or "")
        async with self._database.writing() as connection:
            person = await arrived(connection, self.issuer.url, claims)
        # By the issuer's own word, where it has one: some do not ask again, whatever they are asked for.
        fresh = state.startswith(_ASKED)
        if claims.auth_time is not None:
            fresh = now() / 1000 - claims.auth_time <= FRESH_SECONDS
        return Finished(person, return_to, fresh)

    async def way_out(self, state: str, back: str) -> str | None:
        """Where a browser is signed out at the issuer, and sent back from; None where there is no such place.

        Without `id_token_hint`: docs/decisions/0024 says why. IssuerUnavailable.
        """
        place = (await self.issuer.metadata()).end_session
        if place is None:
            return None
        asked = {"client_id": self.issuer.client_id, "post_logout_redirect_uri": back, "state": state}
        # The address may have a query of its own (OpenID Connect RP-Initiated Logout 1.0, 2.1).
        return str(httpx2.URL(place).copy_merge_params(asked))

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

    async def _claims(self, found: _Ends, code: str, state: str, cookie: str) -> Claims:
        """Exchange the code, and believe what the ID token says once it is checked."""
        try:
            async with self._client(found) as client:
                token = await client.fetch_token(
                    found.token,
                    grant_type="authorization_code",
                    code=code,
                    code_verifier=derived(cookie, f"verifier {state}"),
                )
                claims = await self._checked(found, token.get("id_token"), derived(cookie, f"nonce {state}"))
                if claims.get("email") is None and found.userinfo:
                    answer = await client.get(found.userinfo)
                    said = answer.json() if answer.is_success else {}
                    # Of another subject it would be another person's address.
                    if isinstance(said, dict) and said.get("sub") == claims["sub"]:
                        claims = said | claims
        except OAuthError as error:
            raise self._refused("The issuer did not say who you are.", error.error) from None
        except (JoseError, httpx2.HTTPError, ValueError) as error:
            # Its kind and not its words: they may hold the token.
            raise SignInFailed(
                f"The issuer's answer could not be checked ({type(error).__name__}).", next_step=_AGAIN
            ) from None
        return Claims(
            claims["sub"],
            _text(claims.get("email")),
            claims.get("email_verified") is True,
            _text(claims.get("name")) or _text(claims.get("preferred_username")),
            _seconds(claims.get("auth_time")),
        )

    def _refused(self, what: str, code: object) -> SignInFailed:
        """The error of a sign-in that the issuer ended with a code; one of the client's is logged as well."""
        # Known codes alone: anything else could be a browser's to say.
        if not isinstance(code, str) or code not in _CHECKS:
            return SignInFailed(what, next_step=_AGAIN)
        self._log(f"A sign-in ended at the issuer with {code}. Check {_CHECKS[code]}.")
        return SignInFailed(what, next_step=_TO_THE_OPERATOR)

    async def _checked(self, found: _Ends, id_token: object, nonce: str) -> dict[str, Any]:
        """The claims of an ID token for this client, this sign-in, this issuer, now."""
        if not isinstance(id_token, str):
            raise MissingClaimError("id_token")
        kid = jws.extract_compact(id_token.encode()).headers().get("kid")
        with _told():
            key = await self.issuer.key(kid) if kid is None or isinstance(kid, str) else None
        if key is None:
            raise InvalidKeyIdError
        token = jwt.decode(id_token, key, algorithms=list(ALGORITHMS))
        required: Any = {"essential": True}
        jwt.JWTClaimsRegistry(
            leeway=_LEEWAY_SECONDS,
            iss={"essential": True, "value": found.issuer},
            aud={"essential": True, "value": self.issuer.client_id},
            nonce={"essential": True, "value": nonce},
            sub=required,
            exp=required,
            iat=required,
        ).validate(token.claims)
        several = isinstance(token.claims["aud"], list) and len(token.claims["aud"]) > 1
        if token.claims.get("azp", None if several else self.issuer.client_id) != self.issuer.client_id:
            raise InvalidClaimError("azp")
        subject = token.claims["sub"]
        # By it a person is looked for, and PostgreSQL keeps no text with U+0000.
        if not isinstance(subject, str) or not subject or "\0" in subject:
            raise InvalidClaimError("sub")
        return dict(token.claims)

    async def _ends(self) -> _Ends:
        with _told():
            said = await self.issuer.metadata()
        if not (said.authorization and said.token and said.keys):
            raise SignInFailed(
                "The issuer's metadata says too little.", next_step="Correct DESKCLERK_ISSUER."
            )
        return _Ends(
            said.issuer, said.authorization, said.token, said.userinfo, said.basic, said.names_itself
        )

    def _client(self, found: _Ends) -> AbstractAsyncContextManager[Any]:
        method = "client_secret_basic" if found.basic else "client_secret_post"
        client: AbstractAsyncContextManager[Any] = AsyncOAuth2Client(
            self.issuer.client_id,
            self.issuer.client_secret,
            scope=_SCOPE,
            redirect_uri=self._redirect_uri,
            code_challenge_method="S256",
            token_endpoint_auth_method=method if self.issuer.client_secret else "none",
            timeout=_TIMEOUT,
        )
        return client


@contextmanager
def _told() -> Iterator[None]:
    """What goes wrong at the issuer, in the words of a sign-in."""
    try:
        yield
    except IssuerUnavailable as error:
        raise SignInFailed(
            error.message, next_step="Try again in a moment; an operator looks at DESKCLERK_ISSUER."
        ) from None


def own_path(path: str) -> str:
    """A path of this site's as it was given; the beginning for anything that leads elsewhere."""
    plain = path.isascii() and path.isprintable() and "\\" not in path
    return path if plain and path.startswith("/") and not path.startswith("//") else "/"


def _seconds(value: object) -> float | None:
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None


def _text(value: object) -> str | None:
    return value if isinstance(value, str) and value.strip() else None
