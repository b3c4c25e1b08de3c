"""How a signed write is carried out: intent on disk, one request, outcome on disk, answer."""

from collections.abc import Awaitable, Callable

from deskclerk.catalogue import Action
from deskclerk.clerk.client import Clerk
from deskclerk.desk.caller import Caller
from deskclerk.desk.handover import hand_over
from deskclerk.desk.instance import Instance
from deskclerk.desk.journal import Journal
from deskclerk.desk.secrets import Secrets
from deskclerk.desk.signing import Signed
from deskclerk.desk.view import Answer, show
from deskclerk.errors import ClerkError
from deskclerk.settings import Settings


class Writing:
    """Carries writes to one instance; the caller may go away meanwhile, the write does not."""

    def __init__(
        self, settings: Settings, instance: Instance, journal: Journal, clerk: Callable[[], Awaitable[Clerk]]
    ) -> None:
        self._settings = settings
        self._instance = instance
        self._journal = journal
        self._clerk = clerk
        self._secrets = Secrets(settings.data)

    async def write(self, action: Action, caller: Caller, signed: Signed) -> Answer:
        """Send a write that may be sent; raises what Clerk refused, or OutcomeUnknown."""
        clerk = await self._clerk()
        ready = self._secrets.resolve(action)
        entry = await self._journal.intent(self._instance, caller, action, signed)
        try:
            answer = await clerk.perform(ready)
        except ClerkError as error:
            await self._journal.outcome(entry, error.kind, error)
            raise
        except BaseException:
            await self._journal.outcome(entry, "outcome_unknown")
            raise
        await self._journal.outcome(entry, "done", answer=answer)
        rest, notes = hand_over(answer, self._settings.data / "handover")
        view = show(action, rest, self._settings.answer_characters)
        return Answer(view.value, view.notes + notes)
