"""Users as Clerk answers them, and how a changed one is told: the answer, and the event."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import RowMapping, Table

from deskclerk.sandbox.http.call import Call
from deskclerk.sandbox.http.images import image_url
from deskclerk.sandbox.http.rows import all_of, change, get
from deskclerk.sandbox.store.tables import (
    email_addresses,
    external_accounts,
    phone_numbers,
    users,
    web3_wallets,
)

VERIFICATION_ATTEMPTS = 100
_BY_ADMIN = {
    "object": "verification_admin",
    "status": "verified",
    "strategy": "admin",
    "attempts": None,
    "expire_at": None,
}
_SAME = (
    "id",
    "external_id",
    "primary_email_address_id",
    "primary_phone_number_id",
    "primary_web3_wallet_id",
    "username",
    "first_name",
    "last_name",
    "locale",
    "public_metadata",
    "private_metadata",
    "unsafe_metadata",
    "mfa_enabled_at",
    "mfa_disabled_at",
    "password_last_updated_at",
    "last_sign_in_at",
    "banned",
    "updated_at",
    "created_at",
    "delete_self_enabled",
    "create_organization_enabled",
    "create_organizations_limit",
    "last_active_at",
    "legal_accepted_at",
    "bypass_client_trust",
)
"""The keys whose values are the row's."""


async def present_users(call: Call, rows: Sequence[RowMapping]) -> list[dict[str, Any]]:
    """The answers for rows, with everything that belongs to each user."""
    ids = [row["id"] for row in rows]
    owned = [
        await _belongings(call, table, ids)
        for table in (email_addresses, phone_numbers, web3_wallets, external_accounts)
    ]
    return [_user(call, row, [of.get(row["id"], []) for of in owned]) for row in rows]


async def _belongings(call: Call, table: Table, ids: list[str]) -> dict[str, list[RowMapping]]:
    # In the order in which they were added, which times alone do not tell.
    order = table.c.position if "position" in table.c else table.c.created_at
    query = all_of(call, table).where(table.c.user_id.in_(ids)).order_by(order, table.c.id)
    found: dict[str, list[RowMapping]] = {}
    for row in (await call.connection.execute(query)).mappings():
        found.setdefault(row["user_id"], []).append(row)
    return found


def _user(call: Call, row: RowMapping, owned: list[list[RowMapping]]) -> dict[str, Any]:
    emails, phones, wallets, accounts = owned
    image = image_url(call, row["profile_image_id"], row["id"])
    default = next((item["id"] for item in phones if item["reserved_for_second_factor"]), None)
    return {
        "object": "user",
        **{name: row[name] for name in _SAME},
        "image_url": image,
        "profile_image_url": image,
        "has_image": row["profile_image_id"] is not None,
        "email_addresses": [email_answer(item, accounts) for item in emails],
        "phone_numbers": [phone_answer(item, default) for item in phones],
        "web3_wallets": [_address(item, "web3_wallet") for item in wallets],
        "external_accounts": [_account(item) for item in accounts],
        "passkeys": [],
        "saml_accounts": [],
        "enterprise_accounts": [],
        **_factors(row, phones),
        **_lock(row, call.now),
        "deprovisioned": False,
    }


def _factors(row: RowMapping, phones: list[RowMapping]) -> dict[str, bool]:
    totp = row["totp_secret"] is not None
    return {
        "password_enabled": row["password_digest"] is not None,
        "totp_enabled": totp,
        "backup_code_enabled": bool(row["backup_codes"]),
        "two_factor_enabled": totp or any(item["reserved_for_second_factor"] for item in phones),
    }


def _lock(row: RowMapping, now: int) -> dict[str, Any]:
    left = max(0, (row["lockout_expires_at"] or 0) - now)
    return {
        "locked": left > 0,
        # Rounded up: the last half second is locked too.
        "lockout_expires_in_seconds": -(-left // 1000) if left else None,
        "verification_attempts_remaining": 0 if left else VERIFICATION_ATTEMPTS,
    }


def _address(row: RowMapping, kind: str) -> dict[str, Any]:
    return {
        "id": row["id"],
        "object": kind,
        kind: row[kind],
        "verification": (row["verification"] or _BY_ADMIN) if row["verified"] else None,
        "created_at": row["created_at"],
        "updated_at": row["updated_at"],
    }


def email_answer(row: RowMapping, accounts: Sequence[RowMapping]) -> dict[str, Any]:
    """An e-mail address of a user with these accounts."""
    return _address(row, "email_address") | {
        "reserved": is_reserved(row),
        "linked_to": [
            {"type": account["provider"], "id": account["identification_id"]}
            for account in accounts
            if account["email_address"] == row["email_address"]
        ],
        "matches_sso_connection": False,
    }


def phone_answer(row: RowMapping, default_id: str | None) -> dict[str, Any]:
    """A phone number of a user whose second factor is `default_id` unless another is chosen."""
    return _address(row, "phone_number") | {
        "reserved": is_reserved(row),
        "reserved_for_second_factor": row["reserved_for_second_factor"],
        "default_second_factor": row["id"] == default_id,
        "linked_to": [],
        "backup_codes": None,
    }


def is_reserved(row: RowMapping) -> bool:
    """Whether an address is its user's alone although nobody verified it."""
    return not row["verified"] and not row["held_by"]


def _account(row: RowMapping) -> dict[str, Any]:
    same = (
        "id",
        "provider",
        "identification_id",
        "provider_user_id",
        "approved_scopes",
        "email_address",
        "first_name",
        "last_name",
        "username",
        "public_metadata",
        "created_at",
        "updated_at",
    )
    return {
        "object": "external_account",
        **{name: row[name] for name in same},
        "email_address_verified": True,
        "image_url": None,
        "phone_number": None,
        "label": None,
        "verification": {
            "object": "verification_oauth",
            "status": "verified",
            "strategy": row["provider"],
            "attempts": None,
            "expire_at": row["created_at"] + 600_000,
        },
    }


async def user_answer(call: Call, user_id: str) -> dict[str, Any]:
    """One user as Clerk answers it, or 404."""
    (answer,) = await present_users(call, [await get(call, users, user_id, "user")])
    return answer


async def changed_user(call: Call, user_id: str, **values: Any) -> dict[str, Any]:
    """The user with these new values in its row; tells `user.updated`."""
    await change(call, users, user_id, **values | {"updated_at": call.now})
    answer = await user_answer(call, user_id)
    call.emit("user.updated", answer)
    return answer
