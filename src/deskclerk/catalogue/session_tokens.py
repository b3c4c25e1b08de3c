"""Sessions made and refreshed, their tokens, and the devices that they are on."""

from typing import Annotated, Literal

from annotated_types import Ge, Le

from deskclerk.catalogue.action import Action, ReadAction, Resource
from deskclerk.catalogue.fields import Id, Json, Limit, Nullable, Offset, Secret
from deskclerk.catalogue.route import GET, POST, READ, WRITE, Answers
from deskclerk.catalogue.sessions import SESSIONS

TOOLSET = "tokens"

SESSION_TOKENS = Resource("session-tokens", "session token", ("jwt",), object="token")


class CreateSession(
    Action,
    name="clerk_session_create",
    resource=SESSIONS,
    route=POST("/sessions"),
    effect=WRITE,
    toolset=TOOLSET,
):
    """Sign a user in without a device; only in development instances."""

    user_id: str
    active_organization_id: str | None = None


class RefreshSession(
    Action,
    name="clerk_session_refresh",
    resource=SESSIONS,
    route=POST("/sessions/{session_id}/refresh"),
    effect=WRITE,
    answers=Answers(keys=("object",)),
    hands_over=(
        "jwt",
        "cookies",
    ),
    toolset=TOOLSET,
):
    """Get new tokens of a session for its expired one."""

    session_id: Id
    expired_token: Annotated[str, Secret()]
    refresh_token: Annotated[str, Secret()]
    request_origin: str
    request_headers: Nullable[Json] = None
    format: Nullable[Literal["token", "cookie"]] = None
    request_originating_ip: Nullable[str] = None


class CreateSessionToken(
    Action,
    name="clerk_session_token_create",
    resource=SESSION_TOKENS,
    route=POST("/sessions/{session_id}/tokens"),
    effect=WRITE,
    hands_over=("jwt",),
    toolset=TOOLSET,
):
    """Mint a token of a session."""

    session_id: Id
    expires_in_seconds: Nullable[Annotated[int, Ge(30), Le(315360000)]] = None


class CreateTemplateToken(
    Action,
    name="clerk_session_template_token_create",
    called="create-from-template",
    titled="Create session token from JWT template",
    resource=SESSION_TOKENS,
    route=POST("/sessions/{session_id}/tokens/{template_name}"),
    effect=WRITE,
    hands_over=("jwt",),
    toolset=TOOLSET,
):
    """Mint a token of a session from a JWT template."""

    session_id: Id
    template_name: Id
    expires_in_seconds: Nullable[Annotated[int, Ge(30), Le(315360000)]] = None


DEVICE_CLIENTS = Resource(
    "device-clients",
    "device client",
    (
        "id",
        "session_ids",
        "sessions",
        "sign_in_id",
        "sign_up_id",
        "last_active_session_id",
        "last_authentication_strategy",
        "created_at",
    ),
    object="client",
)


class ListDeviceClients(
    ReadAction,
    name="clerk_device_clients_list",
    resource=DEVICE_CLIENTS,
    route=GET("/clients"),
    effect=READ,
    deprecated=True,
    toolset=TOOLSET,
):
    """Deprecated: list the browsers and apps that users are signed in with."""

    paginated: bool | None = None
    limit: Limit | None = None
    offset: Offset | None = None


class GetDeviceClient(
    ReadAction,
    name="clerk_device_client_get",
    resource=DEVICE_CLIENTS,
    route=GET("/clients/{client_id}"),
    effect=READ,
    toolset=TOOLSET,
):
    """Read one browser or app by its client id, with the sessions on it."""

    client_id: Id


class VerifyDeviceClient(
    ReadAction,
    name="clerk_device_client_verify",
    resource=DEVICE_CLIENTS,
    route=POST("/clients/verify"),
    effect=READ,
    toolset=TOOLSET,
):
    """Find the client that a client token belongs to."""

    token: Annotated[str, Secret()]


JWKS = Resource("jwks", "signing keys", ("keys",))


class GetJwks(
    ReadAction,
    name="clerk_jwks_get",
    resource=JWKS,
    route=GET("/jwks"),
    effect=READ,
    answers=Answers(keys=("keys",)),
    toolset=TOOLSET,
):
    """Read the public keys with which tokens of the instance are verified."""
