"""Where consoles run, and the one-time links that open them.

Both stand in the desk's database, so that a command in a terminal can open a console that another process
serves. Of a link only a hash is kept.
"""

import hashlib
import secrets
from dataclasses import dataclass

from deskclerk.desk.instances.instance import Instance
from deskclerk.desk.journal.journal import Journal
from deskclerk.desk.journal.process_locks import ProcessLock, claimed, take_lock
from deskclerk.desk.time_and_ids import new_id, now

# As long as a plan can be signed by default.
LINK_SECONDS = 600
"""For how long a link can be used that does not belong to a plan."""


@dataclass(frozen=True, slots=True)
class ConsoleLink:
    """What a link opens: one plan, to look at, or with None the whole console, for the person."""

    plan: str | None


class ConsoleLinks:
    """The consoles of one desk's database, and their links."""

    def __init__(self, journal: Journal, instance: Instance) -> None:
        self._journal = journal
        self._instance = instance

    async def announce(self, url: str) -> ProcessLock:
        """Say that a console runs at this address, until `leave` or the end of the process."""
        from deskclerk.desk.journal.tables import consoles  # noqa: PLC0415 - opened when needed

        database = await self._journal.database()
        lock = take_lock(self._journal.locks(), new_id("con"))
        row = {"id": lock.name, "instance": self._instance.id, "url": url, "started_at": now()}
        async with database.writing() as connection:
            await connection.execute(consoles.insert(), row)
        return lock

    async def leave(self, lock: ProcessLock) -> None:
        """Take an announcement back."""
        await self._forget(lock.name)
        lock.end()

    async def running(self) -> list[str]:
        """The addresses of the consoles that run for this instance, the newest first."""
        from deskclerk.desk.journal.tables import consoles  # noqa: PLC0415

        query = consoles.select().where(consoles.c.instance == self._instance.id)
        database = await self._journal.database()
        async with database.reading() as connection:
            rows = (await connection.execute(query.order_by(consoles.c.started_at.desc()))).mappings().all()
        urls = []
        for row in rows:
            # A console that was killed has announced itself and not left: its lock tells.
            async with claimed(self._journal.locks(), row["id"]) as gone:
                if not gone:
                    urls.append(str(row["url"]))
                    continue
            await self._forget(row["id"])
        return urls

    async def issue(self, plan: str | None = None, expires_at: int | None = None) -> str:
        """A new link's secret part; it opens a console once, and only until it expires (milliseconds)."""
        from deskclerk.desk.journal.tables import console_links as links  # noqa: PLC0415

        # Only its hash is kept: whoever reads the database opens no console with it.
        token = secrets.token_urlsafe(24)
        row = {
            "digest": _digest(token),
            "expires_at": expires_at or now() + LINK_SECONDS * 1000,
            "plan": plan,
        }
        database = await self._journal.database()
        async with database.writing() as connection:
            # Swept up by whoever makes the next one; no process has to stay for it.
            await connection.execute(links.delete().where(links.c.expires_at <= now()))
            await connection.execute(links.insert(), row)
        return token

    async def peek(self, token: str) -> ConsoleLink | None:
        """What a link would open; None if it opens nothing any more."""
        from deskclerk.desk.journal.tables import console_links as links  # noqa: PLC0415

        query = links.select().where(links.c.digest == _digest(token), links.c.expires_at > now())
        database = await self._journal.database()
        async with database.reading() as connection:
            row = (await connection.execute(query)).mappings().one_or_none()
        return ConsoleLink(row["plan"]) if row else None

    async def use(self, token: str) -> ConsoleLink | None:
        """Use a link up; None if it was used, has expired or never was. Of several users one gets it."""
        from deskclerk.desk.journal.tables import console_links as links  # noqa: PLC0415

        link = await self.peek(token)
        # Deleting is the using: whoever deletes the row has the link, a second one deletes nothing.
        taking = links.delete().where(links.c.digest == _digest(token), links.c.expires_at > now())
        database = await self._journal.database()
        async with database.writing() as connection:
            taken = (await connection.execute(taking)).rowcount == 1
        return link if taken else None

    async def _forget(self, console_id: str) -> None:
        from deskclerk.desk.journal.tables import consoles  # noqa: PLC0415

        database = await self._journal.database()
        async with database.writing() as connection:
            await connection.execute(consoles.delete().where(consoles.c.id == console_id))


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
