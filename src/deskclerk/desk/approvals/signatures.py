"""What a person says to a plan, and who brings it back."""

import enum
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from deskclerk.desk.plans.plan import Plan


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
    call at once, where waiting for a signature from elsewhere would only keep the person waiting;
    `alone` says that nobody was there to be asked, so that others are told of the plan even then.
    `pin` is the signer's PIN as it was entered; None for a client's own dialogue, which takes none.
    `passkey` is what the person's passkey said to the plan, as JSON, where one was asked.
    `shown` is the digest of the plan as the person read it, for a yes from outside the call that asked: steps
    may be struck out in between. None is a yes to the plan as it is.
    """

    decision: Decision
    how: str
    why: str = ""
    final: bool = False
    alone: bool = False
    pin: str | None = field(default=None, repr=False)
    passkey: str | None = field(default=None, repr=False)
    shown: str | None = None


Approver = Callable[[Plan], Awaitable[Signature]]
"""Shows a plan to a person and brings back what they said. Never decides for itself."""
