"""Who belongs to a workspace, and as what; there is always an owner."""

from collections.abc import Iterable
from dataclasses import dataclass

from sqlalchemy import func, or_, select

from deskclerk.database import Connection, Statement
from deskclerk.desk.misses import missed
from deskclerk.desk.time_and_ids import now
from deskclerk.errors import InvalidRequest
from deskclerk.hosted.agents.tables import agent_tokens
from deskclerk.hosted.database import HostedDatabase
from deskclerk.hosted.errors import NotHere
from deskclerk.hosted.people.persons import Person, person_of
from deskclerk.hosted.people.tables import invitations, people
from deskclerk.hosted.workspaces.policy import ROLES, Role
from deskclerk.hosted.workspaces.tables import members

_ROLES = Statement(select(members.c.person, members.c.role))


@dataclass(frozen=True, slots=True)
class Member:
    """A person of a workspace."""

    person: Person
    role: Role
    created_at: int


def read_role(given: str) -> Role:
    """A role from a form; InvalidRequest."""
    for role in ROLES:
        if given == role:
            return role
    problem = f"accepted: {', '.join(ROLES)}"
    raise InvalidRequest(
        f"role: {problem}.", problems=[("role", problem)], next_step="Nothing was changed. Choose one."
    )


class Members:
    """The members of one workspace."""

    def __init__(self, hosted: HostedDatabase, workspace: str) -> None:
        self._hosted = hosted
        self._database = hosted.of(workspace)

    async def list(self) -> list[Member]:
        """All members, by the time at which they came."""
        async with self._database.reading() as connection:
            query = select(members).order_by(members.c.created_at, members.c.person)
            rows = (await connection.execute(query)).mappings().all()
        # People belong to no workspace: only those are looked up whom the workspace has.
        known = people.select().where(people.c.id.in_([row["person"] for row in rows]))
        async with self._hosted.whole.reading() as connection:
            found = {row["id"]: person_of(row) for row in (await connection.execute(known)).mappings()}
        return [Member(found[row["person"]], row["role"], row["created_at"]) for row in rows]

    async def roles(self) -> dict[str, Role]:
        """The role of every member, by the person's id."""
        rows: Iterable[tuple[str, Role]] = await self._database.ask(_ROLES)
        return dict(rows)

    async def set_role(self, person: str, role: Role) -> None:
        """Change what a member is; NotHere, and InvalidRequest for the last owner.

        What somebody who is no owner any more has invited ends.
        """
        async with self._database.writing() as connection:
            await self._check_owner_left(connection, person, role)
            mine = members.c.person == person
            await connection.execute(members.update().where(mine).values(role=role))
            if role != "owner":
                theirs = invitations.c.invited_by == person, invitations.c.accepted_at.is_(None)
                await connection.execute(invitations.delete().where(*theirs))

    async def remove(self, person: str) -> None:
        """Take a member out; NotHere, and InvalidRequest for the last owner.

        With the member go every way back in: the tokens that they made, the invitations that wait for their
        address, and those that they made.
        """
        address = select(people.c.email).where(people.c.id == person)
        async with self._hosted.whole.reading() as connection:
            email = (await connection.execute(address)).scalar_one_or_none()
        async with self._database.writing() as connection:
            await self._check_owner_left(connection, person, None)
            await connection.execute(members.delete().where(members.c.person == person))
            theirs = or_(invitations.c.invited_by == person, invitations.c.email == email)
            await connection.execute(invitations.delete().where(invitations.c.accepted_at.is_(None), theirs))
            made = agent_tokens.c.made_by == person, agent_tokens.c.revoked_at.is_(None)
            await connection.execute(agent_tokens.update().where(*made).values(revoked_at=now()))

    async def _check_owner_left(self, connection: Connection, person: str, role: Role | None) -> None:
        """Within the workspace's write lock: of two owners who take each other out, one stays."""
        query = select(members.c.role).where(members.c.person == person)
        now_is = (await connection.execute(query)).scalar_one_or_none()
        if now_is is None:
            missed(person)
            raise NotHere("The workspace has no such member.", next_step="Its page lists those that it has.")
        owners = select(func.count()).select_from(members).where(members.c.role == "owner")
        if now_is == "owner" != role and (await connection.execute(owners)).scalar_one() == 1:
            raise InvalidRequest(
                "This is the workspace's last owner.",
                next_step="Nothing was changed. Make somebody else an owner first.",
            )
