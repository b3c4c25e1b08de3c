"""Where a journal's chain stands: the number and the hash of a line."""

from dataclasses import dataclass

BEGINNING = "0" * 64
"""What the first line names as the hash before it."""


@dataclass(frozen=True, slots=True)
class Head:
    """The last line: its number and its hash."""

    seq: int
    hash: str

    def __str__(self) -> str:
        return f"{self.seq}:{self.hash}"
