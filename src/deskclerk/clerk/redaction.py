"""Takes out of Clerk's words what was sent to it in confidence: it may repeat what it was sent."""

import json
import re
from collections.abc import Callable, Iterable, Iterator
from typing import Any
from urllib.parse import quote, quote_plus

from deskclerk.catalogue import Action
from deskclerk.catalogue.withheld import REDACTED

Redact = Callable[[Any], Any]
"""A JSON value in, the same without secrets out."""

DEEPEST = 100
"""Levels of nesting; what is below is replaced by a mark."""
_UNMISTAKABLE = 12
"""A shorter secret is taken out only where it stands by itself: `user` must not break `user_2abc`."""
_WHOLE_LINE = 16
"""A line of a longer secret is a secret too, from this length on."""


def redactor(key: str, action: Action | None = None) -> Redact:
    """What takes out a secret key and the secret arguments of an action."""
    return taking_out([key, *(secrets_of(action) if action else ())])


def taking_out(values: Iterable[str]) -> Redact:
    """What takes out these secrets, in whichever form they stand there; at least one."""
    # The longest first: a part that was taken out would leave the rest of the whole unrecognized.
    forms = sorted({form for value in values for form in _forms(value)}, key=len, reverse=True)
    pattern = re.compile("|".join(map(_matching, forms)))

    def redact(value: Any, depth: int = 0) -> Any:
        match value:
            case str():
                return pattern.sub(REDACTED, value)
            case dict() | list() if depth >= DEEPEST:
                return "[deeper levels are not shown]"
            case dict():
                return {redact(name): redact(item, depth + 1) for name, item in value.items()}
            case list():
                return [redact(item, depth + 1) for item in value]
            # A code of digits may come back as a number.
            case int() if not isinstance(value, bool) and pattern.fullmatch(str(value)):
                return REDACTED
            case _:
                return value

    # A short secret counts only where it stands by itself, which a text of JSON around it may hide.
    if any(len(form) < _UNMISTAKABLE for form in forms):
        return redact

    def redact_if_there(value: Any) -> Any:
        # Searched for in the whole at once: nearly no answer repeats a secret, and a page has 500 users.
        if isinstance(value, dict | list) and not _has(pattern, value):
            return value
        return redact(value)

    return redact_if_there


def _has(pattern: re.Pattern[str], value: Any) -> bool:
    """Whether a JSON value may have what a pattern finds, whose forms are those of JSON too."""
    try:
        return pattern.search(json.dumps(value, ensure_ascii=False)) is not None
    # Nested too deeply, or no text: whoever goes through it knows what to do.
    except (RecursionError, ValueError):
        return True


def secrets_of(action: Action) -> Iterator[str]:
    """The values of an action's secret arguments."""
    for _, value in action.secrets():
        yield from filter(None, value if isinstance(value, list) else [value])


def _forms(value: str) -> Iterable[str]:
    """A value as it may come back: plain, quoted by a program, inside a URL, on one line, a line of it."""
    lines = [line.strip() for line in value.splitlines()]
    forms = [value, value.strip(), " ".join(value.split())]
    forms += [line for line in lines if len(line) >= _WHOLE_LINE and not line.startswith("-----")]
    forms += [json.dumps(value, ensure_ascii=ascii_only)[1:-1] for ascii_only in (True, False)]
    forms += [json.dumps(form)[1:-1] for form in forms[-2:]]
    forms += [repr(value)[1:-1], ascii(value)[1:-1]]
    forms += [encode(value, errors="replace") for encode in (quote, quote_plus)]
    forms.append(quote(value, safe="", errors="replace"))
    return [form for form in forms if form]


def _matching(form: str) -> str:
    text = re.escape(form)
    return text if len(form) >= _UNMISTAKABLE else rf"(?<!\w){text}(?!\w)"
