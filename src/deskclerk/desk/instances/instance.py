"""Opens the way to the instance in force: Clerk with a key, the embedded sandbox without one."""

import functools
import hashlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import httpx2

from deskclerk.clerk.client import Clerk, open_connections
from deskclerk.clerk.observing import RequestObserver
from deskclerk.clerk.rate_budget import RateBudget
from deskclerk.errors import ON_THIS_MACHINE, NextSteps
from deskclerk.settings import Kind, Settings

_EMBEDDED = "http://sandbox.localhost"
_LABELS = {"live": "LIVE instance", "test": "test instance", "sandbox": "sandbox"}


@dataclass(frozen=True, slots=True)
class Instance:
    """One Clerk instance as people and the journal know it.

    `id` tells instances apart without giving the key away; `label` is for people.
    """

    id: str
    kind: Kind
    label: str
    origin: str

    @property
    def embedded(self) -> bool:
        """Whether it is the sandbox within this very process."""
        return self.origin == _EMBEDDED

    @classmethod
    def of(cls, settings: Settings, known_as: str | None = None) -> "Instance":
        """The instance that the settings name; `known_as` is an id that it has had with another key."""
        origin = settings.origin or _EMBEDDED
        # Twelve digits of a hash tell instances apart in every record and give the key away to nobody.
        seal = hashlib.sha256(f"{origin} {settings.key.get_secret_value()}".encode()).hexdigest()[:12]
        # A key from the environment outweighs the file's instance, and so must not be called by its name.
        name = f" {settings.instance}" if settings.instance and not settings.secret_key else ""
        label = _LABELS[settings.kind] + name
        return cls(known_as or f"{settings.kind}:{seal}", settings.kind, label, origin)


def shared_connections() -> httpx2.AsyncClient:
    """Connections to Clerk for all desks of one process; whoever opens them closes them.

    A desk of its own would greet Clerk anew after each pause, and keep a list of authorities beside it.
    """
    return open_connections()


def label_of(kind: Kind, name: str) -> str:
    """What people call an instance that has a name."""
    return f"{_LABELS[kind]} {name}"


@asynccontextmanager
async def open_clerk(
    settings: Settings,
    budget: RateBudget | None,
    observer: RequestObserver | None = None,
    connections: httpx2.AsyncClient | None = None,
    steps: NextSteps = ON_THIS_MACHINE,
) -> AsyncIterator[Clerk]:
    """A client of the instance in force; the embedded sandbox runs in this process, on the shared file."""
    key = settings.key.get_secret_value()
    connect = functools.partial(
        Clerk,
        budget=budget,
        timeout=settings.timeout,
        retry_seconds=settings.retry_seconds,
        largest=settings.largest_answer,
        observer=observer,
        steps=steps,
    )
    if settings.origin:
        async with connect(settings.origin, key, connections=connections) as clerk:
            yield clerk
        return
    # The sandbox and its database only where there is no key.
    from deskclerk.sandbox import open_sandbox  # noqa: PLC0415

    async with open_sandbox(settings.data / "sandbox.db") as sandbox:
        transport = httpx2.ASGITransport(app=sandbox.app)
        async with connect(_EMBEDDED, key, transport=transport) as clerk:
            yield clerk
