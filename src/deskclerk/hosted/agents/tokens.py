"""A workspace's own tokens: shown once, kept as a hash, for one agent and in one member's name."""

import hashlib
import secrets
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields

from sqlalchemy import func, insert, select, update

from deskclerk.desk.misses import missed
from deskclerk.desk.time_and_ids import new_id, now
from deskclerk.errors import InvalidRequest
from deskclerk.hosted.agents import scopes as known_scopes
from deskclerk.hosted.agents.registry import invalid
from deskclerk.hosted.agents.tables import agent_tokens, agents
from deskclerk.hosted.database import HostedDatabase
from deskclerk.hosted.errors import NotHere

PREFIX = "dck_"
"""What every one begins with, so that people and scanners of secrets know it."""
LONGEST_DAYS = 366
MOST_TOKENS = 500
"""Of one workspace, those that were revoked or have expired not counted."""
_DAY = 86_400_000
_SHOWN = len(PREFIX) + 6
_RANDOM_BYTES = 32


@dataclass(frozen=True, slots=True)
class TokenRecord:
    """A token without what it is: `beginning` is as much of it as tells it from others."""

    id: str
    agent: str
    beginning: str
    scopes: tuple[str, ...]
    made_by: str
    created_at: int
    expires_at: int
    revoked_at: int | None
    last_used_at: int | None

    @property
    def state(self) -> str:
        """`valid`, `revoked` or `expired`."""
        if self.revoked_at is not None:
            return "revoked"
        return "valid" if now() < self.expires_at else "expired"


def digest_of(token: str) -> str:
    """What is kept of a token. It is as random as a key, so that one round of a fast hash is enough."""
    return hashlib.sha256(token.encode("utf-8", "replace")).hexdigest()


class WorkspaceTokens:
    """The tokens of every workspace."""

    def __init__(self, hosted: HostedDatabase) -> None:
        self._hosted = hosted

    async def make(
        self, workspace: str, agent: str, *, scopes: Sequence[str], days: int, made_by: str
    ) -> tuple[TokenRecord, str]:
        """A new token for an agent, and the token itself, which nothing knows after this.

        NotHere for an agent of nobody or of another workspace; InvalidRequest for scopes without a `clerk:`
        one, or for days that are none.
        """
        if unknown := sorted(set(scopes) - set(known_scopes.SCOPES)):
            raise invalid("scopes", f"{', '.join(known_scopes.SCOPES)} ({unknown[0]!r} is none)")
        if known_scopes.access_of(scopes) is None:
            raise invalid("scopes", "one of clerk:read, clerk:write and clerk:destructive at least")
        if not 1 <= days <= LONGEST_DAYS:
            raise invalid("days", f"1 to {LONGEST_DAYS}")
        token = PREFIX + secrets.token_urlsafe(_RANDOM_BYTES)
        made = TokenRecord(
            id=new_id("tok"),
            agent=agent,
            beginning=token[:_SHOWN],
            scopes=known_scopes.known(scopes),
            made_by=made_by,
            created_at=now(),
            expires_at=now() + days * _DAY,
            revoked_at=None,
            last_used_at=None,
        )
        row = asdict(made) | {
            "workspace": workspace,
            "digest": digest_of(token),
            "scopes": list(made.scopes),
        }
        valid = agent_tokens.c.revoked_at.is_(None) & (agent_tokens.c.expires_at > made.created_at)
        async with self._hosted.of(workspace).writing() as connection:
            if (await connection.execute(select(agents.c.id).where(agents.c.id == agent))).first() is None:
                missed(agent)
                raise NotHere(
                    "The workspace has no such agent.", next_step="Reload the page, which lists them."
                )
            count = select(func.count()).select_from(agent_tokens).where(valid)
            if ((await connection.execute(count)).scalar() or 0) >= MOST_TOKENS:
                raise InvalidRequest(
                    f"A workspace has at most {MOST_TOKENS} valid tokens.",
                    next_step="Revoke those that are not in use.",
                )
            await connection.execute(insert(agent_tokens), row)
        return made, token

    async def listed(self, workspace: str) -> list[TokenRecord]:
        """The tokens of a workspace, the newest first."""
        query = select(*(agent_tokens.c[field.name] for field in fields(TokenRecord))).order_by(
            agent_tokens.c.created_at.desc(), agent_tokens.c.id
        )
        async with self._hosted.of(workspace).reading() as connection:
            rows = (await connection.execute(query)).mappings().all()
        return [TokenRecord(**{**row, "scopes": tuple(row["scopes"])}) for row in rows]

    async def revoke(self, workspace: str, token: str) -> None:
        """End a token, by its id, with its next request. NotHere; one that ended already stays as it is."""
        mine = agent_tokens.c.id == token
        ended = (
            update(agent_tokens).where(mine & agent_tokens.c.revoked_at.is_(None)).values(revoked_at=now())
        )
        async with self._hosted.of(workspace).writing() as connection:
            if (await connection.execute(ended)).rowcount:
                return
            if (await connection.execute(select(agent_tokens.c.id).where(mine))).first() is None:
                missed(token)
                raise NotHere(
                    "The workspace has no such token.", next_step="Reload the page, which lists them."
                )
