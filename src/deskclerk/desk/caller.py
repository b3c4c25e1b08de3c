"""Who asks, and how a person answers."""

import enum
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from deskclerk.desk.plan import Plan


@dataclass(frozen=True, slots=True)
class Caller:
    """The face that a request came through, the program behind it, and the token that it showed.

    `client` is what the program calls itself, `token` the name of the HTTP face's token.
    """

    face: str
    client: str | None = None
    token: str | None = None


class Decision(enum.StrEnum):
    """What a person said to a plan."""

    APPROVED = "approved"
    DECLINED = "declined"
    """A no. It is final: the same plan is not shown again."""
    DISMISSED = "dismissed"
    """No answer: the dialogue was closed, or there was nobody to see it. The plan can still be signed."""


@dataclass(frozen=True, slots=True)
class Signature:
    """A decision, and how it was given (`mcp dialogue`, `terminal`, …).

    `why` tells the asker what was amiss with an answer that is no signature; `final` ends a dismissed
    call at once, where waiting for a signature from elsewhere would only keep the person waiting.
    `pin` is the signer's PIN as it was entered; None for a client's own dialogue, which takes none.
    """

    decision: Decision
    how: str
    why: str = ""
    final: bool = False
    pin: str | None = field(default=None, repr=False)


Approver = Callable[["Plan"], Awaitable[Signature]]
"""Shows a plan to a person and brings back what they said. Never decides for itself."""

Progress = Callable[[float, float, str], Awaitable[None]]
"""Told while a call waits for a signature: seconds waited, seconds it will wait, and for what."""
