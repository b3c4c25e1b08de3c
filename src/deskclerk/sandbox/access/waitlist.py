"""The waitlist: who asked to be let in, and what became of it."""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import or_

from deskclerk.catalogue.route import DELETE, GET, POST
from deskclerk.sandbox.access.invitations import check_size, invitation_answer, invite, pending_invitation
from deskclerk.sandbox.http.call import Call, Handlers
from deskclerk.sandbox.http.errors import refusal, taken
from deskclerk.sandbox.http.rows import (
    RowMapping,
    all_of,
    change,
    find,
    get,
    insert,
    ordered,
    page,
    remove,
    split_order,
)
from deskclerk.sandbox.ids import new_id
from deskclerk.sandbox.store.tables import email_addresses, invitations, waitlist_entries
from deskclerk.sandbox.users.identifications import normal

MOST_AT_ONCE = 50
WHAT = "waitlist entry"
_TABLE = waitlist_entries
_ONE = "/waitlist_entries/{waitlist_entry_id}"


async def list_entries(call: Call) -> Any:
    """The entries, newest first by default."""
    query, columns = all_of(call, _TABLE), _TABLE.c
    if "status" in call.query:
        query = query.where(columns.status == call.query["status"])
    if text := call.query.get("query", "").strip():
        query = query.where(or_(columns.email_address == text.lower(), columns.id == text))
    name, descends = split_order(call.query.get("order_by", "-created_at"))
    return await page(call, ordered(query, columns[name], columns.id, descends=descends), present)


async def create_entry(call: Call) -> dict[str, Any]:
    """Put an address on the list; one that is there already stays as it is."""
    return await _create(call, call.body)


async def create_entries(call: Call) -> list[dict[str, Any]]:
    """Put several on the list, each once."""
    check_size(call.items, MOST_AT_ONCE)
    given = [normal("email_address", item["email_address"]) for item in call.items]
    # Twice in one request is an error; on the list already is none.
    if len(set(given)) < len(given):
        text = "email_address is given twice."
        raise refusal("form_param_duplicate", "is given twice", text, param="email_address")
    return [await _create(call, item) for item in call.items]


async def invite_entry(call: Call) -> dict[str, Any]:
    """Invite who waits."""
    row = await _waiting(call, "pending", "rejected")
    address, anyway = row["email_address"], bool(call.body.get("ignore_existing"))
    if not anyway and await find(call, email_addresses, email_address=address, held_by=""):
        raise taken("email_address")
    if not anyway and await pending_invitation(call, address):
        text = f"There is a pending invitation for {address} already."
        raise refusal("duplicate_record", "invited already", text, param="email_address")
    key = await invite(call, address, {}, beside_others=anyway)
    return await _changed(call, row, status="invited", invitation_id=key, invited_at=call.now)


async def reject_entry(call: Call) -> dict[str, Any]:
    """Let somebody wait no longer."""
    return await _changed(call, await _waiting(call, "pending"), status="rejected")


async def delete_entry(call: Call) -> dict[str, Any]:
    """Take somebody who waits off the list."""
    row = await _waiting(call, "pending")
    await remove(call, _TABLE, row["id"])
    return {"object": "waitlist_entry", "id": row["id"], "deleted": True}


async def _create(call: Call, body: Mapping[str, Any]) -> dict[str, Any]:
    address = normal("email_address", body["email_address"])
    # Answered as it stands, and no webhook is told: whoever asks again keeps the place.
    if row := await find(call, _TABLE, email_address=address):
        (answer,) = await present(call, [row])
        return answer
    key, times = new_id("wle", call.now), {"created_at": call.now, "updated_at": call.now}
    await insert(call, _TABLE, id=key, email_address=address, status="pending", **times)
    return await _told(call, "created", key)


async def _waiting(call: Call, *allowed: str) -> RowMapping:
    row = await get(call, _TABLE, call.path["waitlist_entry_id"], WHAT)
    if row["status"] not in allowed:
        text = f"The entry is {row['status']} already."
        raise refusal(f"waitlist_entry_already_{row['status']}", f"already {row['status']}", text)
    return row


async def _changed(call: Call, row: RowMapping, **values: Any) -> dict[str, Any]:
    await change(call, _TABLE, row["id"], **values, updated_at=call.now)
    return await _told(call, "updated", row["id"])


async def _told(call: Call, event: str, key: str) -> dict[str, Any]:
    (answer,) = await present(call, [await get(call, _TABLE, key, WHAT)])
    call.emit(f"waitlistEntry.{event}", answer)
    return answer


async def present(call: Call, rows: Sequence[RowMapping]) -> list[dict[str, Any]]:
    """The answers for rows, each with its invitation."""
    ids = [row["invitation_id"] for row in rows if row["invitation_id"]]
    found = await call.connection.execute(all_of(call, invitations).where(invitations.c.id.in_(ids)))
    sent = {row["id"]: invitation_answer(call, row) for row in found.mappings()}
    same = ("id", "email_address", "status", "created_at", "updated_at")
    return [
        {
            "object": "waitlist_entry",
            **{name: row[name] for name in same},
            "is_locked": False,
            "invitation": sent.get(row["invitation_id"]),
        }
        for row in rows
    ]


HANDLERS: Handlers = {
    GET("/waitlist_entries"): list_entries,
    POST("/waitlist_entries"): create_entry,
    POST("/waitlist_entries/bulk"): create_entries,
    DELETE(_ONE): delete_entry,
    POST(f"{_ONE}/invite"): invite_entry,
    POST(f"{_ONE}/reject"): reject_entry,
}
