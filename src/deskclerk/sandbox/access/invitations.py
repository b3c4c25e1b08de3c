"""Invitations to sign up to the application, and what both kinds of invitation share: a ticket, an end."""

import re
import secrets
from collections.abc import Mapping, Sequence, Sized
from typing import Any

from sqlalchemy import ColumnElement, Table, and_, case, or_, select, update

from deskclerk.catalogue.route import GET, POST
from deskclerk.sandbox.access.block_list import refuse_blocked
from deskclerk.sandbox.http.call import Call, Handlers
from deskclerk.sandbox.http.errors import Refusal, ill_formed, refusal, taken
from deskclerk.sandbox.http.metadata import checked_metadata
from deskclerk.sandbox.http.rows import (
    RowMapping,
    all_of,
    change,
    find,
    get,
    insert,
    ordered,
    page,
    split_order,
    unique_or,
)
from deskclerk.sandbox.ids import new_id
from deskclerk.sandbox.instance.domains import ticket_url
from deskclerk.sandbox.store.tables import email_addresses, invitations
from deskclerk.sandbox.users.identifications import normal

DEFAULT_DAYS = 30
_DAY = 24 * 60 * 60 * 1000
_URL = re.compile(r"[a-zA-Z][a-zA-Z0-9+.-]*://[^\s/?#]+\S*")
_TICKET_BYTES = 32
MOST_AT_ONCE = 10


def pending_values(call: Call, body: Mapping[str, Any]) -> dict[str, Any]:
    """The columns of a new invitation that follow from the clock and the body, each checked."""
    redirect_url = body.get("redirect_url")
    if redirect_url is not None and not _URL.fullmatch(redirect_url):
        raise ill_formed("redirect_url", "redirect_url must be a URL.")
    return {
        "status": "pending",
        "ticket": secrets.token_urlsafe(_TICKET_BYTES),
        "redirect_url": redirect_url,
        "expires_at": call.now + (body.get("expires_in_days") or DEFAULT_DAYS) * _DAY,
        "created_at": call.now,
        "updated_at": call.now,
    }


def status_at(table: Table, now: int) -> ColumnElement[str]:
    """An invitation's status at a time, in SQL: the same rule as `status_of`."""
    # Nobody writes down that an invitation expires: the clock decides whenever one is read.
    over = and_(table.c.status == "pending", table.c.expires_at <= now)
    return case((over, "expired"), else_=table.c.status)


def status_of(row: RowMapping, now: int) -> str:
    """An invitation's status at a time."""
    over = row["status"] == "pending" and row["expires_at"] <= now
    return "expired" if over else str(row["status"])


async def end_expired(call: Call, table: Table, *conditions: ColumnElement[bool]) -> None:
    """Write down which invitations have expired, so that they stand in no new one's way."""
    over = (table.c.status == "pending", table.c.expires_at <= call.now)
    mine = table.c.instance_id == call.instance.id
    await call.connection.execute(update(table).where(mine, *over, *conditions).values(status="expired"))


def link_of(call: Call, row: RowMapping) -> str | None:
    """The address that accepts an invitation, while it can be accepted."""
    return ticket_url(call.instance, row["ticket"]) if status_of(row, call.now) == "pending" else None


def check_size(items: Sized, most: int) -> None:
    """Refuse more than can be asked for at once."""
    if len(items) > most:
        raise refusal("bulk_size_exceeded", "too many at once", f"At most {most} can be asked for at once.")


async def list_invitations(call: Call) -> Any:
    """Invitations, newest first by default; revoked ones only when they are asked for."""
    columns, status = invitations.c, status_at(invitations, call.now)
    wanted = call.query.get("status")
    query = all_of(call, invitations).where(status == wanted if wanted else status != "revoked")
    if text := call.query.get("query", "").strip():
        part = columns.email_address.contains(text.lower(), autoescape=True)
        query = query.where(or_(part, columns.id.contains(text, autoescape=True)))
    name, descends = split_order(call.query.get("order_by", "-created_at"))
    return await page(call, ordered(query, columns[name], columns.id, descends=descends), present_invitations)


async def create_invitation(call: Call) -> dict[str, Any]:
    """Invite an address that is neither invited nor a user's, or any with `ignore_existing`."""
    return await _create(call, call.body, users_too=bool(call.body.get("ignore_existing")))


async def create_invitations(call: Call) -> list[dict[str, Any]]:
    """Invite several at once, no users among them, or nobody when one of them cannot be."""
    check_size(call.items, MOST_AT_ONCE)
    return [await _create(call, item, users_too=False) for item in call.items]


async def _create(call: Call, body: Mapping[str, Any], *, users_too: bool) -> dict[str, Any]:
    email_address, anyway = normal("email_address", body["email_address"]), bool(body.get("ignore_existing"))
    await refuse_blocked(call, "email_address", [email_address])
    # An empty `held_by` marks the address as one user's own; an unverified one stands beside others.
    if not users_too and await find(call, email_addresses, email_address=email_address, held_by=""):
        raise taken("email_address")
    if not anyway and await pending_invitation(call, email_address):
        raise _invited(email_address)
    key = await invite(call, email_address, body, beside_others=anyway)
    return invitation_answer(call, await get(call, invitations, key, "invitation"))


async def revoke_invitation(call: Call) -> dict[str, Any]:
    """Revoke an invitation that is neither accepted nor revoked; an expired one can be revoked too."""
    row = await get(call, invitations, call.path["invitation_id"], "invitation")
    # As stored: Clerk lets an expired one be revoked.
    if row["status"] in ("accepted", "revoked"):
        text = f"The invitation is {row['status']} already."
        raise refusal(f"invitation_already_{row['status']}", f"already {row['status']}", text)
    await change(call, invitations, row["id"], status="revoked", updated_at=call.now)
    return invitation_answer(call, await get(call, invitations, row["id"], "invitation"))


async def pending_invitation(call: Call, email_address: str) -> str | None:
    """The id of an invitation that this address can still accept."""
    mine = (invitations.c.instance_id == call.instance.id, invitations.c.email_address == email_address)
    query = select(invitations.c.id).where(*mine, status_at(invitations, call.now) == "pending").limit(1)
    return (await call.connection.execute(query)).scalar_one_or_none()


async def invite(
    call: Call, email_address: str, body: Mapping[str, Any], *, beside_others: bool = False
) -> str:
    """A new pending invitation for an address in its normal form; its id."""
    key = new_id("inv", call.now)
    await end_expired(call, invitations, invitations.c.email_address == email_address)
    values = {"public_metadata": {}} | checked_metadata(body) | pending_values(call, body)
    with unique_or(_invited(email_address)):
        # `beside_others` keeps it out of the unique index on pending ones.
        await insert(
            call, invitations, id=key, email_address=email_address, beside_others=beside_others, **values
        )
    return key


def _invited(email_address: str) -> Refusal:
    text = f"There is a pending invitation for {email_address} already."
    return refusal("duplicate_record", "invited already", text, param="email_address")


async def present_invitations(call: Call, rows: Sequence[RowMapping]) -> list[dict[str, Any]]:
    """The answers for rows."""
    return [invitation_answer(call, row) for row in rows]


def invitation_answer(call: Call, row: RowMapping) -> dict[str, Any]:
    """An invitation as Clerk answers it, with its link while that works."""
    same = ("id", "email_address", "public_metadata", "expires_at", "created_at", "updated_at")
    status, link = status_of(row, call.now), link_of(call, row)
    answer = {"object": "invitation", **{name: row[name] for name in same}, "status": status}
    return answer | {"revoked": status == "revoked"} | ({"url": link} if link else {})


HANDLERS: Handlers = {
    GET("/invitations"): list_invitations,
    POST("/invitations"): create_invitation,
    POST("/invitations/bulk"): create_invitations,
    POST("/invitations/{invitation_id}/revoke"): revoke_invitation,
}
