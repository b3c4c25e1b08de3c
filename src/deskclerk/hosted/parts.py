"""A hosted desk's parts, opened in their order from the settings: servers and workers stand on them."""

import hmac
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Any

import httpx2
from pydantic import SecretStr

from deskclerk.desk.instances.instance import shared_connections
from deskclerk.desk.workspace import Workspace
from deskclerk.errors import InvalidSettings
from deskclerk.hosted.agents.registry import AgentRegistry
from deskclerk.hosted.attempts import JournalledAttempts
from deskclerk.hosted.counting import Counters
from deskclerk.hosted.database import HostedDatabase
from deskclerk.hosted.issuer import Issuer
from deskclerk.hosted.limits import WorkspaceLimits
from deskclerk.hosted.notifications.delivery import Delivery, Sources
from deskclerk.hosted.notifications.destinations import Destinations
from deskclerk.hosted.notifications.outbox import CHANNEL, Outbox, OutboxTeller
from deskclerk.hosted.notifications.outgoing import Outgoing
from deskclerk.hosted.outside import ToOthers
from deskclerk.hosted.people.passkeys import Passkeys
from deskclerk.hosted.people.signing_rules import MemberSigningRules
from deskclerk.hosted.retention.checkpoints import Checkpoints
from deskclerk.hosted.stored_bounds import StoredBounds
from deskclerk.hosted.vault.doors import SealedHandovers, SealedItems, SealedSecrets
from deskclerk.hosted.vault.vault import Vault
from deskclerk.hosted.wakes import RedisWakes
from deskclerk.hosted.workspaces.policy import OF_A_WORKSPACE
from deskclerk.hosted.workspaces.store import WorkspaceRecord, WorkspaceStore
from deskclerk.settings import Settings

_OF_A_PROCESS = frozenset({
    "home", "database", "redis", "public_url", "issuer", "client_id", "client_secret", "api_urls",
    "vault", "vault_key", "vault_key_file", "vault_token", "log_format", "grace_seconds", "metrics_token",
    "metrics_by_workspace", "otlp_endpoint", "otlp_headers", "trace_share",
})  # fmt: skip
"""What is set for a process that serves or works for all workspaces."""
_OF_EVERY_DESK = ("timeout", "retry_seconds", "largest_answer", "answer_characters")
"""What whoever runs them sets for the desks of all workspaces; a workspace says nothing of it."""
_STATE = b"deskclerk: states that MCP clients carry"


@dataclass(frozen=True, slots=True)
class Needed:
    """The settings that a hosted desk cannot do without, all there."""

    database: SecretStr
    redis: SecretStr
    public_url: str
    issuer: str
    client_id: str

    @classmethod
    def of(cls, settings: Settings) -> "Needed":
        """InvalidSettings names every one that is missing."""
        found = {name: getattr(settings, name) for name in cls.__slots__}
        missing = [f"DESKCLERK_{name.upper()}" for name, value in found.items() if value is None]
        if not (settings.vault or settings.vault_key or settings.vault_key_file):
            missing.append("DESKCLERK_VAULT_KEY (or DESKCLERK_VAULT_KEY_FILE, or DESKCLERK_VAULT)")
        if missing:
            raise InvalidSettings(
                f"A hosted desk needs settings that are not set: {', '.join(missing)}.",
                next_step="docs/hosted.md says what each is.",
            )
        if settings.secret_key or settings.instances:
            raise InvalidSettings(
                "CLERK_SECRET_KEY or an instance is set, and a hosted desk has the keys of its workspaces.",
                next_step="Leave it out; `deskclerk hosted add-instance` gives a key to a workspace.",
            )
        # Not passed over: whoever sets `read_only` or `deny` here would believe that it holds.
        if idle := [name for name in _changed(settings) if name not in _OF_A_PROCESS | {*_OF_EVERY_DESK}]:
            raise InvalidSettings(
                f"A hosted desk takes no setting {', '.join(idle)}: each workspace has its own.",
                next_step="Leave it out. Owners set it on their pages Policy, Agents and Notifications.",
            )
        return cls(**found)


@dataclass(frozen=True, slots=True)
class Parts:
    """What is open."""

    needed: Needed
    issuer: Issuer
    database: HostedDatabase
    vault: Vault
    workspaces: WorkspaceStore
    agents: AgentRegistry
    checkpoints: Checkpoints
    passkeys: Passkeys
    attempts: JournalledAttempts
    destinations: Destinations
    wakes: RedisWakes
    counters: Counters
    connections: httpx2.AsyncClient
    common: Mapping[str, Any]
    """Settings that the desks of all workspaces share."""

    def console(self, workspace: WorkspaceRecord, instance: str) -> str:
        """The address of the console of an instance."""
        return f"{self.needed.public_url}/w/{workspace.slug}/i/{instance}"

    def doors(self, workspace: WorkspaceRecord, instance: str) -> Workspace:
        """What the desk of an instance keeps, and where."""
        own, secrets = self.database.of(workspace.id), self.secrets(workspace, instance)
        page = f"{self.console(workspace, instance)}/secrets"
        return Workspace(
            workspace.id,
            self.database.storage(workspace.id, self.checkpoints.beginning),
            signing=MemberSigningRules(self.database, self.workspaces, workspace.id, self.passkeys),
            # A worker of any replica sees the job within its next look.
            see_to_jobs=lambda _: False,
            secrets=secrets,
            handovers=SealedHandovers(own, self.vault, workspace.id, instance, console=page),
            item_secrets=SealedItems(self.vault, workspace.id),
            connections=self.connections,
            teller=OutboxTeller(own, lambda: self.wakes.tell(CHANNEL)),
            wakes=self.wakes.of(workspace.id),
            bounds=StoredBounds(own, self.limits(workspace)),
            steps=OF_A_WORKSPACE,
        )

    def secrets(self, workspace: WorkspaceRecord, instance: str) -> SealedSecrets:
        """What people of a workspace stored for an instance as `secret:NAME`."""
        page = f"{self.console(workspace, instance)}/secrets"
        own = self.database.of(workspace.id)
        return SealedSecrets(own, self.vault, workspace.id, instance, console=page)

    def delivery(self, outgoing: Outgoing | None = None) -> Delivery:
        """What sends notifications, for the process that carries out jobs."""
        sources = Sources(self.database, self.workspaces, self.destinations, self.console)
        return Delivery(sources, self.wakes, Outbox(self.database), outgoing or Outgoing())

    @staticmethod
    def limits(workspace: WorkspaceRecord) -> WorkspaceLimits:
        """The limits of a workspace."""
        return WorkspaceLimits.stored(workspace.limits)

    async def state_key(self, workspace: WorkspaceRecord, instance: str) -> bytes:
        """What seals the states that MCP clients carry between requests, the same in every replica."""
        return hmac.digest(await self.secrets(workspace, instance).digest_key(), _STATE, "sha256")


@asynccontextmanager
async def opened(settings: Settings) -> AsyncIterator[Parts]:
    """The parts that the settings name, open as long as the block lasts.

    Raises:
        InvalidSettings: a setting that is needed is missing, or cannot be used.
        StorageUnavailable: the database cannot be opened.
    """
    needed = Needed.of(settings)
    async with AsyncExitStack() as stack:
        secret = settings.client_secret.get_secret_value() if settings.client_secret else None
        issuer = await stack.enter_async_context(Issuer(needed.issuer, needed.client_id, secret))
        database = await HostedDatabase.open(needed.database)
        stack.push_async_callback(database.close)
        vault = Vault.of_settings(database.of, settings)
        wakes = await stack.enter_async_context(RedisWakes(needed.redis))
        # From here on others ask: what failed before is the operator's, who has just started it.
        database.shared.told = vault.told = ToOthers()
        workspaces = WorkspaceStore(database, vault, settings.api_urls)
        counters = await stack.enter_async_context(Counters(needed.redis))

        async def count(workspace: str) -> None:
            await counters.request(workspace, Parts.limits(await workspaces.load(workspace)))

        yield Parts(
            needed,
            issuer,
            database,
            vault,
            workspaces,
            AgentRegistry(database),
            Checkpoints(database, vault),
            Passkeys(database.whole, needed.public_url),
            JournalledAttempts(database, count),
            Destinations(database, vault, lambda: wakes.tell(CHANNEL)),
            wakes,
            counters,
            await stack.enter_async_context(shared_connections()),
            {name: getattr(settings, name) for name in _OF_EVERY_DESK},
        )


def _changed(settings: Settings) -> list[str]:
    """The settings that say something else than if they were left out."""
    fields = type(settings).model_fields.items()
    return [
        name
        for name, field in fields
        if getattr(settings, name) != field.get_default(call_default_factory=True)
    ]
