"""Sends what is in the outbox, beside the jobs of a replica: one task for each workspace that has something.

What is slow of one workspace keeps nothing of another waiting, and no request: nothing of this runs in a
process that serves.
"""

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass, replace
from time import monotonic
from typing import Any

from sqlalchemy import select

from deskclerk.desk.instances.instance import label_of
from deskclerk.desk.jobs.job import BY_A_PERSON, PAUSED
from deskclerk.desk.jobs.running import paused_job
from deskclerk.desk.jobs.store import JobStore
from deskclerk.desk.journal.journal import Journal
from deskclerk.desk.notifications.delivery import NotDeliveredError
from deskclerk.desk.notifications.messages import (
    JOB_PAUSES,
    PLAN_WAITS,
    TEST,
    Message,
    of_job,
    of_plan,
    of_test,
)
from deskclerk.desk.plans.store import WAITING, PlanStore, StoredPlan
from deskclerk.desk.time_and_ids import now
from deskclerk.errors import ApprovalRefused, DeskclerkError, InvalidRequest
from deskclerk.hosted.database import HostedDatabase
from deskclerk.hosted.errors import NotHere
from deskclerk.hosted.notifications.destinations import Destinations
from deskclerk.hosted.notifications.outbox import AT_ONCE, CHANNEL, Outbox, Taken
from deskclerk.hosted.notifications.outgoing import TRY_SECONDS, Outgoing
from deskclerk.hosted.wakes import RedisWakes
from deskclerk.hosted.workspaces.store import WorkspaceRecord, WorkspaceStore
from deskclerk.hosted.workspaces.tables import instances

logger = logging.getLogger("deskclerk.notify")

PAUSES = (5_000, 30_000, 120_000, 300_000)
"""Milliseconds from each failed try to the next."""
POLL_SECONDS = 2.0
_WORKSPACES = 50
"""That one process sends for at once."""
_FORGET_SECONDS = 3_600.0
_CONSOLE = "console"

Console = Callable[[WorkspaceRecord, str], str]
"""The address of the console of an instance."""


class _NotNeededError(Exception):
    """There is nothing to tell any more."""


@dataclass(frozen=True, slots=True)
class Sources:
    """What messages are made of, and where they go."""

    hosted: HostedDatabase
    workspaces: WorkspaceStore
    destinations: Destinations
    console: Console


class Delivery:
    """Sends for all workspaces until it is stopped."""

    def __init__(self, sources: Sources, wakes: RedisWakes, outbox: Outbox, outgoing: Outgoing) -> None:
        self._sources = sources
        self._wakes = wakes
        self._outbox = outbox
        self._outgoing = outgoing
        self._under_way: dict[str, asyncio.Task[None]] = {}
        self._stopping = False
        self._forget_at = 0.0

    async def run(self) -> None:
        """Send what comes until `stop`, and end what is under way then."""
        with self._wakes.listening(CHANNEL) as bell:
            while not self._stopping:
                try:
                    await self.look()
                except DeskclerkError as error:
                    logger.warning("What is to be told could not be looked for: %s", error)
                except Exception as error:  # noqa: BLE001 - nothing of one look may end all that come after
                    # Not what it says: that may hold what a customer entered.
                    logger.error("To look for what is to be told failed: %s", type(error).__name__)
                await bell.rings(POLL_SECONDS)
        await self.settled()

    def stop(self) -> None:
        """Take nothing more."""
        self._stopping = True
        self._wakes.ring(CHANNEL)

    async def look(self) -> None:
        """Begin to send what is due; this returns before it is sent."""
        if self._stopping:
            return
        if monotonic() >= self._forget_at:
            self._forget_at = monotonic() + _FORGET_SECONDS
            await self._outbox.forget()
        free = _WORKSPACES - len(self._under_way)
        taken = await self._outbox.take(self._under_way, free * AT_ONCE) if free > 0 else []
        for workspace in dict.fromkeys(item.workspace for item in taken):
            mine = [item for item in taken if item.workspace == workspace]
            task = asyncio.create_task(self._send_all(workspace, mine))
            self._under_way[workspace] = task

    async def settled(self) -> None:
        """Wait for what is under way: each try has an end."""
        while self._under_way:
            await asyncio.wait(self._under_way.values(), timeout=2 * TRY_SECONDS)

    async def _send_all(self, workspace: str, taken: list[Taken]) -> None:
        try:
            await asyncio.gather(*map(self._send, taken))
        finally:
            del self._under_way[workspace]
            if len(taken) == AT_ONCE:
                # There may be more of it.
                self._wakes.ring(CHANNEL)

    async def _send(self, taken: Taken) -> None:
        """Send one message, and note what became of it; never fails."""
        outbox = self._outbox
        try:
            try:
                await self._try(taken)
            except _NotNeededError as error:
                await outbox.not_needed(taken, str(error))
            except NotDeliveredError as error:
                await self._not_delivered(taken, error.why, again=error.again)
            except DeskclerkError as error:
                # The database or the vault, or an address that does not open.
                logger.warning("A message could not be made (%s): %s", taken.id, error)
                await self._not_delivered(taken, "it could not be made here", again=True)
            else:
                await outbox.delivered(taken)
        except DeskclerkError as error:
            # It is taken again when this one's time is over.
            logger.warning("What became of a message could not be kept (%s): %s", taken.id, error)
        except Exception as error:  # noqa: BLE001 - nobody waits for this, and the others of the workspace go on
            # Not what it says: that may hold an address.
            logger.error("To send a message failed inside (%s): %s", taken.id, type(error).__name__)

    async def _not_delivered(self, taken: Taken, why: str, *, again: bool) -> None:
        # Who pressed the button looks at the page, and presses it again.
        if again and taken.kind != TEST and taken.tries <= len(PAUSES):
            await self._outbox.again(taken, why, PAUSES[taken.tries - 1])
            return
        if taken.kind != TEST:
            logger.warning("%s was not told of %s: %s", taken.destination, taken.subject, why)
        await self._outbox.failed(taken, why)

    async def _try(self, taken: Taken) -> None:
        place = await self._sources.destinations.open(taken.workspace, taken.destination)
        if place is None:
            raise _NotNeededError("the destination is gone")
        message = await self._message(taken)
        await self._outgoing.send(place, taken.id, message, now())

    async def _message(self, taken: Taken) -> Message:
        """What is told, as it is now; _NotNeededError if that is nothing any more."""
        try:
            workspace = await self._sources.workspaces.load(taken.workspace)
        except NotHere:
            raise _NotNeededError("the workspace is gone") from None
        journal = Journal(self._sources.hosted.storage(workspace.id))
        if taken.kind == PLAN_WAITS:
            made = await self._of_plan(workspace, journal, taken.subject)
        elif taken.kind == JOB_PAUSES:
            made = await self._of_job(workspace, journal, taken.subject)
        else:
            made = replace(of_test(f"workspace {workspace.slug}"), data={})
        return replace(made, data={"workspace": workspace.slug, **made.data})

    async def _of_plan(self, workspace: WorkspaceRecord, journal: Journal, subject: str) -> Message:
        try:
            stored = await PlanStore(journal).load(subject)
        except ApprovalRefused:
            raise _NotNeededError("the plan is gone") from None
        if stored.status != WAITING:
            raise _NotNeededError("it was decided before")
        console = self._sources.console(workspace, (await self._instance(workspace, stored.instance))["name"])
        return of_plan(_without_names(stored), console, f"{console}/plans/{stored.plan.id}")

    async def _of_job(self, workspace: WorkspaceRecord, journal: Journal, subject: str) -> Message:
        job_id, _, run = subject.rpartition(".")
        try:
            job = await JobStore(journal).load(job_id)
        except InvalidRequest:
            raise _NotNeededError("the job is gone") from None
        if (job.status, str(job.run)) != (PAUSED, run) or job.reason == BY_A_PERSON:
            raise _NotNeededError("it goes on, or is over")
        instance = await self._instance(workspace, job.instance)
        console = self._sources.console(workspace, instance["name"])
        told = paused_job(replace(job, caller=_nameless(job.caller)))
        return of_job(told, label_of(instance["kind"], instance["name"]), console, f"{console}/jobs/{job.id}")

    async def _instance(self, workspace: WorkspaceRecord, instance: str) -> Any:
        query = select(instances.c.name, instances.c.kind).where(instances.c.instance == instance)
        async with self._sources.hosted.of(workspace.id).reading() as connection:
            found = (await connection.execute(query.order_by(instances.c.name))).mappings().first()
        if found is None:
            raise _NotNeededError("its instance has another key now")
        return found


def _without_names(stored: StoredPlan) -> StoredPlan:
    return replace(stored, caller=_nameless(stored.caller))


def _nameless(caller: Any) -> Any:
    """Who asks, without what a member is called: in the console that is all that a client is."""
    return replace(caller, client=None) if caller.face == _CONSOLE else caller
