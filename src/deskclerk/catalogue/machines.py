"""Machines, the tokens with which they prove themselves to each other, and API keys."""

from dataclasses import replace
from typing import Annotated, Any, Literal

from annotated_types import Ge, Le, MaxLen, MinLen

from deskclerk.catalogue.action import Action, ReadAction, Resource
from deskclerk.catalogue.fields import (
    Id,
    Json,
    Limit,
    Local,
    Nullable,
    Number,
    Offset,
    Secret,
    Sorted,
    TotalAtZero,
    needed,
)
from deskclerk.catalogue.route import (
    DELETE,
    DESTRUCTIVE,
    GET,
    PATCH,
    POST,
    READ,
    WRITE,
    Answers,
    OtherKey,
    Request,
    Send,
)

TOOLSET = "machines"

PageOf100 = Annotated[int, Ge(0), Le(100), TotalAtZero()]
"""As `Limit`, where Clerk gives a hundred at most."""

MACHINES = Resource(
    "machines",
    "machine",
    (
        "id",
        "name",
        "created_at",
        "default_token_ttl",
        "scoped_machines",
    ),
)


class ListMachines(
    ReadAction,
    name="clerk_machines_list",
    resource=MACHINES,
    route=GET("/machines"),
    effect=READ,
    wrapped=True,
    toolset=TOOLSET,
):
    """List the machines: services that call each other with M2M tokens."""

    limit: Limit | None = None
    offset: Offset | None = None
    query: str | None = None
    order_by: Annotated[str, Sorted("name", "created_at")] | None = None


class GetMachine(
    ReadAction,
    name="clerk_machine_get",
    resource=MACHINES,
    route=GET("/machines/{machine_id}"),
    effect=READ,
    toolset=TOOLSET,
):
    """Read one machine, with those that it may call."""

    machine_id: Id


class CreateMachine(
    Action,
    name="clerk_machine_create",
    resource=MACHINES,
    route=POST("/machines"),
    effect=WRITE,
    hands_over=("secret_key",),
    toolset=TOOLSET,
):
    """Register a machine; its secret key goes to a person."""

    name: Annotated[str, MinLen(1), MaxLen(255)]
    scoped_machines: Annotated[list[str], MaxLen(150)] | None = None
    default_token_ttl: Annotated[int, Ge(1), Le(315360000)] | None = None


class UpdateMachine(
    Action,
    name="clerk_machine_update",
    resource=MACHINES,
    route=PATCH("/machines/{machine_id}"),
    effect=WRITE,
    toolset=TOOLSET,
):
    """Rename a machine, or change how long its tokens hold."""

    machine_id: Id
    name: Annotated[str, MinLen(1), MaxLen(255)] | None = None
    default_token_ttl: Annotated[int, Ge(1), Le(315360000)] | None = None


class DeleteMachine(
    Action,
    name="clerk_machine_delete",
    resource=MACHINES,
    route=DELETE("/machines/{machine_id}"),
    effect=DESTRUCTIVE,
    toolset=TOOLSET,
):
    """Delete a machine: its secret key and tokens stop working."""

    machine_id: Id


class GetMachineSecretKey(
    ReadAction,
    name="clerk_machine_secret_key_get",
    resource=MACHINES,
    route=GET("/machines/{machine_id}/secret_key"),
    effect=READ,
    answers=Answers("machine_secret_key"),
    hands_over=("secret",),
    toolset=TOOLSET,
):
    """Have a machine's secret key handed to a person."""

    machine_id: Id


class RotateMachineSecretKey(
    Action,
    name="clerk_machine_secret_key_rotate",
    resource=MACHINES,
    route=POST("/machines/{machine_id}/secret_key/rotate"),
    effect=DESTRUCTIVE,
    answers=Answers("machine_secret_key"),
    hands_over=("secret",),
    toolset=TOOLSET,
):
    """Give a machine a new secret key; the old one holds for previous_token_ttl seconds more."""

    machine_id: Id
    previous_token_ttl: Annotated[int, Ge(0), Le(28800)]


class CreateMachineScope(
    Action,
    name="clerk_machine_scope_create",
    resource=MACHINES,
    route=POST("/machines/{machine_id}/scopes"),
    effect=WRITE,
    answers=Answers("machine_scope"),
    toolset=TOOLSET,
):
    """Let a machine call another one."""

    machine_id: Id
    to_machine_id: str


class DeleteMachineScope(
    Action,
    name="clerk_machine_scope_delete",
    resource=MACHINES,
    route=DELETE("/machines/{machine_id}/scopes/{other_machine_id}"),
    effect=WRITE,
    answers=Answers("machine_scope"),
    toolset=TOOLSET,
):
    """Let a machine call another one no longer."""

    machine_id: Id
    other_machine_id: Id


M2M_TOKENS = Resource(
    "m2m-tokens",
    "M2M token",
    (
        "id",
        "subject",
        "claims",
        "scopes",
        "revoked",
        "revocation_reason",
        "expired",
        "expiration",
        "last_used_at",
        "created_at",
    ),
    object="machine_to_machine_token",
)


class ListM2mTokens(
    ReadAction,
    name="clerk_m2m_tokens_list",
    resource=M2M_TOKENS,
    route=GET("/m2m_tokens"),
    effect=READ,
    answers=Answers(
        keys=(
            "m2m_tokens",
            "total_count",
        )
    ),
    hands_over=("token",),
    toolset=TOOLSET,
):
    """List the M2M tokens of a machine."""

    subject: str
    revoked: Nullable[bool] = None
    expired: Nullable[bool] = None
    limit: PageOf100 | None = None
    offset: Nullable[Offset] = None

    async def perform(self, send: Send) -> Any:
        """Clerk answers these under a key of their own; everywhere else a list is in `data`."""
        answer = await send(self.request())
        return {"data": answer["m2m_tokens"], "total_count": answer["total_count"]}


class CreateM2mToken(
    Action,
    name="clerk_m2m_token_create",
    resource=M2M_TOKENS,
    route=POST("/m2m_tokens"),
    effect=WRITE,
    hands_over=("token",),
    toolset=TOOLSET,
):
    """Mint an M2M token as a machine, with its own secret key in place of the instance's."""

    machine_secret_key: Annotated[str, Secret(), Local()] = needed("the machine's own, as secret:NAME")
    token_format: Literal["opaque", "jwt"] | None = None
    seconds_until_expiration: Nullable[Annotated[Number, Ge(0)]] = None
    claims: Nullable[Json] = None
    min_remaining_ttl_seconds: Annotated[int, Ge(0)] | None = None

    def request(self) -> Request:
        """Clerk knows the machine by its key alone."""
        return replace(super().request(), key=OtherKey("machine_secret_key", self.machine_secret_key))


class RevokeM2mToken(
    Action,
    name="clerk_m2m_token_revoke",
    resource=M2M_TOKENS,
    route=POST("/m2m_tokens/{m2m_token_id}/revoke"),
    effect=DESTRUCTIVE,
    hands_over=("token",),
    toolset=TOOLSET,
):
    """Make an M2M token worthless."""

    m2m_token_id: Id
    revocation_reason: Nullable[str] = None


class VerifyM2mToken(
    ReadAction,
    name="clerk_m2m_token_verify",
    resource=M2M_TOKENS,
    route=POST("/m2m_tokens/verify"),
    effect=READ,
    hands_over=("token",),
    toolset=TOOLSET,
):
    """Find out whether an M2M token is good, and which machine's it is."""

    token: Annotated[str, Secret()]


API_KEYS = Resource(
    "api-keys",
    "API key",
    (
        "id",
        "type",
        "subject",
        "name",
        "description",
        "claims",
        "scopes",
        "revoked",
        "revocation_reason",
        "expired",
        "expiration",
        "created_by",
        "last_used_at",
        "created_at",
    ),
)


class ListApiKeys(
    ReadAction,
    name="clerk_api_keys_list",
    resource=API_KEYS,
    route=GET("/api_keys"),
    effect=READ,
    wrapped=True,
    toolset=TOOLSET,
):
    """List the API keys of a user or an organization (`subject`)."""

    subject: str
    type: Annotated[str, MinLen(3)] | None = None
    include_invalid: Literal["true", "false"] | None = None
    limit: PageOf100 | None = None
    offset: Nullable[Offset] = None
    query: str | None = None


class GetApiKey(
    ReadAction,
    name="clerk_api_key_get",
    resource=API_KEYS,
    route=GET("/api_keys/{api_key_id}"),
    effect=READ,
    toolset=TOOLSET,
):
    """Read one API key, without its secret."""

    api_key_id: Id


class CreateApiKey(
    Action,
    name="clerk_api_key_create",
    resource=API_KEYS,
    route=POST("/api_keys"),
    effect=WRITE,
    hands_over=("secret",),
    toolset=TOOLSET,
):
    """Make an API key for a user or an organization; its secret goes to a person."""

    name: Annotated[str, MinLen(3)]
    subject: str
    type: Annotated[str, MinLen(3), MaxLen(25)] | None = None
    description: Nullable[Annotated[str, MaxLen(255)]] = None
    claims: Nullable[Json] = None
    scopes: list[str] | None = None
    created_by: Nullable[str] = None
    seconds_until_expiration: Nullable[Annotated[Number, Ge(0)]] = None


class UpdateApiKey(
    Action,
    name="clerk_api_key_update",
    resource=API_KEYS,
    route=PATCH("/api_keys/{api_key_id}"),
    effect=WRITE,
    toolset=TOOLSET,
):
    """Change an API key: its scopes, claims, subject or end."""

    api_key_id: Id
    claims: Nullable[Json] = None
    scopes: list[str] | None = None
    description: Nullable[Annotated[str, MaxLen(255)]] = None
    subject: str | None = None
    seconds_until_expiration: Nullable[Annotated[Number, Ge(0)]] = None


class DeleteApiKey(
    Action,
    name="clerk_api_key_delete",
    resource=API_KEYS,
    route=DELETE("/api_keys/{api_key_id}"),
    effect=DESTRUCTIVE,
    toolset=TOOLSET,
):
    """Delete an API key: it stops working and is not listed any more."""

    api_key_id: Id


class GetApiKeySecret(
    ReadAction,
    name="clerk_api_key_secret_get",
    resource=API_KEYS,
    route=GET("/api_keys/{api_key_id}/secret"),
    effect=READ,
    answers=Answers(keys=("secret",)),
    hands_over=("secret",),
    toolset=TOOLSET,
):
    """Have an API key's secret handed to a person."""

    api_key_id: Id


class RevokeApiKey(
    Action,
    name="clerk_api_key_revoke",
    resource=API_KEYS,
    route=POST("/api_keys/{api_key_id}/revoke"),
    effect=DESTRUCTIVE,
    toolset=TOOLSET,
):
    """Make an API key worthless for good."""

    api_key_id: Id
    revocation_reason: Nullable[str] = None


class VerifyApiKey(
    ReadAction,
    name="clerk_api_key_verify",
    resource=API_KEYS,
    route=POST("/api_keys/verify"),
    effect=READ,
    toolset=TOOLSET,
):
    """Find out whether an API key is good, and whose it is."""

    secret: Annotated[str, Secret()]
