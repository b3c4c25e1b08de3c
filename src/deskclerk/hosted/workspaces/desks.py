"""The desks of workspaces: one for each instance that is in use, opened with the doors of its workspace."""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, replace
from typing import Any, Generic, TypeVar

from deskclerk.desk import Desk
from deskclerk.desk.workspace import Workspace
from deskclerk.hosted.pool import Pool
from deskclerk.hosted.workspaces.store import WorkspaceRecord, WorkspaceStore
from deskclerk.settings import Rules

T = TypeVar("T")

MOST = 512
"""Desks that one replica has open: some 60 KB each while nobody asks (`benchmarks/hosted.py`)."""
IDLE_SECONDS = 600.0


@dataclass(frozen=True, slots=True)
class Place:
    """Which desk: an instance of a workspace, as the workspace is now."""

    workspace: str
    instance: str
    version: int

    @classmethod
    def of(cls, workspace: WorkspaceRecord, instance: str) -> "Place":
        """The place of an instance's desk, in a workspace as it was just read."""
        return cls(workspace.id, instance, workspace.version)


Doors = Callable[[WorkspaceRecord, str], Workspace]
"""The doors of a workspace, for a desk of the instance of this name."""
AgentRules = Callable[[str], Awaitable[Mapping[str, Rules]]]
"""The rules of a workspace's agents, by the names that they have as callers."""
Around = Callable[[Desk, WorkspaceRecord, str], AbstractAsyncContextManager[T]]
"""What is opened around a desk, of a workspace and the instance of this name."""


@asynccontextmanager
async def _alone(desk: Desk, workspace: WorkspaceRecord, instance: str) -> AsyncIterator[Desk]:
    del workspace, instance
    yield desk


class Desks(Generic[T]):
    """What is open of the desks of all workspaces, with what a face has around each."""

    def __init__(
        self,
        store: WorkspaceStore,
        doors: Doors,
        agents: AgentRules,
        around: Around[T],
        common: Mapping[str, Any],
        *,
        yields: bool = False,
    ) -> None:
        """`common` are settings of all; `yields`: what they send to Clerk lets everybody else go first."""
        self._store = store
        self._doors = doors
        self._agents = agents
        self._around = around
        self._common = common
        self._yields = yields
        self._newest: dict[tuple[str, str], int] = {}
        self._pool: Pool[Place, T] = Pool(self._open, most=MOST, idle_seconds=IDLE_SECONDS)

    @classmethod
    def alone(
        cls,
        store: WorkspaceStore,
        doors: Doors,
        agents: AgentRules,
        common: Mapping[str, Any] | None = None,
        *,
        yields: bool = False,
    ) -> "Desks[Desk]":
        """Desks with nothing around them."""
        return Desks(store, doors, agents, _alone, common or {}, yields=yields)

    @asynccontextmanager
    async def use(self, place: Place) -> AsyncIterator[T]:
        """The desk of a place; NotHere where the workspace has no such instance."""
        # Looked for only when a workspace has changed, and not with every request.
        if self._newest.get(here := (place.workspace, place.instance), 0) < place.version:
            self._newest[here] = place.version
            self._pool.forget(
                lambda other: (other.workspace, other.instance) == here and other.version < place.version
            )
        async with self._pool.use(place) as found:
            yield found

    async def close(self) -> None:
        """Close every desk: writes under way end first."""
        await self._pool.close()

    def __len__(self) -> int:
        return len(self._pool)

    @asynccontextmanager
    async def _open(self, place: Place) -> AsyncIterator[T]:
        workspace = await self._store.load(place.workspace)
        instance, key = await self._store.key_of(place.workspace, place.instance)
        agents = dict(await self._agents(place.workspace))
        settings = workspace.policy.settings(instance.name, key, instance.api_url, instance.rules, agents)
        settings = settings.model_copy(update=self._common)
        # By the id that it was added with: what was asked for with an earlier key goes on with this one.
        doors = replace(self._doors(workspace, instance.name), instance=instance.id)
        desk = Desk(settings, workspace=doors, yields=self._yields)
        async with desk, self._around(desk, workspace, instance.name) as found:
            yield found
