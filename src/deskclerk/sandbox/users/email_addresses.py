"""E-mail addresses by their own routes."""

from typing import Any, Literal

from deskclerk.catalogue.fields import Nullable
from deskclerk.catalogue.route import DELETE, GET, PATCH, POST, PUT
from deskclerk.sandbox.http.call import Call, Handlers, Operation
from deskclerk.sandbox.users.contacts import (
    attempt_verification,
    create_contact,
    delete_contact,
    get_contact,
    prepare_verification,
    replace_contacts,
    update_contact,
)

KIND = "email_address"
_ONE = "/email_addresses/{email_address_id}"


class CreateEmailAddress(Operation, route=POST("/email_addresses")):
    """Takes whose it is, and in which state."""

    user_id: str
    email_address: str
    verified: Nullable[bool] = None
    primary: Nullable[bool] = None
    notify_primary_email_address_changed: Nullable[bool] = None


class GetEmailAddress(Operation, route=GET(_ONE)):
    """Takes nothing."""


class UpdateEmailAddress(Operation, route=PATCH(_ONE)):
    """Takes the new state."""

    verified: Nullable[bool] = None
    primary: Nullable[bool] = None
    notify_primary_email_address_changed: Nullable[bool] = None


class DeleteEmailAddress(Operation, route=DELETE(_ONE)):
    """Takes nothing."""


class ReplaceEmailAddress(Operation, route=PUT("/users/{user_id}/email_address")):
    """Takes the one that is left."""

    email_address: str
    identification_status: Literal["verified", "reserved", "unverified"] | None = None
    notify_primary_email_address_changed: Nullable[bool] = None


class PrepareEmailAddress(Operation, route=POST(f"{_ONE}/prepare_verification")):
    """Takes nothing."""


class AttemptEmailAddress(Operation, route=POST(f"{_ONE}/attempt_verification")):
    """Takes a code, and which one it is to be."""

    verification_id: str
    code: str


async def create_email_address(call: Call) -> dict[str, Any]:
    """One more e-mail address of a user."""
    return await create_contact(call, KIND)


async def get_email_address(call: Call) -> dict[str, Any]:
    """One e-mail address."""
    return await get_contact(call, KIND, call.path["email_address_id"])


async def update_email_address(call: Call) -> dict[str, Any]:
    """Another state of an e-mail address."""
    return await update_contact(call, KIND, call.path["email_address_id"])


async def delete_email_address(call: Call) -> dict[str, Any]:
    """One e-mail address less."""
    return await delete_contact(call, KIND, call.path["email_address_id"])


async def replace_email_address(call: Call) -> dict[str, Any]:
    """One e-mail address for all that a user has."""
    return await replace_contacts(call, KIND)


async def prepare_email_address(call: Call) -> dict[str, Any]:
    """A code to an e-mail address."""
    return await prepare_verification(call, KIND, call.path["email_address_id"])


async def attempt_email_address(call: Call) -> dict[str, Any]:
    """The code that came back."""
    return await attempt_verification(call, KIND, call.path["email_address_id"])


HANDLERS: Handlers = {
    CreateEmailAddress: create_email_address,
    GetEmailAddress: get_email_address,
    UpdateEmailAddress: update_email_address,
    DeleteEmailAddress: delete_email_address,
    ReplaceEmailAddress: replace_email_address,
    PrepareEmailAddress: prepare_email_address,
    AttemptEmailAddress: attempt_email_address,
}
