"""Activity: the journal as a timeline, one entry in full, taken back from here, and as a file."""

import itertools
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response, StreamingResponse
from starlette.routing import Route

from deskclerk.catalogue import BY_NAME, EVERY_BY_NAME
from deskclerk.catalogue.fields import is_reference, parse_time
from deskclerk.desk.consequences.lookup import consequences_of
from deskclerk.desk.journal.records import EntryFilter, entry_summary
from deskclerk.desk.misses import missed
from deskclerk.desk.plans.plan import Plan
from deskclerk.errors import CannotUndo, DeskclerkError, InvalidRequest, NotFound
from deskclerk.faces.console.journal_view import (
    TYPES,
    Choice,
    chart_of,
    choices_of,
    exported,
    item_of,
    since,
    whole_of,
)
from deskclerk.faces.console.page import ConsolePage, caller_of, console_of, desk_of, form_of, home_of
from deskclerk.faces.console.rendering import render, status_of

ON_A_PAGE = 50
FILTERS = ("since", "until", "action", "target", "caller", "outcome")


async def activity(request: Request) -> Response:
    """The timeline, the newest first, as far as the filters let it through."""
    desk = desk_of(request)
    offered = choices_of(await desk.journal.choices())
    choice, typed, problems = _chosen(request, offered)
    found = [] if problems else await desk.journal.entries(choice, limit=ON_A_PAGE + 1)
    shown = found[-ON_A_PAGE:]
    older = shown[0]["line"] if len(found) > ON_A_PAGE else None
    labels = await desk.target_names.of(shown, caller_of(request))
    items = [item_of(entry, labels, desk.instance.id) for entry in reversed(shown)]
    today = datetime.now(UTC).date()
    return render(
        request,
        "activity.html",
        422 if problems else 200,
        days=[(day, list(group)) for day, group in itertools.groupby(items, lambda item: item.day)],
        typed=typed,
        problems=problems,
        filtered=any(typed.values()),
        query=urlencode({name: text for name, text in typed.items() if text}, errors="replace"),
        older=older,
        newest=choice.before is None,
        verdict=await console_of(request).chain.verdict(),
        chart=chart_of(await desk.journal.daily(since(today)), today),
        unnamed=labels.problem,
        choices=offered,
    )


async def entry(
    request: Request, problem: DeskclerkError | None = None, done: tuple[str, ...] | None = None
) -> Response:
    """One entry in full, and the way to take it back."""
    desk = desk_of(request)
    found = await desk.journal.entry(request.path_params["entry_id"])
    if found is None:
        missed(request.path_params["entry_id"])
        raise NotFound("The journal has no such entry.", next_step="The activity lists what there is.")
    intent = found["intent"]
    line = entry_summary(intent, found["outcome"])
    labels = await desk.target_names.of([line], caller_of(request))
    # A line of a hosted desk may be about the workspace itself, and so of no action.
    action = EVERY_BY_NAME.get(intent["action"])
    person_adds = consequences_of(action).person_adds if action else ()
    return render(
        request,
        "entry.html",
        status_of(problem) if problem else 200,
        **whole_of(found, line, labels, desk.instance.id),
        ours=intent["instance"] == desk.instance.id,
        taken_back_by=await desk.journal.taken_back_by(intent["entry"]),
        problem=problem.as_dict() if problem else None,
        offer=_offer(request, problem),
        done=done,
        form=form_of(request),
        keyed="signing_key" in person_adds,
        mails="notify" in person_adds,
    )


async def undo(request: Request) -> Response:
    """A plan that takes an entry back, to be signed on its page; what cannot be is told on the entry's."""
    form = form_of(request)
    try:
        found = await console_of(request).proposals.take_back(
            request.path_params["entry_id"],
            caller_of(request),
            _given(form),
            again=form.get("again") == "yes",
        )
    except DeskclerkError as error:
        return await entry(request, error)
    if isinstance(found, Plan):
        return RedirectResponse(f"{home_of(request)}/plans/{found.id}", 303)
    return await entry(request, done=found.notes)


async def export(request: Request) -> Response:
    """Everything that the filters let through, as a file."""
    choice, _, problems = _chosen(request, choices_of(await desk_of(request).journal.choices()))
    kind = request.query_params.get("format", "")
    if kind not in TYPES or problems:
        raise InvalidRequest("That cannot be exported.", next_step="Go back and use the page's own buttons.")
    name = f"deskclerk-journal-{datetime.now(UTC):%Y%m%dT%H%M%SZ}.{kind}"
    return StreamingResponse(
        exported(desk_of(request), choice, kind),
        media_type=TYPES[kind],
        headers={"Content-Disposition": f'attachment; filename="{name}"'},
    )


def _chosen(
    request: Request, offered: Mapping[str, Sequence[Choice]]
) -> tuple[EntryFilter, dict[str, str], dict[str, str]]:
    """The filters of an address, as they were typed, and what is wrong with them by name."""
    typed = {name: request.query_params.get(name, "").strip() for name in FILTERS}
    values: dict[str, Any] = {name: text or None for name, text in typed.items()}
    problems: dict[str, str] = {}
    for name in ("since", "until"):
        try:
            values[name] = round(parse_time(typed[name]).timestamp() * 1000) if typed[name] else None
        except (ValueError, OverflowError) as error:
            problems[name] = str(error)
    if typed["caller"] in {item.value for item in offered["caller"]}:
        # Whoever is chosen by name is meant alone: "cli" is no part of "Cline" then.
        values |= {"caller": None, "caller_is": typed["caller"]}
    before = request.query_params.get("before", "")
    if before.isascii() and before.isdecimal() and len(before) < 16:  # noqa: PLR2004 - fits a line's number
        values["before"] = int(before)
    return EntryFilter(**values), typed, problems


def _given(form: Any) -> dict[str, Any]:
    """What only a person can add to an undo."""
    key = form.get("signing_key", "").strip()
    if key and not is_reference(key):
        raise InvalidRequest("The signing key is given as secret:NAME.", next_step="Store it under Secrets.")
    return ({"signing_key": key} if key else {}) | ({"notify": True} if form.get("notify") == "yes" else {})


def _offer(request: Request, problem: DeskclerkError | None) -> dict[str, str] | None:
    """What comes nearest to an undo, as a link to its form."""
    if not isinstance(problem, CannotUndo) or not problem.offer:
        return None
    name, arguments = problem.offer["action"], problem.offer["arguments"]
    flat = {key: value for key, value in arguments.items() if isinstance(value, str)}
    address = f"{home_of(request)}/actions/{name}?{urlencode(flat, errors='replace')}"
    return {"title": BY_NAME[name].spec.heading, "address": address}


PAGE = ConsolePage(
    "Activity",
    "/activity",
    (
        Route("/activity", activity, methods=["GET"]),
        Route("/activity/export", export, methods=["GET"]),
        Route("/activity/{entry_id}", entry, methods=["GET"]),
        Route("/activity/{entry_id}/undo", undo, methods=["POST"]),
    ),
)
