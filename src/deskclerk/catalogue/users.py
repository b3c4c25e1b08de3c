"""Users: the people who can sign in to an application."""

from typing import Annotated, Any, Literal

from deskclerk.catalogue.action import Action, ReadAction, Resource, in_turn
from deskclerk.catalogue.fields import (
    Id,
    Json,
    Limit,
    Metadata,
    Millis,
    Nullable,
    Offset,
    Rfc3339,
    Secret,
    Sorted,
    Texts,
    about,
)
from deskclerk.catalogue.route import DELETE, DESTRUCTIVE, GET, PATCH, POST, PUT, READ, WRITE, Request, Send
from deskclerk.errors import InvalidRequest

USERS = Resource(
    "users",
    "user",
    (
        "id",
        "first_name",
        "last_name",
        "username",
        "external_id",
        "email_addresses.email_address",
        "phone_numbers.phone_number",
        "banned",
        "locked",
        "public_metadata",
        "last_sign_in_at",
        "created_at",
    ),
    in_lists=(
        "id",
        "first_name",
        "last_name",
        "email_addresses.email_address",
        "phone_numbers.phone_number",
        "banned",
        "locked",
        "last_sign_in_at",
        "created_at",
    ),
)

Status = list[Literal["verified", "reserved"]]
SIGNED_IDS = "'-' before one excludes it"


class ListUsers(
    ReadAction,
    name="clerk_users_list",
    resource=USERS,
    route=GET("/users"),
    effect=READ,
    counted_at=GET("/users/count"),
):
    """Find users by exact identifiers, free text (`query`), state or dates; newest first."""

    email_address: Texts | None = None
    phone_number: Texts | None = None
    external_id: Texts | None = None
    username: Texts | None = None
    web3_wallet: Texts | None = None
    user_id: Texts | None = about(SIGNED_IDS)
    organization_id: Texts | None = about("members of; '-' excludes")
    query: str | None = about("part of an email, phone, username, id or name")
    email_address_query: str | None = None
    phone_number_query: str | None = None
    username_query: str | None = None
    name_query: str | None = None
    banned: bool | None = None
    last_active_at_before: Millis | None = None
    last_active_at_after: Millis | None = None
    last_active_at_since: Millis | None = about("old name of last_active_at_after")
    created_at_before: Millis | None = None
    created_at_after: Millis | None = None
    last_sign_in_at_before: Millis | None = None
    last_sign_in_at_after: Millis | None = None
    provider: str | None = about("e.g. oauth_google; with provider_user_id")
    provider_user_id: Texts | None = None
    limit: Limit | None = None
    offset: Offset | None = None
    starting_after: str | None = about("last user id of the page before; only in created_at order")
    order_by: (
        Annotated[
            str,
            Sorted(
                "created_at",
                "updated_at",
                "email_address",
                "web3wallet",
                "first_name",
                "last_name",
                "phone_number",
                "username",
                "last_active_at",
                "last_sign_in_at",
            ),
        ]
        | None
    ) = None

    def check(self) -> None:
        """Clerk refuses half a provider filter, and a cursor in another order or with an offset."""
        if (self.provider is None) != (self.provider_user_id is None):
            lacking = "provider_user_id" if self.provider else "provider"
            raise InvalidRequest(
                "clerk_users_list: provider and provider_user_id go together; give both.",
                problems=[(lacking, "goes together with the other one; give both")],
                next_step="Nothing was sent. Give both, or neither.",
            )
        if self.starting_after is None:
            return
        if (self.order_by or "created_at").removeprefix("-") != "created_at":
            raise InvalidRequest(
                "clerk_users_list: starting_after needs order_by created_at or -created_at.",
                problems=[("starting_after", "needs order_by created_at or -created_at")],
                next_step="Leave order_by out, or page with offset.",
            )
        if self.offset:
            raise InvalidRequest(
                "clerk_users_list: starting_after and offset exclude each other.",
                problems=[("offset", "excludes starting_after")],
                next_step="Nothing was sent. Leave one of the two out.",
            )


class GetUser(ReadAction, name="clerk_user_get", resource=USERS, route=GET("/users/{user_id}"), effect=READ):
    """Read one user by id."""

    user_id: Id


class CreateUser(Action, name="clerk_user_create", resource=USERS, route=POST("/users"), effect=WRITE):
    """Create a user; addresses are verified unless marked reserved."""

    external_id: Nullable[str] = about("your own id, unique")
    first_name: Nullable[str] = None
    last_name: Nullable[str] = None
    locale: Nullable[str] = None
    email_address: list[str] | None = about("first is primary")
    email_address_identification_status: Status | None = about("one per email")
    phone_number: list[str] | None = None
    phone_number_identification_status: Status | None = None
    web3_wallet: list[str] | None = None
    username: Nullable[str] = None
    password: Annotated[Nullable[str], Secret()] = None
    password_digest: Annotated[Nullable[str], Secret()] = None
    password_hasher: str | None = about("of password_digest, e.g. bcrypt")
    skip_password_checks: Nullable[bool] = None
    skip_password_requirement: Nullable[bool] = None
    totp_secret: Annotated[Nullable[str], Secret()] = None
    backup_codes: Annotated[list[str] | None, Secret()] = None
    public_metadata: Json | None = None
    private_metadata: Json | None = None
    unsafe_metadata: Json | None = None
    delete_self_enabled: Nullable[bool] = None
    legal_accepted_at: Nullable[Rfc3339] = None
    skip_legal_checks: Nullable[bool] = None
    skip_user_requirement: Nullable[bool] = None
    create_organization_enabled: Nullable[bool] = None
    create_organizations_limit: Nullable[int] = about("0: no limit")
    created_at: Nullable[Rfc3339] = None
    bypass_client_trust: Nullable[bool] = None
    banned: Nullable[bool] = None
    locked: Nullable[bool] = None

    def check(self) -> None:
        """The status lists run parallel to their addresses."""
        for name in ("email_address", "phone_number"):
            statuses = getattr(self, f"{name}_identification_status")
            if statuses and len(statuses) != len(getattr(self, name) or []):
                status = f"{name}_identification_status"
                raise InvalidRequest(
                    f"clerk_user_create: {status} needs one entry per {name}.",
                    problems=[(status, f"needs one entry per {name}")],
                    next_step="Nothing was sent. Give as many of the one as of the other.",
                )


class UpdateUser(
    Action,
    name="clerk_user_update",
    resource=USERS,
    route=PATCH("/users/{user_id}"),
    also=(PATCH("/users/{user_id}/metadata"),),
    effect=WRITE,
):
    """Change fields of a user. Metadata is merged deeply, null deletes a key."""

    user_id: Id
    external_id: Nullable[str] = None
    first_name: Nullable[str] = None
    last_name: Nullable[str] = None
    locale: Nullable[str] = None
    primary_email_address_id: Nullable[str] = about("idn_…, verified")
    notify_primary_email_address_changed: Nullable[bool] = None
    primary_phone_number_id: Nullable[str] = None
    primary_web3_wallet_id: Nullable[str] = None
    username: Nullable[str] = None
    profile_image_id: Nullable[str] = None
    password: Annotated[Nullable[str], Secret()] = None
    password_digest: Annotated[str | None, Secret()] = None
    password_hasher: str | None = None
    skip_password_checks: Nullable[bool] = None
    sign_out_of_other_sessions: Nullable[bool] = about("only with password")
    totp_secret: Annotated[Nullable[str], Secret()] = None
    backup_codes: Annotated[list[str] | None, Secret()] = None
    delete_self_enabled: Nullable[bool] = None
    create_organization_enabled: Nullable[bool] = None
    legal_accepted_at: Nullable[Rfc3339] = None
    skip_legal_checks: Nullable[bool] = None
    create_organizations_limit: Nullable[int] = None
    created_at: Nullable[Rfc3339] = None
    bypass_client_trust: Nullable[bool] = None
    public_metadata: Annotated[Json | None, Metadata()] = None
    private_metadata: Annotated[Json | None, Metadata()] = None
    unsafe_metadata: Annotated[Json | None, Metadata()] = None

    async def perform(self, send: Send) -> Any:
        """Fields and metadata are two routes since API version 2026-05-12."""
        return await in_turn(send, fields_and_metadata(self))


class ReplaceUserMetadata(
    Action,
    name="clerk_user_metadata_replace",
    resource=USERS,
    route=PUT("/users/{user_id}/metadata"),
    effect=WRITE,
    toolset="users-plus",
):
    """Put new metadata in the place of the old; what is left out stays. To merge, update the user."""

    user_id: Id
    public_metadata: Json | None = None
    private_metadata: Json | None = None
    unsafe_metadata: Json | None = None

    def check(self) -> None:
        """Clerk takes an empty body and changes nothing."""
        self.check_given("replace")


class BanUser(
    Action,
    name="clerk_user_ban",
    resource=USERS,
    route=POST("/users/{user_id}/ban"),
    effect=WRITE,
):
    """Ban a user: every session ends and new sign-ins are refused."""

    user_id: Id


class UnbanUser(
    Action,
    name="clerk_user_unban",
    resource=USERS,
    route=POST("/users/{user_id}/unban"),
    effect=WRITE,
):
    """Lift the ban of a user; ended sessions stay ended."""

    user_id: Id


class LockUser(
    Action,
    name="clerk_user_lock",
    resource=USERS,
    route=POST("/users/{user_id}/lock"),
    effect=WRITE,
):
    """Lock a user: sign-ins are refused until the lock expires; sessions go on."""

    user_id: Id


class UnlockUser(
    Action,
    name="clerk_user_unlock",
    resource=USERS,
    route=POST("/users/{user_id}/unlock"),
    effect=WRITE,
):
    """Lift the lock of a user."""

    user_id: Id


class DeleteUser(
    Action,
    name="clerk_user_delete",
    resource=USERS,
    route=DELETE("/users/{user_id}"),
    effect=DESTRUCTIVE,
):
    """Delete a user for good, with sessions and memberships. To keep someone out, ban instead."""

    user_id: Id


def fields_and_metadata(action: Action) -> list[tuple[str, Request]]:
    """The steps of an update whose metadata has a route of its own: only those that are needed."""
    plain, metadata = action.given("body", metadata=False), action.given("body", metadata=True)
    route, metadata_route = action.spec.routes
    steps = []
    # Only the requests that are needed, fields first: a refused field then leaves the metadata alone.
    if plain:
        steps.append((f"{', '.join(plain)} changed", action.request_to(route, plain)))
    if metadata:
        steps.append((f"{', '.join(metadata)} merged", action.request_to(metadata_route, metadata)))
    return steps
