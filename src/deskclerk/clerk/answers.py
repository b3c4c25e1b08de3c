"""From Clerk's answer to a value or to one of our errors."""

import email.utils
import json
import math
import re
import time
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NoReturn
from urllib.parse import urlsplit

import httpx2

from deskclerk.catalogue import Action, Answers, Request
from deskclerk.clerk.redaction import Redact
from deskclerk.clerk.retry import is_read
from deskclerk.errors import (
    ON_THIS_MACHINE,
    ClerkError,
    ClerkUnavailable,
    Conflict,
    KeyRejected,
    NextSteps,
    NotFound,
    OutcomeUnknown,
    PlanRequired,
    RateLimited,
    Unprocessable,
)

_NOT_SERVED = 501
_LONGEST_MESSAGE, _LONGEST_FACT = 1000, 200
LARGEST = 32 * 2**20
"""Bytes of one answer: a page of five hundred users with all their metadata has about twenty million."""
_DEEPEST = 200
"""Levels of an answer's JSON; Clerk's own have fewer than ten, metadata what an application puts there."""
_PACKED = ("gzip", "x-gzip", "deflate")
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


class TooLargeError(Exception):
    """An answer that has more bytes than are read; how many those are."""


async def read_body(response: httpx2.Response, largest: int) -> bytes:
    """The body of a streamed answer, unpacked, never more than `largest` bytes of it in memory.

    Raises:
        TooLargeError: as soon as it is longer; what is left is not read.
        httpx2.DecodingError: it is packed in a way that was not asked for, or damaged.
    """
    if response.is_stream_consumed:  # a transport in place of the network has read it already
        if len(response.content) > largest:
            raise TooLargeError(largest)
        return response.content
    packed = response.headers.get("content-encoding", "identity").strip().lower()
    if packed not in (*_PACKED, "identity", ""):
        raise httpx2.DecodingError(f"content-encoding {packed[:20]}")
    # Unpacked here and not by the client, which unpacks a piece whole: one megabyte can hold a thousand.
    unpack = zlib.decompressobj(wbits=47) if packed in _PACKED else None
    body = bytearray()
    async for piece in response.aiter_raw():
        try:
            body += unpack.decompress(piece, largest + 1 - len(body)) if unpack else piece
        except zlib.error:
            raise httpx2.DecodingError("damaged") from None
        if len(body) > largest:
            raise TooLargeError(largest)
    if unpack and not unpack.eof:
        raise httpx2.DecodingError("cut off")
    return bytes(body)


def decode(
    request: Request,
    response: httpx2.Response,
    content: bytes,
    redact: Redact,
    steps: NextSteps = ON_THIS_MACHINE,
) -> Any:
    """The JSON of a good answer, or the error that a bad one stands for, without what `redact` takes out.

    The one place where an answer is believed: it is JSON, and the kind of thing that the operation answers.
    """
    if response.is_success and request.answers and request.answers.page:
        return {"html": content.decode(errors="replace")}
    body, readable = _json(content)
    if not response.is_success:
        raise _refusal(request, response, redact(body), redact, steps)
    if not readable:
        raise unreadable(request, response.status_code, steps)
    if request.answers and not _is(body, request.answers, strictly=not is_read(request)):
        raise misunderstood(request, response.status_code, request.answers, steps)
    return body


def _json(content: bytes) -> tuple[Any, bool]:
    """The JSON of a body, and whether it could be read; an error of the parser would hold the body."""
    try:
        value = json.loads(content, parse_constant=_no_constant) if content else None
    except (ValueError, RecursionError):
        # The parser's error quotes the text that it stumbled on, which may be a secret.
        return None, False
    return value, not _deeper(value, _DEEPEST)


def _no_constant(name: str) -> NoReturn:
    # Python reads NaN and Infinity, which are no JSON and which no other program would take from us.
    raise ValueError(name)


def _deeper(value: Any, levels: int) -> bool:
    """Whether a value is nested more deeply; level by level, so that no depth exhausts the stack."""
    level = [value] if isinstance(value, dict | list) else []
    for _ in range(levels):
        inside = (item for part in level for item in (part.values() if isinstance(part, dict) else part))
        level = [item for item in inside if isinstance(item, dict | list)]
        if not level:
            return False
    return True


def _is(body: Any, answers: Answers, *, strictly: bool) -> bool:
    """Whether an answer is of the kind; its fields are nobody's concern here.

    A read may leave `object` out, a write may not: to believe that something was done wants a sign of it.
    """
    if answers.nothing:
        return body in (None, {})
    if not answers.object and not answers.many:
        return isinstance(body, Mapping) and all(key in body for key in answers.keys)
    if answers.many:
        items = body.get("data") if isinstance(body, Mapping) else body
        return isinstance(items, list) and all(isinstance(item, Mapping) for item in items)
    return (
        isinstance(body, Mapping)
        and body.get("object", None if strictly else answers.object) == answers.object
    )


def misunderstood(request: Request, status: int, answers: Answers, steps: NextSteps) -> ClerkError:
    """An answer that said yes and is not what the operation answers: for a write, no answer at all."""
    what = f"one with object {answers.object!r}" if answers.object else f"one with {', '.join(answers.keys)}"
    if answers.many or answers.nothing:
        what = "a list of objects" if answers.many else "empty"
    if is_read(request):
        return ClerkError(
            f"Clerk's answer to {_line(request)} is not {what}.", next_step=steps.address, status=status
        )
    return OutcomeUnknown(
        f"Clerk answered {status} to {_line(request)}, but the answer is not {what}: it may or may not have "
        "happened.",
        next_step="Read the target before asking again.",
        status=status,
    )


def too_large(request: Request, status: int, largest: int) -> ClerkError:
    """An answer that was not read to its end."""
    bound = f"longer than {largest:,} bytes, and was not read further (largest_answer)"
    if is_read(request):
        return ClerkError(
            f"Clerk's answer to {_line(request)} is {bound}.",
            next_step="Ask for less: a smaller limit, or one thing by its id.",
            status=status,
        )
    return OutcomeUnknown(
        f"Clerk answered {status} to {_line(request)}, but the answer is {bound}.",
        next_step="Read the target before asking again.",
        status=status,
    )


def unreadable(request: Request, status: int, steps: NextSteps) -> ClerkError:
    """An answer that said yes but could not be read."""
    if is_read(request):
        return ClerkUnavailable(
            f"Clerk's answer to {_line(request)} could not be read.", next_step=steps.address, status=502
        )
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


def _refusal(
    request: Request, response: httpx2.Response, body: Any, redact: Redact, steps: NextSteps
) -> ClerkError:
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
    if request.key and kind is KeyRejected:
        # An argument is wrong, and nothing the matter with the instance's own key.
        kind, first = Unprocessable, first | {"meta": {"param_name": request.key.argument}}
    if 300 <= status < 400:  # noqa: PLR2004 - the HTTP class of redirects
        return _redirected(request, response, trace_id, steps)
    said = first.get("long_message") or first.get("message") or f"HTTP {status}"
    meta = first.get("meta")
    param = _short(meta.get("param_name")) if isinstance(meta, dict) else None
    retry_after = _seconds(response.headers.get("retry-after")) if kind is RateLimited else None
    # The first is told in full: a model mends one thing at a time.
    others = len(body["errors"]) - 1 if first else 0
    more = f" (and {others} more)" if others else ""
    return kind(
        f"Clerk refused {_line(request)}: {_ended(said)}{f' Field: {param}.' if param else ''}{more}",
        next_step=_next_step(kind, status, retry_after, steps),
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


def _redirected(
    request: Request, response: httpx2.Response, trace_id: str | None, steps: NextSteps
) -> ClerkError:
    """A redirect is not followed: the key would go along, to whoever it names."""
    origin = _origin_of(_short(response.headers.get("location")) or "")
    where = f" to {origin}" if origin else ""
    return ClerkError(
        f"{_line(request)} was redirected{where}, which is not followed: the key would go along.",
        next_step=f"The request was not carried out. {steps.address}",
        status=response.status_code,
        trace_id=trace_id,
    )


def _origin_of(address: str) -> str:
    """Scheme and host of an address, which is all of it that is repeated; empty if it has none."""
    try:
        parts = urlsplit(address)
    except ValueError:
        return ""
    return f"{parts.scheme}://{parts.hostname}" if parts.scheme and parts.hostname else ""


def _next_step(kind: type[ClerkError], status: int, retry_after: float | None, steps: NextSteps) -> str:
    if kind is KeyRejected:
        what = "is wrong or expired" if status == 401 else "lacks a permission for this"  # noqa: PLR2004
        return f"The secret key {what}. {steps.key}"
    if kind is RateLimited:
        return (
            f"Wait {math.ceil(retry_after or 10)} seconds, then ask again. The request was not carried out."
        )
    if kind is PlanRequired:
        return (
            "The instance's Clerk subscription does not include this; change it in Clerk Dashboard, Billing."
        )
    if kind is Conflict:
        return "Nothing was changed. Read what is there before deciding what to do."
    if kind is ClerkError:
        return f"Nothing was changed. {steps.address}"
    return ""


def _seconds(value: str | None) -> float | None:
    """A `Retry-After` in seconds: it is a number of them, or a moment (RFC 9110, 10.2.3)."""
    if not value:
        return None
    try:
        seconds = float(value)
    except ValueError:
        try:
            seconds = email.utils.parsedate_to_datetime(value).timestamp() - time.time()
        except (ValueError, OverflowError):
            return None
    return max(0.0, seconds) if math.isfinite(seconds) else None


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
