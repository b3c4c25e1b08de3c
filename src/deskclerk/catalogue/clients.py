"""OAuth applications, called clients in the action names: who may sign users in through Clerk."""

from typing import Annotated

from deskclerk.catalogue.action import Action, ReadAction, Resource
from deskclerk.catalogue.fields import Id, Limit, Name, Nullable, Offset, Sorted, Url, about
from deskclerk.catalogue.route import DELETE, DESTRUCTIVE, GET, PATCH, POST, READ, WRITE

CLIENTS = Resource(
    "clients",
    "OAuth application",
    ("id", "name", "client_id", "public", "scopes", "redirect_uris", "created_at"),
    in_lists=("id", "name", "client_id", "public", "scopes", "redirect_uris"),
)

Uris = list[str]
SCOPES = "space-separated: profile email public_metadata private_metadata"


class ListClients(
    ReadAction,
    name="clerk_clients_list",
    resource=CLIENTS,
    route=GET("/oauth_applications"),
    effect=READ,
    wrapped=True,
):
    """List OAuth applications."""

    limit: Limit | None = None
    offset: Offset | None = None
    order_by: Annotated[str, Sorted("created_at", "name")] | None = None
    name_query: str | None = about("part of a name, or a whole client_id")


class GetClient(
    ReadAction,
    name="clerk_client_get",
    resource=CLIENTS,
    route=GET("/oauth_applications/{oauth_application_id}"),
    effect=READ,
):
    """Read one OAuth application by id."""

    oauth_application_id: Id


class CreateClient(
    Action,
    name="clerk_client_create",
    resource=CLIENTS,
    route=POST("/oauth_applications"),
    effect=WRITE,
):
    """Create an OAuth application; its client secret goes to a file for the person, not into the answer."""

    name: Name
    redirect_uris: Nullable[Uris] = None
    callback_url: Nullable[Url] = about("deprecated: use redirect_uris")
    scopes: Nullable[Url] = about(SCOPES)
    consent_screen_enabled: Nullable[bool] = None
    pkce_required: Nullable[bool] = None
    public: Nullable[bool] = about("no secret, PKCE")


class UpdateClient(
    Action,
    name="clerk_client_update",
    resource=CLIENTS,
    route=PATCH("/oauth_applications/{oauth_application_id}"),
    effect=WRITE,
):
    """Change fields of an OAuth application."""

    oauth_application_id: Id
    name: Nullable[Name] = None
    redirect_uris: Nullable[Uris] = about("replaces all")
    callback_url: Nullable[Url] = about("deprecated: use redirect_uris")
    scopes: Nullable[Url] = None
    consent_screen_enabled: Nullable[bool] = None
    pkce_required: Nullable[bool] = None
    public: Nullable[bool] = None


class DeleteClient(
    Action,
    name="clerk_client_delete",
    resource=CLIENTS,
    route=DELETE("/oauth_applications/{oauth_application_id}"),
    effect=DESTRUCTIVE,
):
    """Delete an OAuth application for good: its sign-ins stop working."""

    oauth_application_id: Id
