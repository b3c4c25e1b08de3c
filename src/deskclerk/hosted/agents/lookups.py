"""What is looked up before a workspace is known: whose token it is, and which workspaces a person has.

These go past the scoping of statements, as the database's owner; nothing else of this room does.
"""

from dataclasses import dataclass, fields

from sqlalchemy import String, bindparam, func, select
from sqlalchemy.dialects.postgresql import ARRAY

from deskclerk.database import Statement
from deskclerk.hosted.agents.agent import AgentRules
from deskclerk.hosted.agents.tables import agent_tokens, agents
from deskclerk.hosted.agents.tokens import digest_of
from deskclerk.hosted.database import HostedDatabase
from deskclerk.hosted.people.tables import people
from deskclerk.hosted.workspaces.policy import Role
from deskclerk.hosted.workspaces.tables import instances, members, workspaces

# The names of a workspace's instances, with the row that says which workspace it is: a question less.
_INSTANCES = func.array(
    select(instances.c.name)
    .where(instances.c.workspace == workspaces.c.id)
    .order_by(instances.c.name)
    .correlate(workspaces)
    .scalar_subquery(),
    type_=ARRAY(String),
)
# In the order of the fields of `FoundToken`.
_FIND_TOKEN = Statement(
    select(
        agent_tokens.c.id,
        agent_tokens.c.workspace,
        workspaces.c.slug,
        agent_tokens.c.scopes,
        agent_tokens.c.expires_at,
        agent_tokens.c.revoked_at,
        agent_tokens.c.last_used_at,
        agent_tokens.c.made_by,
        members.c.role,
        agents.c.name,
        agents.c.rules,
        workspaces.c.version,
        _INSTANCES,
    )
    .join(workspaces, workspaces.c.id == agent_tokens.c.workspace)
    .join(agents, (agents.c.id == agent_tokens.c.agent) & (agents.c.workspace == agent_tokens.c.workspace))
    .outerjoin(
        members,
        (members.c.workspace == agent_tokens.c.workspace) & (members.c.person == agent_tokens.c.made_by),
    )
    .where(agent_tokens.c.digest == bindparam("digest"))
)
# In the order of the fields of `Membership`.
_MEMBERSHIPS = Statement(
    select(workspaces.c.id, workspaces.c.slug, people.c.id, members.c.role, workspaces.c.version, _INSTANCES)
    .join(members, members.c.workspace == workspaces.c.id)
    .join(people, people.c.id == members.c.person)
    .where((people.c.issuer == bindparam("issuer_is")) & (people.c.subject == bindparam("subject_is")))
    .order_by(workspaces.c.slug)
)


@dataclass(frozen=True, slots=True)
class Membership:
    """One workspace of a person, and what they are there."""

    workspace: str
    slug: str
    person: str
    role: Role
    version: int
    instances: list[str]


@dataclass(frozen=True, slots=True)
class FoundToken:
    """A token that somebody showed; without a `role` its maker is no member any more."""

    id: str
    workspace: str
    slug: str
    scopes: tuple[str, ...]
    expires_at: int
    revoked_at: int | None
    last_used_at: int | None
    made_by: str
    role: Role | None
    agent: str
    rules: AgentRules
    version: int
    instances: list[str]


class Lookups:
    """Asks all workspaces at once."""

    def __init__(self, hosted: HostedDatabase) -> None:
        self._whole = hosted.whole

    async def token(self, token: str) -> FoundToken | None:
        """The token of a workspace that somebody showed."""
        rows = await self._whole.ask(_FIND_TOKEN, digest=digest_of(token))
        if not rows:
            return None
        names = (field.name for field in fields(FoundToken))
        found = dict(zip(names, rows[0], strict=True))
        return FoundToken(
            **{**found, "scopes": tuple(found["scopes"]), "rules": AgentRules(**found["rules"])}
        )

    async def memberships(self, issuer: str, subject: str) -> list[Membership]:
        """The workspaces of a person who has signed in, by their addresses.

        By what the issuer calls the person and never by an e-mail address, which passes from one to another.
        """
        rows = await self._whole.ask(_MEMBERSHIPS, issuer_is=issuer, subject_is=subject)
        return [Membership(*row) for row in rows]
