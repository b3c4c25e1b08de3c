"""E-mail addresses by their own routes."""

from typing import Any

from deskclerk.catalogue.route import DELETE, GET, PATCH, POST, PUT
from deskclerk.sandbox.http.call import Call, Handlers
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
    POST("/email_addresses"): create_email_address,
    GET(_ONE): get_email_address,
    PATCH(_ONE): update_email_address,
    DELETE(_ONE): delete_email_address,
    PUT("/users/{user_id}/email_address"): replace_email_address,
    POST(f"{_ONE}/prepare_verification"): prepare_email_address,
    POST(f"{_ONE}/attempt_verification"): attempt_email_address,
}
