"""What bodies give of a connection, as it is kept: texts, addresses, attributes."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from deskclerk.sandbox.http.errors import ill_formed, refusal

_URL = re.compile(r"https?://[^\s/?#]+\S*", re.IGNORECASE)
# That of Clerk's document.
_KEY = re.compile(r"[^_][A-Za-z0-9_-]*")
_PATHS = ("scim_path", "directory_path")
"""The old and the new name of one path."""


def set_in(body: Mapping[str, Any], names: Iterable[str]) -> dict[str, Any]:
    """Which of these names a body sets; null changes nothing."""
    return {name: body[name] for name in names if body.get(name) is not None}


def texts_in(body: Mapping[str, Any], names: Iterable[str]) -> dict[str, str | None]:
    """Texts without the spaces around them; an empty one takes the value away."""
    return {name: text.strip() or None for name, text in set_in(body, names).items()}


def check_urls(values: Mapping[str, Any], names: Iterable[str], within: str) -> None:
    """Refuse what is no address; `within` stands before the names as the request has them."""
    for name in names:
        if values.get(name) and not _URL.fullmatch(values[name]):
            raise ill_formed(f"{within}{name}", f"{within}{name} must be an http or https URL.")


def custom_attributes(items: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Attributes as they are kept and answered, the path in a directory by both of its names."""
    return [dict(_attribute(item)) for item in items]


def _attribute(item: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    if not _KEY.fullmatch(item["key"]):
        text = "key must be of letters, digits, '_' and '-', and not begin with '_'."
        raise ill_formed("custom_attributes.key", text)
    yield from ((name, item[name]) for name in ("name", "key", "sso_path") if name in item)
    paths = {item[name] for name in _PATHS if name in item}
    if len(paths) > 1:
        text = "scim_path and directory_path are two names of one path, and are given two values."
        raise refusal(
            "form_param_value_conflict", "values conflict", text, param="custom_attributes.directory_path"
        )
    yield from ((name, path) for path in paths for name in _PATHS)
    yield "multi_valued", item.get("multi_valued", False)
