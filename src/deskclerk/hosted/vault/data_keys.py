"""The data keys of workspaces: in the database wrapped, in memory for minutes.

A key has versions. New values are sealed with the newest one; the others open what is not sealed anew yet.
"""

import asyncio
import secrets
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

from sqlalchemy import func, select

from deskclerk.database import Database
from deskclerk.desk.time_and_ids import now
from deskclerk.errors import StorageUnavailable
from deskclerk.hosted.vault.key_wrapping import KeyWrapper, not_unwrapped
from deskclerk.hosted.vault.sealing import DataKey
from deskclerk.hosted.vault.tables import data_keys
from deskclerk.settings import KEY_BYTES

K = TypeVar("K")
V = TypeVar("V")

KEY_SECONDS = 300.0
"""For how long an unwrapped key is kept: a vault key that was taken away ends its use that much later."""
NEWEST_SECONDS = 30.0
"""For how long a replica may go on sealing with the version that was the newest."""
_MOST_KEYS = 1_000
_CHECKED_KEYS = 3


class Kept(Generic[K, V]):
    """What was asked for, for some seconds and in a bounded number; of several who ask at once one does."""

    def __init__(self, seconds: float, most: int = _MOST_KEYS) -> None:
        self._seconds = seconds
        self._most = most
        # In the order in which they were asked for, which is that in which they end.
        self._found: OrderedDict[K, tuple[float, asyncio.Task[V]]] = OrderedDict()

    async def get(self, name: K, ask: Callable[[], Awaitable[V]]) -> V:
        """What is kept by a name, or else what `ask` answers; an error is told and not kept."""
        self._drop_old()
        if name not in self._found:
            if len(self._found) >= self._most:
                self._found.popitem(last=False)
            task = asyncio.ensure_future(_awaited(ask))
            task.add_done_callback(lambda done: self._drop_failed(name, done))
            self._found[name] = (time.monotonic() + self._seconds, task)
        # One who asks may be cancelled; the others still wait for the same answer.
        return await asyncio.shield(self._found[name][1])

    def forget(self, name: K) -> None:
        """Have it asked for anew."""
        self._found.pop(name, None)

    def __len__(self) -> int:
        self._drop_old()
        return len(self._found)

    def _drop_old(self) -> None:
        while self._found:
            name, (until, _) = next(iter(self._found.items()))
            if until > time.monotonic():
                return
            del self._found[name]

    def _drop_failed(self, name: K, task: "asyncio.Task[V]") -> None:
        # The failure is looked at here too: everybody who asked may have been cancelled meanwhile.
        failed = task.cancelled() or task.exception() is not None
        if failed and name in self._found and self._found[name][1] is task:
            del self._found[name]


async def _awaited(ask: Callable[[], Awaitable[V]]) -> V:
    return await ask()


class DataKeys:
    """The data keys of every workspace; the first version of one is made when it is first asked for."""

    def __init__(
        self,
        of: Callable[[str], Database],
        wrapper: KeyWrapper,
        *,
        key_seconds: float = KEY_SECONDS,
        newest_seconds: float = NEWEST_SECONDS,
    ) -> None:
        """`of` gives the database of a workspace, which holds its rows and no others'."""
        self._of = of
        self._wrapper = wrapper
        self._keys: Kept[tuple[str, int], DataKey] = Kept(key_seconds)
        self._newest: Kept[str, int] = Kept(newest_seconds)
        self.newest_seconds = newest_seconds
        """For how long another replica may still seal with the version before."""

    async def newest(self, workspace: str) -> DataKey:
        """The key that new values of a workspace are sealed with."""
        version = await self._newest.get(workspace, lambda: self._first_or_newest(workspace))
        return await self.version(workspace, version)

    async def version(self, workspace: str, version: int) -> DataKey:
        """One version of a workspace's key; StorageUnavailable if it is not there, or does not unwrap."""
        return await self._keys.get((workspace, version), lambda: self._unwrapped(workspace, version))

    async def versions(self, workspace: str) -> dict[int, int]:
        """The versions that there are, the oldest first, and when each was made."""
        query = select(data_keys.c.version, data_keys.c.created_at).order_by(data_keys.c.version)
        async with self._of(workspace).reading() as connection:
            return {row.version: row.created_at for row in await connection.execute(query)}

    async def add_version(self, workspace: str) -> int:
        """Make a new version, which seals from now on: here at once, elsewhere when it is noticed."""
        version = max(await self.versions(workspace), default=0) + 1
        await self._add(workspace, version)
        self._newest.forget(workspace)
        return version

    async def _add(self, workspace: str, version: int) -> None:
        """Make a version, or find that another replica has."""
        wrapped = await self._wrapper.wrap(secrets.token_bytes(KEY_BYTES), _bound(workspace, version))
        there = select(data_keys.c.version).where(data_keys.c.version == version)
        row = {"workspace": workspace, "version": version, "wrapped": wrapped, "created_at": now()}
        async with self._of(workspace).writing() as connection:
            if (await connection.execute(there)).first() is None:
                await connection.execute(data_keys.insert(), row)

    async def drop(self, workspace: str, version: int) -> None:
        """Forget a version that nothing is sealed with any more."""
        async with self._of(workspace).writing() as connection:
            await connection.execute(data_keys.delete().where(data_keys.c.version == version))

    async def wrap_anew(self, workspace: str) -> int:
        """Wrap every version with the vault key that wraps now; how many."""
        query = select(data_keys.c.version, data_keys.c.wrapped)
        async with self._of(workspace).reading() as connection:
            found = list(await connection.execute(query))
        for row in found:
            bound = _bound(workspace, row.version)
            # Outside of a transaction: a vault elsewhere may take its time.
            wrapped = await self._wrapper.wrap(await self._wrapper.unwrap(row.wrapped, bound), bound)
            change = data_keys.update().where(
                data_keys.c.version == row.version, data_keys.c.wrapped == row.wrapped
            )
            async with self._of(workspace).writing() as connection:
                await connection.execute(change.values(wrapped=wrapped))
        return len(found)

    async def check(self, whole: Database) -> None:
        """Unwrap a key that is stored, of whichever workspace, and not from memory; StorageUnavailable.

        One of the oldest will do: while the vault is away, or has another key, none of them unwraps, and one
        row that was damaged is its workspace's matter alone.
        """
        query = select(data_keys).order_by(data_keys.c.created_at).limit(_CHECKED_KEYS)
        async with whole.reading() as connection:
            rows = await connection.execute(query)
            found = [(row.wrapped, _bound(row.workspace, row.version)) for row in rows]
        if not found:
            found = [(await self._wrapper.wrap(secrets.token_bytes(KEY_BYTES), "check"), "check")]
        failure: StorageUnavailable | None = None
        for wrapped, bound in found:
            try:
                await self._wrapper.unwrap(wrapped, bound)
                return
            except StorageUnavailable as error:
                failure = failure or error
        assert failure is not None  # noqa: S101 - there was one at least
        raise failure

    async def _first_or_newest(self, workspace: str) -> int:
        query = select(func.max(data_keys.c.version))
        async with self._of(workspace).reading() as connection:
            found = (await connection.execute(query)).scalar()
        if found is None:
            await self._add(workspace, 1)
        return int(found or 1)

    async def _unwrapped(self, workspace: str, version: int) -> DataKey:
        query = select(data_keys.c.wrapped).where(data_keys.c.version == version)
        async with self._of(workspace).reading() as connection:
            wrapped = (await connection.execute(query)).scalar()
        if wrapped is None:
            raise not_unwrapped(f"version {version} of it is not in the database")
        key = await self._wrapper.unwrap(str(wrapped), _bound(workspace, version))
        return DataKey(workspace, version, key)


def _bound(workspace: str, version: int) -> str:
    """What a data key is wrapped for."""
    return f"{workspace} {version}"
