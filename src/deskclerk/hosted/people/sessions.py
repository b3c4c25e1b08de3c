"""Who is in: sessions in the database, so that any replica knows them and a sign-out holds on all.

Of a session's cookie a hash is kept, so that nobody else makes one: what it begins with is the desk's word.
Its CSRF token is derived from the cookie, and kept nowhere.
"""

from dataclasses import dataclass

from sqlalchemy import ColumnElement, select

from deskclerk.database import Database
from deskclerk.desk.misses import missed
from deskclerk.desk.time_and_ids import new_id, now
from deskclerk.desk.view.cleaning import line_of
from deskclerk.hosted.people.persons import Person, person_of
from deskclerk.hosted.people.secret_values import derived, digest, new_value
from deskclerk.hosted.people.tables import people, sessions

IDLE_SECONDS = 30 * 60
"""After so long without a page a session has ended."""
SECONDS = 12 * 3600
"""How long a session lasts at most: a working day."""
FRESH_SECONDS = 5 * 60
"""For how long a sign-in says that its person is there: no browser that somebody left open."""
_FRESH = "fresh."
# What a page's own scripts ask for is no sign of a person: only pages keep a session from ending.
_SEEN_MILLISECONDS = 60_000
_MOST = 20
"""Of one person; the oldest ends when there would be more."""
_LONGEST = 200


@dataclass(frozen=True, slots=True)
class SignedIn:
    """A session as a request comes with it."""

    id: str
    person: Person
    csrf: str
    signed_in_at: int
    ends_at: int
    fresh: bool
    """Whether the person has shown the issuer a moment ago who they are."""


@dataclass(frozen=True, slots=True)
class SessionRecord:
    """A session as its person sees it in a list."""

    id: str
    browser: str
    created_at: int
    last_seen_at: int
    ends_at: int


class PersonSessions:
    """The sessions of all people."""

    def __init__(
        self, database: Database, *, idle_seconds: int = IDLE_SECONDS, seconds: int = SECONDS
    ) -> None:
        """`database` is the whole: who is in is known before any workspace is."""
        self._database = database
        self._idle = idle_seconds * 1000
        self._longest = seconds * 1000

    async def begin(self, person: Person, browser: str, *, fresh: bool = False) -> str:
        """A new session's cookie; `browser` is what the browser says it is.

        `fresh`: the person has just shown the issuer who they are, and not only their browser.
        """
        value, at = (_FRESH if fresh else "") + new_value(), now()
        row = {
            "id": new_id("ses"),
            "digest": digest(value),
            "person": person.id,
            "browser": line_of(browser, _LONGEST),
            "created_at": at,
            "last_seen_at": at,
            "ends_at": at + self._longest,
        }
        mine = select(sessions.c.id).where(sessions.c.person == person.id)
        kept = mine.order_by(sessions.c.created_at.desc(), sessions.c.id.desc()).limit(_MOST)
        async with self._database.writing() as connection:
            over = (sessions.c.ends_at <= at) | (sessions.c.last_seen_at <= at - self._idle)
            await connection.execute(sessions.delete().where(over))
            await connection.execute(sessions.insert(), row)
            surplus = sessions.c.person == person.id, sessions.c.id.not_in(kept)
            await connection.execute(sessions.delete().where(*surplus))
        return value

    async def find(self, value: str, *, seen: bool = True) -> SignedIn | None:
        """Whose cookie it is, if the session has not ended; `seen` says that a person is there."""
        at = now()
        query = (
            select(
                sessions.c.id.label("session"),
                sessions.c.created_at.label("began"),
                sessions.c.last_seen_at,
                sessions.c.ends_at,
                people,
            )
            .join(people, people.c.id == sessions.c.person)
            .where(sessions.c.digest == digest(value), *self._open(at))
        )
        async with self._database.reading() as connection:
            row = (await connection.execute(query)).mappings().one_or_none()
        if row is None:
            return None
        if seen and row["last_seen_at"] < at - _SEEN_MILLISECONDS:
            mine = sessions.c.id == row["session"]
            async with self._database.writing(synced=False) as connection:
                await connection.execute(sessions.update().where(mine).values(last_seen_at=at))
        csrf = derived(value, "csrf")
        fresh = value.startswith(_FRESH) and at - row["began"] <= FRESH_SECONDS * 1000
        return SignedIn(row["session"], person_of(row), csrf, row["began"], row["ends_at"], fresh)

    async def of(self, person: str) -> list[SessionRecord]:
        """The sessions of a person that have not ended, the newest first."""
        at = now()
        query = (
            select(sessions)
            .where(sessions.c.person == person, *self._open(at))
            .order_by(sessions.c.created_at.desc(), sessions.c.id.desc())
        )
        async with self._database.reading() as connection:
            rows = (await connection.execute(query)).mappings().all()
        names = ("id", "browser", "created_at", "last_seen_at", "ends_at")
        return [SessionRecord(**{name: row[name] for name in names}) for row in rows]

    async def end(self, session: str, person: str) -> None:
        """Sign one session of a person out; one that is not theirs stays."""
        mine = sessions.c.id == session, sessions.c.person == person
        async with self._database.writing() as connection:
            gone = await connection.execute(sessions.delete().where(*mine))
        if gone.rowcount == 0:
            missed(session)

    async def end_all(self, person: str) -> None:
        """Sign a person out everywhere."""
        async with self._database.writing() as connection:
            await connection.execute(sessions.delete().where(sessions.c.person == person))

    def _open(self, at: int) -> tuple[ColumnElement[bool], ...]:
        return sessions.c.ends_at > at, sessions.c.last_seen_at > at - self._idle
