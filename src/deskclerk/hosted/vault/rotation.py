"""New keys in place of old ones while replicas run: data keys wrapped anew, values sealed anew.

Nothing is ever without a key that opens it: a version of a data key goes only when it has sealed nothing
for longer than any replica goes on using it, and nothing that it sealed is left.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Text, cast, func, select

from deskclerk.database import Connection, Database
from deskclerk.desk.time_and_ids import now
from deskclerk.hosted.vault.sealed_columns import SEALED, SealedColumn
from deskclerk.hosted.vault.sealing import SealBroken, beginning
from deskclerk.hosted.vault.vault import Vault

AT_ONCE = 100
"""Values that are sealed anew in one transaction, while others wait to write in that workspace."""
_DROPPED_AFTER = 3_600_000
"""Milliseconds for which a version stays that seals nothing new: whoever sealed with it just before has
long written what it sealed."""
_MARGIN = 5.0


@dataclass(frozen=True, slots=True)
class Rotated:
    """What a rotation of one workspace's data key came to.

    `broken` are values that did not open, and so stay as they are: where they stand, and nothing of them.
    """

    version: int
    sealed_anew: int
    dropped: int
    broken: tuple[str, ...] = ()


class Rotation:
    """Changes the keys of workspaces."""

    def __init__(
        self,
        of: Callable[[str], Database],
        vault: Vault,
        *,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        """`of` gives the database of a workspace."""
        self._of = of
        self._vault = vault
        self._keys = vault.keys
        self._sleep = sleep

    async def wrap_data_keys_anew(self, workspace: str) -> int:
        """Wrap a workspace's data keys with the vault key that wraps now; how many versions it has."""
        return await self._keys.wrap_anew(workspace)

    async def new_version(self, workspace: str) -> int:
        """Make a new version of a workspace's data key, which seals from now on."""
        return await self._keys.add_version(workspace)

    async def wait_for_replicas(self) -> None:
        """Wait until every replica has noticed the newest versions."""
        await self._sleep(self._keys.newest_seconds + _MARGIN)

    async def seal_anew(self, workspace: str) -> Rotated:
        """Seal with the newest version whatever an older one has sealed, and drop versions that nobody needs.

        Values that are read or changed meanwhile are right before, within and after.
        """
        versions = await self._keys.versions(workspace)
        newest = max(versions, default=0)
        for version in versions:
            # Before any transaction: a vault elsewhere may take its time.
            await self._keys.version(workspace, version)
        done, broken = 0, []
        for sealed in SEALED if newest else ():
            skip: list[str] = []
            while looked_at := await self._batch(workspace, sealed, newest, skip):
                done += looked_at
            done -= len(skip)
            broken += skip
        dropped = await self._drop(workspace, versions)
        return Rotated(newest, done, dropped, tuple(broken))

    async def _batch(self, workspace: str, sealed: SealedColumn, newest: int, broken: list[str]) -> int:
        """Seal some values anew; how many were looked at. What does not open is added to `broken`."""
        table = sealed.column.table
        key = [column for column in table.primary_key.columns if column.name != "workspace"]
        query = (
            select(table)
            .where(_sealed_before(sealed, newest))
            .order_by(*key)
            .limit(AT_ONCE)
            # Those that did not open stand first: all others before them are sealed anew by now.
            .offset(len(broken))
            # Whoever changes one of them waits, and then finds it sealed anew.
            .with_for_update()
        )
        async with self._of(workspace).writing() as connection:
            rows = (await connection.execute(query)).mappings().all()
            for row in rows:
                place = sealed.place(workspace, row)
                try:
                    text = await self._vault.open_at(place, row[sealed.column.name])
                except SealBroken:
                    broken.append(f"{table.name}.{sealed.column.name} ({place.purpose})")
                    continue
                value = (await self._keys.version(workspace, newest)).seal(place, text)
                change = table.update().where(*(column == row[column.name] for column in key))
                await connection.execute(change.values({sealed.column.name: value}))
        return len(rows)

    async def _drop(self, workspace: str, versions: dict[int, int]) -> int:
        """Drop the versions that sealed nothing for long and hold nothing; how many."""
        dropped = 0
        for version, followed_at in zip(versions, [*versions.values()][1:], strict=False):
            if followed_at > now() - _DROPPED_AFTER:
                continue
            async with self._of(workspace).reading() as connection:
                used = [await _holds(connection, sealed, version) for sealed in SEALED]
            if not any(used):
                await self._keys.drop(workspace, version)
                dropped += 1
        return dropped


def _sealed_before(sealed: SealedColumn, newest: int) -> Any:
    # As text: in a column of JSON a sealed value is a text of JSON.
    return sealed.column.is_not(None) & ~cast(sealed.column, Text).contains(beginning(newest))


async def _holds(connection: Connection, sealed: SealedColumn, version: int) -> bool:
    """Whether anything in a column is sealed with a version."""
    held = cast(sealed.column, Text).contains(beginning(version))
    return bool((await connection.execute(select(func.count()).where(held))).scalar())
