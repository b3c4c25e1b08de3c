"""Leaves one event in the journal for whatever is refused on the way to a signature."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from deskclerk.catalogue import Action
from deskclerk.desk.caller import Caller
from deskclerk.desk.instance import Instance
from deskclerk.desk.journal import Journal
from deskclerk.desk.plan import Plan
from deskclerk.errors import DeskclerkError


@dataclass
class Case:
    """What is known of a call while it is decided: its plan or that one's id, once there is one."""

    plan: Plan | str | None = None


@asynccontextmanager
async def noting(journal: Journal, instance: Instance, action: Action, caller: Caller) -> AsyncIterator[Case]:
    """Journals the refusal, if there is one, with the plan that the block found."""
    case = Case()
    try:
        yield case
    except DeskclerkError as error:
        await journal.refused(instance, caller, action, error, case.plan)
        raise
