"""Actions: all that may be asked for here, each with a form, its answer, and the same request elsewhere."""

import json
import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from deskclerk.catalogue import BY_NAME, READ, Action
from deskclerk.desk import Answer
from deskclerk.desk.plans.plan import Plan
from deskclerk.desk.view.cleaning import line_of
from deskclerk.errors import DeskclerkError, InvalidRequest, NotFound
from deskclerk.faces.console.forms import GIVEN, NULLED, Typed, fields_of, fill, fill_by_name, typed_of
from deskclerk.faces.console.journal_view import pretty
from deskclerk.faces.console.page import (
    ConsolePage,
    caller_of,
    console_of,
    desk_of,
    form_of,
    home_of,
    may_send,
    session_of,
)
from deskclerk.faces.console.rendering import render, status_of
from deskclerk.faces.value_text import cell

_MOST_COLUMNS = 9
_CELL = 160
_BESIDE = "Nothing was sent. What to correct stands beside its field."


@dataclass(frozen=True, slots=True)
class Result:
    """What was answered; `following` are the fields of the form that asks for the next page."""

    notes: tuple[str, ...]
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    count: str
    text: str
    following: Typed | None


def result_of(action: Action, answer: Answer) -> Result:
    """An answer as its page shows it."""
    value = answer.value
    if not action.spec.is_list:
        return Result(answer.notes, (), (), "", pretty(value), None)
    items = [item for item in value["items"] if isinstance(item, Mapping)]
    columns = tuple(dict.fromkeys(key for item in items for key in item))[:_MOST_COLUMNS]
    rows = tuple(tuple(line_of(cell(name, item.get(name)), _CELL) for name in columns) for item in items)
    total = value.get("total")
    count = f"{len(items)} of {total}" if total is not None else str(len(items))
    more = value.get("next")
    following = typed_of(type(action), action.arguments() | more) if more else None
    return Result(answer.notes, tuple(map(line_of, columns)), rows, count, pretty(value), following)


def request_examples(action: Action) -> dict[str, str]:
    """By face, ready to be copied; secrets stand as their references."""
    # A null is no secret; `arguments` hides it among them.
    given = {
        name: None if getattr(action, name) is None else value for name, value in action.arguments().items()
    }
    return {
        "Command line": command_line(type(action), given),
        "MCP": json.dumps(
            {"method": "tools/call", "params": {"name": action.spec.name, "arguments": given}},
            ensure_ascii=False,
            indent=2,
        ),
        "Python": _python(type(action), given),
    }


def command_line(action: type[Action], given: Mapping[str, Any]) -> str:
    """As it is typed into a POSIX shell."""
    from deskclerk.faces.command_words import positional  # noqa: PLC0415 - click, only where it is shown

    places = positional(action)
    words = ["deskclerk", action.spec.resource.plural, action.spec.verb]
    for name, value in given.items():
        if name not in places:
            words += _option(action, name, value)
    ids = [str(given[name]) for name in places]
    if any(item.startswith("-") for item in ids):
        ids.insert(0, "--")
    return shlex.join(words[:3] + ids + words[3:] if "--" not in ids[:1] else words + ids)


def _option(action: type[Action], name: str, value: Any) -> list[str]:
    from deskclerk.faces.command_words import flag  # noqa: PLC0415 - click, only where it is shown

    option = flag(name)
    match value:
        case None:
            return ["--null", name.replace("_", "-")]
        case bool():
            return [option if value else f"--no-{option[2:]}"]
        case dict():
            return _pair(option, json.dumps(value, ensure_ascii=False))
        case list() if name == "fields":
            return _pair(option, ",".join(map(str, value)))
        case list() if action.parameters()[name].secret:
            return _pair(option, str(value[0]))
        case list():
            return [word for item in value for word in _pair(option, str(item))]
    return _pair(option, str(value))


def _pair(option: str, value: str) -> list[str]:
    return [f"{option}={value}"] if value.startswith("-") else [option, value]


def _python(action: type[Action], given: Mapping[str, Any]) -> str:
    arguments = ", ".join(f"{name}={value!r}" for name, value in given.items())
    call = f"{action.__name__}({arguments})"
    return (
        f"from deskclerk import {action.__name__}, Desk\n\n"
        f"async with Desk.open() as desk:\n    answer = await desk.perform({call})"
    )


async def actions(request: Request) -> Response:
    """What the policy offers here, by resource, as far as the search lets it through."""
    wanted = request.query_params.get("q", "").strip()
    session = session_of(request)
    offered = [
        action
        for action in desk_of(request).actions(caller_of(request))
        if may_send(session, f"/actions/{action.spec.name}")
    ]
    groups: dict[str, list[type[Action]]] = {}
    for action in offered:
        if _fits(action, wanted):
            groups.setdefault(resource_title(action), []).append(action)
    return render(
        request,
        "actions.html",
        groups=groups,
        wanted=wanted,
        total=len(offered),
        found=sum(map(len, groups.values())),
        asks=desk_of(request).policy.asks,
    )


async def form(request: Request) -> Response:
    """One action's form, filled in as far as its address does."""
    action = _action(request)
    typed: Typed = {GIVEN + name: text for name, text in request.query_params.items() if name}
    filled = fill(action, typed)
    known = {name: text for name, text in filled.problems.items() if typed.get(GIVEN + name)}
    return _show(request, action, typed, problems=known, made=filled.action)


async def ask(request: Request) -> Response:
    """Run a read, or plan a write; what is wrong is told beside its field, and what was typed stays."""
    action = _action(request)
    typed = {key: text for key, text in form_of(request).items() if key.startswith((GIVEN, NULLED))}
    try:
        filled = await fill_by_name(desk_of(request), caller_of(request), action, typed)
    except DeskclerkError as error:
        return _show(request, action, typed, problem=error)
    made = filled.action
    if made is None:
        problem = InvalidRequest("Not everything was filled in rightly.", next_step=_BESIDE)
        return _show(request, action, typed, problems=filled.problems, problem=problem)
    if form_of(request).get("do") == "spell":
        return _show(request, action, typed, made=made)
    try:
        answer = await _carried_out(request, made)
    except DeskclerkError as error:
        return _show(request, action, typed, problems=_beside(error), problem=error, made=made)
    if isinstance(answer, Plan):
        return RedirectResponse(f"{home_of(request)}/plans/{answer.id}", 303)
    return _show(request, action, typed, made=made, answer=answer)


async def _carried_out(request: Request, made: Action) -> Plan | Answer:
    if made.spec.effect is READ:
        return await desk_of(request).perform(made, caller=caller_of(request))
    return await console_of(request).proposals.ask(made, caller_of(request))


def _show(
    request: Request,
    action: type[Action],
    typed: Typed,
    *,
    problems: dict[str, str] | None = None,
    problem: DeskclerkError | None = None,
    made: Action | None = None,
    answer: Answer | None = None,
) -> Response:
    problems = problems or {}
    first, more = fields_of(action, typed, problems)
    return render(
        request,
        "action.html",
        status_of(problem) if problem else 200,
        action=action,
        first=first,
        more=more,
        open_more=action.spec.effect is not READ
        or any(field.value or field.nulled or field.problem for field in more),
        loose={name: text for name, text in problems.items() if name not in action.parameters()},
        problem=problem.as_dict() if problem else None,
        secret=getattr(problem, "secret", None),
        spelled=request_examples(made) if made else {},
        result=result_of(made, answer) if made and answer else None,
        asks=desk_of(request).policy.asks(action.spec.effect),
    )


def _action(request: Request) -> type[Action]:
    """The action of an address, if the policy offers it; NotAllowed or NotFound."""
    action = BY_NAME.get(request.path_params["name"])
    if action is None:
        raise NotFound("There is no such action.", next_step="The page Actions lists all.")
    desk_of(request).policy.check(action, caller_of(request))
    return action


def _fits(action: type[Action], wanted: str) -> bool:
    """Whether every word is somewhere in what is said about an action."""
    return all(word in told(action) for word in wanted.casefold().split())


def resource_title(action: type[Action]) -> str:
    """The heading under which an action stands."""
    one = action.spec.resource.one
    several = f"{one[:-1]}ies" if one.endswith("y") else f"{one}s"
    return several[0].upper() + several[1:]


def told(action: type[Action]) -> str:
    """All that a search looks through."""
    spec = action.spec
    parts = (spec.name, spec.heading, spec.resource.plural, str(spec.effect), action.summary())
    return " ".join(parts).casefold()


def _beside(error: DeskclerkError) -> dict[str, str]:
    """What an error says about single arguments."""
    facts: dict[str, Any] = error.as_dict()
    found = {item["argument"].partition("[")[0]: item["problem"] for item in facts.get("problems", ())}
    param = facts.get("param")
    return found | ({str(param): "Clerk does not accept this"} if param else {})


PAGE = ConsolePage(
    "Actions",
    "/actions",
    (
        Route("/actions", actions, methods=["GET"]),
        Route("/actions/{name}", form, methods=["GET"]),
        Route("/actions/{name}", ask, methods=["POST"]),
    ),
)
