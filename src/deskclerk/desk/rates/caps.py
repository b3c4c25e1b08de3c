"""Clerk's caps on single kinds of writes: so many an hour, so many changes of one thing in ten seconds.

What counts against them is a write whose intent the journal holds, so that all processes which share it
keep to them together.
"""

from typing import TYPE_CHECKING, Any

from deskclerk.catalogue import EVERY_ACTION, Action
from deskclerk.clerk.rate_budget import PER_OBJECT, PER_TEN_SECONDS, Cap, changes_an_object, hourly_cap
from deskclerk.desk.instances.instance import Instance
from deskclerk.desk.journal.journal import Journal
from deskclerk.desk.journal.records import target_of
from deskclerk.desk.time_and_ids import now
from deskclerk.errors import RateLimited

if TYPE_CHECKING:
    from deskclerk.database import Connection


class RateCaps:
    """The caps of one instance; a sandbox has none."""

    def __init__(self, instance: Instance, journal: Journal) -> None:
        self._instance = instance
        self._journal = journal
        self._kept = instance.kind in PER_TEN_SECONDS

    async def check(self, action: Action) -> None:
        """RateLimited if an hour's cap is used up: before anybody is asked to sign in vain."""
        if self._kept and hourly_cap(action.spec.route):
            database = await self._journal.database()
            async with database.reading() as connection:
                await self.wait(connection, action)

    async def used(self, kind: type[Action]) -> tuple[Cap | None, int]:
        """What Clerk takes of an action in an hour, and how many were sent; None where it has no cap."""
        cap = hourly_cap(kind.spec.route) if self._kept else None
        if cap is None:
            return None, 0
        from deskclerk.desk.journal.queries import last_intents  # noqa: PLC0415 - opened when needed

        here = now()
        database = await self._journal.database()
        async with database.reading() as connection:
            times = await last_intents(
                connection,
                self._instance.id,
                _alike(kind),
                since=here - cap.seconds * 1000,
                until=here,
                most=cap.most,
            )
        return cap, len(times)

    async def wait(self, connection: "Connection", action: Action) -> float:
        """Seconds until a write may be sent, 0: now. RateLimited where an hour's cap is used up."""
        route = action.spec.route
        cap = hourly_cap(route) if self._kept else None
        if cap and (seconds := await self._until_one_is_free(connection, cap, _alike(type(action)))):
            raise RateLimited(
                f"{action.spec.name}: Clerk takes {cap.most} of these from one instance in an hour, and so "
                "many were sent.",
                next_step=f"Nothing was sent. Ask again in {_minutes(seconds)}.",
                retry_after=seconds,
            )
        if self._kept and changes_an_object(route):
            return await self._until_one_is_free(connection, PER_OBJECT, _CHANGING, target=target_of(action))
        return 0.0

    async def _until_one_is_free(
        self, connection: "Connection", cap: Cap, actions: tuple[str, ...], **of: Any
    ) -> float:
        from deskclerk.desk.journal.queries import last_intents  # noqa: PLC0415 - opened when needed

        here, window = now(), cap.seconds * 1000
        # What lies ahead was noted before the machine's clock was set back, and says nothing.
        times = await last_intents(
            connection, self._instance.id, actions, since=here - window, until=here, most=cap.most, **of
        )
        return (times[-1] + window - here) / 1000 if len(times) == cap.most else 0.0


_CHANGING = tuple(action.spec.name for action in EVERY_ACTION if changes_an_object(action.spec.route))


def _alike(action: type[Action]) -> tuple[str, ...]:
    """The actions that use an action's route."""
    route = action.spec.route
    return tuple(other.spec.name for other in EVERY_ACTION if other.spec.route == route)


def _minutes(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 100 else f"{seconds / 60:.0f} minutes"  # noqa: PLR2004
