"""What others may see of a user, beside a membership or an invitation."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, RowMapping, func

from deskclerk.sandbox.call import Call
from deskclerk.sandbox.image_urls import image_url
from deskclerk.sandbox.store.tables import users
from deskclerk.sandbox.user_filters import order_column

_COLUMNS = ("id", "first_name", "last_name", "username", "profile_image_id", "banned")


def person_columns() -> Sequence[ColumnElement[Any]]:
    """The columns of `users` that `public_user_data` needs, for a query that joins it."""
    identifier = func.coalesce(
        order_column("email_address"),
        order_column("phone_number"),
        users.c.username,
        order_column("web3wallet"),
    )
    return [
        *(users.c[name].label(f"person_{name}") for name in _COLUMNS),
        identifier.label("person_identifier"),
    ]


def public_user_data(call: Call, row: RowMapping) -> dict[str, Any]:
    """What a membership shows of its user."""
    data = public_inviter_data(call, row)
    return {
        **data,
        "identifier": row["person_identifier"],
        "profile_image_url": data["image_url"],
        "username": row["person_username"],
        "banned": row["person_banned"],
        "deprovisioned": False,
    }


def public_inviter_data(call: Call, row: RowMapping) -> dict[str, Any]:
    """What an invitation shows of its inviter."""
    return {
        "user_id": row["person_id"],
        "first_name": row["person_first_name"],
        "last_name": row["person_last_name"],
        "image_url": image_url(call, row["person_profile_image_id"], row["person_id"]),
        "has_image": row["person_profile_image_id"] is not None,
        "identifier": row["person_identifier"] or "",
    }
