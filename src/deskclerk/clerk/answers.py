"""From Clerk's answer to a value or to one of our errors."""

import json
import re
from dataclasses import dataclass
from typing import Any

import httpx2

from deskclerk.catalogue import Action, Request
from deskclerk.clerk.redaction import Redact
from deskclerk.clerk.retry import is_read
from deskclerk.errors import (
    ClerkError,
    ClerkUnavailable,
    Conflict,
    KeyRejected,
    NotFound,
    OutcomeUnknown,
    PlanRequired,
    RateLimited,
    Unprocessable,
)

NEW_KEY = "Make a new one in Clerk Dashboard, API Keys, Secret key, and set CLERK_SECRET_KEY."
_NOT_SERVED = 501
_LONGEST_MESSAGE, _LONGEST_FACT = 1000, 200
_STATES = re.compile(
    r"duplicate|already|exists|not_pending|conflict|minimum_permissions|not_unique|managed_by|claimed"
)
_KEY_CODES = re.compile(r"authorization|authentication|key_invalid|missing_scopes|could_not_authenticate")
_BY_STATUS: dict[int, type[ClerkError]] = {
    401: KeyRejected,
    402: PlanRequired,
    403: KeyRejected,
    404: NotFound,
    409: Conflict,
    429: RateLimited,
}


@dataclass
class ResponseInfo:
    """What Clerk said beside its answer, the last one where an action makes several requests."""

    status: int | None = None
    trace_id: str | None = None

    def note(self, response: httpx2.Response, redact: Redact) -> None:
        """Keep what one response says of itself."""
        self.status = response.status_code
        # What a server says of itself is somebody's text too, and goes into the journal.
        self.trace_id = _short(redact(response.headers.get("x-clerk-trace-id")))


def decode(request: Request, response: httpx2.Response, redact: Redact) -> Any:
    """The JSON of a good answer, or the error that a bad one stands for, without what `redact` takes out."""
    body, readable = _json(response.content)
    if not response.is_success:
        raise _refusal(request, response, redact(body), redact)
    if not readable:
        raise unreadable(request, response.status_code)
    return body


def _json(content: bytes) -> tuple[Any, bool]:
    """The JSON of a body, and whether it could be read; an error of the parser would hold the body."""
    try:
        return json.loads(content) if content else None, True
    except (ValueError, RecursionError):
        # The parser's error quotes the text that it stumbled on, which may be a secret.
        return None, False


def unreadable(request: Request, status: int) -> ClerkError:
    """An answer that said yes but could not be read."""
    if is_read(request):
        return ClerkUnavailable(f"Clerk's answer to {_line(request)} could not be read.", status=502)
    return OutcomeUnknown(
        f"Clerk answered {status} to {_line(request)}, but the answer could not be read.",
        next_step="The write probably happened. Read the target before asking again.",
        status=status,
    )


def lost(request: Request, reason: str, status: int | None = None, trace_id: str | None = None) -> ClerkError:
    """What a missing answer means: nothing for a read, uncertainty for a write."""
    if is_read(request):
        return ClerkUnavailable(
            f"Clerk could not be read ({reason}).",
            next_step="Nothing was changed. Try again in a moment.",
            status=status,
            trace_id=trace_id,
        )
    return OutcomeUnknown(
        f"The answer to {_line(request)} was lost ({reason}): it may or may not have happened.",
        next_step="Read the target to find out before asking again.",
        status=status,
        trace_id=trace_id,
    )


def explain(error: ClerkError, action: type[Action]) -> None:
    """Complete an error's next step with what this action requires."""
    if isinstance(error, Unprocessable):
        parameters = action.parameters()
        known = parameters.get(error.param or "")
        if known:
            hint = f" ({known.description})" if known.description else ""
            error.next_step = (
                f"{known.name} must be {known.accepted}{hint}. Nothing was changed by this request."
            )
        else:
            required = ", ".join(item.name for item in parameters.values() if item.required)
            error.next_step = f"{action.spec.name} requires: {required or 'no arguments'}."
    elif isinstance(error, NotFound) and not error.next_step:
        error.next_step = (
            f"Check the ids ({', '.join(action.spec.route.names) or 'in the arguments'}): they belong to one "
            "instance, and test and live instances share none. A list action shows what is there."
        )


def _refusal(request: Request, response: httpx2.Response, body: Any, redact: Redact) -> ClerkError:
    status = response.status_code
    first: dict[str, Any] = {}
    if isinstance(body, dict) and isinstance(body.get("errors"), list) and body["errors"]:
        first = body["errors"][0] if isinstance(body["errors"][0], dict) else {}
    code = _short(first.get("code"))
    trace_id = _short(redact(response.headers.get("x-clerk-trace-id"))) or (
        _short(body.get("clerk_trace_id")) if isinstance(body, dict) else None
    )
    # 501 says that the operation does not exist: certain, unlike the other errors of a server.
    if status >= 500 and status != _NOT_SERVED:  # noqa: PLR2004 - the HTTP class of server errors
        return lost(request, f"HTTP {status}", status, trace_id)
    kind = _kind(status, str(code or ""))
    said = first.get("long_message") or first.get("message") or f"HTTP {status}"
    meta = first.get("meta")
    param = _short(meta.get("param_name")) if isinstance(meta, dict) else None
    retry_after = _seconds(response.headers.get("retry-after")) if kind is RateLimited else None
    # The first is told in full: a model mends one thing at a time.
    others = len(body["errors"]) - 1 if first else 0
    more = f" (and {others} more)" if others else ""
    return kind(
        f"Clerk refused {_line(request)}: {_ended(said)}{f' Field: {param}.' if param else ''}{more}",
        next_step=_next_step(kind, status, retry_after),
        status=status,
        code=code,
        param=param,
        trace_id=trace_id,
        retry_after=retry_after,
    )


def _kind(status: int, code: str) -> type[ClerkError]:
    """The class of a refusal; a 403 about the instance's state is not about the key."""
    # Clerk answers 403 for states too, such as a feature that is off; a new key would not help.
    if status == 403 and not _KEY_CODES.search(code) and code:  # noqa: PLR2004
        return Conflict
    if status in _BY_STATUS:
        return _BY_STATUS[status]
    if status in (400, 422) and _STATES.search(code):
        return Conflict
    return Unprocessable if status in (400, 413, 415, 422) else ClerkError


def _next_step(kind: type[ClerkError], status: int, retry_after: float | None) -> str:
    if kind is KeyRejected:
        what = "is wrong or expired" if status == 401 else "lacks a permission for this"  # noqa: PLR2004
        return f"The secret key {what}. {NEW_KEY}"
    if kind is RateLimited:
        return f"Wait {retry_after or 10:g} seconds, then ask again. The request was not carried out."
    if kind is PlanRequired:
        return (
            "The instance's Clerk subscription does not include this; change it in Clerk Dashboard, Billing."
        )
    if kind is Conflict:
        return "Nothing was changed. Read what is there before deciding what to do."
    return ""


def _seconds(value: str | None) -> float | None:
    try:
        return max(0.0, float(value)) if value else None
    except ValueError:
        return None


def _short(fact: Any) -> str | None:
    """A word of Clerk's about an error, if it is one."""
    whole = fact.encode(errors="replace").decode() if isinstance(fact, str) else ""
    return whole[:_LONGEST_FACT] or None


def _ended(said: Any) -> str:
    text = " ".join(str(said).encode(errors="replace").decode().split())
    if len(text) > _LONGEST_MESSAGE:
        text = f"{text[:_LONGEST_MESSAGE]}…"
    return text if text.endswith((".", "!", "?")) else f"{text}."


def _line(request: Request) -> str:
    return f"{request.method} {request.path}"
