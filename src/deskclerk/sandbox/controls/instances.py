"""Instances: several in one sandbox, each with its own key and its own people; and their rate limits."""

import re
import secrets
from typing import Annotated, Any, Literal

from pydantic import Field
from sqlalchemy import delete, update

from deskclerk.sandbox.controls.arguments import Given, find_instance, wrong
from deskclerk.sandbox.controls.clock import Nothing
from deskclerk.sandbox.ids import new_id
from deskclerk.sandbox.opening import INSTANCE, add_company, add_instance
from deskclerk.sandbox.store.instances import instances
from deskclerk.sandbox.store.state import LIVE_PREFIX, Instance, State, touch
from deskclerk.sandbox.store.store import Store

DEVELOPMENT_QUOTA = 100
"""Users that a development instance of Clerk's holds at most."""
_PREFIX = {"live": LIVE_PREFIX, "test": "sk_test_"}
_KEY = re.compile(r"sk_(live|test)_[A-Za-z0-9_-]{4,200}")
_SLUG = r"^[a-z0-9]([a-z0-9-]{0,62}[a-z0-9])?$"


class AddInstance(Given):
    """Its name in addresses, what kind it is, and its key; what is not given is made up.

    `user_quota` 0 means no limit; a test instance has Clerk's if it is not given.
    """

    slug: Annotated[str, Field(pattern=_SLUG)] | None = None
    kind: Literal["test", "live"] = "test"
    secret_key: str | None = None
    id: Annotated[str, Field(pattern=r"^ins_[A-Za-z0-9]{1,60}$")] | None = None
    user_quota: Annotated[int, Field(ge=0)] | None = None
    company: bool = False


class WhichInstance(Given):
    """By id, slug or secret key."""

    instance: str


class SetLimits(Given):
    """Whose limits are kept; for one instance, or for all."""

    mode: Literal["off", "test", "live"]
    instance: str | None = None


async def list_instances(store: Store, given: Nothing) -> dict[str, Any]:
    """All instances with their keys."""
    return {"instances": _all_told(await store.state())}


async def add_new_instance(store: Store, given: AddInstance) -> dict[str, Any]:
    """A new instance; with `company`, with the small company in it."""
    key = given.secret_key or _PREFIX[given.kind] + secrets.token_urlsafe(24).replace("-", "_")
    if not _KEY.fullmatch(key) or not key.startswith(_PREFIX[given.kind]):
        raise wrong(
            "secret_key", f"a {given.kind} instance's key is {_PREFIX[given.kind]}… of letters and digits"
        )
    async with store.transaction(reads=False) as connection:
        state = await store.state(connection)
        now = state.time.at(store.clock.now())
        instance = Instance(
            id=given.id or new_id("ins", now),
            secret_key=key,
            slug=given.slug or f"instance-{secrets.token_hex(4)}",
            user_quota=_quota(given),
            lockout_seconds=INSTANCE.lockout_seconds,
        )
        _check_new(state, instance)
        await add_instance(connection, instance, now)
        if given.company:
            await add_company(connection, instance.id, now)
        await touch(connection)
    return _told(instance)


async def remove_instance(store: Store, given: WhichInstance) -> dict[str, Any]:
    """Remove an instance with everything in it."""
    async with store.transaction(reads=False) as connection:
        instance = find_instance(await store.state(connection), given.instance)
        if instance.is_embedded:
            raise wrong(
                "instance", "the embedded one stays: every face without a key uses it; reset it instead"
            )
        # What is in it goes with it, by the foreign keys.
        await connection.execute(delete(instances).where(instances.c.id == instance.id))
        await touch(connection)
    return {"removed": instance.id}


async def read_limits(store: Store, given: Nothing) -> dict[str, Any]:
    """Whose limits are kept, by instance."""
    return _limits(await store.state())


async def set_limits(store: Store, given: SetLimits) -> dict[str, Any]:
    """Keep Clerk's limits as a test or as a live instance has them, or none."""
    async with store.transaction(reads=False) as connection:
        change = update(instances).values(rate_limits=None if given.mode == "off" else given.mode)
        if given.instance:
            instance = find_instance(await store.state(connection), given.instance)
            change = change.where(instances.c.id == instance.id)
        await connection.execute(change)
        await touch(connection)
    return _limits(await store.state())


def _quota(given: AddInstance) -> int | None:
    if given.user_quota is None:
        # The company has a hundred people already: under Clerk's quota nobody could be added.
        return DEVELOPMENT_QUOTA if given.kind == "test" and not given.company else None
    return given.user_quota or None


def _check_new(state: State, instance: Instance) -> None:
    # Looked at under the write lock; the database itself does not keep slugs apart.
    for other in state.by_key.values():
        for name in ("id", "secret_key", "slug"):
            if getattr(other, name) == getattr(instance, name):
                raise wrong(name, "another instance has it")


def _limits(state: State) -> dict[str, Any]:
    return {"limits": {item.slug: item.rate_limits or "off" for item in state.by_key.values()}}


def _all_told(state: State) -> list[dict[str, Any]]:
    return [_told(item) for item in state.by_key.values()]


def _told(item: Instance) -> dict[str, Any]:
    return {
        "id": item.id,
        "slug": item.slug,
        "kind": "live" if item.is_live else "test",
        "secret_key": item.secret_key,
        "user_quota": item.user_quota,
        "rate_limits": item.rate_limits or "off",
    }
