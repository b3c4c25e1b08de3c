"""An instance's signing key: made when it is first needed, kept in the database, never answered."""

import asyncio
from typing import Any

from sqlalchemy import select

from deskclerk.catalogue.route import GET
from deskclerk.sandbox.call import Call, Handlers
from deskclerk.sandbox.operation import Operation
from deskclerk.sandbox.rows import insert
from deskclerk.sandbox.signing import new_private_key, public_jwk
from deskclerk.sandbox.store.tables import signing_keys


class ReadKeys(Operation, route=GET("/jwks"), writes=True):
    """Takes nothing; the first one makes the key."""


async def get_jwks(call: Call) -> dict[str, Any]:
    """The public keys that tokens of the instance are verified with."""
    return {"keys": [public_jwk(await private_key(call), call.instance.id)]}


async def private_key(call: Call) -> str:
    """The instance's private key as PEM; only for calls that may write, as the first one makes it."""
    return await _kept(call) or await _make(call)


async def _kept(call: Call) -> str | None:
    query = select(signing_keys.c.private_key).where(signing_keys.c.instance_id == call.instance.id)
    key: str | None = (await call.connection.execute(query)).scalar_one_or_none()
    return key


async def _make(call: Call) -> str:
    """A new key, once in an instance's life; whoever writes holds the write lock, so no other is made."""
    made = await asyncio.to_thread(new_private_key)
    await insert(call, signing_keys, private_key=made, created_at=call.now)
    return made


HANDLERS: Handlers = {ReadKeys: get_jwks}
