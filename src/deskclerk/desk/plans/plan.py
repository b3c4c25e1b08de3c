"""A write that waits for a signature: what a person is shown of it, and what they type to sign it."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from deskclerk.catalogue import Effect
from deskclerk.desk.consequences.changes import Change
from deskclerk.errors import ApprovalRefused

SHORTEST_WORD = 3
"""A shorter word could be what a hand types without looking."""


@dataclass(frozen=True, slots=True)
class TakesBack:
    """The journal's entry that a write takes back, and what a person is told with it, a line each."""

    entry: str
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Step:
    """One of several writes that are signed together, in the order in which they are carried out."""

    number: int
    heading: str
    target: str
    changes: tuple[Change, ...]
    reach: tuple[str, ...]
    reversible: str

    def lines(self) -> list[str]:
        """The step, line by line."""
        where = f": {self.target}" if self.target else ""
        told = [f"  {change.line()}" for change in self.changes]
        told += [f"  Reach: {line}" for line in self.reach]
        return [f"{self.number}. {self.heading}{where}", *told, f"  {self.reversible}"]


@dataclass(frozen=True, slots=True)
class JobPreview:
    """What a person is shown of a job beyond a single write: its size, its first targets, or its steps."""

    id: str
    count: int
    lines: tuple[str, ...] = ()
    steps: tuple[Step, ...] = ()

    def all_lines(self) -> list[str]:
        """The lines and the steps."""
        return [*self.lines, *(line for step in self.steps for line in step.lines())]


@dataclass(frozen=True, slots=True)
class Plan:
    """One write, or the writes of a job, as a person is asked to sign them.

    `digest` binds action, arguments (secrets included, by a keyed hash), instance and the target as it
    was looked at; `expires_at` is in milliseconds since the epoch. `reach` says what else is touched,
    `reversible` whether there is a way back, `words` what a person may type to sign, `takes_back` what
    the write undoes, where it does. `job` is there where many writes are signed together.
    """

    id: str
    action: str
    heading: str
    effect: Effect
    summary: str
    instance: str
    arguments: Mapping[str, Any]
    target: str
    changes: tuple[Change, ...]
    digest: str
    expires_at: int
    reach: tuple[str, ...] = ()
    reversible: str = ""
    words: tuple[str, ...] = ()
    takes_back: TakesBack | None = None
    job: JobPreview | None = None

    @property
    def notes(self) -> tuple[str, ...]:
        """What the plan takes back and what does not come back, a line each; empty for any other write."""
        return self.takes_back.notes if self.takes_back else ()

    def lines(self) -> list[str]:
        """The preview, line by line: what, on what, where, old → new, how far it reaches, the way back."""
        # The instance in the first line: nobody should sign for LIVE what they believe is a test.
        lines = [f"{self.heading} on {self.instance}", *self.notes]
        lines += [self.summary] if self.summary else []
        if self.target:
            lines.append(f"Target: {self.target}")
        lines += self.job.all_lines() if self.job else []
        lines += [f"  {change.line()}" for change in self.changes]
        lines += [f"Reach: {line}" for line in self.reach]
        return [*lines, self.reversible] if self.reversible else lines

    def text(self) -> str:
        """The preview as one text."""
        return "\n".join(self.lines())

    def check_shown(self, digest: str | None) -> None:
        """ApprovalRefused if this is not what was shown, by its digest: steps may be struck out since."""
        if digest != self.digest:
            raise ApprovalRefused(
                "This is not the plan that you were shown.",
                next_step="Nothing was signed. Look or ask again: it is shown as it is now.",
            )


def accepts(words: Iterable[str], typed: object) -> bool:
    """Whether a text that a person typed is one of the words, spaces and capitals aside."""
    if not isinstance(typed, str) or len(typed.strip()) < SHORTEST_WORD:
        return False
    return folded(typed) in {folded(word) for word in words}


def folded(text: str) -> str:
    """A text as it is compared: one space between words, capitals aside."""
    return " ".join(text.split()).casefold()
