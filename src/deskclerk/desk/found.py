"""What was found out about a write whose answer was lost."""

from dataclasses import dataclass
from typing import Any

DONE, NOT_DONE, UNKNOWN = "done", "not_done", "unknown"
TOO_SOON = "too_soon"
"""The code of an `unknown` that a later look may still turn into an answer."""


@dataclass(frozen=True, slots=True)
class Found:
    """`outcome` is done, not_done or unknown, `note` says from what, `after` is what is there now."""

    outcome: str
    note: str
    after: Any = None
    code: str | None = None
