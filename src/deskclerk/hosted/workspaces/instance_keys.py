"""The keys that people give the instances of a workspace: asked about at Clerk before they are kept.

Plans, jobs, journal and rate budgets are bound to an instance. With another key they go on only where Clerk
itself says that it is the same instance: it has one id for it, whichever key asks (`GET /v1/instance`).
"""

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager

from pydantic import SecretStr

from deskclerk.catalogue.instance import GetInstance
from deskclerk.desk import Caller, Desk
from deskclerk.desk.misses import missed
from deskclerk.desk.workspace import Workspace
from deskclerk.errors import ClerkError, ClerkUnavailable, InvalidRequest, NextSteps, RateLimited
from deskclerk.hosted.database import HostedDatabase
from deskclerk.hosted.errors import NotHere
from deskclerk.hosted.workspaces.store import InstanceRecord, WorkspaceStore, name_taken
from deskclerk.settings import Settings, key_kind

_TIMEOUT = 10.0
"""Seconds for one question: somebody looks at the page."""
_OTHER_NAME = "Nothing was changed. Add the key as an instance of its own, under another name."
_STEPS = NextSteps(
    key="Nothing was kept. Copy it again from Clerk Dashboard, API Keys, Secret key, or make a new one "
    "there; then enter that.",
    address="Nothing was kept. Check that the instance's address is the origin of Clerk's Backend API, such "
    "as https://api.clerk.com, and that no proxy answers in its place.",
    connection="Check the instance's address, then enter the key again.",
)
"""To whoever enters a key."""

Asking = Callable[[Settings, Workspace], AbstractAsyncContextManager[Desk]]
"""The desk that asks Clerk about a key, on the journal of a workspace."""


def _desk(settings: Settings, workspace: Workspace) -> Desk:
    return Desk(settings, workspace=workspace)


class InstanceKeys:
    """Adds instances to workspaces, and puts new keys in the place of old ones."""

    def __init__(self, hosted: HostedDatabase, workspaces: WorkspaceStore, asking: Asking = _desk) -> None:
        self._hosted = hosted
        self._workspaces = workspaces
        self._asking = asking

    async def add(
        self, workspace: str, caller: Caller, name: str, key: SecretStr, api_url: str | None = None
    ) -> InstanceRecord:
        """A new instance, with what Clerk says that it is.

        It is kept as well while Clerk cannot be reached: then it is asked when it gets another key.

        Raises:
            InvalidRequest: a name or an address that is none, or is taken.
            InvalidSettings: what is no secret key.
            ClerkError: Clerk refuses the key.
        """
        settings = self._workspaces.check_instance(name, key, api_url)
        if name in {item.name for item in await self._workspaces.instances(workspace)}:
            raise name_taken(name)
        try:
            said = await self._clerk_id(workspace, caller, key, settings.api_url)
        except (ClerkUnavailable, RateLimited):
            said = None
        return await self._workspaces.add_instance(workspace, name, key, api_url, clerk_id=said)

    async def replace(self, workspace: str, caller: Caller, name: str, key: SecretStr) -> InstanceRecord:
        """Another key for an instance, at the address that it has; what waits goes on with it.

        Raises:
            NotHere: the workspace has no such instance.
            InvalidRequest: the key is of another instance, or nobody says that it is of this one.
            InvalidSettings: it is no secret key.
            ClerkError: Clerk refuses it, or cannot be reached.
        """
        try:
            record, old = await self._workspaces.key_of(workspace, name)
        except NotHere:
            missed(name)
            raise
        kind = key_kind(key.get_secret_value())
        if kind != record.kind:
            raise InvalidRequest(
                f"That is a {kind} key, and {name} is a {record.kind} instance.", next_step=_OTHER_NAME
            )
        said = await self._clerk_id(workspace, caller, key, record.api_url)
        known = record.clerk_id or await self._said_of_old(workspace, caller, record, old)
        if said is None or known is None:
            raise InvalidRequest(
                f"Clerk does not say that this key is of the same instance as {name}: "
                f"{'it names none' if said is None else 'the key that it has is not taken any more'}.",
                next_step=_OTHER_NAME,
            )
        if said != known:
            raise InvalidRequest(
                f"That key is of another instance of Clerk's than {name}.", next_step=_OTHER_NAME
            )
        return await self._workspaces.replace_key(workspace, record, old, key, said)

    async def _said_of_old(
        self, workspace: str, caller: Caller, record: InstanceRecord, old: SecretStr
    ) -> str | None:
        """What Clerk says of an instance that nobody asked about when it was added; None if nothing."""
        try:
            return await self._clerk_id(workspace, caller, old, record.api_url)
        except (ClerkUnavailable, RateLimited):
            raise
        except ClerkError:
            return None

    async def _clerk_id(
        self, workspace: str, caller: Caller, key: SecretStr, api_url: str | None
    ) -> str | None:
        """Clerk's own id of the instance that a key opens, by a read that is journalled like any."""
        # The policy of the workspace is for who asks at its desks: this asks whose key it is.
        settings = Settings(
            secret_key=key, api_url=api_url, read_only=True, timeout=_TIMEOUT, retry_seconds=0
        )
        own = Workspace(workspace, self._hosted.storage(workspace), see_to_jobs=lambda _: False, steps=_STEPS)
        async with self._asking(settings, own) as desk:
            said = (await desk.perform(GetInstance(), caller=caller)).value
        found = said.get("id") if isinstance(said, dict) else None
        return found if isinstance(found, str) and found.startswith("ins_") else None
