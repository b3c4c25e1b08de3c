"""What end users wrote is data: made harmless before a model, a terminal or a page shows it."""

import re
from typing import Any

LONGEST = 2_000
"""Characters of one string; what is longer is cut with a mark."""

_KEPT_CONTROLS = "\t\n"
_HIDDEN = re.compile(
    "["
    "\x00-\x08\x0b-\x1f\x7f-\x9f"  # C0 and C1 controls but tab and line feed
    "\u00ad\u061c\u180e"  # soft hyphen, Arabic letter mark, Mongolian vowel separator
    "\u200b-\u200f\u2028-\u202e\u2060-\u206f"  # zero-width, separators, bidirectional, invisible operators
    "\ufe00-\ufe0f\ufeff\ufff9-\ufffb"  # variation selectors, byte order mark, interlinear marks
    "\U000e0000-\U000e0fff"  # tags and further variation selectors
    "\ud800-\udfff"  # lone surrogates
    "]"
)
_TICKET = re.compile(r"(__clerk_ticket=)[^&#\s\"]+")


def clean_text(text: str, longest: int = LONGEST) -> str:
    """The text without invisible, bidirectional and control characters, cut when long.

    An invitation's ticket, which signs in whoever holds it, is replaced by a mark.
    """
    text = _HIDDEN.sub("", text)
    if "__clerk_ticket=" in text:
        text = _TICKET.sub(r"\1[secret]", text)
    return text if len(text) <= longest else f"{text[:longest]}… [{len(text) - longest} more characters]"


def clean(value: Any, longest: int = LONGEST) -> Any:
    """A JSON value with every string in it cleaned, keys included."""
    match value:
        case str():
            return clean_text(value, longest)
        case dict():
            return {clean_text(str(key), longest): clean(item, longest) for key, item in value.items()}
        case list():
            return [clean(item, longest) for item in value]
        case _:
            return value
