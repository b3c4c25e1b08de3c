"""How much a workspace may have waiting, open and stored; a desk on one machine has no such bounds."""

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from deskclerk.database import Connection


class Bounds(Protocol):
    """The bounds of one workspace, asked before something is added; LimitReached refuses it."""

    async def action(self) -> None:
        """Before an action is asked for, whatever it is."""

    async def plan(self, connection: "Connection") -> None:
        """Before one more plan waits; in the transaction that stores it, so that none slips past."""

    async def job(self, connection: "Connection") -> None:
        """Before there is one more job; in the transaction that stores it."""


class Unbounded:
    """No bounds: the disk is its owner's."""

    async def action(self) -> None:
        """Nothing is refused."""

    async def plan(self, connection: "Connection") -> None:
        """Nothing is refused."""

    async def job(self, connection: "Connection") -> None:
        """Nothing is refused."""
