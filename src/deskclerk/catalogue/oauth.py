"""OAuth applications beyond the core: logos, rotated secrets, tokens that others hold, settings."""

from typing import Annotated

from deskclerk.catalogue.action import Action, ReadAction, Resource
from deskclerk.catalogue.clients import CLIENTS
from deskclerk.catalogue.fields import FileText, Id, Nullable, Secret
from deskclerk.catalogue.route import DESTRUCTIVE, GET, PATCH, POST, PUT, READ, WRITE, Answers

TOOLSET = "oauth"


class SetClientLogo(
    Action,
    name="clerk_client_logo_set",
    resource=CLIENTS,
    route=PUT("/oauth_applications/{oauth_application_id}/logo"),
    effect=DESTRUCTIVE,
    toolset=TOOLSET,
):
    """Set an OAuth application's logo."""

    oauth_application_id: Id
    file: FileText
    uploader_user_id: str | None = None


class RotateClientSecret(
    Action,
    name="clerk_client_secret_rotate",
    resource=CLIENTS,
    route=POST("/oauth_applications/{oauth_application_id}/rotate_secret"),
    effect=DESTRUCTIVE,
    hands_over=("client_secret",),
    toolset=TOOLSET,
):
    """Give an OAuth application a new client secret; the old one stops working."""

    oauth_application_id: Id


class RevokeOauthToken(
    Action,
    name="clerk_client_token_revoke",
    titled="Revoke token of OAuth application",
    resource=CLIENTS,
    route=POST("/oauth_applications/{oauth_application_id}/revoke_token"),
    effect=DESTRUCTIVE,
    answers=Answers(nothing=True),
    toolset=TOOLSET,
):
    """Make an access or refresh token of an OAuth application worthless."""

    oauth_application_id: Id
    token: Annotated[str, Secret()]


class VerifyOauthAccessToken(
    ReadAction,
    name="clerk_oauth_access_token_verify",
    titled="Verify OAuth access token",
    resource=CLIENTS,
    route=POST("/oauth_applications/access_tokens/verify"),
    effect=READ,
    answers=Answers("clerk_idp_oauth_access_token"),
    called="access-token-verify",
    toolset=TOOLSET,
):
    """Find out whether an OAuth access token is good, and whose it is."""

    access_token: Annotated[str | None, Secret()] = None
    secret: Annotated[str | None, Secret()] = None


OAUTH_SETTINGS = Resource(
    "oauth-settings",
    "OAuth application settings",
    (
        "dynamic_oauth_client_registration",
        "default_scopes",
        "oauth_jwt_access_tokens",
        "client_id_metadata_documents_advertised",
        "client_id_metadata_documents_only_allow_pre_registered_clients",
        "client_id_metadata_documents_block_implicitly_allowed_clients",
    ),
)


class GetOauthSettings(
    ReadAction,
    name="clerk_oauth_settings_get",
    resource=OAUTH_SETTINGS,
    route=GET("/instance/oauth_application_settings"),
    effect=READ,
    toolset=TOOLSET,
):
    """Read what holds for all OAuth applications."""


class UpdateOauthSettings(
    Action,
    name="clerk_oauth_settings_update",
    resource=OAUTH_SETTINGS,
    route=PATCH("/instance/oauth_application_settings"),
    effect=WRITE,
    toolset=TOOLSET,
):
    """Change what holds for all OAuth applications: registration, default scopes, JWT tokens."""

    dynamic_oauth_client_registration: Nullable[bool] = None
    default_scopes: Nullable[list[str]] = None
    oauth_jwt_access_tokens: Nullable[bool] = None
    client_id_metadata_documents_advertised: Nullable[bool] = None
    client_id_metadata_documents_only_allow_pre_registered_clients: Nullable[bool] = None
    client_id_metadata_documents_block_implicitly_allowed_clients: Nullable[bool] = None
