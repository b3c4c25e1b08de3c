"""Workspaces as they are kept: made, found, changed; and the instances whose keys they have.

What belongs to a workspace is read and written through its own part of the database. The table of the
workspaces themselves, and whose member a person is, are looked up in the whole: before that nobody knows
which part is meant.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

from pydantic import SecretStr, ValidationError
from sqlalchemy import bindparam, delete, insert, select, update
from sqlalchemy.exc import IntegrityError

from deskclerk.database import Connection, Statement
from deskclerk.desk.instances.instance import Instance
from deskclerk.desk.jobs.store import cancel_all
from deskclerk.desk.journal.heads import BEGINNING
from deskclerk.desk.journal.tables import heads, signer
from deskclerk.desk.misses import missed
from deskclerk.desk.plans.store import dismiss_all
from deskclerk.desk.time_and_ids import new_id, now
from deskclerk.errors import InvalidRequest
from deskclerk.hosted.database import HostedDatabase
from deskclerk.hosted.errors import NotHere
from deskclerk.hosted.vault.tables import handovers, sealed_secrets
from deskclerk.hosted.workspaces.policy import Role, WorkspacePolicy
from deskclerk.hosted.workspaces.tables import instances, members, workspaces
from deskclerk.settings import CLERK_ORIGIN, Kind, Rules, Settings, check_origin, key_kind

_BY_ID = Statement(select(workspaces).where(workspaces.c.id == bindparam("value")))
_BY_SLUG = Statement(select(workspaces).where(workspaces.c.slug == bindparam("value")))
_SLUG = re.compile(r"[a-z0-9][a-z0-9-]{1,39}")
_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,39}")


def key_purpose(api_url: str | None) -> str:
    """What a secret key is sealed for: one that is to be sent elsewhere does not open."""
    return f"secret_key:{api_url or ''}"


class Sealer(Protocol):
    """Seals what is secret for one workspace, instance and purpose, so that it opens nowhere else."""

    async def seal(self, workspace: str, instance: str, purpose: str, text: str) -> str:
        """The text, sealed."""

    async def open(self, workspace: str, instance: str, purpose: str, sealed: str) -> str:
        """The text; SealBroken if it was sealed for anything else, or altered."""


@dataclass(frozen=True, slots=True)
class WorkspaceRecord:
    """A workspace; `version` is raised with every change that an open desk has to notice."""

    id: str
    slug: str
    name: str
    policy: WorkspacePolicy
    limits: dict[str, Any]
    keep_days: int | None
    version: int
    created_at: int


@dataclass(frozen=True, slots=True)
class InstanceRecord:
    """A Clerk instance of a workspace, without its key.

    `id` is what plans, jobs and the journal have for it, whichever key it has; `clerk_id` is Clerk's own,
    None where Clerk has not said so.
    """

    id: str
    clerk_id: str | None
    name: str
    kind: Kind
    api_url: str | None
    rules: Rules
    created_at: int


@dataclass(frozen=True, slots=True)
class RemovedInstance:
    """What went with an instance: the plans that waited, and the jobs that were not over."""

    plans: int = 0
    jobs: int = 0


class WorkspaceStore:
    """All workspaces of a hosted desk."""

    def __init__(self, hosted: HostedDatabase, sealer: Sealer, origins: Sequence[str] = ()) -> None:
        """`origins` are those that instances may be at beside Clerk's own: a workspace chooses no other."""
        self._hosted = hosted
        self._sealer = sealer
        self._origins = origins

    async def create(self, slug: str, name: str, owner: str | None = None) -> WorkspaceRecord:
        """A new workspace with an empty journal; `owner` is the person who has it.

        InvalidRequest for a slug that is none, or is taken.
        """
        if not _SLUG.fullmatch(slug):
            raise _invalid("slug", "lower-case letters, digits and '-', 2 to 40 of them")
        workspace = new_id("ws")
        row = {
            "id": workspace,
            "slug": slug,
            "name": name.strip()[:200] or slug,
            "created_at": now(),
            "policy": WorkspacePolicy().model_dump(mode="json"),
            "limits": {},
            "keep_days": None,
            "version": 1,
        }
        try:
            async with self._hosted.whole.writing() as connection:
                await connection.execute(insert(workspaces), row)
        except IntegrityError:
            raise _invalid("slug", f"one that is free; {slug} is taken") from None
        async with self._hosted.of(workspace).writing() as connection:
            await connection.execute(insert(heads), {"id": 1, "seq": 0, "hash": BEGINNING})
            await connection.execute(insert(signer), {"id": 1, "failures": 0, "locked_until": 0})
            if owner:
                await connection.execute(insert(members), _member(workspace, owner, "owner"))
        return _workspace(row)

    async def find(self, slug: str) -> WorkspaceRecord | None:
        """The workspace of a slug; whether somebody may know of it is the asker's to check."""
        return await self._one(_BY_SLUG, slug)

    async def load(self, workspace: str) -> WorkspaceRecord:
        """The workspace of an id; NotHere."""
        found = await self._one(_BY_ID, workspace)
        if found is None:
            raise _no_workspace()
        return found

    async def all(self) -> list[WorkspaceRecord]:
        """Every workspace, for the operator's own commands."""
        async with self._hosted.whole.reading() as connection:
            rows = await connection.execute(select(workspaces).order_by(workspaces.c.slug))
            return [_workspace(dict(row)) for row in rows.mappings()]

    async def of_person(self, person: str) -> list[tuple[WorkspaceRecord, Role]]:
        """The workspaces that a person is a member of, with the role there."""
        query = (
            select(workspaces, members.c.role)
            .join(members, members.c.workspace == workspaces.c.id)
            .where(members.c.person == person)
        )
        async with self._hosted.whole.reading() as connection:
            rows = (await connection.execute(query.order_by(workspaces.c.slug))).mappings().all()
        return [(_workspace(dict(row)), row["role"]) for row in rows]

    async def role(self, workspace: str, person: str) -> Role | None:
        """The role of a person in a workspace; None for who is no member."""
        query = select(members.c.role).where(members.c.person == person)
        async with self._hosted.of(workspace).reading() as connection:
            role: Role | None = (await connection.execute(query)).scalar_one_or_none()
        return role

    async def add_member(self, workspace: str, person: str, role: Role) -> None:
        """Make a person a member; InvalidRequest if they are one already."""
        try:
            async with self._hosted.of(workspace).writing() as connection:
                await connection.execute(insert(members), _member(workspace, person, role))
        except IntegrityError:
            raise _invalid("person", "somebody who is no member yet") from None

    async def set_policy(self, workspace: str, policy: WorkspacePolicy) -> None:
        """Put a policy in place of the one that is there; open desks notice."""
        await self._change(workspace, policy=policy.model_dump(mode="json"))

    async def set_limits(self, workspace: str, limits: dict[str, Any], keep_days: int | None) -> None:
        """Set what differs from the limits that all have, and for how long the journal is kept."""
        await self._change(workspace, limits=limits, keep_days=keep_days)

    async def add_instance(
        self,
        workspace: str,
        name: str,
        key: SecretStr,
        api_url: str | None = None,
        rules: Rules | None = None,
        *,
        clerk_id: str | None = None,
    ) -> InstanceRecord:
        """Add an instance; `clerk_id` is what Clerk says that it is.

        InvalidRequest for a name or an address that is none, or is taken; InvalidSettings for what is no
        secret key.
        """
        settings = self.check_instance(name, key, api_url)
        origin = settings.api_url
        sealed = await self._sealer.seal(workspace, name, key_purpose(origin), key.get_secret_value())
        row = {
            "workspace": workspace,
            "name": name,
            "created_at": now(),
            "kind": settings.kind,
            "instance": Instance.of(settings).id,
            "secret_key": sealed,
            "api_url": origin,
            "rules": (rules or Rules()).model_dump(mode="json"),
            "clerk_id": clerk_id,
        }
        same = (instances.c.clerk_id == clerk_id, instances.c.api_url.is_not_distinct_from(origin))
        there = select(instances.c.instance).where(*same, instances.c.kind == settings.kind)
        try:
            async with self._hosted.of(workspace).writing() as connection:
                # By another name it is there already, perhaps with another key: one instance, one id. Of one
                # that Clerk has not named, the same key alone says so, by the id that is made of it.
                if clerk_id is not None:
                    row["instance"] = (await connection.execute(there)).scalars().first() or row["instance"]
                await connection.execute(insert(instances), row)
                # A write that ended late at one that was removed may have kept something under its name.
                await _forget_secrets(connection, name)
        except IntegrityError:
            raise name_taken(name) from None
        await self._change(workspace)
        return _instance(row)

    async def replace_key(
        self, workspace: str, known: InstanceRecord, old: SecretStr, new: SecretStr, clerk_id: str
    ) -> InstanceRecord:
        """Put another key in the place of an instance's; that it is the same instance was found out before.

        InvalidRequest if the instance is not as it was found any more.
        """
        purpose = key_purpose(known.api_url)
        sealed = await self._sealer.seal(workspace, known.name, purpose, new.get_secret_value())
        here = instances.c.name == known.name
        async with self._hosted.of(workspace).reading() as connection:
            row = (await connection.execute(select(instances).where(here))).mappings().one_or_none()
        changed = 0
        if row and row["instance"] == known.id and await self._key(workspace, row) == old:
            # As it stands there: of two who replace it at once the second finds another.
            as_found = (here, instances.c.secret_key == row["secret_key"])
            given = update(instances).where(*as_found).values(secret_key=sealed, clerk_id=clerk_id)
            async with self._hosted.of(workspace).writing() as connection:
                changed = (await connection.execute(given)).rowcount
        if not changed:
            raise InvalidRequest(
                f"Somebody else has changed {known.name} meanwhile.",
                next_step="Nothing was changed. Look at what it is now, then do it again.",
            )
        await self._change(workspace)
        return replace(known, clerk_id=clerk_id)

    async def remove_instance(self, workspace: str, name: str) -> RemovedInstance:
        """Forget an instance with its key, its secrets and hand-overs; NotHere.

        With its last name go the plans that wait and the jobs that are not over: nobody could sign, stop or
        carry them out any more.
        """
        removed = RemovedInstance()
        here = instances.c.name == name
        known_as = select(instances.c.instance).where(here).scalar_subquery()
        # Locked: of two names that are removed at once one is the last.
        same = select(instances.c.name, instances.c.instance).where(instances.c.instance == known_as)
        async with self._hosted.of(workspace).writing() as connection:
            found = await connection.execute(same.order_by(instances.c.name).with_for_update())
            names = {row.name: row.instance for row in found}
            if name not in names:
                missed(name)
                raise _no_instance()
            await connection.execute(delete(instances).where(here))
            await _forget_secrets(connection, name)
            if len(names) == 1:
                closed = await dismiss_all(connection, names[name], "its instance was removed")
                removed = RemovedInstance(closed, await cancel_all(connection, names[name]))
        await self._change(workspace)
        return removed

    async def instances(self, workspace: str) -> list[InstanceRecord]:
        """The instances of a workspace, by name."""
        query = select(instances).order_by(instances.c.name)
        async with self._hosted.of(workspace).reading() as connection:
            rows = (await connection.execute(query)).mappings().all()
        return [_instance(dict(row)) for row in rows]

    async def key_of(self, workspace: str, name: str) -> tuple[InstanceRecord, SecretStr]:
        """An instance with its secret key, apart from others that are none of its names; NotHere."""
        query = select(instances).where(instances.c.name == name)
        async with self._hosted.of(workspace).reading() as connection:
            row = (await connection.execute(query)).mappings().one_or_none()
        if row is None:
            raise _no_instance()
        record, key = _instance(dict(row)), await self._key(workspace, row)
        own = Instance.of(Settings(secret_key=key, api_url=record.api_url)).id
        # Without a name from Clerk it has had no other key, and so no other id than the one of this key.
        if record.clerk_id is None and record.id != own:
            await self._set_apart(workspace, record, own)
            record = replace(record, id=own)
        return record, key

    async def _set_apart(self, workspace: str, known: InstanceRecord, own: str) -> None:
        """Give an instance an id of its own that was added with another's, as deskclerk once did.

        What waits, and what is not over, ends: nobody knows at which of the two it was asked for.
        """
        mine = (
            instances.c.name == known.name,
            instances.c.instance == known.id,
            instances.c.clerk_id.is_(None),
        )
        async with self._hosted.of(workspace).writing() as connection:
            apart = await connection.execute(update(instances).where(*mine).values(instance=own))
            if apart.rowcount:
                await dismiss_all(connection, known.id, "it may have been for another instance")
                await cancel_all(connection, known.id)
        await self._change(workspace)

    def check_instance(self, name: str, key: SecretStr, api_url: str | None) -> Settings:
        """The settings of an instance that may be added; the errors are those of `add_instance`."""
        if not _NAME.fullmatch(name):
            raise _invalid("name", "lower-case letters, digits and '-', at most 40")
        kind = key_kind(key.get_secret_value())
        origin = self._origin(api_url)
        if kind == "sandbox" and not origin:
            raise _invalid("secret_key", "sk_live_… or sk_test_…: a hosted desk has no sandbox within it")
        return Settings(secret_key=key, api_url=origin)

    async def _key(self, workspace: str, row: Mapping[Any, Any]) -> SecretStr:
        purpose = key_purpose(row["api_url"])
        return SecretStr(await self._sealer.open(workspace, row["name"], purpose, row["secret_key"]))

    def _origin(self, api_url: str | None) -> str | None:
        """The origin of an instance; what a customer enters must not have this machine ask its neighbours."""
        if not api_url:
            return None
        try:
            origin = check_origin(api_url)
        except ValueError as error:
            raise _invalid("api_url", str(error)) from None
        if origin not in (CLERK_ORIGIN, *self._origins):
            raise _invalid("api_url", " or ".join((CLERK_ORIGIN, *self._origins)))
        return None if origin == CLERK_ORIGIN else origin

    async def _one(self, statement: Statement, value: str) -> WorkspaceRecord | None:
        rows = await self._hosted.whole.ask(statement, value=value)
        return _workspace(dict(zip(workspaces.c.keys(), rows[0], strict=True))) if rows else None

    async def _change(self, workspace: str, **values: Any) -> None:
        raised = update(workspaces).where(workspaces.c.id == workspace)
        async with self._hosted.whole.writing() as connection:
            await connection.execute(raised.values(**values, version=workspaces.c.version + 1))


async def _forget_secrets(connection: Connection, name: str) -> None:
    """Forget what was stored for an instance of this name, and what it showed once: another may get it."""
    for table in (sealed_secrets, handovers):
        await connection.execute(delete(table).where(table.c.instance == name))


def read_policy(given: dict[str, Any]) -> WorkspacePolicy:
    """A policy from what a form or a command gives; InvalidRequest names what is wrong."""
    try:
        return WorkspacePolicy(**given)
    except ValidationError as error:
        problems = [
            (".".join(map(str, item["loc"])), item["msg"].removeprefix("Value error, "))
            for item in error.errors(include_url=False, include_input=False)
        ]
        told = "; ".join(f"{field}: {problem}" for field, problem in problems)
        raise InvalidRequest(f"{told}.", problems=problems, next_step="Nothing was changed.") from None


def _member(workspace: str, person: str, role: Role) -> dict[str, Any]:
    return {"workspace": workspace, "person": person, "role": role, "created_at": now()}


def _workspace(row: dict[str, Any]) -> WorkspaceRecord:
    names = ("id", "slug", "name", "limits", "keep_days", "version", "created_at")
    return WorkspaceRecord(policy=WorkspacePolicy(**row["policy"]), **{name: row[name] for name in names})


def _instance(row: dict[str, Any]) -> InstanceRecord:
    names = ("clerk_id", "name", "kind", "api_url", "created_at")
    told = {name: row[name] for name in names}
    return InstanceRecord(id=row["instance"], rules=Rules(**row["rules"]), **told)


def _invalid(argument: str, accepted: str) -> InvalidRequest:
    problem = f"accepted: {accepted}"
    return InvalidRequest(
        f"{argument}: {problem}.", problems=[(argument, problem)], next_step="Nothing was changed."
    )


def _no_workspace() -> NotHere:
    return NotHere("There is no such workspace.", next_step="Check its address.")


def name_taken(name: str) -> InvalidRequest:
    """There is an instance of this name."""
    return InvalidRequest(
        f"{name} is the name of another instance already.",
        next_step="Nothing was stored. Choose another name, or replace that one's key.",
    )


def _no_instance() -> NotHere:
    return NotHere("The workspace has no such instance.", next_step="Its page lists those that it has.")
