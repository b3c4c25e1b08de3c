"""Webhook endpoints, and the outbox: what was told, how far it got, and once more."""

import ipaddress
import json
from typing import Annotated, Any
from urllib.parse import urlsplit

from pydantic import Field
from sqlalchemy import RowMapping, delete, select

from deskclerk.sandbox.controls.arguments import Given, OfInstance, find_instance, wrong
from deskclerk.sandbox.controls.clock import Nothing
from deskclerk.sandbox.ids import new_id
from deskclerk.sandbox.store.controls import deliveries, outbox, webhook_endpoints
from deskclerk.sandbox.store.state import touch
from deskclerk.sandbox.store.store import Store
from deskclerk.sandbox.webhooks.delivery import is_secret, new_secret
from deskclerk.sandbox.webhooks.outbox import new_delivery


class AddEndpoint(OfInstance):
    """Where on this machine to send, which events (names or globs; all if none), signed with which secret."""

    url: str
    events: tuple[Annotated[str, Field(pattern=r"^[A-Za-z.*?]{1,64}$")], ...] = ()
    secret: str | None = None


class WhichEndpoint(Given):
    """By its id."""

    id: str


class ListOutbox(OfInstance):
    """The newest messages, all or of one type; of one instance or of all."""

    type: str | None = None
    limit: Annotated[int, Field(ge=1, le=500)] = 50


class Replay(Given):
    """A message by its id; to one endpoint, or to all of its instance."""

    id: str
    endpoint: str | None = None


async def add_endpoint(store: Store, given: AddEndpoint) -> dict[str, Any]:
    """A new endpoint; what happens from now on is sent to it."""
    _check_url(given.url)
    if given.secret is not None and not is_secret(given.secret):
        raise wrong("secret", "not a signing secret; accepted: whsec_ and base64")
    async with store.transaction(reads=False) as connection:
        state = await store.state(connection)
        now = state.time.at(store.clock.now())
        row = {
            "id": new_id("ep", now),
            "instance_id": find_instance(state, given.instance).id,
            "url": given.url,
            "secret": given.secret or new_secret(),
            "events": list(given.events),
            "enabled": True,
            "created_at": now,
            "updated_at": now,
        }
        await connection.execute(webhook_endpoints.insert().values(**row))
        await touch(connection)
    return _endpoint(row)


async def list_endpoints(store: Store, given: Nothing) -> dict[str, Any]:
    """All endpoints with their secrets."""
    query = select(webhook_endpoints).order_by(webhook_endpoints.c.created_at, webhook_endpoints.c.id)
    async with store.transaction(reads=True) as connection:
        rows = (await connection.execute(query)).mappings().all()
    return {"endpoints": [_endpoint(row) for row in rows]}


async def remove_endpoint(store: Store, given: WhichEndpoint) -> dict[str, Any]:
    """Remove an endpoint, and what was on its way to it."""
    async with store.transaction(reads=False) as connection:
        gone = await connection.execute(delete(webhook_endpoints).where(webhook_endpoints.c.id == given.id))
        if not gone.rowcount:
            raise wrong("id", "no such endpoint")
        await touch(connection)
    return {"removed": given.id}


async def list_outbox(store: Store, given: ListOutbox) -> dict[str, Any]:
    """The newest messages first, each with its deliveries."""
    # By time first: positions are counted within one instance.
    query = select(outbox).order_by(outbox.c.created_at.desc(), outbox.c.position.desc()).limit(given.limit)
    if given.type:
        query = query.where(outbox.c.type == given.type)
    async with store.transaction(reads=True) as connection:
        if given.instance:
            instance = find_instance(await store.state(connection), given.instance)
            query = query.where(outbox.c.instance_id == instance.id)
        rows = (await connection.execute(query)).mappings().all()
        ids = [row["id"] for row in rows]
        sent = select(deliveries).where(deliveries.c.message_id.in_(ids)).order_by(deliveries.c.created_at)
        by_message: dict[str, list[dict[str, Any]]] = {key: [] for key in ids}
        for row in (await connection.execute(sent)).mappings():
            by_message[row["message_id"]].append(_delivery(row))
    return {"messages": [_message(row, by_message[row["id"]]) for row in rows]}


async def replay(store: Store, given: Replay) -> dict[str, Any]:
    """Send a message once more, with the id that it had."""
    async with store.transaction(reads=False) as connection:
        query = select(outbox).where(outbox.c.id == given.id)
        message = (await connection.execute(query)).mappings().one_or_none()
        if message is None:
            raise wrong("id", "no such message in the outbox")
        found = select(webhook_endpoints.c.id).where(
            webhook_endpoints.c.instance_id == message["instance_id"]
        )
        if given.endpoint:
            found = found.where(webhook_endpoints.c.id == given.endpoint)
        endpoints = (await connection.execute(found)).scalars().all()
        if not endpoints:
            raise wrong("endpoint", "the message's instance has no such endpoint")
        now = await store.now(connection)
        rows = [new_delivery(message, endpoint_id, now) for endpoint_id in endpoints]
        await connection.execute(deliveries.insert(), rows)
    store.emitted.set()
    return {"deliveries": [row["id"] for row in rows]}


def _check_url(url: str) -> None:
    """InvalidRequest unless it is on this machine: made-up people are nobody else's business."""
    try:
        parts = urlsplit(url)
        # The port is read for its ValueError: only then is it looked at.
        host, _ = parts.hostname or "", parts.port
    except ValueError:
        raise wrong("url", "not a URL") from None
    if parts.scheme not in ("http", "https") or parts.username:
        raise wrong("url", "accepted: http:// or https:// and a place on this machine")
    if not is_loopback(host):
        raise wrong("url", f"{host or 'it'} is not this machine; accepted: localhost, 127.0.0.1 or [::1]")


def is_loopback(host: str) -> bool:
    """Whether a host name or address is this machine, whatever a name server says."""
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _endpoint(row: Any) -> dict[str, Any]:
    return {name: row[name] for name in ("id", "instance_id", "url", "secret", "events", "enabled")}


def _message(row: RowMapping, sent: list[dict[str, Any]]) -> dict[str, Any]:
    names = ("id", "instance_id", "type", "created_at")
    payload = json.loads(row["payload"])
    return {**{name: row[name] for name in names}, "payload": payload, "deliveries": sent}


def _delivery(row: RowMapping) -> dict[str, Any]:
    names = ("id", "endpoint_id", "status", "attempts", "due_at", "response_status", "error")
    return {name: row[name] for name in names}
