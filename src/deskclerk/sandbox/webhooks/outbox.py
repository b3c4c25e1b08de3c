"""Writes what happened into the outbox, in the transaction in which it happened."""

import fnmatch
from typing import Any

from sqlalchemy import bindparam, delete, func, select

from deskclerk.database import Statement
from deskclerk.sandbox.http.answer import encoded
from deskclerk.sandbox.http.call import Call
from deskclerk.sandbox.ids import new_id
from deskclerk.sandbox.store.controls import deliveries, outbox
from deskclerk.sandbox.store.state import Endpoint

KEPT = 10_000
"""How many messages of one instance stay in the outbox; the oldest go."""
_MINE = outbox.c.instance_id == bindparam("instance")
_LAST = Statement(select(func.max(outbox.c.position)).where(_MINE))
_FORGET = Statement(delete(outbox).where(_MINE, outbox.c.position <= bindparam("last")))
_ADD = Statement(
    outbox.insert().values(
        {name: bindparam(name) for name in ("id", "instance_id", "position", "type", "payload", "created_at")}
    )
)


async def write_outbox(
    call: Call, endpoints: tuple[Endpoint, ...], *, client_ip: str, user_agent: str
) -> bool:
    """One message for each event of the call, and one delivery for each endpoint that wants it.

    True if there is something to deliver.
    """
    mine = [endpoint for endpoint in endpoints if endpoint.instance_id == call.instance.id]
    request = {"client_ip": client_ip, "user_agent": user_agent}
    # Who writes holds the write lock: no two messages get the same position.
    last = await _last(call)
    messages, sends = [], []
    for number, event in enumerate(call.events, start=last + 1):
        rest = {
            "event_attributes": {"http_request": request},
            "instance_id": call.instance.id,
            "object": "event",
            "timestamp": call.now,
            "type": event.type,
        }
        message = {
            "id": new_id("msg", call.now),
            "instance_id": call.instance.id,
            "position": number,
            "type": event.type,
            "payload": f'{{"data":{encoded(event.data)},{encoded(rest)[1:]}',
            "created_at": call.now,
        }
        messages.append(message)
        wanted = [endpoint.id for endpoint in mine if wants(endpoint.events, event.type)]
        sends += [new_delivery(message, endpoint_id, call.now) for endpoint_id in wanted]
    for message in messages:
        await call.connection.apply(_ADD, **message)
    if sends:
        await call.connection.execute(deliveries.insert(), sends)
    # With each write a few rows go: no job has to sweep up.
    await call.connection.apply(_FORGET, instance=call.instance.id, last=number - KEPT)
    return bool(sends)


def wants(events: tuple[str, ...], kind: str) -> bool:
    """Whether an endpoint with these names or globs takes this type of event; without any it takes all."""
    # `fnmatch` alone would ignore case on Windows.
    return not events or any(fnmatch.fnmatchcase(kind, pattern) for pattern in events)


def new_delivery(message: Any, endpoint_id: str, now: int) -> dict[str, Any]:
    """A delivery that is due at once."""
    return {
        "id": new_id("dlv", now),
        "instance_id": message["instance_id"],
        "message_id": message["id"],
        "endpoint_id": endpoint_id,
        "status": "pending",
        "attempts": 0,
        "due_at": now,
        "created_at": now,
        "updated_at": now,
    }


async def _last(call: Call) -> int:
    ((last,),) = await call.connection.fetch(_LAST, instance=call.instance.id)
    return last or 0
