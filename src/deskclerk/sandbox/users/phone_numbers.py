"""Phone numbers by their own routes."""

from typing import Any

from deskclerk.catalogue.route import DELETE, GET, PATCH, POST, PUT
from deskclerk.sandbox.http.call import Call, Handlers
from deskclerk.sandbox.http.errors import refusal
from deskclerk.sandbox.http.rows import get
from deskclerk.sandbox.store.tables import phone_numbers, users
from deskclerk.sandbox.users.contacts import (
    attempt_verification,
    create_contact,
    delete_contact,
    get_contact,
    prepare_verification,
    replace_contacts,
    update_contact,
)
from deskclerk.sandbox.users.identifications import count_others

KIND = "phone_number"
_ONE = "/phone_numbers/{phone_number_id}"


async def create_phone_number(call: Call) -> dict[str, Any]:
    """One more phone number of a user."""
    factor = bool(call.body.get("reserved_for_second_factor"))
    if factor and not call.body.get("verified"):
        raise _unverified("create")
    if factor:
        user = await get(call, users, call.body["user_id"], "user")
        # Nothing to leave out of the count: the new number is not there yet.
        await _keep_a_first_factor(call, user["id"], "")
    return await create_contact(call, KIND, {"reserved_for_second_factor": True} if factor else {})


async def get_phone_number(call: Call) -> dict[str, Any]:
    """One phone number."""
    return await get_contact(call, KIND, call.path["phone_number_id"])


async def update_phone_number(call: Call) -> dict[str, Any]:
    """Another state of a phone number."""
    key, factor = call.path["phone_number_id"], call.body.get("reserved_for_second_factor")
    if factor is None:
        return await update_contact(call, KIND, key)
    row, verified = await get(call, phone_numbers, key, KIND), call.body.get("verified")
    if factor and not (row["verified"] if verified is None else verified):
        raise _unverified("update")
    if factor:
        await _keep_a_first_factor(call, row["user_id"], key)
    return await update_contact(call, KIND, key, {"reserved_for_second_factor": factor})


async def delete_phone_number(call: Call) -> dict[str, Any]:
    """One phone number less."""
    return await delete_contact(call, KIND, call.path["phone_number_id"])


async def replace_phone_number(call: Call) -> dict[str, Any]:
    """One phone number for all that a user has."""
    return await replace_contacts(call, KIND)


async def prepare_phone_number(call: Call) -> dict[str, Any]:
    """A code to a phone number."""
    return await prepare_verification(call, KIND, call.path["phone_number_id"])


async def attempt_phone_number(call: Call) -> dict[str, Any]:
    """The code that came back."""
    return await attempt_verification(call, KIND, call.path["phone_number_id"])


def _unverified(verb: str) -> Exception:
    text = "A phone_number that is not verified cannot be a second factor."
    return refusal(f"identification_{verb}_second_factor_unverified", f"{verb} failed", text)


async def _keep_a_first_factor(call: Call, user_id: str, key: str) -> None:
    """Refuse to make the only thing that identifies a user a second factor."""
    if await count_others(call, user_id, key) == 0:
        text = "The last thing that identifies a user cannot be a second factor."
        raise refusal("identification_update_failed", "update failed", text)


HANDLERS: Handlers = {
    POST("/phone_numbers"): create_phone_number,
    GET(_ONE): get_phone_number,
    PATCH(_ONE): update_phone_number,
    DELETE(_ONE): delete_phone_number,
    PUT("/users/{user_id}/phone_number"): replace_phone_number,
    POST(f"{_ONE}/prepare_verification"): prepare_phone_number,
    POST(f"{_ONE}/attempt_verification"): attempt_phone_number,
}
