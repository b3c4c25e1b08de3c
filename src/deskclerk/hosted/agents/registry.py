"""The agents of workspaces and the OAuth clients that came to them, as owners see and change them."""

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal

from sqlalchemy import bindparam, delete, func, insert, select, update
from sqlalchemy.dialects.postgresql import insert as insert_or
from sqlalchemy.exc import IntegrityError

from deskclerk.database import Connection, Statement
from deskclerk.desk.caller import FACES
from deskclerk.desk.misses import missed
from deskclerk.desk.policy.policy import check_patterns
from deskclerk.desk.time_and_ids import new_id, now
from deskclerk.desk.view.cleaning import line_of
from deskclerk.errors import InvalidRequest, InvalidSettings
from deskclerk.hosted.agents.agent import AgentRules
from deskclerk.hosted.agents.tables import agent_clients, agent_tokens, agents
from deskclerk.hosted.database import HostedDatabase
from deskclerk.hosted.errors import NotHere
from deskclerk.hosted.workspaces.tables import workspaces
from deskclerk.settings import Rules

Status = Literal["waiting", "allowed", "refused"]
MOST_AGENTS, MOST_WAITING = 200, 50
"""Of one workspace: agents, and clients that wait for an owner's word."""
USED_EVERY = 60_000
"""Milliseconds between two notes that something is in use."""
_LONGEST_ID = 512
_LONGEST_SELF = 100
_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,39}")
_NOTHING = "Nothing was changed."

_THIS_CLIENT = (agent_clients.c.issuer == bindparam("issuer_is")) & (
    agent_clients.c.client_id == bindparam("client_is")
)
_FIND_CLIENT = Statement(
    select(agent_clients.c.status, agent_clients.c.last_used_at, agents.c.id, agents.c.name, agents.c.rules)
    .select_from(agent_clients.outerjoin(agents, agents.c.id == agent_clients.c.agent))
    .where(_THIS_CLIENT)
)
_CLIENT_USED = Statement(update(agent_clients).where(_THIS_CLIENT).values(last_used_at=bindparam("at")))


@dataclass(frozen=True, slots=True)
class AgentRecord:
    """A named agent of a workspace."""

    id: str
    name: str
    rules: AgentRules
    created_at: int
    created_by: str


@dataclass(frozen=True, slots=True)
class ClientRecord:
    """An OAuth client that came to a workspace; `calls_itself` is its own word for itself, and no proof."""

    issuer: str
    client_id: str
    status: Status
    agent: str | None
    calls_itself: str
    first_by: str
    first_at: int
    decided_by: str | None
    decided_at: int | None
    last_used_at: int | None


@dataclass(frozen=True, slots=True)
class Binding:
    """What a workspace has said to a client: as which agent it comes, if it may."""

    status: Status
    agent: str | None
    rules: AgentRules | None


class AgentRegistry:
    """The agents and OAuth clients of every workspace."""

    def __init__(self, hosted: HostedDatabase) -> None:
        self._hosted = hosted

    async def agents(self, workspace: str) -> list[AgentRecord]:
        """The agents of a workspace, by name."""
        async with self._hosted.of(workspace).reading() as connection:
            rows = (await connection.execute(select(agents).order_by(agents.c.name))).mappings().all()
        return [_agent(dict(row)) for row in rows]

    async def rules(self, workspace: str) -> dict[str, Rules]:
        """The rules of a workspace's agents by their names, for the desks of the workspace."""
        return {agent.name: agent.rules.alone for agent in await self.agents(workspace)}

    async def create(self, workspace: str, name: str, rules: AgentRules, by: str) -> AgentRecord:
        """A new agent; InvalidRequest for a name that is none or is taken, or rules that name no action."""
        async with self._hosted.of(workspace).writing() as connection:
            made = await self._create(connection, workspace, name, rules, by)
        await self._changed(workspace)
        return made

    async def change(self, workspace: str, agent: str, rules: AgentRules) -> None:
        """Put rules in the place of an agent's; they hold from its next request on. NotHere."""
        _check(rules)
        changed = update(agents).where(agents.c.id == agent).values(rules=rules.model_dump(mode="json"))
        async with self._hosted.of(workspace).writing() as connection:
            if (await connection.execute(changed)).rowcount == 0:
                raise _no_agent(agent)
        await self._changed(workspace)

    async def remove(self, workspace: str, agent: str) -> None:
        """Forget an agent: its tokens end, and its clients wait to be allowed anew. NotHere."""
        async with self._hosted.of(workspace).writing() as connection:
            if (await connection.execute(delete(agents).where(agents.c.id == agent))).rowcount == 0:
                raise _no_agent(agent)
            await connection.execute(delete(agent_tokens).where(agent_tokens.c.agent == agent))
            await connection.execute(delete(agent_clients).where(agent_clients.c.agent == agent))
        await self._changed(workspace)

    async def clients(self, workspace: str) -> list[ClientRecord]:
        """The OAuth clients that came, those that wait first and the newest of each first."""
        names = tuple(column.name for column in agent_clients.columns if column.name != "workspace")
        query = select(*(agent_clients.c[name] for name in names)).order_by(
            agent_clients.c.status.desc(), agent_clients.c.first_at.desc()
        )
        async with self._hosted.of(workspace).reading() as connection:
            rows = (await connection.execute(query)).mappings().all()
        return [ClientRecord(**row) for row in rows]

    async def binding(self, workspace: str, issuer: str, client_id: str) -> Binding | None:
        """What a workspace has said to a client, whose use is noted; None to one that never came."""
        mine = self._hosted.of(workspace)
        rows = await mine.ask(_FIND_CLIENT, issuer_is=issuer, client_is=client_id)
        if not rows:
            return None
        status, used, agent, name, rules = rows[0]
        if status == "allowed" and (used is None or used < now() - USED_EVERY):
            async with mine.writing(synced=False) as connection:
                await connection.apply(_CLIENT_USED, issuer_is=issuer, client_is=client_id, at=now())
        return Binding(status, name, AgentRules(**rules) if agent else None)

    async def wait(self, workspace: str, issuer: str, client_id: str, *, by: str, calls_itself: str) -> bool:
        """Have a client wait for an owner's word; False where too many wait already."""
        row = {
            "workspace": workspace,
            "issuer": issuer,
            "client_id": client_id,
            "status": "waiting",
            "calls_itself": line_of(calls_itself, _LONGEST_SELF),
            "first_by": by,
            "first_at": now(),
        }
        waiting = select(func.count()).select_from(agent_clients).where(agent_clients.c.status == "waiting")
        async with self._hosted.of(workspace).writing() as connection:
            if ((await connection.execute(waiting)).scalar() or 0) >= MOST_WAITING:
                return False
            await connection.execute(insert_or(agent_clients).on_conflict_do_nothing(), row)
        return True

    async def allow(
        self, workspace: str, issuer: str, client_id: str, *, name: str, rules: AgentRules, by: str
    ) -> AgentRecord:
        """Let a client in as the agent of this name, which is made where there is none yet.

        An agent that is there keeps its rules. NotHere for a client that never came.
        """
        async with self._hosted.of(workspace).writing() as connection:
            query = select(agents).where(agents.c.name == name)
            row = (await connection.execute(query)).mappings().one_or_none()
            if row is None:
                agent = await self._create(connection, workspace, name, rules, by)
            else:
                agent = _agent(dict(row))
            await self._decide(connection, (issuer, client_id), "allowed", agent=agent.id, by=by)
        await self._changed(workspace)
        return agent

    async def refuse(self, workspace: str, issuer: str, client_id: str, by: str) -> None:
        """Keep a client out, from its next request on, whether it was let in before or not. NotHere."""
        async with self._hosted.of(workspace).writing() as connection:
            await self._decide(connection, (issuer, client_id), "refused", agent=None, by=by)

    async def _changed(self, workspace: str) -> None:
        """Have open desks notice; agents themselves bear their rules with every request."""
        raised = update(workspaces).where(workspaces.c.id == workspace)
        async with self._hosted.whole.writing() as connection:
            await connection.execute(raised.values(version=workspaces.c.version + 1))

    async def _decide(
        self, connection: Connection, client: tuple[str, str], status: Status, *, agent: str | None, by: str
    ) -> None:
        decided = (
            update(agent_clients)
            .where((agent_clients.c.issuer == client[0]) & (agent_clients.c.client_id == client[1]))
            .values(status=status, agent=agent, decided_by=by, decided_at=now())
        )
        if (await connection.execute(decided)).rowcount == 0:
            missed(client[1])
            raise NotHere("No such client has come to this workspace.", next_step="Reload the page.")

    async def _create(
        self, connection: Connection, workspace: str, name: str, rules: AgentRules, by: str
    ) -> AgentRecord:
        # A face's name would give an agent the rules that were set for a whole face.
        if not _NAME.fullmatch(name) or name in FACES:
            raise invalid("name", "lower-case letters, digits and '-', at most 40, and no face's name")
        _check(rules)
        if (
            (await connection.execute(select(func.count()).select_from(agents))).scalar() or 0
        ) >= MOST_AGENTS:
            raise InvalidRequest(
                f"A workspace has at most {MOST_AGENTS} agents.", next_step="Remove one that is not in use."
            )
        made = AgentRecord(new_id("agt"), name, rules, now(), by)
        row = asdict(made) | {"workspace": workspace, "rules": rules.model_dump(mode="json")}
        try:
            await connection.execute(insert(agents), row)
        except IntegrityError:
            raise invalid("name", f"one that is free; {name} is taken") from None
        return made


def _agent(row: Mapping[str, Any]) -> AgentRecord:
    return AgentRecord(
        row["id"], row["name"], AgentRules(**row["rules"]), row["created_at"], row["created_by"]
    )


def invalid(argument: str, accepted: str) -> InvalidRequest:
    """The error of what a person gave, by its name."""
    problem = f"accepted: {accepted}"
    return InvalidRequest(f"{argument}: {problem}.", problems=[(argument, problem)], next_step=_NOTHING)


def fits(issuer: str, client_id: str) -> bool:
    """Whether a client's id is short enough to be kept."""
    return len(issuer) <= _LONGEST_ID and len(client_id) <= _LONGEST_ID


def _check(rules: AgentRules) -> None:
    try:
        check_patterns("the agent's rules", rules)
    except InvalidSettings as error:
        raise InvalidRequest(error.message, next_step=error.next_step) from None


def _no_agent(asked: str) -> NotHere:
    missed(asked)
    return NotHere("The workspace has no such agent.", next_step="Reload the page, which lists them.")
