"""Sends what is in the outbox, signed as Svix does: at once after a commit, and again after each failure."""

import asyncio
import base64
import binascii
import contextlib
import hashlib
import hmac
import secrets
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

from sqlalchemy import RowMapping, select, update

from deskclerk.sandbox.store.controls import deliveries, outbox, webhook_endpoints
from deskclerk.sandbox.store.store import Store

if TYPE_CHECKING:
    import httpx2

PREFIX = "whsec_"
_BYTES = 24
_SECOND, _MINUTE, _HOUR = 1000, 60_000, 3_600_000
WAITS = (5 * _SECOND, 5 * _MINUTE, 30 * _MINUTE, 2 * _HOUR, 5 * _HOUR, 10 * _HOUR, 10 * _HOUR)
"""Milliseconds from each failed attempt to the next; after the last the delivery has failed."""
POLL = 0.5
"""Seconds between looks for what another process wrote, or for what has come due."""
TIMEOUT = 15.0
_AT_ONCE = 20
# Longer than TIMEOUT: a lease ends only when its worker is gone. In the machine's time, as leases are.
_LEASE = 60_000


def new_secret() -> str:
    """A secret for a new endpoint."""
    return PREFIX + base64.b64encode(secrets.token_bytes(_BYTES)).decode()


def is_secret(text: str) -> bool:
    """Whether the text is a secret to sign with."""
    try:
        return text.startswith(PREFIX) and len(_key(text)) > 0
    except (binascii.Error, ValueError):
        return False


def signed_headers(secret: str, message_id: str, seconds: int, body: bytes) -> dict[str, str]:
    """The three headers of a delivery; `seconds` since the epoch."""
    content = f"{message_id}.{seconds}.".encode() + body
    digest = hmac.new(_key(secret), content, hashlib.sha256).digest()
    return {
        "svix-id": message_id,
        "svix-timestamp": str(seconds),
        "svix-signature": f"v1,{base64.b64encode(digest).decode()}",
    }


def _key(secret: str) -> bytes:
    return base64.b64decode(secret.removeprefix(PREFIX), validate=True)


@asynccontextmanager
async def delivering(store: Store) -> AsyncIterator[None]:
    """Deliver in the background; on leaving, deliveries under way are given up and stay pending."""
    task = asyncio.create_task(Deliverer(store).run())
    try:
        yield
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


class Deliverer:
    """One process's worker; several may share a database, each delivery is leased by one."""

    def __init__(self, store: Store) -> None:
        self.store = store

    async def run(self) -> None:
        """Deliver until cancelled."""
        import httpx2  # noqa: PLC0415 - the sandbox opens without it

        # Nothing of the environment: a proxy must not see what is for this machine.
        # No redirects either: they could lead off this machine.
        async with httpx2.AsyncClient(timeout=TIMEOUT, trust_env=False, follow_redirects=False) as http:
            while True:
                # Cleared before the look: what is written during it is not missed.
                self.store.emitted.clear()
                while await self.deliver_due(http):
                    pass
                # Not `wait_for`: that of Python 3.11 forgets a cancellation that comes with the event.
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(POLL):
                        await self.store.emitted.wait()

    async def deliver_due(self, http: "httpx2.AsyncClient") -> int:
        """Send what is due now, some of it at a time; how many were sent."""
        # The worker looks twice a second: taking the write lock each time would be felt.
        if not await self._any_due():
            return 0
        due = await self._lease()
        await asyncio.gather(*(self._deliver(http, row) for row in due))
        return len(due)

    async def _any_due(self) -> bool:
        """A look that takes no write lock."""
        async with self.store.transaction(reads=True) as connection:
            now = await self.store.now(connection)
            query = select(deliveries.c.id).where(*_due(now, _machine())).limit(1)
            return (await connection.execute(query)).first() is not None

    async def _lease(self) -> list[RowMapping]:
        """Take due deliveries, so that no other process sends them as well."""
        machine = _machine()
        async with self.store.transaction(reads=False) as connection:
            now = await self.store.now(connection)
            query = (
                select(
                    deliveries,
                    outbox.c.payload,
                    webhook_endpoints.c.url,
                    webhook_endpoints.c.secret,
                )
                .join(outbox, outbox.c.id == deliveries.c.message_id)
                .join(webhook_endpoints, webhook_endpoints.c.id == deliveries.c.endpoint_id)
                .where(*_due(now, machine))
                .order_by(deliveries.c.due_at, outbox.c.position)
                .limit(_AT_ONCE)
                # Two workers on PostgreSQL take different rows instead of waiting for each other.
                .with_for_update(skip_locked=True, of=deliveries)
            )
            rows = list((await connection.execute(query)).mappings().all())
            ids = [row["id"] for row in rows]
            lease = update(deliveries).where(deliveries.c.id.in_(ids)).values(leased_until=machine + _LEASE)
            await connection.execute(lease)
        return rows

    async def _deliver(self, http: "httpx2.AsyncClient", row: RowMapping) -> None:
        status, error = await _send(http, row)
        async with self.store.transaction(reads=False) as connection:
            values = outcome(row["attempts"], status, error, await self.store.now(connection))
            mine = deliveries.c.id == row["id"]
            await connection.execute(update(deliveries).where(mine).values(**values))


def outcome(attempts: int, status: int | None, error: str | None, now: int) -> dict[str, Any]:
    """What a delivery is after one more attempt: delivered, pending with a later time, or failed."""
    values = {
        "attempts": attempts + 1,
        "response_status": status,
        "error": error,
        "leased_until": None,
        "updated_at": now,
    }
    if error is None:
        return {**values, "status": "delivered"}
    if attempts < len(WAITS):
        return {**values, "status": "pending", "due_at": now + WAITS[attempts]}
    return {**values, "status": "failed"}


async def _send(http: "httpx2.AsyncClient", row: RowMapping) -> tuple[int | None, str | None]:
    """The status of the answer if there was one, and what went wrong if something did."""
    import httpx2  # noqa: PLC0415 - the sandbox opens without it

    body = row["payload"].encode()
    headers = {
        "content-type": "application/json",
        "user-agent": "Svix-Webhooks/1 (deskclerk sandbox)",
        # The machine's time, whatever the sandbox's is: receivers check it against their own clock.
        **signed_headers(row["secret"], row["message_id"], int(time.time()), body),
    }
    try:
        answer = await http.post(row["url"], content=body, headers=headers)
    # InvalidURL is no HTTPError.
    except (httpx2.HTTPError, httpx2.InvalidURL) as error:
        return None, f"{type(error).__name__}: {error}".rstrip(": ")
    return answer.status_code, None if answer.is_success else f"The endpoint answered {answer.status_code}."


def _due(now: int, machine: int) -> tuple[Any, ...]:
    leased = deliveries.c.leased_until
    free = leased.is_(None) | (leased < machine)
    return deliveries.c.status == "pending", deliveries.c.due_at <= now, free


def _machine() -> int:
    return time.time_ns() // 1_000_000
