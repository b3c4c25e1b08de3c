"""What Clerk's present state proves about a write whose answer nobody has; pure functions.

A state counts as proof only where it differs from what was seen before the write: a user who was banned
already says nothing about a second ban.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from deskclerk.catalogue import REDACTED, Action
from deskclerk.desk.journal.records import DONE, NOT_DONE, UNKNOWN

SKEW = 60_000
"""Milliseconds by which Clerk's clock and ours may differ."""


@dataclass(frozen=True, slots=True)
class Finding:
    """`outcome` is done, not_done or unknown, `note` says from what, `after` is what is there now."""

    outcome: str
    note: str
    after: Any = None
    code: str | None = None


def created(intent: Mapping[str, Any], matches: list[Any], *, whole: bool, lost: str = "") -> Finding:
    """What the things that fit a creation prove: whether exactly one was made since the intent.

    `lost` says what was in the lost answer and nowhere else.
    """
    if not matches:
        return Finding(NOT_DONE if whole else UNKNOWN, "Clerk shows no such thing.")
    ages = [item.get("created_at") for item in matches]
    # Without a moment the thing may be years old.
    if None in ages:
        return Finding(UNKNOWN, "There is one that fits, but Clerk does not say since when.")
    fresh = [item for item in matches if item["created_at"] >= intent["at"]]
    # Made a little before by our clock may be after by Clerk's: then nobody can tell.
    near = [item for item in matches if intent["at"] - SKEW <= item["created_at"] < intent["at"]]
    if not fresh and not near:
        return Finding(NOT_DONE, "What fits was there long before this was asked for, and nothing new is.")
    if len(fresh) != 1 or near:
        return Finding(
            UNKNOWN, "Several fit, or one was made so close to the request that it may be another."
        )
    note = f"{fresh[0].get('id')} fits, and was made since it was asked for."
    return Finding(DONE, f"{note} {lost}".rstrip(), fresh[0])


def deleted(before: Any, target: Any, *, whole: bool) -> Finding:
    """What it proves that the target of a deletion is there or not; `whole`: all was looked through."""
    if target is not None:
        return Finding(NOT_DONE, "It is still there.")
    # What was never seen cannot be seen to be gone.
    if before is None or not whole:
        return Finding(UNKNOWN, "It is not found now, which proves nothing here.")
    return Finding(DONE, "It was there before and is gone now.", {"deleted": True, "id": before.get("id")})


def switched(field: str, wanted: Any, before: Mapping[str, Any], target: Mapping[str, Any]) -> Finding:
    """What the present value of a field proves that a write was to switch."""
    old, current = before.get(field), target.get(field)
    if old == wanted:
        return Finding(
            UNKNOWN, f"{field} is {current!r} and was {old!r} before, so whether it was sent does not show."
        )
    if current == wanted:
        return Finding(DONE, f"{field} was {old!r} before and is {current!r} now.", target)
    if current == old and _untouched(before, target):
        return Finding(NOT_DONE, f"{field} is still {current!r}, and nothing has touched the target since.")
    return Finding(UNKNOWN, f"{field} was {old!r}, is {current!r}, and the target was changed since.")


def updated(
    action: type[Action], arguments: Mapping[str, Any], before: Mapping[str, Any], target: Mapping[str, Any]
) -> Finding:
    """What the present values prove of the fields that an update was to change."""
    fields = [
        name
        for name, item in action.parameters().items()
        if name in arguments
        and item.where == "body"
        # Clerk may round a time: that it differs proves nothing.
        and not item.times
        and arguments[name] != REDACTED
        and not item.secret
        and name in target
    ]

    def holds(name: str, item: Mapping[str, Any]) -> bool:
        return _holds(arguments[name], item.get(name), merged=action.parameters()[name].merges)

    missing = [name for name in fields if not holds(name, target)]
    fresh = [name for name in fields if name not in missing and not holds(name, before)]
    names = ", ".join(fields)
    if not fields:
        return Finding(UNKNOWN, "What was to be changed cannot be read back.")
    if not missing and fresh:
        return Finding(DONE, f"{names}: as asked for now, and not so before.", target)
    if not missing:
        return Finding(UNKNOWN, f"{names}: as asked for, but so they were before.")
    if fresh:
        return Finding(UNKNOWN, f"Partly: {', '.join(fresh)} changed, {', '.join(missing)} did not.")
    same = all(target.get(name) == before.get(name) for name in missing)
    if same and _untouched(before, target):
        return Finding(
            NOT_DONE, f"{', '.join(missing)}: as before, and nothing has touched the target since."
        )
    return Finding(UNKNOWN, f"{', '.join(missing)}: not as asked for, and the target was changed since.")


def _holds(asked: Any, current: Any, *, merged: bool) -> bool:
    """Whether a value is there; one that is `merged` counts key by key, and a null key when it is gone."""
    if merged and isinstance(asked, Mapping) and isinstance(current, Mapping):
        return all(
            current.get(key) is None if value is None else _holds(value, current.get(key), merged=True)
            for key, value in asked.items()
        )
    # Clerk takes an empty text as "none", and answers null for it.
    return bool(asked == current) or (asked == "" and current is None)


def _untouched(before: Mapping[str, Any], target: Mapping[str, Any]) -> bool:
    return before.get("updated_at") == target.get("updated_at")
