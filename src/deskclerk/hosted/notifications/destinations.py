"""The destinations of workspaces: what owners set, with address and secret in the vault."""

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from pydantic import SecretStr
from sqlalchemy import delete, func, insert, select, update
from sqlalchemy.exc import IntegrityError

from deskclerk.desk.misses import missed
from deskclerk.desk.notifications.messages import TEST
from deskclerk.desk.time_and_ids import new_id, now
from deskclerk.errors import InvalidRequest
from deskclerk.hosted.database import HostedDatabase
from deskclerk.hosted.errors import NotHere
from deskclerk.hosted.notifications.addresses import KINDS, Kind, read_address
from deskclerk.hosted.notifications.outgoing import OpenDestination
from deskclerk.hosted.notifications.tables import destinations, notices
from deskclerk.hosted.vault.sealed_columns import DESTINATIONS
from deskclerk.hosted.workspaces.store import Sealer
from deskclerk.hosted.workspaces.tables import workspaces
from deskclerk.settings import is_webhook_secret

MOST = 5
"""Of one workspace."""
TEST_SECONDS = 60
"""After which a test that nobody has sent is not sent any more."""
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9 ._-]{0,39}")
_NOTHING = "Nothing was changed."


@dataclass(frozen=True, slots=True)
class Told:
    """What became of a message; `outcome` is None while it is under way, `why` what the last try came to."""

    at: int
    outcome: str | None
    why: str | None
    tries: int


@dataclass(frozen=True, slots=True)
class DestinationRecord:
    """A destination without its address, and the last message to it."""

    id: str
    name: str
    kind: Kind
    created_at: int
    last: Told | None


class Destinations:
    """The destinations of every workspace."""

    def __init__(self, hosted: HostedDatabase, sealer: Sealer, wake: Callable[[], None]) -> None:
        """`wake` tells whoever sends that there is something to send."""
        self._hosted = hosted
        self._sealer = sealer
        self._wake = wake

    async def listed(self, workspace: str) -> list[DestinationRecord]:
        """Those of a workspace, by name."""
        found: list[DestinationRecord] = []
        async with self._hosted.of(workspace).reading() as connection:
            query = select(destinations).order_by(destinations.c.name)
            for row in (await connection.execute(query)).mappings().all():
                last = select(notices).where(notices.c.destination == row["id"])
                last = last.order_by(notices.c.created_at.desc(), notices.c.id.desc()).limit(1)
                told = (await connection.execute(last)).mappings().first()
                names = ("id", "name", "kind", "created_at")
                found.append(DestinationRecord(**{name: row[name] for name in names}, last=_told(told)))
        return found

    async def add(
        self, workspace: str, name: str, kind: str, *, address: SecretStr, secret: SecretStr | None, by: str
    ) -> DestinationRecord:
        """A new destination; InvalidRequest says what is wrong, and nothing of what was given."""
        if not _NAME.fullmatch(name):
            raise _invalid("name", "letters, digits, spaces, '.', '_' and '-', at most 40")
        which = next((item for item in KINDS if item == kind), None)
        if which is None:
            raise _invalid("kind", ", ".join(KINDS))
        read_address(which, address.get_secret_value())
        if which == "webhook" and not (secret and is_webhook_secret(secret.get_secret_value())):
            raise _invalid("secret", "whsec_ and base64 of at least 24 bytes, which a webhook is signed with")
        if which == "slack" and secret:
            raise _invalid("secret", "none: Slack takes what comes to its address")
        made = DestinationRecord(new_id("dst"), name, which, now(), None)
        row: dict[str, Any] = {"id": made.id, "name": name, "kind": which, "created_at": made.created_at}
        opened = {
            "address": address.get_secret_value(),
            "secret": secret.get_secret_value() if secret else None,
        }
        place = DESTINATIONS.place(workspace, row)
        # Before any transaction: to make the first data key takes one of its own.
        sealed = await self._sealer.seal(workspace, place.instance, place.purpose, json.dumps(opened))
        row |= {"workspace": workspace, "created_by": by, "sealed": sealed}
        async with self._hosted.of(workspace).writing() as connection:
            there = await connection.execute(select(func.count()).select_from(destinations))
            if there.scalar_one() >= MOST:
                raise InvalidRequest(
                    f"A workspace has at most {MOST} destinations.", next_step="Remove one first."
                )
            try:
                await connection.execute(insert(destinations), row)
            except IntegrityError:
                raise _invalid("name", f"one that is free; {name} is taken") from None
        await self._changed(workspace)
        return made

    async def remove(self, workspace: str, destination: str) -> str:
        """Forget a destination and what was told to it; what it was called. NotHere."""
        mine = destinations.c.id == destination
        async with self._hosted.of(workspace).writing() as connection:
            name = (await connection.execute(select(destinations.c.name).where(mine))).scalar_one_or_none()
            if name is None:
                raise _no_destination(destination)
            await connection.execute(delete(destinations).where(mine))
            await connection.execute(delete(notices).where(notices.c.destination == destination))
        await self._changed(workspace)
        return str(name)

    async def test(self, workspace: str, destination: str) -> tuple[str, str]:
        """Have a test message sent; its id, and the destination's name. NotHere."""
        at, message = now(), new_id("msg")
        own = notices.c.destination == destination
        under_way = select(notices.c.id).where(own, notices.c.kind == TEST, notices.c.ended_at.is_(None))
        found = select(destinations.c.name).where(destinations.c.id == destination)
        async with self._hosted.of(workspace).writing() as connection:
            name = (await connection.execute(found)).scalar_one_or_none()
            if name is None:
                raise _no_destination(destination)
            if (await connection.execute(under_way.limit(1))).first():
                raise InvalidRequest(
                    "A test message to this destination is under way already.",
                    next_step="Reload the page in a moment; it says what became of it.",
                )
            row = notice(destination, message, TEST, at, at + TEST_SECONDS * 1000)
            await connection.execute(insert(notices), row | {"id": message})
        self._wake()
        return message, str(name)

    async def told(self, workspace: str, message: str) -> Told | None:
        """What became of a message; None if there is none of this id."""
        query = select(notices).where(notices.c.id == message)
        async with self._hosted.of(workspace).reading() as connection:
            return _told((await connection.execute(query)).mappings().first())

    async def open(self, workspace: str, destination: str) -> OpenDestination | None:
        """A destination with its address and secret; None if it is gone."""
        query = select(destinations).where(destinations.c.id == destination)
        async with self._hosted.of(workspace).reading() as connection:
            row = (await connection.execute(query)).mappings().first()
        if row is None:
            return None
        place = DESTINATIONS.place(workspace, row)
        opened = json.loads(await self._sealer.open(workspace, place.instance, place.purpose, row["sealed"]))
        secret = SecretStr(opened["secret"]) if opened["secret"] else None
        return OpenDestination(row["kind"], SecretStr(opened["address"]), secret)

    async def _changed(self, workspace: str) -> None:
        """Have open desks notice: each keeps the destinations that there were when it first needed them."""
        raised = update(workspaces).where(workspaces.c.id == workspace)
        async with self._hosted.whole.writing() as connection:
            await connection.execute(raised.values(version=workspaces.c.version + 1))


def notice(destination: str, subject: str, kind: str, at: int, expires_at: int) -> dict[str, Any]:
    """The row of a message that waits to be sent."""
    return {
        "id": new_id("msg"),
        "destination": destination,
        "subject": subject,
        "kind": kind,
        "created_at": at,
        "next_at": at,
        "expires_at": expires_at,
        "tries": 0,
    }


def _told(row: Any) -> Told | None:
    if row is None:
        return None
    at = row["ended_at"] or row["tried_at"] or row["created_at"]
    return Told(at, row["outcome"], row["why"], row["tries"])


def _no_destination(asked: str) -> NotHere:
    missed(asked)
    return NotHere("The workspace has no such destination.", next_step="Reload the page, which lists them.")


def _invalid(argument: str, accepted: str) -> InvalidRequest:
    problem = f"accepted: {accepted}"
    return InvalidRequest(f"{argument}: {problem}.", problems=[(argument, problem)], next_step=_NOTHING)
