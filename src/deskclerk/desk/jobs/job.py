"""What a job and its items are, and what may become of them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from deskclerk.catalogue import EVERY_BY_NAME, Action
from deskclerk.catalogue.withheld import marks_in, put_in
from deskclerk.desk.caller import Caller
from deskclerk.errors import InvalidRequest

BULK, CHANGES, EXPORT = "bulk", "changes", "export"
"""One write on many things; different writes in order; a list written to a file."""

PLANNING, PLANNED, QUEUED, RUNNING, PAUSED, DONE, CANCELLED = (
    "planning",
    "planned",
    "queued",
    "running",
    "paused",
    "done",
    "cancelled",
)
OPEN = (QUEUED, RUNNING)
"""What a worker has to see to."""
OVER = (DONE, CANCELLED)
BY_A_PERSON = "by a person"
"""The reason of a pause that nobody need be told of."""

RUN, PAUSE, CANCEL = "run", "pause", "cancel"
"""What a person wants of a job."""

# What becomes of an item.
WAITING = "waiting"
LEFT_OUT = "left_out"
"""Not part of what was signed: nothing would change, or its row was wrong."""
STRUCK = "struck"
"""A step that the person took out before signing."""
SENT = "sent"
"""Its intent is on disk; whether it happened is not known yet."""
ITEM_DONE = "done"
REFUSED = "refused"
UNKNOWN = "unknown"
SKIPPED = "skipped"
"""Not sent: when its turn came it was gone, already so, or no longer what was signed."""
FAILURES = (REFUSED, UNKNOWN)
COUNTED = (WAITING, SENT, ITEM_DONE, SKIPPED, REFUSED, UNKNOWN)
"""What was signed; the order in which people are told."""


@dataclass(frozen=True, slots=True)
class StopRules:
    """When a job pauses by itself and asks: so many failures in a row, or per cent of what was tried."""

    in_a_row: int = 10
    percent: float = 5.0

    def reason(self, tried: int, failed: int, in_a_row: int) -> str:
        """Why the job has to stop; empty if it need not."""
        if in_a_row >= self.in_a_row:
            return f"{in_a_row} failures in a row"
        # Of a few, one failure is many per cent and says little.
        if tried >= FEWEST_FOR_PERCENT and failed * 100 > self.percent * tried:
            return f"{failed} of {tried} failed, more than {self.percent:g} %"
        return ""

    def sentence(self) -> str:
        """The rules, for whoever signs."""
        return f"Pauses and asks after {self.in_a_row} failures in a row, or when {self.percent:g} % failed."


FEWEST_FOR_PERCENT = 20
TO_COME = f"made_{'0' * 27}"
"""What stands for an id that an earlier step makes, while a step is checked: it looks like one."""


@dataclass(frozen=True, slots=True)
class Item:
    """One write of a job, as it is stored."""

    number: int
    action: str
    arguments: Mapping[str, Any]
    name: str
    status: str
    secrets: Mapping[str, Any] | None = None
    """What `arguments` has a mark for, by its place: plain secrets, and files."""
    line: int | None = None
    target: str | None = None
    undoes: str | None = None
    entry: str | None = None
    made: str | None = None
    error: str | None = None

    @property
    def kind(self) -> type[Action]:
        """The action that it is."""
        return EVERY_BY_NAME[self.action]

    @property
    def needs(self) -> set[int]:
        """The items whose ids it takes once they are made."""
        return {step_of(value) for value in self.arguments.values()} - {0}

    def built(self, made: Mapping[int, str] | None = None) -> Action:
        """The action with its secrets, and with the ids that earlier items made in the place of `$1.id`.

        What is not made yet stays as it is written. InvalidRequest if it is no such action (any more).
        """
        values = put_in(self.arguments, self.secrets or {})
        if lost := list(marks_in(self.kind.parameters(), values)):
            problem = "its value is not kept any more"
            raise InvalidRequest(
                f"{self.action}: {lost[0]}: {problem}.",
                problems=[(lost[0], problem)],
                next_step="Ask for it anew, with the secret.",
            )
        return with_ids_to_come(
            self.kind, {name: resolved(value, made or {}) for name, value in values.items()}
        )


@dataclass(frozen=True, slots=True)
class Job:
    """A job as it stands on disk; times are milliseconds since the epoch."""

    id: str
    created_at: int
    instance: str
    caller: Caller
    kind: str
    title: str
    plan: str | None
    digest: str
    total: int
    options: Mapping[str, Any]
    progress: Mapping[str, Any]
    status: str
    wanted: str
    reason: str | None
    run: int
    owner: str | None
    started_at: int | None
    ended_at: int | None
    counts: Mapping[str, int] = field(default_factory=dict)
    """Its items by what has become of them."""

    @property
    def stop(self) -> StopRules:
        """When it pauses by itself."""
        return StopRules(**self.options.get("stop", {}))

    def as_dict(self) -> dict[str, Any]:
        """As data, for every face."""
        known = {
            "object": "job",
            "id": self.id,
            "kind": self.kind,
            "title": self.title,
            "status": self.state,
            "reason": self.reason,
            "total": self.all_of_it,
            "counts": {
                name: self.counts[name] for name in (*COUNTED, LEFT_OUT, STRUCK) if self.counts.get(name)
            },
            "plan": self.plan,
            "undoes": self.options.get("undoes"),
            "retries": self.options.get("retries"),
            "file": self.options.get("file"),
            "written": self.progress.get("written"),
            "created_at": self.created_at,
            "started_at": self.started_at,
            "ended_at": self.ended_at,
        }
        return {name: value for name, value in known.items() if value not in (None, {})}

    @property
    def state(self) -> str:
        """The status for people: a job that is asked to pause says so until it has."""
        if self.status in OPEN and self.wanted != RUN:
            return {PAUSE: "pausing", CANCEL: "cancelling"}[self.wanted]
        return self.status

    @property
    def all_of_it(self) -> int | None:
        """How many items there are to be carried out, or to be written; None where nobody knows yet."""
        return self.progress.get("total") if self.kind == EXPORT else self.total

    @property
    def finished(self) -> int:
        """How many of its items are over, or have been written."""
        if self.kind == EXPORT:
            return int(self.progress.get("written") or 0)
        return sum(self.counts.get(name, 0) for name in (ITEM_DONE, SKIPPED, REFUSED, UNKNOWN))


def resolved(value: Any, made: Mapping[int, str]) -> Any:
    """A value with the ids of what earlier steps made in the place of `$1.id`."""
    number = step_of(value)
    return made.get(number, value)


def step_of(value: Any) -> int:
    """The step whose id a value stands for; 0 if it is a plain value."""
    if isinstance(value, str) and value.startswith("$") and value.endswith(".id") and value[1:-3].isdecimal():
        return int(value[1:-3])
    return 0


def with_ids_to_come(kind: type[Action], values: Mapping[str, Any]) -> Action:
    """The action with these arguments, of which a `$1.id` is checked as the id that it will be."""
    refs = {name: value for name, value in values.items() if step_of(value)}
    action = kind.parse(dict(values) | dict.fromkeys(refs, TO_COME))
    return action.model_copy(update=refs) if refs else action


def without_ids_to_come(action: Action) -> Action:
    """The action as far as it can be looked at already: what is not made yet is left out."""
    refs = [name for name in action.model_fields_set if step_of(getattr(action, name))]
    return action.model_copy(update=dict.fromkeys(refs)) if refs else action
