"""New plans without reloading: one small look at the desk's database for all pages that are open."""

import asyncio
import contextlib
import json
import math
import time
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from typing import Any

from deskclerk.desk import Desk
from deskclerk.desk.jobs.job import OPEN, PAUSED
from deskclerk.desk.plans.store import Snapshot
from deskclerk.desk.waking import JOBS, JOURNAL, PLANS
from deskclerk.faces.console.plan_card import shown_by

_POLL_SECONDS = 0.7
_APART_SECONDS = 0.2
"""Between two looks at least: a job that runs adds lines to the journal without end."""
# Proxies and browsers drop a stream on which nothing comes for half a minute or so.
_BEAT_SECONDS = 15.0


@dataclass(frozen=True, slots=True)
class Pulse:
    """How things stand: the plans and the journal, and of the jobs that are not over the state.

    `signed` is how many have signed each plan that waits for more, `written` how far exports have come, which
    no line of the journal tells.
    """

    plans: Snapshot
    signed: Mapping[str, int]
    jobs: Mapping[str, str]
    written: Mapping[str, Any]


class ChangesFeed:
    """Server-sent events; it asks the database only while somebody listens."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._changed = asyncio.Condition()
        self._latest: Pulse | None = None
        self._listeners = 0
        self._polling: asyncio.Task[None] | None = None
        self._ended = False

    async def listen(self, seconds: float = math.inf) -> AsyncIterator[str]:
        """Events as text, beginning with how things stand, until `end`, for so many seconds at most."""
        self._listeners += 1
        until = time.monotonic() + seconds
        try:
            if self._polling is None or self._polling.done():
                self._polling = asyncio.create_task(self._poll())
            seen: Pulse | None = None
            yield "retry: 2000\n\n"
            while not self._ended and time.monotonic() < until:
                seen, fresh = await self._next(seen)
                yield _event(seen) if fresh and seen else ": still here\n\n"
        finally:
            self._listeners -= 1

    def end(self) -> None:
        """Let every listener go, so that the server can."""
        self._ended = True
        if self._polling:
            self._polling.cancel()

    async def _next(self, seen: Pulse | None) -> tuple[Pulse | None, bool]:
        """The next state that differs from one seen, or the same after a while."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_BEAT_SECONDS), self._changed:
                await self._changed.wait_for(lambda: self._ended or self._latest not in (None, seen))
        return self._latest, self._latest != seen

    async def _poll(self) -> None:
        try:
            with self._desk.journal.wakes.listening(PLANS, JOBS, JOURNAL) as bell:
                while self._listeners:
                    await self._tell(await self._look())
                    await asyncio.sleep(_APART_SECONDS)
                    await bell.rings(_POLL_SECONDS - _APART_SECONDS)
        finally:
            async with self._changed:
                self._changed.notify_all()

    async def _look(self) -> Pulse:
        # Without their counts, which cost what a job has of items: a page that shows a job asks for its own.
        jobs = await self._desk.jobs.store.with_status(*OPEN, PAUSED)
        written = {job.id: job.progress.get("written") for job in jobs if job.progress.get("written")}
        plans = await self._desk.plans.snapshot()
        signed = await self._desk.signing.rules.given(tuple(plans.waiting)) if plans.waiting else {}
        return Pulse(plans, signed, {job.id: job.state for job in jobs}, written)

    async def _tell(self, latest: Pulse) -> None:
        if latest != self._latest:
            async with self._changed:
                self._latest = latest
                self._changed.notify_all()


def _event(latest: Pulse) -> str:
    plans = latest.plans
    facts = {
        "waiting": {
            plan: f"{shown_by(digest)}/{latest.signed.get(plan, 0)}" for plan, digest in plans.waiting.items()
        },
        "journal": plans.journal,
        "jobs": dict(latest.jobs),
    }
    return f"event: pulse\ndata: {json.dumps(facts, separators=(',', ':'))}\n\n"
