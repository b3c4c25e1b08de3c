"""Invitations to a workspace: a link made once, for whoever has the e-mail address that it was made for."""

import re
from dataclasses import dataclass

from sqlalchemy import RowMapping, insert, or_, select
from sqlalchemy.exc import IntegrityError

from deskclerk.desk.misses import missed
from deskclerk.desk.time_and_ids import new_id, now
from deskclerk.errors import InvalidRequest
from deskclerk.hosted.database import HostedDatabase
from deskclerk.hosted.errors import NotHere
from deskclerk.hosted.people.persons import Person, comparable
from deskclerk.hosted.people.secret_values import digest, new_value
from deskclerk.hosted.people.tables import invitations
from deskclerk.hosted.workspaces.policy import Role
from deskclerk.hosted.workspaces.tables import members

DAYS = 7
"""For how long an invitation can be accepted."""
_MOST = 200
"""Of one workspace that wait."""
OPERATOR = "operator"
"""Who invites the first owner of a workspace: whoever runs the desk, and no member."""
_EMAIL = re.compile(r"[^@\s]{1,64}@[^@\s]{1,190}\.[^@\s.]{2,}")
# Whoever invited can still do so: an owner's invitation does not outlast the owner.
_STANDS = or_(
    invitations.c.invited_by == OPERATOR,
    select(members.c.person)
    .where(
        members.c.workspace == invitations.c.workspace,
        members.c.person == invitations.c.invited_by,
        members.c.role == "owner",
    )
    .correlate(invitations)
    .exists(),
)


@dataclass(frozen=True, slots=True)
class Invitation:
    """An invitation that waits."""

    id: str
    workspace: str
    email: str
    role: Role
    expires_at: int


class Invitations:
    """The invitations of all workspaces."""

    def __init__(self, hosted: HostedDatabase) -> None:
        self._hosted = hosted

    async def invite(self, workspace: str, email: str, role: Role, invited_by: str) -> tuple[Invitation, str]:
        """A new invitation, and its link's secret part, which is shown this once.

        An earlier one for the same address is no longer good. InvalidRequest for what is no address.
        """
        email = comparable(email)
        if not _EMAIL.fullmatch(email):
            problem = "accepted: an e-mail address, such as sol@example.com"
            raise InvalidRequest(
                f"email: {problem}.", problems=[("email", problem)], next_step="Nobody was invited."
            )
        value, at = new_value(), now()
        made = Invitation(new_id("inv"), workspace, email, role, at + DAYS * 86_400_000)
        row = {
            "id": made.id,
            "email": email,
            "role": role,
            "digest": digest(value),
            "invited_by": invited_by,
            "created_at": at,
            "expires_at": made.expires_at,
        }
        waiting = invitations.c.accepted_at.is_(None)
        async with self._hosted.of(workspace).writing() as connection:
            over = waiting & ((invitations.c.email == email) | (invitations.c.expires_at <= at))
            await connection.execute(invitations.delete().where(over))
            count = len((await connection.execute(select(invitations.c.id).where(waiting))).all())
            if count >= _MOST:
                raise InvalidRequest(
                    f"{count} invitations wait already.", next_step="Take some back, then invite others."
                )
            await connection.execute(insert(invitations), row)
        return made, value

    async def waiting(self, workspace: str) -> list[Invitation]:
        """The invitations of a workspace that can still be accepted, the newest first."""
        query = (
            select(invitations)
            .where(invitations.c.accepted_at.is_(None), invitations.c.expires_at > now())
            .order_by(invitations.c.created_at.desc(), invitations.c.id.desc())
        )
        async with self._hosted.of(workspace).reading() as connection:
            rows = (await connection.execute(query)).mappings().all()
        return [_invitation(workspace, row) for row in rows]

    async def take_back(self, workspace: str, invitation: str) -> None:
        """Make an invitation's link good for nothing; NotHere."""
        mine = invitations.c.id == invitation, invitations.c.accepted_at.is_(None)
        async with self._hosted.of(workspace).writing() as connection:
            gone = await connection.execute(invitations.delete().where(*mine))
        if gone.rowcount == 0:
            missed(invitation)
            raise NotHere("No such invitation waits.", next_step="The page of members lists those that do.")

    async def find(self, value: str, person: Person) -> Invitation:
        """The invitation of a link, for the person whose it is; NotHere.

        Whoever else comes with the link is told what one with no link at all is.
        """
        # The whole: the link is all that says which workspace is meant.
        query = select(invitations).where(
            invitations.c.digest == digest(value),
            invitations.c.accepted_at.is_(None),
            invitations.c.expires_at > now(),
            _STANDS,
        )
        async with self._hosted.whole.reading() as connection:
            row = (await connection.execute(query)).mappings().one_or_none()
        if row is None or person.email is None or row["email"] != person.email:
            # Not the link itself: whoever reads the journal could be whose it is not.
            missed("an invitation's link")
            raise NotHere(
                "This invitation is not for you, was used, taken back, or has expired.",
                next_step="Sign in with the e-mail address that was invited, or ask for a new invitation.",
            )
        return _invitation(row["workspace"], row)

    async def accept(self, value: str, person: Person) -> Invitation:
        """Make the person a member, once; NotHere as `find`, InvalidRequest for who is a member already."""
        found = await self.find(value, person)
        # Looked at again within the workspace's write lock: who invited may have been removed meanwhile.
        mine = invitations.c.id == found.id, invitations.c.accepted_at.is_(None), _STANDS
        row = {"person": person.id, "role": found.role, "created_at": now()}
        try:
            async with self._hosted.of(found.workspace).writing() as connection:
                used = await connection.execute(invitations.update().where(*mine).values(accepted_at=now()))
                if used.rowcount == 0:
                    raise NotHere("This invitation was used, or taken back.", next_step="Ask for a new one.")
                await connection.execute(insert(members), row)
        except IntegrityError:
            raise InvalidRequest(
                "You are a member of this workspace already.", next_step="An owner can change your role."
            ) from None
        return found


def _invitation(workspace: str, row: RowMapping) -> Invitation:
    return Invitation(row["id"], workspace, row["email"], row["role"], row["expires_at"])
