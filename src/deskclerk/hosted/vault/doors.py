"""What a desk of a workspace has behind its doors for secrets: sealed rows in the hosted database."""

import json
import secrets
from collections.abc import Mapping
from typing import Any

from sqlalchemy import select

from deskclerk.database import Connection, Database
from deskclerk.desk.misses import missed
from deskclerk.desk.secrets.handovers import Handover, OpenConsole, handover_of, once_shown
from deskclerk.desk.secrets.store import StoredSecret
from deskclerk.desk.time_and_ids import now
from deskclerk.errors import StorageUnavailable
from deskclerk.hosted.vault.sealed_columns import HANDOVERS, ITEM_SECRETS, SECRETS
from deskclerk.hosted.vault.sealing import Place
from deskclerk.hosted.vault.tables import handovers, sealed_secrets
from deskclerk.hosted.vault.vault import Vault
from deskclerk.settings import KEY_BYTES

HANDOVER_DAYS = 7
"""For how long what Clerk shows once waits for somebody to take it."""
_DAY = 86_400_000
_DIGEST_KEY = ".digest-key"
"""No secret that a person stores has a name with a dot before it."""


class SealedSecrets:
    """The secrets of one instance of a workspace; the key of keyed hashes is the workspace's."""

    def __init__(
        self, database: Database, vault: Vault, workspace: str, instance: str, *, console: str
    ) -> None:
        """`database` is the workspace's part, `console` the address of the page where people store them."""
        self._database = database
        self._vault = vault
        self._workspace = workspace
        self._instance = instance
        self._console = console

    async def read(self, name: str) -> str | None:
        """The value of a name; None if there is none."""
        return await self._open(self._instance, name)

    async def write(self, name: str, value: str) -> None:
        """Keep a value, in place of the one that was there."""
        row = await self._sealed(self._instance, name, value)
        mine = self._named(self._instance, name)
        async with self._database.writing() as connection:
            changed = sealed_secrets.update().where(*mine).values(sealed=row["sealed"], set_at=row["set_at"])
            if (await connection.execute(changed)).rowcount == 0:
                await connection.execute(sealed_secrets.insert(), row)

    async def remove(self, name: str) -> bool:
        """Forget a name; whether it was there."""
        gone = sealed_secrets.delete().where(*self._named(self._instance, name))
        async with self._database.writing() as connection:
            return (await connection.execute(gone)).rowcount == 1

    async def listed(self) -> list[StoredSecret]:
        """Names and times, by name."""
        query = select(sealed_secrets.c.name, sealed_secrets.c.set_at)
        query = query.where(sealed_secrets.c.instance == self._instance)
        async with self._database.reading() as connection:
            found = [StoredSecret(row.name, row.set_at) for row in await connection.execute(query)]
        # By code points, as files are: the server's own order is another one.
        return sorted(found, key=lambda item: item.name)

    async def digest_key(self) -> bytes:
        """The key, which the first replica that needs it makes for all."""
        found = await self._open("", _DIGEST_KEY)
        if found is None:
            row = await self._sealed("", _DIGEST_KEY, secrets.token_hex(KEY_BYTES))
            there = select(sealed_secrets.c.name).where(*self._named("", _DIGEST_KEY))
            async with self._database.writing() as connection:
                if (await connection.execute(there)).first() is None:
                    await connection.execute(sealed_secrets.insert(), row)
            found = await self._open("", _DIGEST_KEY)
        assert found is not None  # noqa: S101 - it was written, here or by another replica
        return found.encode()

    def how_to_set(self, name: str) -> str:
        """In the workspace's console."""
        return f"as {name} in the console: {self._console}"

    async def _open(self, instance: str, name: str) -> str | None:
        query = select(sealed_secrets.c.sealed).where(*self._named(instance, name))
        async with self._database.reading() as connection:
            sealed = (await connection.execute(query)).scalar()
        if sealed is None:
            return None
        return await self._vault.open_at(SECRETS.place(self._workspace, _row(instance, name)), sealed)

    async def _sealed(self, instance: str, name: str, value: str) -> dict[str, Any]:
        row = _row(instance, name)
        # Before any transaction: to make the first data key takes one of its own.
        sealed = await self._vault.seal_at(SECRETS.place(self._workspace, row), value)
        return row | {"workspace": self._workspace, "set_at": now(), "sealed": sealed}

    @staticmethod
    def _named(instance: str, name: str) -> tuple[Any, ...]:
        return sealed_secrets.c.instance == instance, sealed_secrets.c.name == name


class SealedHandovers:
    """What Clerk showed once, of one instance of a workspace, until a member takes it in the console."""

    open_console: OpenConsole | None = None
    """Not asked: the console of a hosted desk is always there."""

    def __init__(
        self, database: Database, vault: Vault, workspace: str, instance: str, *, console: str
    ) -> None:
        """`database` is the workspace's part, `console` the address of the page that shows them."""
        self._database = database
        self._vault = vault
        self._workspace = workspace
        self._instance = instance
        self._console = console

    async def keep(self, answer: Any, keys: tuple[str, ...] = ()) -> tuple[Any, tuple[str, ...]]:
        """The answer without its secrets, which any replica's console shows once."""
        rest, found = once_shown(answer, keys)
        if not found:
            return answer, ()
        kept = handover_of(answer, found)
        names = " and ".join(found)
        try:
            await self._store(kept)
        # The write itself is done: to fail here would tell the asker that it was not.
        except StorageUnavailable as error:
            return rest, (f"{names} could not be kept ({error}) and is lost: make a new one in Clerk.",)
        when = f"it is shown there once, within {HANDOVER_DAYS} days"
        return rest, (f"{names} waits for a person at {self._console}; {when}.",)

    async def listed(self) -> list[Handover]:
        """What waits, without its values, the newest first."""
        query = select(handovers).where(*self._waiting()).order_by(handovers.c.at.desc(), handovers.c.id)
        async with self._database.reading() as connection:
            rows = await connection.execute(query)
            return [_handover(row, {}) for row in rows.mappings()]

    async def take(self, handover_id: str) -> Handover | None:
        """One with its values, which is gone from every replica."""
        mine = (handovers.c.id == handover_id, *self._waiting())
        async with self._database.reading() as connection:
            row = (await connection.execute(select(handovers).where(*mine))).mappings().first()
        if row is None:
            missed(handover_id)
            return None
        # Opened before it goes: a vault that cannot be asked just now must not cost what is shown once.
        opened = await self._vault.open_at(HANDOVERS.place(self._workspace, row), row["sealed"])
        async with self._database.writing() as connection:
            gone = await connection.execute(handovers.delete().where(*mine))
        # Of two who opened it at once the one that took it away has it.
        return _handover(row, json.loads(opened)) if gone.rowcount == 1 else None

    async def save(self) -> None:
        """Nothing: it is kept already."""

    async def _store(self, kept: Handover) -> None:
        row: dict[str, Any] = {
            "workspace": self._workspace,
            "id": kept.id,
            "instance": self._instance,
            "at": kept.at,
            "expires_at": kept.at + HANDOVER_DAYS * _DAY,
            "title": kept.title,
            "about": kept.about,
        }
        sealed = await self._vault.seal_at(HANDOVERS.place(self._workspace, row), json.dumps(kept.values))
        async with self._database.writing() as connection:
            await forget_expired(connection)
            await connection.execute(handovers.insert(), row | {"sealed": sealed})

    def _waiting(self) -> tuple[Any, ...]:
        return handovers.c.instance == self._instance, handovers.c.expires_at > now()


async def forget_expired(connection: Connection) -> None:
    """Take away the hand-overs of a workspace that nobody took in time; what they held is lost."""
    await connection.execute(handovers.delete().where(handovers.c.expires_at <= now()))


class SealedItems:
    """The secrets of a job's items."""

    def __init__(self, vault: Vault, workspace: str) -> None:
        self._vault = vault
        self._workspace = workspace

    async def seal(self, job_id: str, secrets: Mapping[int, Mapping[str, Any]]) -> Mapping[int, Any]:
        """Each sealed for its item."""
        return {
            number: await self._vault.seal_at(self._place(job_id, number), json.dumps(given))
            for number, given in secrets.items()
        }

    async def open(self, job_id: str, kept: Mapping[int, Any]) -> Mapping[int, Mapping[str, Any]]:
        """Each as it was given."""
        return {
            number: json.loads(await self._vault.open_at(self._place(job_id, number), sealed))
            for number, sealed in kept.items()
        }

    def _place(self, job_id: str, number: int) -> Place:
        return ITEM_SECRETS.place(self._workspace, {"job": job_id, "number": number})


def _row(instance: str, name: str) -> dict[str, str]:
    return {"instance": instance, "name": name}


def _handover(row: Mapping[Any, Any], values: dict[str, str]) -> Handover:
    return Handover(row["id"], row["title"], row["about"], row["at"], values)
