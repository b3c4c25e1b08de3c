"""Whether this process lives, and whether it is ready for requests: `/livez` and `/readyz`.

A process that lives and is not ready gets no requests and is left alone; one that does not live is replaced.
So the first asks nothing but the event loop, and the second whatever a request needs, in bounded time.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from time import monotonic, perf_counter
from typing import Any

from sqlalchemy import text
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from deskclerk.database import Database, current
from deskclerk.errors import DeskclerkError, InvalidSettings, StorageUnavailable

_SECONDS = 2.0
"""For one check: less than the time-out of who asks, which is seldom less than five."""
_UNHEARD_SECONDS = 5.0
"""Of Redis: less than that is a connection that is made anew."""
_UNLOOKED_SECONDS = 30.0
"""Of jobs, which a worker looks at twice a second; of many it takes a while."""
_FRESH_SECONDS = 1.0
"""For how long an answer is given again: of many who ask, one has it looked up."""
_NOT_STORED = {"Cache-Control": "no-store"}


@dataclass(frozen=True, slots=True)
class Check:
    """Something that a request needs: `look` raises where it is not there, `next_step` says what to do then.

    What it raises is not shown, but for its kind: whoever asks for health is nobody in particular. What is
    not `needed` is told and takes no readiness: where all replicas miss the same, none of them is better.
    """

    name: str
    look: Callable[[], Awaitable[object]]
    next_step: str
    needed: bool = True


def database_answers(database: Callable[[], Awaitable[Database]]) -> Check:
    """The database takes a statement."""

    async def look() -> None:
        async with (await database()).reading() as connection:
            await connection.execute(text("SELECT 1"))

    return Check("database", look, "Look whether PostgreSQL runs, and at DESKCLERK_DATABASE.")


def migrations_current(database: Callable[[], Awaitable[Database]], packages: Sequence[str]) -> Check:
    """The database has the schema of this version, or of a newer one that keeps what this one needs."""

    async def look() -> None:
        opened = await database()
        for package in packages:
            if not await current(opened, package):
                raise InvalidSettings("The database has an older schema.")

    return Check("migrations", look, "Start one replica of this version again: it migrates when it starts.")


def workspaces_apart(look: Callable[[], Awaitable[object]]) -> Check:
    """The database keeps the rows of each workspace to it; `look` raises where it does not."""
    step = "Start a replica again: it refuses the database, and says what is missing and what to run."
    return Check("isolation", look, step)


def vault_opens(look: Callable[[], Awaitable[object]]) -> Check:
    """The vault opens the keys that stand in the database; `look` raises where it does not."""
    step = "Look whether the vault answers, and has the key that it had before: the log says why not."
    return Check("vault", look, step)


def redis_heard(unheard_seconds: Callable[[], float]) -> Check:
    """Redis is heard by whoever listens to it; `unheard_seconds` tells for how long it has not been."""

    async def look() -> None:
        if unheard_seconds() > _UNHEARD_SECONDS:
            raise StorageUnavailable("Redis is not heard.")

    step = "Look whether Redis runs, and at DESKCLERK_REDIS. Until then waits end later."
    return Check("redis", look, step, needed=False)


def jobs_looked_at(unlooked_seconds: Callable[[], float]) -> Check:
    """A worker looks at the jobs; `unlooked_seconds` tells for how long it has not."""

    async def look() -> None:
        if unlooked_seconds() > _UNLOOKED_SECONDS:
            raise StorageUnavailable("The jobs are not looked at.")

    step = "Look at its log: it waits for the database, or is stuck and wants to be started again."
    return Check("jobs", look, step)


class Health:
    """What this process says of itself; `leave` has it be ready no more, for good."""

    def __init__(self, checks: Sequence[Check] = ()) -> None:
        self._checks = tuple(checks)
        self._leaving = False
        self._looking = asyncio.Lock()
        self._found: dict[str, dict[str, Any]] = {}
        self._looked = -_FRESH_SECONDS

    def leave(self) -> None:
        """The process ends: whoever balances the load is to send no more requests."""
        self._leaving = True

    async def livez(self, _: Request) -> Response:
        """Alive: the loop has turned once more, and in this time."""
        began = perf_counter()
        await asyncio.sleep(0)
        took = round((perf_counter() - began) * 1000, 3)
        return JSONResponse({"status": "alive", "milliseconds": took}, headers=_NOT_STORED)

    async def readyz(self, _: Request) -> Response:
        """Ready (200) or not (503), with each check and what to do about it."""
        ready, facts = await self.state()
        return JSONResponse(facts, 200 if ready else 503, headers=_NOT_STORED)

    async def state(self) -> tuple[bool, dict[str, Any]]:
        """Whether it is ready, and what `/readyz` says."""
        if self._leaving:
            step = "None: it ends, and another takes its place."
            return False, {"status": "ending", "next_step": step}
        async with self._looking:
            if monotonic() - self._looked >= _FRESH_SECONDS:
                results = await asyncio.gather(*map(_result, self._checks))
                self._found = {check.name: found for check, found in zip(self._checks, results, strict=True)}
                self._looked = monotonic()
            found = self._found
        ready = all(found[check.name]["ok"] for check in self._checks if check.needed)
        return ready, {"status": "ready" if ready else "not ready", "checks": found}


async def _result(check: Check) -> dict[str, Any]:
    """How one check went."""
    began = perf_counter()
    try:
        async with asyncio.timeout(_SECONDS):
            await check.look()
    except TimeoutError:
        problem = f"no answer in {_SECONDS:g} s"
    except DeskclerkError as error:
        problem = error.kind
    except Exception as error:  # noqa: BLE001 - whatever it is, this is what not being ready means
        problem = type(error).__name__
    else:
        return {"ok": True, "milliseconds": round((perf_counter() - began) * 1000, 1)}
    return {"ok": False, "problem": problem, "next_step": check.next_step}
