"""What is checked before a write beyond who asks: the right instance, and how much was destroyed lately."""

from collections.abc import Awaitable, Callable

from deskclerk.catalogue import DESTRUCTIVE, Action, Request, Verb
from deskclerk.clerk.client import Clerk
from deskclerk.desk.instance import Instance
from deskclerk.desk.journal import Journal
from deskclerk.desk.lines import now
from deskclerk.errors import NotAllowed
from deskclerk.settings import Settings

_HOUR = 3_600_000


class Limits:
    """The pin and the cap of one instance."""

    def __init__(
        self, settings: Settings, instance: Instance, journal: Journal, clerk: Callable[[], Awaitable[Clerk]]
    ) -> None:
        self._pins = {pin for pin in (settings.pin, settings.named and settings.named.pin) if pin}
        self._most = settings.destructive_per_hour
        self._instance = instance
        self._journal = journal
        self._clerk = clerk
        self._pinned = not self._pins

    async def check(self, action: Action) -> None:
        """NotAllowed if the instance is another than the pinned one, or the hour's cap is reached."""
        if not self._pinned:
            await self._check_pin()
        if action.spec.effect is DESTRUCTIVE:
            await self._check_cap(action)

    async def _check_pin(self) -> None:
        clerk = await self._clerk()
        answer = await clerk.send(Request(Verb.GET, "/instance"))
        found = answer.get("id") if isinstance(answer, dict) else None
        if self._pins != {found}:
            raise NotAllowed(
                f"The secret key opens instance {found}, and pin is {' and '.join(sorted(self._pins))}.",
                next_step="Nothing was sent. Check which instance the key is for, or correct the pin.",
            )
        self._pinned = True

    async def _check_cap(self, action: Action) -> None:
        count = await self._journal.count(self._instance, str(DESTRUCTIVE), since=now() - _HOUR)
        if count >= self._most:
            raise NotAllowed(
                f"{action.spec.name} is not allowed now: {count} destructive actions were sent to this "
                f"instance in the last hour, and destructive_per_hour is {self._most}.",
                next_step="Nothing was sent. Wait, or have the operator raise the setting.",
            )
