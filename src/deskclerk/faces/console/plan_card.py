"""A plan as a person reads it on a page: the view-model behind every card."""

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from deskclerk.catalogue import DESTRUCTIVE
from deskclerk.desk.approvals.rules import ANYBODY, Standing
from deskclerk.desk.consequences.changes import Change
from deskclerk.desk.instances.instance import Instance
from deskclerk.desk.plans.plan import JobPreview
from deskclerk.desk.plans.store import StoredPlan
from deskclerk.desk.time_and_ids import now
from deskclerk.desk.view.cleaning import clean_text, line_of

FACES = {
    "mcp": "An agent, over MCP",
    "cli": "The command line",
    "python": "A Python program",
    "console": "This console",
}
_MINUTE, _HOUR, _DAY = 60, 3600, 86400


@dataclass(frozen=True, slots=True)
class Row:
    """One field of a diff; `old` is None where nothing is there or known, `new` where it goes."""

    field: str
    old: str | None
    new: str | None
    kind: str


@dataclass(frozen=True, slots=True)
class StepRow:
    """One of several writes that are signed together."""

    number: int
    heading: str
    target: str
    rows: tuple[Row, ...]
    reach: tuple[str, ...]
    reversible: str


@dataclass(frozen=True, slots=True)
class JobPart:
    """What a card shows of a job: its lines, of which `names` are targets, and its steps."""

    id: str
    lines: tuple[str, ...]
    names: tuple[str, ...]
    after: tuple[str, ...]
    steps: tuple[StepRow, ...]


@dataclass(frozen=True, slots=True)
class Card:
    """What a card shows. Times are given as words and as ISO 8601."""

    id: str
    action: str
    heading: str
    notes: tuple[str, ...]
    summary: str
    status: str
    how: str
    destructive: bool
    kind: str
    instance: str
    here: bool
    asked_by: str
    client: str
    token: str
    target: str
    rows: tuple[Row, ...]
    reach: tuple[str, ...]
    reversible: str
    words: tuple[str, ...]
    digest: str
    shown_by: str
    age: str
    created: str
    left: str
    expires: str
    job: JobPart | None
    standing: Standing


def shown_by(digest: str) -> str:
    """By what an open page tells that a plan shows something else now; nothing is signed by it."""
    return digest[:12]


def card_of(stored: StoredPlan, instance: Instance, standing: Standing = ANYBODY) -> Card:
    """The card of a plan, for whoever looks from an instance."""
    plan, caller = stored.plan, stored.caller
    return Card(
        id=plan.id,
        action=plan.action,
        heading=plan.heading,
        notes=plan.notes,
        summary=plan.summary,
        status=stored.status,
        how=line_of(stored.how or "", 300),
        destructive=plan.effect is DESTRUCTIVE,
        kind=stored.instance.partition(":")[0],
        instance=plan.instance,
        here=stored.instance == instance.id,
        asked_by=FACES.get(caller.face, caller.face),
        client=line_of(caller.client or "", 80),
        token=line_of(caller.token or "", 80),
        target=plan.target,
        rows=tuple(row_of(change) for change in plan.changes),
        reach=plan.reach,
        reversible=plan.reversible,
        words=plan.words,
        # Goes back with the form: what is signed has to be what was shown.
        digest=plan.digest,
        shown_by=shown_by(plan.digest),
        age=ago(stored.created_at),
        created=iso_time(stored.created_at),
        left=span(plan.expires_at - now()),
        expires=iso_time(plan.expires_at),
        job=job_part(plan.job) if plan.job else None,
        standing=standing,
    )


def job_part(preview: JobPreview) -> JobPart:
    """What there is to read of a job before it is signed."""
    lines = [clean_text(line, 600) for line in preview.lines]
    # Targets are the lines that are set in; what stands before them says whom, what stands behind how.
    names = [place for place, line in enumerate(lines) if line.startswith("  ")]
    first, last = (names[0], names[-1] + 1) if names else (len(lines), len(lines))
    steps = tuple(
        StepRow(
            step.number,
            step.heading,
            step.target,
            tuple(row_of(change) for change in step.changes),
            step.reach,
            step.reversible,
        )
        for step in preview.steps
    )
    return JobPart(
        preview.id,
        tuple(lines[:first]),
        tuple(line.strip() for line in lines[first:last]),
        tuple(lines[last:]),
        steps,
    )


def row_of(change: Change) -> Row:
    """A change with its values in full, up to what a page can hold."""
    old = None if change.old is None else value_text(change.old)
    return Row(
        line_of(change.field), old, None if change.kind == "removed" else value_text(change.new), change.kind
    )


def value_text(value: Any) -> str:
    """A value to read: text as it is, anything else as indented JSON."""
    if isinstance(value, str):
        return clean_text(value) if value else "(empty)"
    return clean_text(json.dumps(value, ensure_ascii=False, indent=2), 8_000)


def iso_time(at: int) -> str:
    """Milliseconds as ISO 8601, to the second, in UTC."""
    return datetime.fromtimestamp(at / 1000, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def ago(at: int) -> str:
    """How long ago something was, in words."""
    passed = now() - at
    return "just now" if passed < 5_000 else f"{span(passed)} ago"  # noqa: PLR2004 - five seconds


def span(milliseconds: int) -> str:
    """A length of time in its largest whole unit."""
    seconds = max(0, milliseconds // 1000)
    for size, unit in ((_DAY, "day"), (_HOUR, "hour"), (_MINUTE, "minute")):
        if seconds >= size:
            return f"{seconds // size} {unit}{'s' if seconds >= 2 * size else ''}"
    return f"{seconds} second{'' if seconds == 1 else 's'}"
