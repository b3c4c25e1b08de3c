"""Users' answers, kept as text beside their rows: reading one is one look-up, whatever belongs to the user.

A text is everything that Clerk answers but for two things, which are filled in when it is read: where the
picture is, which depends on how the sandbox was reached, and the lock, which depends on the time. Whoever
changes a user writes the new text; where somebody else changed a part of it, the database has dropped the
text (triggers, see migration 0007), and the answer is made of the rows again.
"""

import json
from collections.abc import Mapping, Sequence
from importlib import import_module
from typing import Any

from sqlalchemy import Dialect, Select, Table, bindparam, select

from deskclerk.database import Connection, Statement
from deskclerk.sandbox.http.answer import Ready, dumped
from deskclerk.sandbox.http.call import Call, Question
from deskclerk.sandbox.http.images import DEFAULTS, image_url
from deskclerk.sandbox.http.rows import RowMapping
from deskclerk.sandbox.store.aggregates import among, read_rows, rows_of
from deskclerk.sandbox.store.bulk import insert_rows
from deskclerk.sandbox.store.tables import (
    email_addresses,
    external_accounts,
    passkeys,
    phone_numbers,
    sandbox_state,
    user_documents,
    users,
    web3_wallets,
)

VERIFICATION_ATTEMPTS = 100
_AT_ONCE = 1000
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
_OF_ACCOUNT = (
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
_COLUMNS = tuple(users.c[name] for name in (*_SAME, "password_digest", "totp_secret", "backup_codes"))
_BELONGINGS: Mapping[str, tuple[Table, tuple[str, ...]]] = {
    "email_addresses": (
        email_addresses,
        (
            "id",
            "position",
            "email_address",
            "verified",
            "held_by",
            "verification",
            "created_at",
            "updated_at",
        ),
    ),
    "phone_numbers": (
        phone_numbers,
        (
            *("id", "position", "phone_number", "verified", "held_by", "verification"),
            *("created_at", "updated_at", "reserved_for_second_factor"),
        ),
    ),
    "web3_wallets": (
        web3_wallets,
        ("id", "position", "web3_wallet", "verified", "held_by", "verification", "created_at", "updated_at"),
    ),
    "external_accounts": (external_accounts, _OF_ACCOUNT),
    "passkeys": (passkeys, ("id", "name", "last_used_at", "created_at")),
}
"""What belongs to a user, and the columns that its answer is made of."""
_OWNED = {key: tuple(table.c[name] for name in names) for key, (table, names) in _BELONGINGS.items()}
_ABSENT = dict.fromkeys(users.c.keys())
_KEYS = {"email_address": "email_addresses", "phone_number": "phone_numbers", "web3_wallet": "web3_wallets"}
LIVE = (users.c.id, users.c.profile_image_id, users.c.lockout_expires_at, user_documents.c.document)
"""What an answer is read from; `document` is NULL where it has to be made of the rows."""
Owned = Mapping[str, Sequence[RowMapping]]


def with_documents(query: Select[Any]) -> Select[Any]:
    """A query of users that reads what LIVE names."""
    texts = query.outerjoin(user_documents, user_documents.c.user_id == users.c.id)
    return texts.with_only_columns(*LIVE, maintain_column_froms=True)


def with_revision(query: Select[Any]) -> Select[Any]:
    """A query of LIVE that also tells at which revision of the sandbox's state it was answered."""
    return query.add_columns(select(sandbox_state.c.revision).scalar_subquery())


def _by_ids(dialect: Dialect) -> Select[Any]:
    parts = (
        rows_of(dialect, columns, table.c.user_id == users.c.id)
        for columns, (table, _) in zip(_OWNED.values(), _BELONGINGS.values(), strict=True)
    )
    return select(*_COLUMNS, users.c.profile_image_id, users.c.lockout_expires_at, *parts).where(
        users.c.instance_id == bindparam("instance"), among(dialect, users.c.id, "ids")
    )


_BY_IDS = Statement(_by_ids)


async def assembled(call: Call, ids: Sequence[str]) -> dict[str, dict[str, Any]]:
    """The answers for users by their ids, made of their rows in one statement."""
    found = await _assemble(call.connection, call.instance.id, ids)
    return {str(answer["id"]): live(call, answer, image_id, lock_end) for answer, image_id, lock_end in found}


async def _assemble(
    connection: Connection, instance_id: str, ids: Sequence[str]
) -> list[tuple[dict[str, Any], str | None, int | None]]:
    """For each user what is kept, its picture and the end of its lock."""
    names = [column.name for column in _COLUMNS]
    answers = []
    for row in await connection.fetch(_BY_IDS, instance=instance_id, ids=list(ids)):
        own, (image_id, lock_end) = row[: len(names)], row[len(names) : len(names) + 2]
        owned = {
            key: in_order(read_rows(columns, value))
            for (key, columns), value in zip(_OWNED.items(), row[len(names) + 2 :], strict=True)
        }
        answers.append((document(dict(zip(names, own, strict=True)), owned), image_id, lock_end))
    return answers


def in_order(rows: Sequence[RowMapping]) -> list[RowMapping]:
    """In the order in which they were added, which times alone do not tell."""
    return sorted(rows, key=lambda row: (row.get("position", row["created_at"]), row["id"]))


async def new_user(
    call: Call, values: Mapping[str, Any], addresses: Mapping[str, Sequence[RowMapping]]
) -> Ready:
    """The answer for a user that has been put in just now, with these rows by the kind of address."""
    row = {**_ABSENT, **values}
    owned = {
        "external_accounts": (),
        "passkeys": (),
        **{_KEYS[kind]: rows for kind, rows in addresses.items()},
    }
    return await _kept(call, document(row, owned), row["profile_image_id"], row["lockout_expires_at"])


async def _kept(call: Call, answer: dict[str, Any], image_id: str | None, lock_end: int | None) -> Ready:
    text = dumped(answer)
    await call.connection.apply(_KEEP, user_id=answer["id"], document=text)
    return ready(call, text, image_id, lock_end)


async def written(call: Call, user_id: str) -> Ready | None:
    """The answer for a user that has just been written, whose text is kept from now on."""
    found = await _assemble(call.connection, call.instance.id, [user_id])
    if not found:
        return None
    ((answer, image_id, lock_end),) = found
    return await _kept(call, answer, image_id, lock_end)


def _keep(dialect: Dialect) -> Any:
    values: dict[str, Any] = {"user_id": bindparam("user_id"), "document": bindparam("document")}
    # Of the two dialects the one that is not used is not imported.
    insert: Any = import_module(f"sqlalchemy.dialects.{dialect.name}").insert
    new = insert(user_documents).values(values)
    return new.on_conflict_do_update(index_elements=["user_id"], set_={"document": new.excluded.document})


_KEEP = Statement(_keep)


async def fill_documents(connection: Connection) -> None:
    """Make the texts of all users that have none: a database of an older release, rows that were restored."""
    last = ""
    lacking = (
        select(users.c.id, users.c.instance_id)
        .outerjoin(user_documents, user_documents.c.user_id == users.c.id)
        .where(user_documents.c.user_id.is_(None))
        .order_by(users.c.id)
        .limit(_AT_ONCE)
    )
    while rows := (await connection.execute(lacking.where(users.c.id > last))).all():
        last = rows[-1].id
        of_instance: dict[str, list[str]] = {}
        for row in rows:
            of_instance.setdefault(row.instance_id, []).append(row.id)
        for instance_id, ids in of_instance.items():
            await write_documents(connection, instance_id, ids)


async def write_documents(connection: Connection, instance_id: str, ids: Sequence[str]) -> None:
    """Make the texts of these users, who have none yet."""
    answers = [answer for answer, *_ in await _assemble(connection, instance_id, ids)]
    texts = [{"user_id": answer["id"], "document": dumped(answer)} for answer in answers]
    await insert_rows(connection, user_documents, texts)


def document(row: RowMapping, owned: Owned) -> dict[str, Any]:
    """What is kept of a user's answer: without a picture of its own, and as if it were not locked."""
    phones, accounts = owned["phone_numbers"], owned["external_accounts"]
    default = next((item["id"] for item in phones if item["reserved_for_second_factor"]), None)
    image = f"{DEFAULTS}/{row['id']}"
    return {
        "object": "user",
        **{name: row[name] for name in _SAME},
        "image_url": image,
        "profile_image_url": image,
        "has_image": False,
        "email_addresses": [email_answer(item, accounts) for item in owned["email_addresses"]],
        "phone_numbers": [phone_answer(item, default) for item in phones],
        "web3_wallets": [_address(item, "web3_wallet") for item in owned["web3_wallets"]],
        "external_accounts": [_account(item) for item in accounts],
        "passkeys": [_passkey(item) for item in owned["passkeys"]],
        "saml_accounts": [],
        "enterprise_accounts": [],
        **_factors(row, phones),
        **_lock(0),
        "deprovisioned": False,
    }


def ready(asked: Call | Question, text: str, image_id: str | None, lock_end: int | None) -> Ready:
    """A kept text as it is sent now."""
    # Nearly every user has neither: its text is sent as it is.
    if image_id is None and (lock_end is None or lock_end <= asked.now):
        return Ready(text)
    return Ready(dumped(live(asked, json.loads(text), image_id, lock_end)))


def live(
    asked: Call | Question, answer: dict[str, Any], image_id: str | None, lock_end: int | None
) -> dict[str, Any]:
    """What is kept, with the picture and the lock as they are now."""
    if image_id is not None:
        image = image_url(asked.base_url, image_id, answer["id"])
        answer |= {"image_url": image, "profile_image_url": image, "has_image": True}
    if lock_end is not None:
        answer |= _lock(max(0, lock_end - asked.now))
    return answer


def _lock(left: int) -> dict[str, Any]:
    return {
        "locked": left > 0,
        # Rounded up: the last half second is locked too.
        "lockout_expires_in_seconds": -(-left // 1000) if left else None,
        "verification_attempts_remaining": 0 if left else VERIFICATION_ATTEMPTS,
    }


def _factors(row: RowMapping, phones: Sequence[RowMapping]) -> dict[str, bool]:
    totp = row["totp_secret"] is not None
    return {
        "password_enabled": row["password_digest"] is not None,
        "totp_enabled": totp,
        "backup_code_enabled": bool(row["backup_codes"]),
        "two_factor_enabled": totp or any(item["reserved_for_second_factor"] for item in phones),
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
    return {
        "object": "external_account",
        **{name: row[name] for name in _OF_ACCOUNT},
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


def _passkey(row: RowMapping) -> dict[str, Any]:
    return {
        "object": "passkey",
        **{name: row[name] for name in ("id", "name", "last_used_at")},
        "verification": {
            "object": "verification_passkey",
            "status": "verified",
            "strategy": "passkey",
            "attempts": None,
            "expire_at": None,
        },
    }
