"""What is known of a job while it is planned, and what an action becomes as an item of one."""

import hashlib
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from deskclerk.catalogue import READ, Action, Effect
from deskclerk.desk.caller import Caller
from deskclerk.desk.instances.instance import Instance
from deskclerk.desk.jobs.job import WAITING, Item, StopRules
from deskclerk.desk.jobs.store import JobStore
from deskclerk.desk.plans.drafting import digest_of
from deskclerk.desk.secrets.references import Secrets
from deskclerk.desk.time_and_ids import new_id
from deskclerk.desk.view.cleaning import line_of
from deskclerk.errors import InvalidRequest

_MOST_TOLD = 20
"""Problems in an error's text; all of them are in its `problems`."""
NOTHING_SENT = "Nothing was sent, and no job was made."


@dataclass(frozen=True, slots=True)
class Wish:
    """What is asked for beside the targets.

    `values` are arguments that are the same for each, `skip_invalid` leaves wrong rows out instead of
    refusing all, `notes` are further lines for whoever signs. `undoes` and `retries` name an earlier job,
    `asked` is the digest by which the very same call is known again, `face` the one that asks.
    """

    values: Mapping[str, Any] = field(default_factory=dict)
    stop: StopRules = field(default_factory=StopRules)
    skip_invalid: bool = False
    notes: tuple[str, ...] = ()
    undoes: str | None = None
    retries: str | None = None
    asked: str = ""
    face: str = ""


@dataclass(slots=True)
class Candidate:
    """A row on its way to become an item."""

    line: int | None
    arguments: dict[str, Any]
    kind: type[Action] | None = None
    problems: list[tuple[str, str]] = field(default_factory=list)
    notes: tuple[str, ...] = ()
    action: Action | None = None
    looked: bool = False
    name: str = ""
    target: str | None = None
    left_out: str = ""
    seen_id: str | None = None
    given: str = ""
    undoes: str | None = None


@dataclass(frozen=True, slots=True)
class Known:
    """A write that needs no finding: what it takes back, why it is left out, what a person should know."""

    action: Action
    undoes: str | None = None
    left_out: str = ""
    notes: tuple[str, ...] = ()


@dataclass(slots=True)
class Draft:
    """What is known of a job while its items come in."""

    job_id: str
    effect: Effect = READ
    count: int = 0
    stored: int = 0
    first: list[str] = field(default_factory=list)
    left_out: Counter[str] = field(default_factory=Counter)
    notes: Counter[str] = field(default_factory=Counter)
    kinds: Counter[str] = field(default_factory=Counter)
    problems: list[tuple[str, str]] = field(default_factory=list)
    ids: set[str] = field(default_factory=set)
    twice: dict[bytes, int] = field(default_factory=dict)
    samples: dict[str, Action] = field(default_factory=dict)
    digest: Any = field(default_factory=hashlib.sha256)
    in_order: bool = False
    pages: int = 0


class NewJob:
    """A job while it is planned: whatever goes wrong takes it away again."""

    def __init__(
        self,
        store: JobStore,
        instance: Instance,
        caller: Caller,
        *,
        kind: str,
        title: str,
        options: Mapping[str, Any],
    ) -> None:
        self._store = store
        self._begin = (instance, caller, kind)
        self._title = title
        self._options = options
        self._draft = Draft(new_id("job"))

    async def __aenter__(self) -> Draft:
        # What others left behind: nobody else may come by for a long time.
        await self._store.drop_expired()
        await self._store.sweep()
        await self._store.begin(
            self._draft.job_id,
            *self._begin,
            title=self._title,
            options=self._options,
            owner=self._store.planner(),
        )
        return self._draft

    async def __aexit__(self, kind: type[BaseException] | None, error: object, trace: object) -> None:
        if kind is not None:
            await self._store.forget(self._draft.job_id)


async def bound(item: Item, action: Action, instance: str, secrets: Secrets) -> bytes:
    """What a job's digest binds of one item: action, arguments with their secrets, what it undoes."""
    digest = digest_of(action, instance, item.target, await secrets.seals(action))
    return f"{item.number} {digest} {item.undoes}\n".encode()


def item_of(action: Action, number: int, name: str, line: int | None, undoes: str | None = None) -> Item:
    """An action as an item of a job: secrets and files apart from the rest, references as they are."""
    return Item(
        number,
        action.spec.name,
        # With marks in the place of what is withheld: without that it is another write, and must not be sent.
        action.arguments(),
        line_of(name, 200),
        WAITING,
        secrets=action.withheld() or None,
        line=line,
        undoes=undoes,
    )


def wrong_rows(problems: Sequence[tuple[str, str]]) -> InvalidRequest:
    """All that is wrong with the rows; the first ones in its text."""
    told = "; ".join(f"{where}: {text}" for where, text in problems[:_MOST_TOLD])
    more = f"; and {len(problems) - _MOST_TOLD:,} more" if len(problems) > _MOST_TOLD else ""
    return InvalidRequest(
        f"{len(problems):,} {'problem' if len(problems) == 1 else 'problems'}: {told}{more}.",
        problems=list(problems),
        next_step=f"{NOTHING_SENT} Correct them, or leave wrong rows out on purpose (--skip-invalid).",
    )


def described(action: Action) -> str:
    """What a write is about where there is nothing to see yet: what it was given, without secrets."""
    given = action.arguments()
    known = (
        "name",
        "email_address",
        "identifier",
        "slug",
        "username",
        "external_id",
        "user_id",
        "first_name",
    )
    texts = [given[name] for name in known if given.get(name)]
    words = [", ".join(map(str, text)) if isinstance(text, list) else str(text) for text in texts[:2]]
    return " ".join(words) or ", ".join(str(getattr(action, name)) for name in action.spec.route.names)
