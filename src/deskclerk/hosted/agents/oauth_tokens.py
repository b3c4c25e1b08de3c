"""Whether an access token of the issuer holds here, and what it says.

A JWT is checked by its signature and claims; where the issuer can be asked, it is asked about every token,
JWT or not, so that what was revoked there ends here within seconds.
"""

import asyncio
import hashlib
import time
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from joserfc import jws, jwt
from joserfc.errors import JoseError

from deskclerk.errors import DeskclerkError
from deskclerk.hosted.issuer import ALGORITHMS, Clock, Issuer

KEEP_SECONDS = 5.0
"""How long an answer about a token counts; a revoked one ends with it."""
MOST_KEPT = 10_000
LARGEST_TOKEN = 8_192
"""Characters of a token that are looked at."""
_LEEWAY_SECONDS = 10
_ACCESS_TOKEN_TYPES = ("at+jwt", "application/at+jwt")
_JWT_PARTS = 3
_BEARER = "bearer"
_BEARERS = {_BEARER, "access_token", "jwt", *_ACCESS_TOKEN_TYPES}


class InvalidToken(DeskclerkError):
    """A bearer token that does not hold here; why is told without a word of the token."""

    kind = "invalid_token"

    @classmethod
    def because(cls, reason: str) -> "InvalidToken":
        """The error, with what to do."""
        return cls(f"This access token is not accepted: {reason}.", next_step="Get a new one and ask again.")


@dataclass(frozen=True, slots=True)
class Grant:
    """What a token that holds says: whose it is, which client has it, what for.

    `audience` is whether the issuer bound it to this resource; where it did not, the client is all that
    tells it from a token for another service.
    """

    subject: str
    client: str
    scopes: frozenset[str]
    audience: bool


class OAuthTokens:
    """Checks the tokens of one issuer."""

    def __init__(self, issuer: Issuer, clock: Clock = time.monotonic) -> None:
        self._issuer = issuer
        self._clock = clock
        self._answers: OrderedDict[bytes, tuple[float, asyncio.Task[dict[str, Any]]]] = OrderedDict()

    async def verify(self, token: str, resource: str) -> Grant:
        """What a token says that holds for the resource at this URL.

        Raises:
            InvalidToken: it does not hold, or is for another resource.
            IssuerUnavailable: that cannot be found out now.
        """
        if len(token) > LARGEST_TOKEN:
            raise InvalidToken.because("it is too long")
        if token.count(".") == _JWT_PARTS - 1:
            claims = await self._claims(token)
            if await self._issuer.can_introspect():
                await self._answer(token)
        else:
            claims = await self._answer(token)
        return self._grant(claims, resource)

    async def _claims(self, token: str) -> Mapping[str, Any]:
        """The claims of a JWT that the issuer signed, of a type that only access tokens have."""
        try:
            header = jws.extract_compact(token.encode("ascii")).headers()
        except (JoseError, ValueError):
            raise InvalidToken.because("it is no JWT") from None
        # Before any key is looked for: what is refused anyway makes nobody ask the issuer.
        if header.get("alg") not in ALGORITHMS:
            raise InvalidToken.because("its algorithm is not accepted")
        kid = header.get("kid")
        key = await self._issuer.key(kid) if kid is None or isinstance(kid, str) else None
        if key is None:
            raise InvalidToken.because("the issuer has no such key")
        registry = jwt.JWTClaimsRegistry(
            leeway=_LEEWAY_SECONDS,
            iss={"essential": True, "value": await self._named()},
            exp={"essential": True},
        )
        try:
            claims = jwt.decode(token, key, algorithms=list(ALGORITHMS)).claims
            registry.validate(claims)
        except (JoseError, ValueError) as error:
            raise InvalidToken.because(f"its signature or its claims do not hold ({_said(error)})") from None
        typed = str(header.get("typ", "")).lower() in _ACCESS_TOKEN_TYPES
        # An ID token or a session token of the same issuer is none to bear; an audience that is ours says
        # as much as the type does.
        if not typed and claims.get("aud") is None:
            raise InvalidToken.because("it is no access token")
        return claims

    async def _answer(self, token: str) -> Mapping[str, Any]:
        """What the issuer says of a token that is active; its answers are kept for moments, by hash."""
        digest, now = hashlib.sha256(token.encode()).digest(), self._clock()
        kept = self._answers.get(digest)
        if kept is None or now >= kept[0]:
            asking = asyncio.create_task(self._issuer.introspect(token))
            # Looked at in any case: who waited for it may have left.
            asking.add_done_callback(lambda task: task.cancelled() or task.exception())
            kept = self._answers[digest] = (now + KEEP_SECONDS, asking)
            self._answers.move_to_end(digest)
            while len(self._answers) > MOST_KEPT:
                self._answers.popitem(last=False)
        try:
            # Shielded: of several that wait for one answer, the first to leave takes it from nobody.
            answer = await asyncio.shield(kept[1])
        except DeskclerkError:
            self._answers.pop(digest, None)
            raise
        if answer.get("active") is not True:
            raise InvalidToken.because("it was revoked, or has expired")
        ends = answer.get("exp")
        if isinstance(ends, int | float) and ends <= time.time() - _LEEWAY_SECONDS:
            raise InvalidToken.because("it has expired")
        named = await self._named()
        if answer.get("iss", named) != named:
            raise InvalidToken.because("another issuer made it")
        # A refresh token is active too, and a client that sent one would have given away more than it meant.
        kinds = {str(answer.get(name) or _BEARER).lower() for name in ("token_type", "typ")}
        if not kinds <= _BEARERS:
            raise InvalidToken.because("it is no access token to bear")
        return answer

    async def _named(self) -> str:
        """How the issuer calls itself, to the letter."""
        return (await self._issuer.metadata()).issuer

    def _grant(self, claims: Mapping[str, Any], resource: str) -> Grant:
        audience = claims.get("aud")
        if audience is not None:
            named = audience if isinstance(audience, list) else [audience]
            # Exactly: a token for one address of this server is none for another.
            if resource not in named:
                raise InvalidToken.because("it is for another resource")
        if claims.get("cnf") is not None:
            # RFC 9449, 7.2 and RFC 8705, 3: without the proof it is anybody's who has seen it.
            raise InvalidToken.because("it is bound to a key, which this server does not ask for")
        subject, client = claims.get("sub"), claims.get("client_id") or claims.get("azp")
        if not (isinstance(subject, str) and subject and isinstance(client, str) and client):
            raise InvalidToken.because("it names no person, or no client")
        if "\0" in subject + client:
            raise InvalidToken.because("it names somebody with the character U+0000")
        return Grant(subject, client, _scopes(claims), audience is not None)


def _scopes(claims: Mapping[str, Any]) -> frozenset[str]:
    """The scopes of a token: a text of words, or a list as some issuers have them."""
    found = claims.get("scope", claims.get("scp", ""))
    words = found.split() if isinstance(found, str) else found if isinstance(found, list) else ()
    return frozenset(word for word in words if isinstance(word, str))


def _said(error: Exception) -> str:
    """What kind of error it is: joserfc's messages repeat what stands in the token."""
    return str(getattr(error, "error", "")) or "unreadable"
