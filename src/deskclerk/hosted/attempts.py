"""What somebody tried to reach that is another workspace's: noted in the journal of their own.

The asker learns only that there is no such thing. The owners of the workspace that the asker came from see in
its journal who asked for what.
"""

from collections.abc import Awaitable, Callable

from deskclerk.desk.caller import Caller
from deskclerk.desk.journal.queries import append
from deskclerk.desk.journal.records import printable
from deskclerk.desk.time_and_ids import new_id, now
from deskclerk.desk.view.cleaning import line_of
from deskclerk.hosted.database import HostedDatabase

ACTION = "workspace_reached"
"""What such a line says in the place of an action's name; no action of the catalogue has it."""
_NOTE = "It is not of this workspace, or is nowhere; the asker was told only that it is not here."
_LONGEST = 300


class JournalledAttempts:
    """Notes attempts, each on the disk before it is answered."""

    def __init__(self, hosted: HostedDatabase, count: Callable[[str], Awaitable[None]] | None = None) -> None:
        """`count` counts one more request of a workspace; LimitReached if it has made as many as it may."""
        self._hosted = hosted
        self._count = count

    async def note(self, workspace: str, caller: Caller, asked: str) -> None:
        """Note what was asked for by a request that nothing has counted yet; LimitReached.

        Counted first: nobody fills a journal with more lines than the workspace may make requests.
        """
        if self._count is not None:
            await self._count(workspace)
        await self.note_admitted(workspace, caller, asked)

    async def note_admitted(self, workspace: str, caller: Caller, asked: str) -> None:
        """Note in a workspace's journal which address or id somebody of it asked for in vain."""
        row = {
            "at": now(),
            "kind": "refused",
            "entry": new_id("ent"),
            "instance": "",
            "face": caller.face,
            "client": printable(caller.client),
            "token": printable(caller.token),
            "action": ACTION,
            "effect": "read",
            "target": line_of(asked, _LONGEST),
            "arguments": {},
            "outcome": "not_found",
            "note": f"{_NOTE} Asked by {caller.person}." if caller.person else _NOTE,
        }
        await append(self._hosted.of(workspace), [row])
