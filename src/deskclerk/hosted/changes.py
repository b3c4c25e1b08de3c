"""What people change of a workspace itself: noted in its journal, beside what its agents ask for.

Who may sign is as much as what was signed: a policy that was loosened for an hour must not go unseen.
"""

from deskclerk.desk.caller import Caller
from deskclerk.desk.journal.queries import append
from deskclerk.desk.journal.records import printable
from deskclerk.desk.time_and_ids import new_id, now
from deskclerk.desk.view.cleaning import line_of
from deskclerk.hosted.database import HostedDatabase

ACTION = "workspace_changed"
"""What such a line says in the place of an action's name; no action of the catalogue has it."""
_LONGEST = 1_000


class JournalledChanges:
    """Notes changes of workspaces, each once it is made."""

    def __init__(self, hosted: HostedDatabase) -> None:
        self._hosted = hosted

    async def note(self, workspace: str, caller: Caller, how: str, what: str) -> None:
        """Note what a person changed; `how` says who and where, as with a signature."""
        row = {
            "at": now(),
            "kind": "decided",
            "entry": new_id("ent"),
            "instance": "",
            "face": caller.face,
            "client": printable(caller.client),
            "action": ACTION,
            "effect": "write",
            "arguments": {},
            "signed": printable(how),
            "outcome": "done",
            "note": line_of(what, _LONGEST),
        }
        await append(self._hosted.of(workspace), [row])
