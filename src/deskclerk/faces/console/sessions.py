"""Who is in: sessions in this process's memory, so that its end signs everybody out.

A session has two secrets. Its `key` is the beginning of every path (`/~KEY/…`) and the scope of its
cookie: browsers send a cookie to every port of a host, and a program on another port of this machine is
not to receive it. The cookie is what opens. Where people sign in by name, another `SessionDoor` finds them.
"""

import hashlib
import hmac
import secrets
import time
from dataclasses import dataclass, field
from typing import Protocol

from starlette.requests import Request

from deskclerk.desk import Caller

CALLER = Caller("console")
"""Who asks, for the desk, in all that is done on these pages."""
COOKIE = "deskclerk"
# A working day: whoever comes back tomorrow asks for a new link.
SECONDS = 12 * 3600
_MOST = 64


class Session(Protocol):
    """One browser that is in.

    `plan` names the only plan that it may see, None stands for everything. `person` is whether somebody
    proved to be a person, `may_sign` whether they may change anything, a signature included.
    """

    told: object
    """What the next page says, once."""

    @property
    def plan(self) -> str | None:
        """The only plan that it may see."""

    @property
    def csrf(self) -> str:
        """What every form of its pages carries."""

    @property
    def person(self) -> bool:
        """Whether a person is known to be behind it."""

    @property
    def may_sign(self) -> bool:
        """Whether a person may do more than look, as far as the session goes."""

    @property
    def home(self) -> str:
        """The path that every address of the session begins with."""

    @property
    def caller(self) -> Caller:
        """Who asks, for the desk, in all that is done on its pages."""

    @property
    def how(self) -> str:
        """How what is signed on its pages is said to be signed."""

    @property
    def workspace(self) -> str | None:
        """The address of the workspace that the pages belong to, where there is one."""


class SessionDoor(Protocol):
    """Finds whose request it is."""

    left: str
    """The path that who signs out is led to."""

    async def find(self, request: Request) -> Session | None:
        """The session of a request; None for whoever is not in."""

    async def end(self, session: Session) -> None:
        """Sign out."""


@dataclass
class LinkSession:
    """One browser that came by a one-time link.

    It is a person's if its link came from a terminal; what a model was told is none, and opens one plan.
    """

    plan: str | None
    key: str = field(default_factory=lambda: secrets.token_urlsafe(12))
    csrf: str = field(default_factory=lambda: secrets.token_urlsafe(24))
    digest: str = ""
    ends_at: float = 0.0
    told: object = None
    caller: Caller = CALLER
    how: str = "console"
    may_sign: bool = True
    workspace: str | None = None

    @property
    def person(self) -> bool:
        """Whether its link came from a terminal and so from a person; what a model was told is none."""
        return self.plan is None

    @property
    def home(self) -> str:
        """The path that every address of the session begins with."""
        return f"/~{self.key}"


class Sessions:
    """The sessions of one console; of too many the oldest ends."""

    left = "/"

    def __init__(self) -> None:
        self._by_key: dict[str, LinkSession] = {}

    def begin(self, plan: str | None = None) -> tuple[LinkSession, str]:
        """A new session and the value of its cookie, which is kept as a hash only."""
        value = secrets.token_urlsafe(32)
        session = LinkSession(plan, digest=_digest(value), ends_at=time.monotonic() + SECONDS)
        while len(self._by_key) >= _MOST:
            self._by_key.pop(next(iter(self._by_key)))
        self._by_key[session.key] = session
        return session, value

    async def find(self, request: Request) -> LinkSession | None:
        """The session of a path and a cookie, if both fit and it has not ended."""
        # Path and cookie both: the path alone may stand in a history or a log.
        session = self._by_key.get(request.scope["path_params"]["key"])
        value = request.cookies.get(COOKIE, "")
        if session is None or not hmac.compare_digest(session.digest, _digest(value)):
            return None
        # By the clock that nobody can set back.
        if time.monotonic() >= session.ends_at:
            await self.end(session)
            return None
        return session

    async def end(self, session: Session) -> None:
        """Sign out."""
        if isinstance(session, LinkSession):
            self._by_key.pop(session.key, None)


def _digest(value: str) -> str:
    return hashlib.sha256(value.encode("utf-8", "replace")).hexdigest()
