"""Whose desk it is: this machine's own or one customer's of a hosted desk, and doors to what it keeps."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Self

from deskclerk.desk.instances.instance import Instance
from deskclerk.desk.journal.storage import OwnStorage, Storage
from deskclerk.desk.observing import Observer
from deskclerk.settings import Settings

SeeToJobs = Callable[[Instance], bool]
"""Called when a job of an instance waits to be carried out; whether a worker was started for it."""
LOCAL = "local"
"""The id of the workspace of a desk that is not hosted."""


@dataclass(frozen=True, slots=True)
class Workspace:
    """One customer: its id, and where what is its own is kept.

    Each door stands beside the code that uses it, with what a desk on one machine has behind it; what a
    hosted desk has behind it is in `hosted/`.
    """

    id: str
    storage: Storage
    observer: Observer | None = None
    """Who watches; a desk on one machine is watched by nobody unless its face is asked to."""
    see_to_jobs: SeeToJobs | None = None
    """Sees to it that somebody carries out jobs of an instance; None: a process that is started for them."""

    @classmethod
    def of_this_machine(cls, settings: Settings) -> Self:
        """The one workspace of a desk that is not hosted."""
        return cls(LOCAL, OwnStorage(settings.data / "desk.db", settings.database))
