"""The journal's chain: every line's hash covers the line and the hash of the line before it.

A line's hash is the SHA-256 of the JSON array (no white space, ASCII) of the columns in the order of
the table `events`, `previous` among them and `hash` left out; a JSON column counts as its stored text. The
columns that came later, `job`, are in it where they are not null: lines from before them keep their hash.
"""

import hashlib
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from deskclerk.desk.journal.heads import BEGINNING, Head
from deskclerk.desk.journal.tables import events
from deskclerk.errors import InvalidRequest

JSON_COLUMNS = frozenset({"arguments", "before", "after"})
_LATER = ("job",)
COVERED = tuple(column.name for column in events.columns if column.name not in ("hash", *_LATER))
# Rows are made with the columns that they need; the hash covers all.
_EMPTY: dict[str, Any] = dict.fromkeys(column.name for column in events.columns)
_encode = json.JSONEncoder(separators=(",", ":")).encode


@dataclass(frozen=True, slots=True)
class ChainFault:
    """The first line at which the chain does not hold."""

    seq: int
    entry: str | None
    problem: str

    def as_dict(self) -> dict[str, Any]:
        """As data."""
        return asdict(self)


def read_head(text: str) -> Head:
    """A head as it is printed; InvalidRequest for anything else."""
    number, _, digits = text.strip().partition(":")
    if not number.isdecimal() or not re.fullmatch("[0-9a-f]{64}", digits):
        raise InvalidRequest(
            "The head is not one.",
            next_step="Accepted: NUMBER:HASH, as `deskclerk journal verify` prints it.",
        )
    return Head(int(number), digits)


def link(rows: Iterable[Mapping[str, Any]], head: Head) -> tuple[list[dict[str, Any]], Head]:
    """The rows, complete, numbered and chained behind `head`; and the new head."""
    linked = []
    for row in rows:
        # Every column, in the table's order: a hash over what happened to be given could not be computed
        # again.
        line = _EMPTY | dict(row) | {"seq": head.seq + 1, "previous": head.hash}
        stored = {name: _stored(line[name]) for name in JSON_COLUMNS}
        head = Head(line["seq"], digest(line | stored))
        linked.append(line | {"hash": head.hash})
    return linked, head


def digest(line: Mapping[str, Any]) -> str:
    """The hash of a line whose JSON columns are texts, as they are stored."""
    values = [line[name] for name in COVERED] + [line[name] for name in _LATER if line[name] is not None]
    return hashlib.sha256(_encode(values).encode()).hexdigest()


class ChainCheck:
    """Goes along the lines in their order and keeps the first fault."""

    def __init__(self, noted: Head | None = None, beginning: Head | None = None) -> None:
        """From the first line on, or behind `beginning`; `noted` is a line that somebody kept."""
        self.head = beginning or Head(0, BEGINNING)
        self.fault: ChainFault | None = None
        self._noted = noted

    def line(self, line: Mapping[str, Any]) -> bool:
        """Whether the chain holds up to and including this line."""
        problem = self._problem(line)
        if problem:
            # Of a gap, the first missing number is named: the row behind it may be as it was.
            seq = min(line["seq"], self.head.seq + 1)
            self.fault = ChainFault(seq, line["entry"] if seq == line["seq"] else None, problem)
            return False
        self.head = Head(line["seq"], line["hash"])
        return True

    def end(self, head: Head | None) -> None:
        """After the last line: whether it is the one that was written last, as far as that is kept."""
        after = ChainFault(self.head.seq + 1, None, "removed: lines at the end are missing")
        if self.fault:
            return
        if head is None:
            self.fault = ChainFault(self.head.seq, None, "the record of the last line is missing")
        elif head.seq > self.head.seq or (self._noted and self._noted.seq > self.head.seq):
            self.fault = after
        elif head != self.head:
            self.fault = ChainFault(head.seq, None, "altered: it is not the line that was written last")

    def _problem(self, line: Mapping[str, Any]) -> str:
        if line["seq"] != self.head.seq + 1:
            return f"removed: line {self.head.seq + 1} is missing"
        if digest(line) != line["hash"]:
            return "altered: what it says does not fit its hash"
        if line["previous"] != self.head.hash:
            return "altered or moved: it does not follow the line before it"
        if self._noted and self._noted.seq == line["seq"] and self._noted.hash != line["hash"]:
            return "altered: it is not the line that was noted"
        return ""


def _stored(value: Any) -> str | None:
    """The text that a JSON column keeps."""
    return None if value is None else json.dumps(value)
