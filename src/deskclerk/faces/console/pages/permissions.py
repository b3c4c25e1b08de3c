"""Permissions: what the policy in force says to each caller about each action, and which setting says so."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from deskclerk.catalogue import ALL, CORE, TOOLSETS, Action
from deskclerk.desk import Caller
from deskclerk.desk.policy.policy import Policy
from deskclerk.desk.view.cleaning import line_of
from deskclerk.errors import InvalidRequest
from deskclerk.faces.console.page import ConsolePage, desk_of
from deskclerk.faces.console.pages.actions import resource_title
from deskclerk.faces.console.rendering import render

_FACES = {"mcp": "Any agent", "cli": "Command line", "console": "This console", "python": "Python"}


@dataclass(frozen=True, slots=True)
class Cell:
    """What one caller may do; `reason` is the number of its reason on the page."""

    permission: str
    reason: int
    why: str


@dataclass(frozen=True, slots=True)
class Table:
    """Actions by resource, each with a cell for every caller; `counts` are by caller, in the same order."""

    groups: dict[str, list[tuple[type[Action], tuple[Cell, ...]]]]
    reasons: tuple[str, ...]
    counts: tuple[Counter[str], ...]


def table_of(policy: Policy, actions: Iterable[type[Action]], callers: tuple[Caller, ...]) -> Table:
    """What the policy says, with its reasons numbered in the order in which they come."""
    groups: dict[str, list[tuple[type[Action], tuple[Cell, ...]]]] = {}
    numbers: dict[str, int] = {}
    counts: tuple[Counter[str], ...] = tuple(Counter() for _ in callers)
    for action in actions:
        cells = []
        for caller, count in zip(callers, counts, strict=True):
            verdict = policy.verdict(action, caller)
            why = line_of(verdict.why, 300)
            number = numbers.setdefault(why, len(numbers) + 1)
            cells.append(Cell(str(verdict.permission), number, why))
            count[str(verdict.permission)] += 1
        groups.setdefault(resource_title(action), []).append((action, tuple(cells)))
    return Table(groups, tuple(numbers), counts)


def title_of(caller: Caller) -> str:
    """A caller as the head of a column."""
    if caller.token:
        return f"Token {line_of(caller.token, 60)}"
    return f"Client {line_of(caller.client, 60)}" if caller.client else _FACES[caller.face]


async def permissions(request: Request) -> Response:
    """The policy in force as a table of one toolset's actions and everybody whom its rules can tell apart."""
    desk = desk_of(request)
    chosen = request.query_params.get("toolset") or CORE
    if chosen not in TOOLSETS:
        raise InvalidRequest(
            f"{line_of(chosen, 80)!r} is no toolset.", next_step="Choose one of those that the page offers."
        )
    callers = desk.policy.callers()
    table = table_of(desk.policy, TOOLSETS[chosen], callers)
    settings = desk.settings
    return render(
        request,
        "permissions.html",
        table=table,
        titles=tuple(map(title_of, callers)),
        several=len(callers) > len(_FACES),
        toolsets={name: len(actions) for name, actions in TOOLSETS.items() if name != ALL}
        | {ALL: len(TOOLSETS[ALL])},
        chosen=chosen,
        settings={
            "read_only": "yes" if settings.read_only else "no",
            "access": settings.access,
            "confirm": settings.confirm,
            "toolsets": ", ".join(desk.policy.toolsets(callers[0])),
            "destructive_per_hour": f"{settings.destructive_per_hour:,}",
            "items_per_job": f"{settings.items_per_job:,}",
        },
    )


PAGE = ConsolePage(
    "Permissions",
    "/permissions",
    (Route("/permissions", permissions, methods=["GET"]),),
)
