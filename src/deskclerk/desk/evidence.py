"""What Clerk's present state proves about a write whose answer nobody has.

A state counts as proof only where it differs from what was seen before the write: a user who was banned
already says nothing about a second ban.
"""

from collections.abc import Mapping
from typing import Any

from deskclerk.catalogue import ACTIONS, BY_NAME, REDACTED, Action
from deskclerk.clerk.client import Clerk
from deskclerk.clerk.paging import MOST, page_of
from deskclerk.desk.creations import created
from deskclerk.desk.found import DONE, NOT_DONE, UNKNOWN, Found
from deskclerk.desk.states import SWITCHES
from deskclerk.errors import NotFound


async def find_out(intent: Mapping[str, Any], clerk: Clerk) -> Found:
    """What reading Clerk says about an intent; ClerkError if it cannot be read."""
    action = BY_NAME[intent["action"]]
    if action.spec.verb == "create":
        return await created(intent, clerk)
    before = intent["before"][0] if intent["before"] else None
    target, whole = await _target(action, intent["arguments"], clerk)
    if action.spec.verb == "delete":
        return _deleted(before, target, whole=whole)
    if target is None:
        return Found(
            UNKNOWN, "The target is not there any more; whether this was done first cannot be known."
        )
    if before is None:
        return Found(UNKNOWN, "What was there before is not known, so what is there now proves nothing.")
    if action.spec.verb in SWITCHES:
        return _state(*SWITCHES[action.spec.verb], before, target)
    return _updated(action, intent["arguments"], before, target)


async def _target(action: type[Action], arguments: Mapping[str, Any], clerk: Clerk) -> tuple[Any, bool]:
    """The target as it is now or None, and whether all that there is was looked through."""
    getter = action.spec.resource.get
    if getter:
        reader = BY_NAME[getter]
        names = [item.name for item in reader.parameters().values() if item.required]
        try:
            return await clerk.perform(reader.parse({name: arguments[name] for name in names})), True
        except NotFound:
            return None, True
    lister = next(
        item for item in ACTIONS if item.spec.resource is action.spec.resource and item.spec.is_list
    )
    given: dict[str, Any] = {name: arguments[name] for name in lister.spec.route.names} | {"limit": MOST}
    wanted = arguments[action.spec.route.names[-1]]
    whole = True
    for more in ({"status": "revoked"}, {}) if "status" in lister.parameters() else ({},):
        page = page_of(await clerk.perform(lister.parse(given | more)))
        whole = whole and len(page.items) < MOST
        for item in page.items:
            if item.get("id") == wanted:
                return item, True
    return None, whole


def _deleted(before: Any, target: Any, *, whole: bool) -> Found:
    if target is not None:
        return Found(NOT_DONE, "It is still there.")
    if before is None or not whole:
        return Found(UNKNOWN, "It is not found now, which proves nothing here.")
    return Found(DONE, "It was there before and is gone now.", {"deleted": True, "id": before.get("id")})


def _state(field: str, wanted: Any, before: Mapping[str, Any], target: Mapping[str, Any]) -> Found:
    old, current = before.get(field), target.get(field)
    if old == wanted:
        return Found(
            UNKNOWN, f"{field} is {current!r} and was {old!r} before, so whether it was sent does not show."
        )
    if current == wanted:
        return Found(DONE, f"{field} was {old!r} before and is {current!r} now.", target)
    if current == old and _untouched(before, target):
        return Found(NOT_DONE, f"{field} is still {current!r}, and nothing has touched the target since.")
    return Found(UNKNOWN, f"{field} was {old!r}, is {current!r}, and the target was changed since.")


def _updated(
    action: type[Action], arguments: Mapping[str, Any], before: Mapping[str, Any], target: Mapping[str, Any]
) -> Found:
    fields = [
        name
        for name, item in action.parameters().items()
        if name in arguments
        and item.where == "body"
        and not item.times
        and arguments[name] != REDACTED
        and not item.secret
        and name in target
    ]
    missing = [name for name in fields if not _holds(arguments[name], target.get(name))]
    fresh = [name for name in fields if name not in missing and not _holds(arguments[name], before.get(name))]
    names = ", ".join(fields)
    if not fields:
        return Found(UNKNOWN, "What was to be changed cannot be read back.")
    if not missing and fresh:
        return Found(DONE, f"{names}: as asked for now, and not so before.", target)
    if not missing:
        return Found(UNKNOWN, f"{names}: as asked for, but so they were before.")
    if fresh:
        return Found(UNKNOWN, f"Partly: {', '.join(fresh)} changed, {', '.join(missing)} did not.")
    same = all(target.get(name) == before.get(name) for name in missing)
    if same and _untouched(before, target):
        return Found(NOT_DONE, f"{', '.join(missing)}: as before, and nothing has touched the target since.")
    return Found(UNKNOWN, f"{', '.join(missing)}: not as asked for, and the target was changed since.")


def _holds(asked: Any, current: Any) -> bool:
    """Whether a value is there; an object counts when it is merged in, a null key when it is gone."""
    if isinstance(asked, Mapping) and isinstance(current, Mapping):
        return all(
            current.get(key) is None if value is None else _holds(value, current.get(key))
            for key, value in asked.items()
        )
    return bool(asked == current) or (asked == "" and current is None)


def _untouched(before: Mapping[str, Any], target: Mapping[str, Any]) -> bool:
    return before.get("updated_at") == target.get("updated_at")
