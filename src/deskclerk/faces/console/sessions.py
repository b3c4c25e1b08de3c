"""Who is in: sessions in this process's memory, so that its end signs everybody out.

A session has two secrets. Its `key` is the beginning of every path (`/~KEY/…`) and the scope of its
cookie: browsers send a cookie to every port of a host, and a program on another port of this machine is
not to receive it. The cookie is what opens.
"""

import hashlib
import hmac
import secrets
import time
from dataclasses import dataclass, field

from deskclerk.desk import Caller

CALLER = Caller("console")
"""Who asks, for the desk, in all that is done on these pages."""
COOKIE = "deskclerk"
# A working day: whoever comes back tomorrow asks for a new link.
SECONDS = 12 * 3600
_MOST = 64


@dataclass
class Session:
    """One browser that is in; `plan` names the only plan that it may see, None stands for everything.

    `person` is whether somebody proved to be a person: by a link from a terminal, or the signer's PIN.
    """

    plan: str | None
    key: str = field(default_factory=lambda: secrets.token_urlsafe(12))
    csrf: str = field(default_factory=lambda: secrets.token_urlsafe(24))
    digest: str = ""
    ends_at: float = 0.0
    told: object = None
    """What the next page says, once."""

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

    def __init__(self) -> None:
        self._by_key: dict[str, Session] = {}

    def begin(self, plan: str | None = None) -> tuple[Session, str]:
        """A new session and the value of its cookie, which is kept as a hash only."""
        value = secrets.token_urlsafe(32)
        session = Session(plan, digest=_digest(value), ends_at=time.monotonic() + SECONDS)
        while len(self._by_key) >= _MOST:
            self._by_key.pop(next(iter(self._by_key)))
        self._by_key[session.key] = session
        return session, value

    def find(self, key: str, value: str) -> Session | None:
        """The session of a path and a cookie, if both fit and it has not ended."""
        session = self._by_key.get(key)
        if session is None or not hmac.compare_digest(session.digest, _digest(value)):
            return None
        # By the clock that nobody can set back.
        if time.monotonic() >= session.ends_at:
            self.end(session)
            return None
        return session

    def end(self, session: Session) -> None:
        """Sign out."""
        self._by_key.pop(session.key, None)


def _digest(value: str) -> str:
    return hashlib.sha256(value.encode("utf-8", "replace")).hexdigest()
