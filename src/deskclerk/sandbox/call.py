"""One request on its way through the sandbox, and what handles it."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from deskclerk.catalogue import Route
from deskclerk.sandbox.store.store import Instance


@dataclass(frozen=True, slots=True)
class Call:
    """One checked request inside one transaction.

    `path`, `query` and `body` hold the parameters that were given, `now` the time in milliseconds,
    `wrapped` whether the route's list is always `{data, total_count}`, `pages` whether it takes `limit`.
    """

    connection: AsyncConnection
    instance: Instance
    path: Mapping[str, str]
    query: Mapping[str, Any]
    body: Mapping[str, Any]
    version: str
    now: int
    wrapped: bool
    pages: bool


Handler = Callable[[Call], Awaitable[Any]]
"""Carries out one call; what it returns is the answer's JSON."""

Prepare = Callable[[dict[str, Any]], Awaitable[dict[str, Any]]]
"""Slow work on a body before the transaction begins, so that no lock is held meanwhile."""


@dataclass(frozen=True, slots=True)
class Prepared:
    """A handler whose body goes through `prepare` first."""

    prepare: Prepare
    handler: Handler


Handlers = Mapping[Route, Handler | Prepared]
"""The routes of one resource module and what handles each."""
