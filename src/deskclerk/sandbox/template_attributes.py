"""What the shortcodes of JWT templates can name: the user, the active organization, the session."""

from typing import Any

from sqlalchemy import RowMapping, select

from deskclerk.sandbox.call import Call
from deskclerk.sandbox.organization_claims import Active, active_organization
from deskclerk.sandbox.rows import get
from deskclerk.sandbox.shortcodes import Attributes
from deskclerk.sandbox.store.tables import memberships, users
from deskclerk.sandbox.user_answers import present_users

_SAME = (
    "id",
    "external_id",
    "first_name",
    "last_name",
    "username",
    "created_at",
    "updated_at",
    "last_sign_in_at",
    "image_url",
    "has_image",
    "two_factor_enabled",
    "public_metadata",
    "unsafe_metadata",
)
"""Attributes that the user's answer has under the same name. Private metadata is in no token."""


async def attributes(call: Call, session: RowMapping) -> Attributes:
    """The values by root; without an active organization what belongs to one is null."""
    (user,) = await present_users(call, [await get(call, users, session["user_id"], "user")])
    active = await active_organization(call, user["id"], session["last_active_organization_id"])
    return {
        "user": {**_user(user), "organizations": await _organizations(call, user["id"])},
        "session": {"id": session["id"], "actor": session["actor"]},
        **(_organization(active) if active else {}),
    }


def _user(user: dict[str, Any]) -> dict[str, Any]:
    email, phone, wallet = (
        next((item for item in user[kind] if item["id"] == user[f"primary_{key}_id"]), None)
        for kind, key in (
            ("email_addresses", "email_address"),
            ("phone_numbers", "phone_number"),
            ("web3_wallets", "web3_wallet"),
        )
    )
    names = [name for name in (user["first_name"], user["last_name"]) if name]
    return {
        **{name: user[name] for name in _SAME},
        "full_name": " ".join(names) or None,
        "primary_email_address": email and email["email_address"],
        "primary_phone_number": phone and phone["phone_number"],
        "primary_web3_wallet": wallet and wallet["web3_wallet"],
        "email_verified": _verified(email),
        "phone_number_verified": _verified(phone),
    }


def _verified(address: dict[str, Any] | None) -> bool:
    proof = address["verification"] if address else None
    return proof is not None and bool(proof["status"] == "verified")


async def _organizations(call: Call, user_id: str) -> dict[str, str]:
    """The user's role in each organization, by the organization's id."""
    query = select(memberships.c.organization_id, memberships.c.role).where(memberships.c.user_id == user_id)
    rows = await call.connection.execute(query.order_by(memberships.c.created_at, memberships.c.id))
    return {row.organization_id: row.role for row in rows}


def _organization(active: Active) -> dict[str, Any]:
    return {
        "org": {
            "id": active.id,
            "name": active.name,
            "slug": active.slug,
            "role": active.role,
            "public_metadata": active.public_metadata,
        },
        "org_membership": {
            "role": active.role,
            "permissions": list(active.permissions),
            "public_metadata": active.membership_metadata,
        },
    }
