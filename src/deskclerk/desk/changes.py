"""What a journalled write changed."""

from collections.abc import Mapping
from typing import Any


def changes_of(intent: Mapping[str, Any], outcome: Mapping[str, Any] | None) -> list[dict[str, Any]]:
    """The fields of the target that differ between what was seen before and Clerk's answer."""
    seen = intent["before"]
    before = seen[0] if isinstance(seen, list) and seen else {}
    after = (outcome or {}).get("after")
    if (
        not isinstance(before, Mapping)
        or not isinstance(after, Mapping)
        or intent["action"].endswith("_create")
    ):
        return []
    return [
        {"field": field, "before": before.get(field), "after": after.get(field)}
        for field in dict.fromkeys((*before, *after))
        if before.get(field) != after.get(field) and (field in after or after.get("deleted"))
    ]
