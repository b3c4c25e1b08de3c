"""Whose desk it is: this machine's own or one customer's of a hosted desk, and doors to what it keeps."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Self

from deskclerk.desk.approvals.rules import SigningRules
from deskclerk.desk.bounds import Bounds, Unbounded
from deskclerk.desk.instances.instance import Instance
from deskclerk.desk.journal.storage import OwnStorage, Storage
from deskclerk.desk.observing import Observer
from deskclerk.desk.waking import LocalWakes, Wakes
from deskclerk.errors import ON_THIS_MACHINE, NextSteps
from deskclerk.settings import Settings

if TYPE_CHECKING:
    import httpx2

    from deskclerk.desk.jobs.store import ItemSeal
    from deskclerk.desk.notifications.notifications import Teller
    from deskclerk.desk.secrets.handovers import Handovers
    from deskclerk.desk.secrets.store import SecretStore

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
    signing: SigningRules | None = None
    """Whose yes signs; without rules of its own, anybody's who reaches the desk."""
    see_to_jobs: SeeToJobs | None = None
    """Sees to it that somebody carries out jobs of an instance; None: a process that is started for them."""
    secrets: "SecretStore | None" = None
    """Where what people store as `secret:NAME` is kept; None: in files of this machine."""
    handovers: "Handovers | None" = None
    """Where what Clerk shows once waits for a person; None: in files, or in this process's console."""
    item_secrets: "ItemSeal | None" = None
    """How the secrets of a job's items stand in the database; None: as they are."""
    connections: "httpx2.AsyncClient | None" = None
    """Connections to Clerk that it shares with others; None: each desk has its own."""
    teller: "Teller | None" = None
    """Tells people what waits for them; None: the destinations of the settings, from this process."""
    wakes: Wakes = field(default_factory=LocalWakes)
    """Tell who waits what changed: in this process, or on every replica."""
    bounds: Bounds = field(default_factory=Unbounded)
    """How much it may have waiting, open and stored."""
    instance: str | None = None
    """The id that plans, jobs and the journal have for the instance; None: the one that its key gives it."""
    steps: NextSteps = ON_THIS_MACHINE
    """Who changes its rules, its keys and their addresses: what whoever is refused something does next."""

    @classmethod
    def of_this_machine(cls, settings: Settings) -> Self:
        """The one workspace of a desk that is not hosted."""
        return cls(LOCAL, OwnStorage(settings.data / "desk.db", settings.database))
