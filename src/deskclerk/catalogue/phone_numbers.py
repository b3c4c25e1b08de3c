"""Phone numbers of users: for signing in, or as a second factor."""

from typing import Annotated, Literal

from deskclerk.catalogue.action import Action, ReadAction, Resource
from deskclerk.catalogue.fields import Id, Nullable, Secret
from deskclerk.catalogue.route import DELETE, DESTRUCTIVE, GET, PATCH, POST, PUT, READ, WRITE, Answers
from deskclerk.catalogue.users import USERS

TOOLSET = "users-plus"

PHONE_NUMBERS = Resource(
    "phone-numbers",
    "phone number",
    (
        "id",
        "phone_number",
        "reserved_for_second_factor",
        "default_second_factor",
        "reserved",
        "verification",
        "linked_to",
        "backup_codes",
        "created_at",
    ),
)


class CreatePhoneNumber(
    Action,
    name="clerk_phone_number_create",
    resource=PHONE_NUMBERS,
    route=POST("/phone_numbers"),
    effect=WRITE,
    toolset=TOOLSET,
):
    """Add a phone number to a user."""

    user_id: str
    phone_number: str
    verified: Nullable[bool] = None
    primary: Nullable[bool] = None
    reserved_for_second_factor: Nullable[bool] = None


class GetPhoneNumber(
    ReadAction,
    name="clerk_phone_number_get",
    resource=PHONE_NUMBERS,
    route=GET("/phone_numbers/{phone_number_id}"),
    effect=READ,
    toolset=TOOLSET,
):
    """Read one phone number by its id (idn_…)."""

    phone_number_id: Id


class UpdatePhoneNumber(
    Action,
    name="clerk_phone_number_update",
    resource=PHONE_NUMBERS,
    route=PATCH("/phone_numbers/{phone_number_id}"),
    effect=WRITE,
    toolset=TOOLSET,
):
    """Mark a phone number as verified, make it primary, or keep it for the second factor."""

    phone_number_id: Id
    verified: Nullable[bool] = None
    primary: Nullable[bool] = None
    reserved_for_second_factor: Nullable[bool] = None


class DeletePhoneNumber(
    Action,
    name="clerk_phone_number_delete",
    resource=PHONE_NUMBERS,
    route=DELETE("/phone_numbers/{phone_number_id}"),
    effect=DESTRUCTIVE,
    toolset=TOOLSET,
):
    """Take a phone number away from its user."""

    phone_number_id: Id


class PreparePhoneNumberVerification(
    Action,
    name="clerk_phone_number_verification_prepare",
    titled="Send verification code to phone number",
    resource=PHONE_NUMBERS,
    route=POST("/phone_numbers/{phone_number_id}/prepare_verification"),
    effect=WRITE,
    answers=Answers(keys=("object",)),
    toolset=TOOLSET,
):
    """Send a verification code to a phone number."""

    phone_number_id: Id


class AttemptPhoneNumberVerification(
    Action,
    name="clerk_phone_number_verification_attempt",
    titled="Verify phone number with code",
    resource=PHONE_NUMBERS,
    route=POST("/phone_numbers/{phone_number_id}/attempt_verification"),
    effect=WRITE,
    answers=Answers(keys=("object",)),
    toolset=TOOLSET,
):
    """Verify a phone number with the code that was sent to it."""

    phone_number_id: Id
    verification_id: str
    code: Annotated[str, Secret()]


class ReplaceUserPhoneNumber(
    Action,
    name="clerk_user_phone_number_replace",
    titled="Replace phone numbers of user",
    resource=USERS,
    route=PUT("/users/{user_id}/phone_number"),
    effect=DESTRUCTIVE,
    answers=Answers("phone_number"),
    toolset=TOOLSET,
):
    """Give a user one new primary phone number in place of all that they have."""

    user_id: Id
    phone_number: str
    identification_status: Literal["verified", "reserved", "unverified"] | None = None
