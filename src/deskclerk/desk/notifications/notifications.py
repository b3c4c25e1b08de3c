"""Tells each destination of what waits, in the background: once, within bounds, and noted for the doctor.

Whoever asks for something is never kept waiting by this, and never fails by it.
"""

import asyncio
import datetime as dt
import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from deskclerk.desk.instances.instance import Instance
from deskclerk.desk.journal.journal import Journal
from deskclerk.desk.notifications import services, webhooks
from deskclerk.desk.notifications.delivery import NotDeliveredError
from deskclerk.desk.notifications.messages import TEST, Message, PausedJob, of_job, of_plan, of_test
from deskclerk.desk.plans.store import WAITING, PlanStore, StoredPlan
from deskclerk.desk.time_and_ids import new_id, now
from deskclerk.errors import ApprovalRefused, DeskclerkError
from deskclerk.settings import Destination

if TYPE_CHECKING:
    from deskclerk.database import Connection

logger = logging.getLogger("deskclerk.notify")

WAITS = (1.0, 5.0, 25.0)
"""Seconds from each failed try of a webhook to the next."""
MOST = 50
"""Messages under way at once; what comes while there are as many is told in the log alone."""
_SERVICE_SECONDS = services.SECONDS + 5
_KEPT = 30 * 86_400_000
DELIVERED, FAILED, NOT_NEEDED = "delivered", "failed", "not needed"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of telling one destination; `outcome` is None while that is under way, or not known."""

    destination: str
    at: int
    outcome: str | None
    why: str | None = None

    def sentence(self) -> str:
        """When it was, and what became of it."""
        moment = f"{dt.datetime.fromtimestamp(self.at / 1000, dt.UTC):%Y-%m-%d %H:%M:%S} UTC"
        said = self.outcome or "under way, or its process was killed"
        return f"{said} {moment}" + (f": {self.why}" if self.why else "")


class Teller(Protocol):
    """Has people told that something waits for them; whoever calls goes on, and never fails by it."""

    async def plan_waits(self, stored: StoredPlan) -> None:
        """A plan waits for somebody outside of the call that asked; of each plan once."""

    def job_pauses(self, job: PausedJob, still: Callable[[], Awaitable[bool]]) -> None:
        """A job has paused by itself and asks; once for each pause. `still` finds out whether it does."""


class Notifications:
    """The destinations of one desk, and what is being told to them."""

    def __init__(
        self,
        destinations: Sequence[Destination],
        instance: Instance,
        journal: Journal,
        console: Callable[[], Awaitable[str | None]],
        *,
        grace: float,
    ) -> None:
        """`console` finds the address of one that runs; `grace` is the seconds that `close` may take."""
        self._places = {
            item.name or f"{number} ({item.kind})": item for number, item in enumerate(destinations, 1)
        }
        self._instance = instance
        self._journal = journal
        self._plans = PlanStore(journal)
        self._console = console
        self._grace = grace
        self._tasks: set[asyncio.Task[None]] = set()

    async def plan_waits(self, stored: StoredPlan) -> None:
        """Tell of a plan that waits for somebody outside of the call that asked; of each plan once."""

        async def still() -> bool:
            try:
                return (await self._plans.load(stored.plan.id)).status == WAITING
            except ApprovalRefused:
                return False

        async def message() -> Message:
            return of_plan(stored, await self._console())

        self._begin(stored.plan.id, message, still)

    def job_pauses(self, job: PausedJob, still: Callable[[], Awaitable[bool]]) -> None:
        """Tell of a job that has paused by itself and asks; once for each pause."""

        async def message() -> Message:
            return of_job(job, self._instance.label, await self._console())

        self._begin(f"{job.id}.{job.run}", message, still)

    async def test(self) -> list[Outcome]:
        """Send a test message to every destination, one try each; what happened."""
        message = of_test(self._instance.label)

        async def always() -> bool:
            return True

        await self._claim(message.subject)
        return list(
            await asyncio.gather(
                *(self._tell(name, message, always, waits=()) for name in self._places),
            )
        )

    async def latest(self) -> list[Outcome]:
        """What became of the last message to each destination; those that were told nothing are missing."""
        from deskclerk.desk.journal.tables import notifications as table  # noqa: PLC0415 - opened when needed

        found: list[Outcome] = []
        database = await self._journal.database()
        async with database.reading() as connection:
            for name in self._places:
                query = table.select().where(table.c.destination == name).limit(1)
                query = query.order_by(table.c.created_at.desc(), table.c.subject.desc())
                row = (await connection.execute(query)).mappings().first()
                if row:
                    at = row["ended_at"] or row["created_at"]
                    found.append(Outcome(name, at, row["outcome"], row["error"]))
        return found

    def problems(self) -> dict[str, str]:
        """Destinations to which nothing can be told as they are set, and why."""
        found = {name: services.problem_of(place) for name, place in self._places.items()}
        return {name: why for name, why in found.items() if why}

    @property
    def names(self) -> tuple[str, ...]:
        """What the destinations are called; their addresses are told nobody."""
        return tuple(self._places)

    async def close(self) -> None:
        """Give what is under way a moment, then let it go: the process that was told of it ends."""
        if not self._tasks:
            return
        await asyncio.wait(self._tasks, timeout=self._grace)
        for task in self._tasks:
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks)

    def _begin(
        self, subject: str, message: Callable[[], Awaitable[Message]], still: Callable[[], Awaitable[bool]]
    ) -> None:
        if not self._places:
            return
        if len(self._tasks) >= MOST:
            logger.warning("Nobody was told of %s: %d messages are under way already.", subject, MOST)
            return
        task = asyncio.create_task(self._tell_all(subject, message, still))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _tell_all(
        self, subject: str, message: Callable[[], Awaitable[Message]], still: Callable[[], Awaitable[bool]]
    ) -> None:
        try:
            if await self._claim(subject):
                told = await message()
                await asyncio.gather(*(self._tell(name, told, still, waits=WAITS) for name in self._places))
        except DeskclerkError as error:
            logger.warning("Nobody was told of %s: %s", subject, error)
        except Exception as error:  # noqa: BLE001 - nobody waits for this task, and nobody may fail by it
            # Not what it says: that may hold an address.
            logger.error("Telling of %s failed inside deskclerk: %s", subject, type(error).__name__)

    async def _tell(
        self,
        name: str,
        message: Message,
        still: Callable[[], Awaitable[bool]],
        *,
        waits: Sequence[float],
    ) -> Outcome:
        """Tell one destination, with as many further tries as there are waits."""
        try:
            outcome, why = await self._tried(self._places[name], message, still, waits)
        except asyncio.CancelledError:
            await self._note(message, name, FAILED, "the process ended before it was told")
            raise
        except DeskclerkError as error:
            outcome, why = FAILED, error.message
        except Exception as error:  # noqa: BLE001 - nobody waits for this, and nobody may fail by it
            # Not what it says: that may hold an address.
            outcome, why = FAILED, f"failed inside deskclerk ({type(error).__name__})"
        return await self._note(message, name, outcome, why)

    async def _tried(
        self,
        place: Destination,
        message: Message,
        still: Callable[[], Awaitable[bool]],
        waits: Sequence[float],
    ) -> tuple[str, str]:
        # The same in every try: a receiver knows by it that it has the message already.
        message_id, body = new_id("msg"), message.body(now())
        for wait in (*waits, None):
            # Decided meanwhile: there is nothing to tell any more.
            if not await still():
                return NOT_NEEDED, "it was decided before"
            try:
                if place.is_webhook:
                    async with asyncio.timeout(webhooks.TRY_SECONDS):
                        await webhooks.post(place, message_id, body)
                else:
                    async with asyncio.timeout(_SERVICE_SECONDS):
                        await services.send(place, message)
            except TimeoutError:
                why, again = "it took too long", place.is_webhook
            except NotDeliveredError as error:
                why, again = error.why, error.again
            else:
                return DELIVERED, ""
            if wait is None or not again:
                return FAILED, why
            await asyncio.sleep(wait)
        raise AssertionError("the last try returns")

    async def _claim(self, subject: str) -> bool:
        """Whether this is the first to tell of it, of all processes on this desk."""
        from sqlalchemy.exc import IntegrityError  # noqa: PLC0415 - opened when needed

        from deskclerk.desk.journal.tables import notifications as table  # noqa: PLC0415

        moment = now()
        rows = [{"subject": subject, "destination": name, "created_at": moment} for name in self._places]
        database = await self._journal.database()
        try:
            async with database.writing() as connection:
                await connection.execute(table.insert(), rows)
                await _forget(connection, moment - _KEPT)
        except IntegrityError:
            return False
        return True

    async def _note(self, message: Message, name: str, outcome: str, why: str) -> Outcome:
        """Keep what became of telling a destination, for the doctor; a failure is a line in the log too."""
        from deskclerk.desk.journal.tables import notifications as table  # noqa: PLC0415

        # Of a test whoever asked for it is told.
        if outcome == FAILED and message.kind != TEST:
            logger.warning("%s was not told of %s: %s", name, message.subject, why)
        ended = Outcome(name, now(), outcome, why or None)
        mine = (table.c.subject == message.subject) & (table.c.destination == name)
        values = {"ended_at": ended.at, "outcome": ended.outcome, "error": ended.why}
        try:
            database = await self._journal.database()
            async with database.writing(synced=False) as connection:
                await connection.execute(table.update().where(mine).values(**values))
        except DeskclerkError as error:
            logger.warning("What became of telling %s could not be kept: %s", name, error)
        return ended


async def _forget(connection: "Connection", before: int) -> None:
    """Let go of what is old; no process has to sweep up."""
    from deskclerk.desk.journal.tables import notifications as table  # noqa: PLC0415

    await connection.execute(table.delete().where(table.c.created_at < before))
