"""What the two kinds of invitation share: a ticket, an end, and a status that the clock decides."""

import re
import secrets
from collections.abc import Mapping, Sized
from typing import Any

from sqlalchemy import ColumnElement, RowMapping, Table, and_, case, update

from deskclerk.sandbox.addresses import ticket_url
from deskclerk.sandbox.call import Call
from deskclerk.sandbox.refusals import ill_formed, refusal

DEFAULT_DAYS = 30
_DAY = 24 * 60 * 60 * 1000
_URL = re.compile(r"[a-zA-Z][a-zA-Z0-9+.-]*://[^\s/?#]+\S*")
_TICKET_BYTES = 32


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
