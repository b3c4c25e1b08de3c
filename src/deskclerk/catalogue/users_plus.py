"""What can be asked of users beyond the core: counts, several at once, pictures, where they belong."""

from typing import Annotated, Literal

from annotated_types import Ge, Le, MaxLen, MinLen

from deskclerk.catalogue.action import Action, ReadAction, Resource
from deskclerk.catalogue.fields import (
    FileText,
    Id,
    Json,
    Limit,
    Millis,
    Nullable,
    Offset,
    Part,
    Texts,
    Whole,
    about,
)
from deskclerk.catalogue.invitations import INVITATIONS
from deskclerk.catalogue.org_invitations import ORG_INVITATIONS
from deskclerk.catalogue.org_memberships import ORG_MEMBERSHIPS
from deskclerk.catalogue.route import DELETE, DESTRUCTIVE, GET, PATCH, POST, READ, WRITE, Answers
from deskclerk.catalogue.users import USERS

TOOLSET = "users-plus"


class CountUsers(
    ReadAction,
    name="clerk_users_count",
    titled="Count users",
    resource=USERS,
    route=GET("/users/count"),
    effect=READ,
    answers=Answers("total_count"),
    toolset=TOOLSET,
):
    """Count the users that fit the filters of a list."""

    email_address: Texts | None = None
    phone_number: Texts | None = None
    external_id: Texts | None = None
    username: Texts | None = None
    web3_wallet: Texts | None = None
    user_id: Texts | None = None
    organization_id: Texts | None = None
    query: str | None = None
    email_address_query: str | None = None
    phone_number_query: str | None = None
    username_query: str | None = None
    name_query: str | None = None
    banned: bool | None = None
    last_active_at_before: Millis | None = None
    last_active_at_after: Millis | None = None
    last_active_at_since: int | None = about("old name of last_active_at_after")
    created_at_before: Millis | None = None
    created_at_after: Millis | None = None
    last_sign_in_at_before: Millis | None = None
    last_sign_in_at_after: Millis | None = None
    provider: str | None = None
    provider_user_id: Texts | None = None


class BanUsers(
    Action,
    name="clerk_users_bulk_ban",
    titled="Ban several users",
    resource=USERS,
    route=POST("/users/ban"),
    effect=WRITE,
    answers=Answers("user", many=True),
    toolset=TOOLSET,
):
    """Ban several users at once: their sessions end and new sign-ins are refused."""

    user_ids: Annotated[list[str], MinLen(1), MaxLen(50)]


class UnbanUsers(
    Action,
    name="clerk_users_bulk_unban",
    titled="Unban several users",
    resource=USERS,
    route=POST("/users/unban"),
    effect=WRITE,
    answers=Answers("user", many=True),
    toolset=TOOLSET,
):
    """Lift the bans of several users at once; ended sessions stay ended."""

    user_ids: Annotated[list[str], MinLen(1), MaxLen(50)]


class SetUserProfileImage(
    Action,
    name="clerk_user_profile_image_set",
    resource=USERS,
    route=POST("/users/{user_id}/profile_image"),
    effect=DESTRUCTIVE,
    toolset=TOOLSET,
):
    """Set a user's profile image."""

    user_id: Id
    file: FileText | None = None


class DeleteUserProfileImage(
    Action,
    name="clerk_user_profile_image_delete",
    resource=USERS,
    route=DELETE("/users/{user_id}/profile_image"),
    effect=DESTRUCTIVE,
    toolset=TOOLSET,
):
    """Remove a user's profile image."""

    user_id: Id


class ListUserMemberships(
    ReadAction,
    name="clerk_user_org_memberships_list",
    called="list-of-user",
    titled="List memberships of user",
    resource=ORG_MEMBERSHIPS,
    route=GET("/users/{user_id}/organization_memberships"),
    effect=READ,
    wrapped=True,
    toolset=TOOLSET,
):
    """List the organizations that a user is a member of, with the role in each."""

    user_id: Id
    limit: Limit | None = None
    offset: Offset | None = None


class ListUserOrgInvitations(
    ReadAction,
    name="clerk_user_org_invitations_list",
    called="list-of-user",
    titled="List organization invitations of user",
    resource=ORG_INVITATIONS,
    route=GET("/users/{user_id}/organization_invitations"),
    effect=READ,
    wrapped=True,
    toolset=TOOLSET,
):
    """List the organizations' invitations that a user has got."""

    user_id: Id
    limit: Limit | None = None
    offset: Offset | None = None
    status: Literal["pending", "accepted", "revoked", "expired"] | None = None


class InvitationDraft(Part):
    """One invitation of many."""

    email_address: str
    public_metadata: Nullable[Json] = None
    redirect_url: Nullable[str] = None
    notify: Nullable[bool] = None
    ignore_existing: Nullable[bool] = None
    expires_in_days: Nullable[Annotated[int, Ge(1), Le(365)]] = None
    template_slug: Literal["invitation", "waitlist_invitation"] | None = None


class CreateInvitations(
    Action,
    name="clerk_invitations_bulk_create",
    titled="Create several invitations",
    resource=INVITATIONS,
    route=POST("/invitations/bulk"),
    effect=WRITE,
    answers=Answers("invitation", many=True),
    toolset=TOOLSET,
):
    """Invite several people to sign up at once."""

    invitations: Annotated[Annotated[list[InvitationDraft], MinLen(1), MaxLen(10)], Whole()]


SIGN_UPS = Resource(
    "sign-ups",
    "sign-up",
    (
        "id",
        "status",
        "required_fields",
        "optional_fields",
        "missing_fields",
        "unverified_fields",
        "verifications",
        "username",
        "email_address",
        "phone_number",
        "web3_wallet",
        "password_enabled",
        "first_name",
        "last_name",
    ),
    object="sign_up_attempt",
)


class GetSignUp(
    ReadAction,
    name="clerk_sign_up_get",
    resource=SIGN_UPS,
    route=GET("/sign_ups/{id}"),
    effect=READ,
    toolset=TOOLSET,
):
    """Read one sign-up attempt: what it lacks and has verified."""

    id: Id


class UpdateSignUp(
    Action,
    name="clerk_sign_up_update",
    resource=SIGN_UPS,
    route=PATCH("/sign_ups/{id}"),
    effect=WRITE,
    toolset=TOOLSET,
):
    """Set your own id of a sign-up attempt, or mark its custom action as done."""

    id: Id
    external_id: Nullable[str] = None
    custom_action: Nullable[bool] = None
