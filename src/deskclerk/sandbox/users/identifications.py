"""What identifies a user: how each kind is written, who holds it, which is the primary one.

No two users share one. Accounts at OAuth providers and wallets can be taken away here too.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from sqlalchemy import ColumnElement, Select, Table, bindparam, delete, func, select

from deskclerk.catalogue.route import DELETE
from deskclerk.database import Statement
from deskclerk.sandbox.access.block_list import refuse_blocked
from deskclerk.sandbox.http.call import Call, Handlers
from deskclerk.sandbox.http.errors import ill_formed, not_found, refusal, taken
from deskclerk.sandbox.http.rows import RowMapping, all_of, change, find, get, insert, remove, unique_or
from deskclerk.sandbox.ids import new_id
from deskclerk.sandbox.store.tables import (
    email_addresses,
    external_accounts,
    phone_numbers,
    users,
    verifications,
    web3_wallets,
)
from deskclerk.sandbox.users.answers import changed_user

TABLES: Mapping[str, Table] = {
    "email_address": email_addresses,
    "phone_number": phone_numbers,
    "web3_wallet": web3_wallets,
}

# 64 characters before the @, and 254 in all, are SMTP's own bounds.
_EMAIL = re.compile(r"[^@\s,;<>()]{1,64}@[^@\s.,;<>()]+(\.[^@\s.,;<>()]+)+")
_PHONE = re.compile(r"\+[1-9][0-9]{6,14}")
_WALLET = re.compile(r"0x[0-9a-f]{40}|[1-9A-HJ-NP-Za-km-z]{32,44}")
_USERNAME = re.compile(r"[A-Za-z0-9_-]+")
_SHORTEST_USERNAME, _LONGEST_USERNAME, _LONGEST_EMAIL = 4, 64, 254
_FORMS: Mapping[str, tuple[re.Pattern[str], str]] = {
    "email_address": (_EMAIL, "email_address must be a valid email address."),
    "phone_number": (_PHONE, "phone_number must be in E.164 format, such as +15551234567."),
    "web3_wallet": (_WALLET, "web3_wallet must be a valid wallet address."),
}


def _at(table: Table, column: str) -> Select[Any]:
    """The rows with one value in a column that is indexed, of others than one user."""
    owner = table.c.id if table is users else table.c.user_id
    return select(table.c.id, owner).where(
        table.c.instance_id == bindparam("instance"),
        table.c[column] == bindparam("value"),
        owner != bindparam("but"),
    )


# An address that nobody has verified may be held by several; a verified one is one user's alone.
_HELD = {kind: Statement(_at(table, kind).where(table.c.held_by == "")) for kind, table in TABLES.items()}
_HELD_TOO = {
    kind: Statement(_at(table, kind).where(table.c.held_by != "", table.c.held_by != bindparam("but")))
    for kind, table in TABLES.items()
}
_ALONE = {column: Statement(_at(users, column)) for column in ("username_folded", "external_id")}
_LAST = {
    kind: Statement(select(func.max(table.c.position)).where(table.c.user_id == bindparam("user_id")))
    for kind, table in TABLES.items()
}
UNVERIFIED = "unverified"
VERIFIED = "verified"
RESERVED = "reserved"


def _phone(text: str) -> str:
    # A "+" decoded as a space on its way here is still a plus.
    plus = "+" if text.startswith(" ") else ""
    return plus + re.sub(r"[\s().-]", "", text)


def _wallet(text: str) -> str:
    text = text.strip()
    # In hexadecimal capitals mean nothing, in base 58 they do.
    return text.lower() if text[:2].lower() == "0x" else text


NORMAL: Mapping[str, Callable[[str], str]] = {
    "email_address": lambda text: text.strip().lower(),
    "phone_number": _phone,
    "web3_wallet": _wallet,
}
"""How each kind of address is written in the database, whatever way it is given."""


def normal(kind: str, text: str) -> str:
    """An address as it is kept; refused if it is none of this kind."""
    value = NORMAL[kind](text)
    form, rule = _FORMS[kind]
    if not form.fullmatch(value) or len(value) > _LONGEST_EMAIL:
        raise ill_formed(kind, rule)
    return value


async def check_addresses(call: Call, kind: str, given: list[str], *, user_id: str = "") -> list[str]:
    """The addresses as they are kept; refused if ill-formed, given twice, blocked or another's alone.

    Whose `user_id` it is may give its own again.
    """
    if not given:
        return []
    values = [normal(kind, value) for value in given]
    if len(set(values)) < len(values):
        raise refusal("form_param_duplicate", "is given twice", f"{kind} has a value twice.", param=kind)
    for value in values:
        if await call.connection.fetch(_HELD[kind], instance=call.instance.id, value=value, but=user_id):
            raise taken(kind)
    await refuse_blocked(call, kind, values)
    return values


async def check_username(call: Call, username: str, *, user_id: str = "") -> None:
    """Refuse a username that is ill-formed, or someone else's than `user_id`'s."""
    if not _SHORTEST_USERNAME <= len(username) <= _LONGEST_USERNAME:
        text = f"A username has {_SHORTEST_USERNAME} to {_LONGEST_USERNAME} characters."
        raise refusal("form_username_invalid_length", "has a wrong length", text, param="username")
    if not _USERNAME.fullmatch(username):
        text = "A username has letters, digits, '_' and '-' only."
        raise refusal("form_username_invalid_character", "is invalid", text, param="username")
    if username.isdigit():
        text = "A username has at least one character that is not a digit."
        raise refusal("form_username_needs_non_number_char", "is invalid", text, param="username")
    # Compared folded: Clerk keeps the capitals and takes Ada and ada for the same.
    await _check_alone(call, "username_folded", "username", username.casefold(), user_id)


async def check_external_id(call: Call, external_id: str, *, user_id: str = "") -> None:
    """Refuse an external id that is someone else's than `user_id`'s."""
    await _check_alone(call, "external_id", "external_id", external_id, user_id)


async def _check_alone(call: Call, column: str, param: str, value: str, user_id: str) -> None:
    owners = await call.connection.fetch(_ALONE[column], instance=call.instance.id, value=value, but=user_id)
    if owners:
        raise taken(param)


async def add_addresses(
    call: Call, kind: str, user_id: str, values: Sequence[str], statuses: Sequence[str]
) -> str | None:
    """Give a user these addresses, behind those it has; the id of the first.

    Each is `verified`, `reserved` (its user's alone all the same) or `unverified` (others may hold it too).
    """
    if not values:
        return None
    position = await _next_position(call, kind, user_id)
    rows = new_addresses(call, kind, user_id, values, statuses, position=position)
    await insert_addresses(call, kind, rows)
    return str(rows[0]["id"])


def new_addresses(
    call: Call, kind: str, user_id: str, values: Sequence[str], statuses: Sequence[str], *, position: int = 0
) -> list[dict[str, Any]]:
    """The rows of new addresses of one kind, in their order from `position` on."""
    more = {"reserved_for_second_factor": False} if kind == "phone_number" else {}
    return [
        {
            "id": new_id("idn", call.now),
            "user_id": user_id,
            "position": position + number,
            kind: value,
            "verified": status == VERIFIED,
            # The unique index covers value and holder: empty for what is one user's alone, so that there
            # is one.
            "held_by": user_id if status == UNVERIFIED else "",
            "verification": None,
            "created_at": call.now,
            "updated_at": call.now,
            **more,
        }
        for number, (value, status) in enumerate(zip(values, statuses, strict=True))
    ]


async def insert_addresses(call: Call, kind: str, rows: Sequence[Mapping[str, Any]]) -> None:
    """Put in new addresses; whoever held one without proof has it no longer."""
    for row in rows:
        if not row["held_by"]:
            await take_from_others(call, kind, row["user_id"], row[kind])
        with unique_or(taken(kind)):
            await insert(call, TABLES[kind], **row)


async def take_from_others(call: Call, kind: str, user_id: str, value: str) -> None:
    """Let nobody else hold an address that becomes this user's alone."""
    given = {"instance": call.instance.id, "value": value, "but": user_id}
    for key, owner_id in await call.connection.fetch(_HELD_TOO[kind], **given):
        row = {"id": key, "user_id": owner_id}
        await forget(call, kind, row)
        await changed_user(call, owner_id, **await next_primary(call, kind, row))


async def forget(call: Call, kind: str, row: RowMapping) -> None:
    """Delete an address, and the codes that were sent to it."""
    await remove(call, TABLES[kind], row["id"])
    codes = (verifications.c.user_id == row["user_id"], verifications.c.identification_id == row["id"])
    await call.connection.execute(delete(verifications).where(*codes))


async def next_primary(call: Call, kind: str, gone: RowMapping) -> dict[str, Any]:
    """What becomes the primary one when this one is gone: the first that is verified, if it was."""
    user, column = await get(call, users, gone["user_id"], "user"), f"primary_{kind}_id"
    if user[column] != gone["id"]:
        return {}
    left = await of_user(call, kind, gone["user_id"])
    return {column: next((row["id"] for row in left if row["verified"]), None)}


async def of_user(call: Call, kind: str, user_id: str) -> Sequence[RowMapping]:
    """A user's addresses of one kind, in their order."""
    table = TABLES[kind]
    query = all_of(call, table).where(table.c.user_id == user_id).order_by(table.c.position, table.c.id)
    rows: Sequence[RowMapping] = (await call.connection.execute(query)).mappings().all()
    return rows


async def check_deletable(call: Call, kind: str, row: RowMapping) -> None:
    """Refuse what a connected account depends on, and the last thing that identifies a user."""
    await check_unlinked(call, kind, row)
    if await count_others(call, row["user_id"], row["id"]) == 0:
        raise refusal(
            "last_required_identification_deletion_failed",
            "Deletion failed",
            f"This {kind} is the last thing that identifies its user.",
        )


async def check_unlinked(call: Call, kind: str, row: RowMapping) -> None:
    """Refuse an e-mail address that a connected account brought."""
    if kind == "email_address" and any(
        account["email_address"] == row["email_address"]
        for account in await accounts_of(call, row["user_id"])
    ):
        raise refusal(
            "delete_linked_identification_disallowed",
            "Deletion failed",
            "This email_address is linked to a connected account: delete the account first.",
        )


async def accounts_of(call: Call, user_id: str) -> Sequence[RowMapping]:
    """A user's accounts at OAuth providers."""
    query = all_of(call, external_accounts).where(external_accounts.c.user_id == user_id)
    rows: Sequence[RowMapping] = (await call.connection.execute(query)).mappings().all()
    return rows


async def count_others(call: Call, user_id: str, but: str) -> int:
    """How many things identify a user beside this one."""
    user = await get(call, users, user_id, "user")
    tables = [*TABLES.values(), external_accounts]
    parts: list[ColumnElement[int]] = [
        select(func.count()).where(table.c.user_id == user_id, table.c.id != but).scalar_subquery()
        for table in tables
    ]
    counts = (await call.connection.execute(select(*parts))).one()
    return sum(counts) + (user["username"] is not None)


async def make_verified(
    call: Call, kind: str, row: RowMapping, verification: dict[str, Any] | None = None
) -> None:
    """Mark an address as verified, by an admin unless a verification is given."""
    other = {"verified": True, "held_by": "", "verification": verification, "updated_at": call.now}
    # Whoever verifies an address first has it: the others held it without proof.
    await take_from_others(call, kind, row["user_id"], row[kind])
    claimed = refusal("identification_claimed", "claimed", f"This {kind} is another user's by now.")
    with unique_or(claimed):
        await change(call, TABLES[kind], row["id"], **other)


async def _next_position(call: Call, kind: str, user_id: str) -> int:
    last: int | None
    ((last,),) = await call.connection.fetch(_LAST[kind], user_id=user_id)
    return 0 if last is None else last + 1


async def delete_external_account(call: Call) -> dict[str, Any]:
    """Part a user from an account; the e-mail address that it brought stays."""
    user = await get(call, users, call.path["user_id"], "user")
    key = call.path["external_account_id"]
    row = await find(call, external_accounts, id=key, user_id=user["id"])
    if row is None:
        raise not_found("external account of this user", key)
    await check_deletable(call, "external_account", row)
    await remove(call, external_accounts, key)
    await changed_user(call, user["id"])
    return {"object": "external_account", "id": key, "deleted": True}


async def delete_wallet(call: Call) -> dict[str, Any]:
    """One wallet less."""
    user = await get(call, users, call.path["user_id"], "user")
    key = call.path["web3_wallet_identification_id"]
    row = await find(call, web3_wallets, id=key, user_id=user["id"])
    if row is None:
        raise not_found("wallet of this user", key)
    await check_deletable(call, "web3_wallet", row)
    await forget(call, "web3_wallet", row)
    await changed_user(call, user["id"], **await next_primary(call, "web3_wallet", row))
    return {"object": "web3_wallet", "id": key, "deleted": True}


HANDLERS: Handlers = {
    DELETE("/users/{user_id}/external_accounts/{external_account_id}"): delete_external_account,
    DELETE("/users/{user_id}/web3_wallets/{web3_wallet_identification_id}"): delete_wallet,
}
