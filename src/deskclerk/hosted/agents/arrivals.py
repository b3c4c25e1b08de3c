"""From a bearer token and a URL to the agent that a request comes from: who, in which workspace, for what.

Whoever names a workspace that is not theirs is told the same as of one that is nowhere, and it is noted in
their own.
"""

from collections.abc import Sequence
from typing import Protocol

from sqlalchemy import bindparam, update

from deskclerk.database import Statement
from deskclerk.desk.caller import MODELS, Caller
from deskclerk.desk.time_and_ids import now
from deskclerk.errors import NotAllowed
from deskclerk.hosted.agents import scopes as known_scopes
from deskclerk.hosted.agents.agent import Agent
from deskclerk.hosted.agents.lookups import FoundToken, Lookups, Membership
from deskclerk.hosted.agents.oauth_tokens import Grant, InvalidToken, OAuthTokens
from deskclerk.hosted.agents.registry import USED_EVERY, AgentRegistry, Binding, fits
from deskclerk.hosted.agents.resource_server import InsufficientScope, Place, ResourceServer
from deskclerk.hosted.agents.tables import agent_tokens
from deskclerk.hosted.agents.tokens import PREFIX
from deskclerk.hosted.database import HostedDatabase
from deskclerk.hosted.errors import NotHere
from deskclerk.hosted.issuer import Issuer

_TOKEN_USED = Statement(
    update(agent_tokens)
    .where(agent_tokens.c.id == bindparam("token_is"))
    .values(last_used_at=bindparam("at"))
)
_MOST_NAMED = 20


class Attempts(Protocol):
    """Notes what somebody tried to reach that is not theirs."""

    async def note(self, workspace: str, caller: Caller, asked: str) -> None:
        """Note in the asker's own workspace which address was asked for."""


class ClientWaits(NotAllowed):
    """An OAuth client that no owner of the workspace has allowed yet."""

    kind = "client_waits"


class Arrivals:
    """Lets agents in, or says why not."""

    def __init__(
        self,
        hosted: HostedDatabase,
        server: ResourceServer,
        attempts: Attempts,
        tokens: OAuthTokens | None = None,
    ) -> None:
        """`tokens` checks the issuer's; without it a workspace's own tokens alone count."""
        self._hosted = hosted
        self._server = server
        self._attempts = attempts
        self._tokens = tokens
        self._lookups = Lookups(hosted)
        self._registry = AgentRegistry(hosted)

    async def identify(self, bearer: str, place: Place, calls_itself: str) -> Agent:
        """The agent that shows this token at this place; `calls_itself` is shown to who has to allow it.

        Raises:
            InvalidToken: the token does not hold here.
            InsufficientScope: it is for nothing that can be asked for here.
            NotHere: there is no such place for this agent.
            NotAllowed: its person or its client has nothing to ask for here, yet.
            IssuerUnavailable: that cannot be found out now.
        """
        if bearer.startswith(PREFIX):
            return await self._by_own_token(bearer, place)
        if self._tokens is None or self._server.issuer is None:
            raise InvalidToken.because("only tokens of a workspace are")
        grant = await self._tokens.verify(bearer, self._server.resource(place))
        return await self._by_grant(grant, self._server.issuer, place, calls_itself)

    async def _by_own_token(self, bearer: str, place: Place) -> Agent:
        found = await self._lookups.token(bearer)
        if found is None:
            raise InvalidToken.because("no workspace has it")
        if found.revoked_at is not None:
            raise InvalidToken.because("it was revoked")
        if now() >= found.expires_at:
            raise InvalidToken.because("it has expired")
        if found.role is None:
            raise InvalidToken.because("who made it is no member of the workspace any more")
        caller = Caller(MODELS, token=found.agent, person=found.made_by)
        if place.slug not in (None, found.slug):
            raise await self._foreign([found.workspace], caller, place)
        instance = await self._instance(found, place, caller)
        await self._used(found)
        return Agent(
            workspace=found.workspace,
            slug=found.slug,
            instance=instance,
            person=found.made_by,
            role=found.role,
            name=found.agent,
            credential=found.id,
            rules=found.rules,
            scopes=frozenset(found.scopes),
            oauth=False,
            version=found.version,
        )

    async def _by_grant(self, grant: Grant, issuer: Issuer, place: Place, calls_itself: str) -> Agent:
        if not fits(issuer.url, grant.client):
            raise InvalidToken.because("its client's id is too long")
        # Before anything is kept: a token that is for nothing here leaves no trace.
        scopes = await self._scopes(grant)
        memberships = await self._lookups.memberships(issuer.url, grant.subject)
        if not memberships:
            raise NotAllowed(
                "Who this access token is for is a member of no workspace here.",
                next_step=f"The person signs in at {self._server.public_url} and accepts an invitation.",
            )
        person = memberships[0].person
        caller = Caller(MODELS, grant.client, person=person)
        membership = await self._choose(memberships, caller, place)
        binding = await self._registry.binding(membership.workspace, issuer.url, grant.client)
        if binding is None or binding.status != "allowed":
            if binding is None and not await self._registry.wait(
                membership.workspace, issuer.url, grant.client, by=person, calls_itself=calls_itself
            ):
                raise self._too_many(membership)
            raise self._not_yet(binding, membership)
        if binding.agent is None or binding.rules is None:
            raise AssertionError("an allowed client has an agent")
        return Agent(
            workspace=membership.workspace,
            slug=membership.slug,
            instance=await self._instance(membership, place, caller),
            person=person,
            role=membership.role,
            name=binding.agent,
            credential=grant.client,
            rules=binding.rules,
            scopes=scopes,
            oauth=True,
            version=membership.version,
        )

    async def _scopes(self, grant: Grant) -> frozenset[str] | None:
        """What the token is for; None where its issuer has no scopes of ours, and the agent's rules count."""
        offered, granted = await self._server.offered(), known_scopes.known(grant.scopes)
        if not (offered or granted):
            return None
        if known_scopes.access_of(granted) is None:
            raise InsufficientScope("This access token is for nothing that can be asked for here.", offered)
        return frozenset(granted)

    async def _choose(self, memberships: Sequence[Membership], caller: Caller, place: Place) -> Membership:
        if place.slug is None:
            if len(memberships) == 1:
                return memberships[0]
            raise NotHere(
                "The access token's person is a member of several workspaces.",
                next_step=self._addresses([f"/mcp/{one.slug}" for one in memberships]),
            )
        found = next((one for one in memberships if one.slug == place.slug), None)
        if found is None:
            raise await self._foreign([one.workspace for one in memberships], caller, place)
        return found

    def _not_yet(self, binding: Binding | None, membership: Membership) -> NotAllowed:
        """Why a client is not let in; its first use has it wait for an owner."""
        page = self._page(membership)
        if binding is not None and binding.status == "refused":
            return NotAllowed(
                "An owner of the workspace has refused this client.",
                next_step=f"Nothing was sent. Only an owner can change that, at {page}.",
            )
        return ClientWaits(
            "This client is new to the workspace and waits for one of its owners.",
            next_step=f"Nothing was sent. An owner allows it at {page}; then ask again.",
        )

    def _too_many(self, membership: Membership) -> NotAllowed:
        return NotAllowed(
            "Too many clients wait for an owner of the workspace already.",
            next_step=f"Nothing was sent. An owner allows or refuses them at {self._page(membership)}.",
        )

    def _page(self, membership: Membership) -> str:
        return f"{self._server.public_url}/w/{membership.slug}/agents"

    async def _instance(self, found: Membership | FoundToken, place: Place, caller: Caller) -> str:
        names, slug = found.instances, found.slug
        if place.instance is not None and place.instance in names:
            return place.instance
        if place.instance is None and len(names) == 1:
            return names[0]
        if not names:
            raise NotHere(
                "The workspace has no instance yet.",
                next_step=f"An owner adds one at {self._server.public_url}/w/{slug}.",
            )
        if place.instance:
            await self._attempts.note(found.workspace, caller, place.path)
        said = "no such instance" if place.instance else "several instances"
        raise NotHere(
            f"The workspace has {said}.", next_step=self._addresses([f"/mcp/{slug}/{name}" for name in names])
        )

    async def _foreign(self, workspaces: Sequence[str], caller: Caller, place: Place) -> NotHere:
        """The answer to who asks for what is not theirs, or is nowhere; noted with the asker."""
        for workspace in workspaces:
            await self._attempts.note(workspace, caller, place.path)
        return NotHere(
            "There is no such MCP server for this access token.",
            next_step=f"Use {self._server.public_url}/mcp, or the address that the workspace's members have.",
        )

    def _addresses(self, paths: Sequence[str]) -> str:
        shown = [f"{self._server.public_url}{path}" for path in paths[:_MOST_NAMED]]
        more = f" and {len(paths) - len(shown)} more" if len(paths) > len(shown) else ""
        return f"Use one of: {', '.join(shown)}{more}."

    async def _used(self, found: FoundToken) -> None:
        """Note that a token is in use, once a minute at most."""
        if found.last_used_at is not None and found.last_used_at >= now() - USED_EVERY:
            return
        async with self._hosted.of(found.workspace).writing(synced=False) as connection:
            await connection.apply(_TOKEN_USED, token_is=found.id, at=now())
