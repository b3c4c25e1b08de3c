"""Every error deskclerk raises, split by who can mend it.

DeskclerkError
├── InvalidRequest       the asker: which argument, what is accepted
├── InvalidSettings      the operator: which setting, where it was read, what is accepted
├── StorageUnavailable   the operator: a full disk, a folder that cannot be written, a damaged database
├── NotAllowed           policy: what would have to be allowed
├── LimitReached         a workspace of a hosted desk has as much as it may: wait, or use less
├── CannotUndo           what was done does not come back, or not through undo: why, and what can be done
├── ApprovalNeeded       a person has to sign, and none could be reached
├── ApprovalRefused      a person declined, or the signature no longer fits
└── ClerkError           Clerk answered with an error, or not at all
    ├── KeyRejected      401, 403: the key is wrong, expired or lacks a permission
    ├── NotFound         404
    ├── Conflict         409, and 400 for what exists already
    ├── Unprocessable    400, 422: which field, what the action requires
    ├── PlanRequired     402
    ├── RateLimited      429: wait so many seconds
    ├── ClerkUnavailable 5xx, no connection, time-out: the request did not happen, or was a read
    └── OutcomeUnknown   a write whose answer was lost: it may or may not have happened
"""

import errno
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Self

__all__ = [
    "ApprovalNeeded",
    "ApprovalRefused",
    "CannotUndo",
    "ClerkError",
    "ClerkUnavailable",
    "Conflict",
    "DeskclerkError",
    "InvalidRequest",
    "InvalidSettings",
    "KeyRejected",
    "LimitReached",
    "NextSteps",
    "NotAllowed",
    "NotFound",
    "OutcomeUnknown",
    "PlanRequired",
    "RateLimited",
    "StorageUnavailable",
    "Unprocessable",
    "innermost",
]


@dataclass(frozen=True, slots=True)
class NextSteps:
    """Who changes what stands in an asker's way, and how: sentences for errors, by whose desk it is.

    As they are here they hold for a desk on one machine, where one operator sets everything.
    """

    rules: str = "Only the operator can change this setting."
    """Of the settings, which hold for everybody who asks."""
    caller_rules: str = "Only the operator can change this setting."
    """Of the rules for some callers."""
    higher: str = "have the operator raise the setting"
    """Of a number among the settings, for the end of a sentence."""
    key: str = "Make a new one in Clerk Dashboard, API Keys, Secret key, and set CLERK_SECRET_KEY."
    """Of a secret key that Clerk does not take."""
    address: str = (
        "Check that CLERK_API_URL is the origin of Clerk's Backend API, such as https://api.clerk.com, and "
        "that no proxy answers in its place."
    )
    """Of answers that are not Clerk's."""
    connection: str = "Check the network and CLERK_API_URL."
    """Of an address where nobody answers."""


ON_THIS_MACHINE = NextSteps()


class DeskclerkError(Exception):
    """The root: a message for people, a `next_step` and a stable `kind` for programs."""

    kind = "error"

    def __init__(self, message: str, *, next_step: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.next_step = next_step

    def __str__(self) -> str:
        return f"{self.message} {self.next_step}".strip()

    def as_dict(self) -> dict[str, Any]:
        """The error as data: `error`, `message`, `next_step` and what the subclass knows."""
        return {"error": self.kind, "message": self.message, "next_step": self.next_step}


class InvalidRequest(DeskclerkError):
    """An argument is unknown, missing or not what the action accepts; nothing was sent.

    `problems` holds one `(argument, what is wrong and what is accepted)` pair each, with "" for the call as a
    whole; `secret` is the name of a stored secret that a person would have to enter first.
    """

    kind = "invalid_request"
    secret: str | None = None

    def __init__(
        self, message: str, *, problems: Sequence[tuple[str, str]] = (), next_step: str = ""
    ) -> None:
        super().__init__(message, next_step=next_step)
        self.problems = tuple(problems)

    def as_dict(self) -> dict[str, Any]:
        """Adds `problems`: `[{argument, problem}]`."""
        return super().as_dict() | {
            "problems": [{"argument": name, "problem": text} for name, text in self.problems]
        }


class InvalidSettings(DeskclerkError):
    """A setting is unknown, contradictory or not what is accepted."""

    kind = "invalid_settings"


class StorageUnavailable(DeskclerkError):
    """What deskclerk keeps on disk cannot be read or written: why, and what the operator can do.

    `places` says that its words may name addresses and paths, which are the operator's to know.
    """

    kind = "storage_unavailable"

    def __init__(self, message: str, *, next_step: str = "", places: bool = True) -> None:
        super().__init__(message, next_step=next_step)
        self.places = places

    @classmethod
    def of(cls, place: object, reason: str, next_step: str = "") -> Self:
        """The error of a database or a folder that cannot be used."""
        step = next_step or "Check that it is there, and its path or URL."
        return cls(f"{place} cannot be used: {reason.rstrip('.?')}.", next_step=step)

    @classmethod
    def by_the_system(cls, place: object, error: OSError) -> Self:
        """The error of a file or a folder that the system refuses."""
        step = REFUSALS_OF_THE_SYSTEM.get(error.errno or 0, "")
        return cls.of(place, error.strerror or type(error).__name__, step)


class WorkspaceGone(DeskclerkError):
    """The workspace was deleted while something was asked of it: nothing can be noted for it any more."""

    kind = "not_found"

    def __init__(self) -> None:
        super().__init__(
            "This workspace was deleted.", next_step="Nothing more can be asked of it, nor is noted for it."
        )


DISK_FULL = "Free some space on its disk, or mend it, then ask again: what was noted before is there."
NOT_WRITABLE = "Make the folder and the file writable, or name another folder with DESKCLERK_HOME."
REFUSALS_OF_THE_SYSTEM = {
    errno.ENOSPC: DISK_FULL,
    errno.EDQUOT: DISK_FULL,
    errno.EROFS: NOT_WRITABLE,
    errno.EACCES: NOT_WRITABLE,
    errno.EPERM: NOT_WRITABLE,
}
"""What the system says of a disk or a folder, and what an operator does then."""


class NotAllowed(DeskclerkError):
    """The policy in force does not allow this action to this caller."""

    kind = "not_allowed"


class LimitReached(DeskclerkError):
    """A workspace of a hosted desk has as much of something as it may; nothing was done.

    `limit` names the limit, `most` says how much it is; `retry_after` seconds end it, None where time alone
    does not.
    """

    kind = "limit_reached"

    def __init__(
        self, message: str, *, limit: str, most: int, retry_after: int | None = None, next_step: str = ""
    ) -> None:
        super().__init__(message, next_step=next_step)
        self.limit = limit
        self.most = most
        self.retry_after = retry_after

    def as_dict(self) -> dict[str, Any]:
        """Adds `limit`, `most`, and `retry_after` where there is one."""
        wait = {} if self.retry_after is None else {"retry_after": self.retry_after}
        return super().as_dict() | {"limit": self.limit, "most": self.most} | wait


class CannotUndo(DeskclerkError):
    """A journalled write is not taken back; nothing was sent.

    `reasons` says why, one each; `offer` is a call that comes nearest: `{"action", "arguments"}`.
    """

    kind = "cannot_undo"

    def __init__(
        self,
        message: str,
        *,
        reasons: Sequence[str] = (),
        offer: dict[str, Any] | None = None,
        next_step: str = "",
    ) -> None:
        super().__init__(message, next_step=next_step)
        self.reasons = tuple(reasons)
        self.offer = offer

    def as_dict(self) -> dict[str, Any]:
        """Adds `reasons`, and `offer` where there is one."""
        more = {"offer": self.offer} if self.offer else {}
        return super().as_dict() | {"reasons": list(self.reasons)} | more


class ApprovalNeeded(DeskclerkError):
    """A person has to sign this write, and none could be reached; nothing was sent."""

    kind = "approval_needed"

    def __init__(self, message: str, *, plan_id: str | None = None, next_step: str = "") -> None:
        super().__init__(message, next_step=next_step)
        self.plan_id = plan_id

    def as_dict(self) -> dict[str, Any]:
        """Adds `plan_id`."""
        return super().as_dict() | {"plan_id": self.plan_id}


class ApprovalRefused(DeskclerkError):
    """A person declined, or the signature is used, expired or for something else; nothing was sent."""

    kind = "approval_refused"


class ClerkError(DeskclerkError):
    """Clerk refused a request or could not be reached.

    `status` is the HTTP status (None without an answer), `code` Clerk's error code, `param` the
    field that Clerk names, `trace_id` what Clerk's support asks for, `retry_after` seconds.
    """

    kind = "clerk_error"

    def __init__(
        self,
        message: str,
        *,
        next_step: str = "",
        status: int | None = None,
        code: str | None = None,
        param: str | None = None,
        trace_id: str | None = None,
        retry_after: float | None = None,
    ) -> None:
        super().__init__(message, next_step=next_step)
        self.status = status
        self.code = code
        self.param = param
        self.trace_id = trace_id
        self.retry_after = retry_after
        self.done: tuple[str, ...] = ()
        """What an action of several requests had already done when this one failed."""

    def __str__(self) -> str:
        done = f" Already done: {'; '.join(self.done)}." if self.done else ""
        facts = ", ".join(
            f"{name} {value}"
            for name, value in (("status", self.status), ("code", self.code), ("trace", self.trace_id))
            if value is not None
        )
        return f"{self.message}{done} {self.next_step}".strip() + (f" ({facts})" if facts else "")

    def as_dict(self) -> dict[str, Any]:
        """Adds what Clerk said: `status`, `code`, `param`, `trace_id`, `retry_after`, `done`."""
        facts = {
            "status": self.status,
            "code": self.code,
            "param": self.param,
            "trace_id": self.trace_id,
            "retry_after": self.retry_after,
            "done": list(self.done) or None,
        }
        return super().as_dict() | {key: value for key, value in facts.items() if value is not None}


class KeyRejected(ClerkError):
    """401 or 403: the secret key is wrong, expired or lacks a permission."""

    kind = "key_rejected"


class NotFound(ClerkError):
    """404: nothing has this id in this instance."""

    kind = "not_found"


class Conflict(ClerkError):
    """409, or a 400 that says the thing exists already or is in another state."""

    kind = "conflict"


class Unprocessable(ClerkError):
    """400, 413, 415 or 422: a field is not what Clerk requires."""

    kind = "unprocessable"


class PlanRequired(ClerkError):
    """402: the instance's Clerk subscription does not include this."""

    kind = "plan_required"


class RateLimited(ClerkError):
    """429: too many requests; `retry_after` says for how many seconds to wait."""

    kind = "rate_limited"


class ClerkUnavailable(ClerkError):
    """5xx on a read, or no connection: nothing was changed."""

    kind = "clerk_unavailable"


class OutcomeUnknown(ClerkError):
    """The answer to a write was lost: it may or may not have happened."""

    kind = "outcome_unknown"


def innermost(error: BaseException) -> BaseException:
    """What a group of errors stands for: the one that is in it, or the first of several of ours."""
    while isinstance(error, BaseExceptionGroup):
        ours = [item for item in error.exceptions if isinstance(innermost(item), DeskclerkError)]
        if len(error.exceptions) > max(1, len(ours)):
            return error
        error = error.exceptions[0]
    return error
