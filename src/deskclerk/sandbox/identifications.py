"""A user's e-mail addresses, phone numbers and wallets: who holds them, and which is the primary one."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, RowMapping, delete, func, select

from deskclerk.sandbox.call import Call
from deskclerk.sandbox.identifiers import TABLES
from deskclerk.sandbox.ids import new_id
from deskclerk.sandbox.refusals import refusal, taken
from deskclerk.sandbox.rows import all_of, change, get, insert, remove
from deskclerk.sandbox.store.tables import external_accounts, users, verifications
from deskclerk.sandbox.unique import unique_or
from deskclerk.sandbox.user_changes import changed_user

UNVERIFIED = "unverified"
VERIFIED = "verified"
RESERVED = "reserved"


async def add_addresses(
    call: Call, kind: str, user_id: str, values: Sequence[str], statuses: Sequence[str]
) -> str | None:
    """Give a user these addresses, behind those it has; the id of the first.

    Each is `verified`, `reserved` (its user's alone all the same) or `unverified` (others may hold it too).
    """
    more = {"reserved_for_second_factor": False} if kind == "phone_number" else {}
    position = await _next_position(call, kind, user_id)
    ids = [new_id("idn", call.now) for _ in values]
    for number, (key, value, status) in enumerate(zip(ids, values, statuses, strict=True)):
        if status != UNVERIFIED:
            await take_from_others(call, kind, user_id, value)
        with unique_or(taken(kind)):
            await insert(
                call,
                TABLES[kind],
                id=key,
                user_id=user_id,
                position=position + number,
                verified=status == VERIFIED,
                held_by=user_id if status == UNVERIFIED else "",
                created_at=call.now,
                updated_at=call.now,
                **{kind: value},
                **more,
            )
    return ids[0] if ids else None


async def take_from_others(call: Call, kind: str, user_id: str, value: str) -> None:
    """Let nobody else hold an address that becomes this user's alone."""
    table = TABLES[kind]
    others = all_of(call, table).where(table.c[kind] == value, table.c.held_by.not_in(("", user_id)))
    for row in (await call.connection.execute(others)).mappings().all():
        await forget(call, kind, row)
        await changed_user(call, row["user_id"], **await next_primary(call, kind, row))


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
    await take_from_others(call, kind, row["user_id"], row[kind])
    claimed = refusal("identification_claimed", "claimed", f"This {kind} is another user's by now.")
    with unique_or(claimed):
        await change(call, TABLES[kind], row["id"], **other)


async def _next_position(call: Call, kind: str, user_id: str) -> int:
    table = TABLES[kind]
    query = select(func.max(table.c.position)).where(table.c.user_id == user_id)
    last: int | None = (await call.connection.execute(query)).scalar_one()
    return 0 if last is None else last + 1
