"""What end users wrote is data: made harmless before a model, a terminal or a page shows it.

What cannot be seen is taken out, and so is what acts: it could say one thing to a person and another to
a model. Letters that look like others stay, for they are text. A joiner or a variation selector stays
inside an emoji only; the joiners of Persian and Indic spelling and the flags of regions are lost.
"""

import json
import math
import re
from typing import Any

LONGEST = 2_000
"""Characters of one string; what is longer is cut with a mark."""
LONGEST_KEY = 200
"""Characters of an object's key."""
DEEPEST = 40
"""Levels of nesting; what is below is replaced by a mark."""
WIDEST = 500
"""Items of a list or an object inside an answer; what is beyond is replaced by a mark."""
SECRET_KEYS = frozenset(
    {
        "backup_codes",
        "client_secret",
        "jwt",
        "password",
        "password_digest",
        "secret_key",
        "signing_key",
        "ticket",
        "token",
        "totp_secret",
    }
)
FREE_FORM = frozenset({"public_metadata", "private_metadata", "unsafe_metadata", "claims"})
"""Where keys are the application's own, so that their names say nothing about secrets."""

_HIDDEN = (
    "["
    "\x00-\x08\x0b-\x1f\x7f-\x9f"  # C0 and C1 controls but tab and line feed
    "\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u3164\uffa0"  # soft hyphen, joiners, fillers
    "\u200b-\u200f\u2028-\u202e\u2060-\u206f"  # zero-width, separators, bidirectional, invisible operators
    "\ufe00-\ufe0f\ufeff\ufff0-\ufffb\ufffe\uffff"  # variation selectors, byte order mark, interlinear marks
    "\U0001bca0-\U0001bca3\U0001d173-\U0001d17a"  # shorthand and musical controls
    "\U000e0000-\U000e0fff"  # tags and further variation selectors
    "\ud800-\udfff"  # lone surrogates
    "]"
)
_PICTURE = (
    "[\u00a9\u00ae\u203c\u2049\u2122\u2139\u2194-\u21aa\u231a-\u23ff\u24c2\u25aa-\u25fe\u2600-\u27bf"
    "\u2934\u2935\u2b05-\u2b55\u3030\u303d\u3297\u3299\U0001f000-\U0001faff]"
)
_EMOJI = f"{_PICTURE}\ufe0f?[\U0001f3fb-\U0001f3ff]?"
_VISIBLE_OR_HIDDEN = re.compile(f"({_EMOJI}(?:\u200d{_EMOJI})*|[0-9#*]\ufe0f\u20e3)|{_HIDDEN}")
_HIDDEN_ANYWHERE = re.compile(_HIDDEN)
_TICKET = re.compile(r"(__clerk_ticket(?:=|%(?:25)*3[Dd]))(?:%(?!26|23)|[^&#\s\"'<>%])+")


def clean_text(text: str, longest: int = LONGEST) -> str:
    """The text without invisible, bidirectional and control characters, cut when long.

    An invitation's ticket, which signs in whoever holds it, is replaced by a mark.
    """
    # Nearly every text has nothing to hide: the cheap search first.
    if _HIDDEN_ANYWHERE.search(text):
        text = _VISIBLE_OR_HIDDEN.sub(lambda found: found[1] or "", text)
    text = without_tickets(text)
    return text if len(text) <= longest else f"{text[:longest]}… [{len(text) - longest} more characters]"


def without_tickets(text: str) -> str:
    """The text with a mark for every invitation's ticket in an address."""
    return _TICKET.sub(r"\1[secret]", text) if "__clerk_ticket" in text else text


def clean(value: Any, longest: int = LONGEST, depth: int = 0) -> Any:
    """A JSON value with every string in it cleaned, keys included, no deeper or wider than the bounds."""
    if isinstance(value, str):
        return clean_text(value, longest)
    if isinstance(value, dict | list):
        if depth >= DEEPEST:
            return "[deeper levels are not shown]"
        if isinstance(value, dict):
            return _clean_object(value, longest, depth + 1)
        more = [f"… [{len(value) - WIDEST} more items]"] if depth and len(value) > WIDEST else []
        most = WIDEST if depth else len(value)
        return [clean(item, longest, depth + 1) for item in value[:most]] + more
    if isinstance(value, float) and not math.isfinite(
        value
    ):  # Python writes NaN, no other JSON reader takes it
        return str(value)
    return value


def _clean_object(value: dict[Any, Any], longest: int, depth: int) -> dict[str, Any]:
    """The object; keys that become the same by cleaning are numbered, so that none hides another."""
    found: dict[str, Any] = {}
    for number, (key, item) in enumerate(value.items()):
        # Not at the top of a list, whose length the budget decides.
        if number == WIDEST:
            found["…"] = f"[{len(value) - WIDEST} more keys]"
            break
        name = base = clean_text(str(key), min(longest, LONGEST_KEY))
        again = 2
        while name in found:
            name, again = f"{base} ({again})", again + 1
        found[name] = clean(item, longest, depth)
    return found


def without_secrets(value: Any) -> Any:
    """The value without what only a person may see, wherever it stands outside free-form fields."""
    if isinstance(value, str):
        return without_tickets(value)
    if isinstance(value, list):
        return [without_secrets(item) for item in value]
    if not isinstance(value, dict):
        return value
    return {
        # An application may call its own metadata `token`; hiding that would hide what people look for.
        key: item if key in FREE_FORM else without_secrets(item)
        for key, item in value.items()
        if key not in SECRET_KEYS
    }


def line_of(text: Any, longest: int = 200) -> str:
    """Cleaned, and without line ends: what an end user wrote cannot pass for a line of the preview."""
    return " ".join(clean_text(str(text), longest).split())


def brief(value: Any) -> str:
    """A value on one line, cut when long."""
    return line_of(value if isinstance(value, str) and value else json.dumps(value, ensure_ascii=False))
