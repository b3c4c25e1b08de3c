"""Who could pay: every user and every organization of the instance."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from sqlalchemy import select

from deskclerk.sandbox.http.call import Call
from deskclerk.sandbox.http.rows import RowMapping, all_of, get
from deskclerk.sandbox.store.tables import email_addresses, organizations, users

Kind = Literal["user", "org"]
TABLES = {"user": users, "org": organizations}
_LETTERS = {"user": "u", "org": "o"}


@dataclass(frozen=True, slots=True)
class Payer:
    """A user or an organization, and the address of the former."""

    kind: Kind
    row: RowMapping
    email: str | None = None

    def id(self, prefix: str) -> str:
        """The id of what each payer has one of."""
        return id_of(prefix, self.kind, self.row["id"])


def id_of(prefix: str, kind: str, key: str) -> str:
    """An id that follows from that of a user or an organization: nothing has to be kept for it.

    The letter tells the kind: seeds may give a user and an organization the same name.
    """
    return f"{prefix}_{_LETTERS[kind]}{key.partition('_')[2]}"


def whose(prefix: str, key: str) -> tuple[Kind, str] | None:
    """The kind and the id that an id follows from, if it can be one."""
    rest = key.removeprefix(f"{prefix}_")
    if rest == key:
        return None
    if rest.startswith("u"):
        return "user", f"user_{rest[1:]}"
    return ("org", f"org_{rest[1:]}") if rest.startswith("o") else None


async def payer_of(call: Call, kind: Kind) -> Payer:
    """The payer that the call's path names; else 404."""
    if kind == "user":
        row = await get(call, users, call.path["user_id"], "user")
    else:
        row = await get(call, organizations, call.path["organization_id"], "organization")
    (payer,) = await with_addresses(call, [(kind, row)])
    return payer


async def payers_by(call: Call, keys: Sequence[tuple[Kind, str]]) -> list[Payer]:
    """The payers with these kinds and ids, in that order; those that are not there are left out."""
    found: dict[tuple[str, str], RowMapping] = {}
    for kind, table in TABLES.items():
        ids = [key for other, key in keys if other == kind]
        rows = await call.connection.execute(all_of(call, table).where(table.c.id.in_(ids)))
        found |= {(kind, row["id"]): row for row in rows.mappings()}
    return await with_addresses(
        call, [(kind, found[kind, key]) for kind, key in keys if (kind, key) in found]
    )


async def with_addresses(call: Call, rows: Sequence[tuple[Kind, RowMapping]]) -> list[Payer]:
    """The payers of these rows, in that order."""
    columns = email_addresses.c
    ids = [row["primary_email_address_id"] for kind, row in rows if kind == "user"]
    query = select(columns.user_id, columns.email_address)
    query = query.where(columns.instance_id == call.instance.id, columns.id.in_(ids))
    found = (await call.connection.execute(query)).all()
    known = {row.user_id: row.email_address for row in found}
    return [Payer(kind, row, known.get(row["id"])) for kind, row in rows]


def payer_answer(payer: Payer) -> dict[str, Any]:
    """A payer as Clerk answers it."""
    row = payer.row
    if payer.kind == "user":
        names = {"user_id": row["id"], "first_name": row["first_name"], "last_name": row["last_name"]}
        names["email"] = payer.email
    else:
        names = {"organization_id": row["id"], "organization_name": row["name"]}
    return {
        "object": "commerce_payer",
        "id": payer.id("cpayer"),
        "instance_id": row["instance_id"],
        **names,
        "created_at": row["created_at"],
        "updated_at": row["updated_at"],
    }
