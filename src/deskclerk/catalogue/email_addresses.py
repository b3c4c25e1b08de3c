"""E-mail addresses of users: each is one that a user can sign in with, once it is verified."""

from typing import Annotated, Literal

from deskclerk.catalogue.action import Action, ReadAction, Resource
from deskclerk.catalogue.fields import Id, Nullable, Secret
from deskclerk.catalogue.route import DELETE, DESTRUCTIVE, GET, PATCH, POST, PUT, READ, WRITE, Answers
from deskclerk.catalogue.users import USERS

TOOLSET = "users-plus"

EMAIL_ADDRESSES = Resource(
    "email-addresses",
    "email address",
    (
        "id",
        "email_address",
        "reserved",
        "verification",
        "linked_to",
        "matches_sso_connection",
        "created_at",
    ),
)


class CreateEmailAddress(
    Action,
    name="clerk_email_address_create",
    resource=EMAIL_ADDRESSES,
    route=POST("/email_addresses"),
    effect=WRITE,
    toolset=TOOLSET,
):
    """Add an e-mail address to a user."""

    user_id: str
    email_address: str
    verified: Nullable[bool] = None
    primary: Nullable[bool] = None
    notify_primary_email_address_changed: Nullable[bool] = None


class GetEmailAddress(
    ReadAction,
    name="clerk_email_address_get",
    resource=EMAIL_ADDRESSES,
    route=GET("/email_addresses/{email_address_id}"),
    effect=READ,
    toolset=TOOLSET,
):
    """Read one e-mail address by its id (idn_…)."""

    email_address_id: Id


class UpdateEmailAddress(
    Action,
    name="clerk_email_address_update",
    resource=EMAIL_ADDRESSES,
    route=PATCH("/email_addresses/{email_address_id}"),
    effect=WRITE,
    toolset=TOOLSET,
):
    """Mark an e-mail address as verified, or make it the user's primary one."""

    email_address_id: Id
    verified: Nullable[bool] = None
    primary: Nullable[bool] = None
    notify_primary_email_address_changed: Nullable[bool] = None


class DeleteEmailAddress(
    Action,
    name="clerk_email_address_delete",
    resource=EMAIL_ADDRESSES,
    route=DELETE("/email_addresses/{email_address_id}"),
    effect=DESTRUCTIVE,
    toolset=TOOLSET,
):
    """Take an e-mail address away from its user."""

    email_address_id: Id


class PrepareEmailAddressVerification(
    Action,
    name="clerk_email_address_verification_prepare",
    titled="Send verification code to email address",
    resource=EMAIL_ADDRESSES,
    route=POST("/email_addresses/{email_address_id}/prepare_verification"),
    effect=WRITE,
    answers=Answers(keys=("object",)),
    toolset=TOOLSET,
):
    """Send a verification code to an e-mail address."""

    email_address_id: Id


class AttemptEmailAddressVerification(
    Action,
    name="clerk_email_address_verification_attempt",
    titled="Verify email address with code",
    resource=EMAIL_ADDRESSES,
    route=POST("/email_addresses/{email_address_id}/attempt_verification"),
    effect=WRITE,
    answers=Answers(keys=("object",)),
    toolset=TOOLSET,
):
    """Verify an e-mail address with the code that was sent to it."""

    email_address_id: Id
    verification_id: str
    code: Annotated[str, Secret()]


class ReplaceUserEmailAddress(
    Action,
    name="clerk_user_email_address_replace",
    titled="Replace email addresses of user",
    resource=USERS,
    route=PUT("/users/{user_id}/email_address"),
    effect=DESTRUCTIVE,
    answers=Answers("email_address"),
    toolset=TOOLSET,
):
    """Give a user one new primary e-mail address in place of all that they have."""

    user_id: Id
    email_address: str
    identification_status: Literal["verified", "reserved", "unverified"] | None = None
    notify_primary_email_address_changed: Nullable[bool] = None
