"""What a call asks of jobs, from its texts: the action of a bulk write, its list, the steps of changes."""

import difflib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from deskclerk.catalogue import BY_NAME, Action, sibling
from deskclerk.desk.consequences.targets import reader_of_id
from deskclerk.errors import InvalidRequest

AGAIN = "Nothing was sent. Correct the arguments and call again."


@dataclass(frozen=True, slots=True)
class Change:
    """One step of several: the action, and its arguments; `$1.id` is the id that step 1 makes."""

    action: type[Action]
    arguments: Mapping[str, Any]


def kind_named(name: str) -> type[Action]:
    """The action of this name; InvalidRequest with the nearest one."""
    plain = name.strip()
    kind = BY_NAME.get(plain) or BY_NAME.get(f"clerk_{plain}")
    if kind is None:
        near = difflib.get_close_matches(plain[:80], BY_NAME, n=1)
        problem = f"no such action{f'; did you mean {near[0]}?' if near else ''}"
        said = problem if near else f"{problem}."
        raise InvalidRequest(f"action: {said}", problems=[("action", problem)], next_step=AGAIN)
    return kind


def change_of(number: int, text: str) -> Change:
    """One step as it is written in a call: JSON with an action and its arguments."""
    try:
        step = json.loads(text)
    except (ValueError, RecursionError):
        step = None
    if not isinstance(step, dict) or not isinstance(step.get("action"), str):
        problem = 'expected JSON such as {"action": "clerk_user_ban", "arguments": {"user_id": "user_…"}}'
        raise _wrong_step(number, problem)
    if unknown := sorted(step.keys() - {"action", "arguments"}):
        raise _wrong_step(number, f"unknown key {unknown[0][:40]!r} (accepted: action, arguments)")
    arguments = step.get("arguments", {})
    if not isinstance(arguments, dict):
        raise _wrong_step(number, "arguments: expected JSON object")
    try:
        return Change(kind_named(step["action"]), arguments)
    except InvalidRequest as error:
        raise _wrong_step(number, error.problems[0][1]) from None


def _wrong_step(number: int, problem: str) -> InvalidRequest:
    return InvalidRequest(
        f"steps: step {number}: {problem}.", problems=[(f"steps[{number - 1}]", problem)], next_step=AGAIN
    )


def lister_for(kind: type[Action], values: Mapping[str, Any]) -> type[Action] | None:
    """The list whose items a write can be about: its own resource's, or of a creation what it wants first."""
    if not kind.spec.creates:
        return sibling(kind, "list")
    wanted = [item.name for item in kind.parameters().values() if item.required and item.name not in values]
    readers = (reader_of_id(name) for name in wanted)
    return next((sibling(reader, "list") for reader in readers if reader), None)
