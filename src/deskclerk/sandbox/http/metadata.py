"""Metadata: merged deeply, replaced, and kept below Clerk's size."""

import json
from collections.abc import Mapping
from typing import Any

from deskclerk.sandbox.http.errors import refusal

MOST_BYTES = 8192
KINDS = ("public_metadata", "private_metadata", "unsafe_metadata")


def merged(old: Mapping[str, Any], change: Mapping[str, Any]) -> dict[str, Any]:
    """The old object with the change merged in at every level; null deletes a key."""
    result = dict(old)
    for name, value in change.items():
        before = result.get(name)
        if value is None:
            result.pop(name, None)
        elif isinstance(value, dict):
            result[name] = merged(before if isinstance(before, dict) else {}, value)
        else:
            result[name] = value
    return result


def merged_metadata(row: Mapping[str, Any], body: Mapping[str, Any]) -> dict[str, Any]:
    """The metadata columns that the body changes, merged into what the row has."""
    return checked_metadata({name: merged(row[name], body[name]) for name in KINDS if body.get(name)})


def checked_metadata(body: Mapping[str, Any]) -> dict[str, Any]:
    """The metadata in a body as columns; refused when one is too large."""
    # Clerk takes null for an empty object here.
    found = {name: body[name] or {} for name in KINDS if name in body}
    for name, value in found.items():
        # In bytes and after merging: it is the result that Clerk bounds, not what was sent.
        if len(json.dumps(value, ensure_ascii=False).encode()) > MOST_BYTES:
            text = f"{name} must have {MOST_BYTES} bytes or fewer."
            raise refusal("form_param_exceeds_allowed_size", "is too large", text, param=name)
    return found
