"""Jobs: many writes under one signature as they go on, what became of each, stopped and gone on with."""

from collections.abc import Mapping
from typing import Any

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response, StreamingResponse
from starlette.routing import Route

from deskclerk.desk.jobs.job import EXPORT, OVER, PAUSED, Job
from deskclerk.desk.misses import own_look
from deskclerk.desk.view.cleaning import line_of
from deskclerk.errors import ApprovalRefused, DeskclerkError, InvalidRequest, NotFound
from deskclerk.faces.console import plan_card
from deskclerk.faces.console.job_view import OUTCOMES, JobCard, card_of, item_row
from deskclerk.faces.console.page import ConsolePage, caller_of, console_of, desk_of, form_of, home_of
from deskclerk.faces.console.rendering import render, status_of
from deskclerk.faces.console.signing import check_may_sign, offer_of, to_sign

_NEWEST = 30
ON_A_PAGE = 100


async def jobs(request: Request) -> Response:
    """The newest jobs, each with how far it has come."""
    found = await desk_of(request).jobs.listed(_NEWEST)
    waiting = await _waiting(request)
    return render(
        request,
        "jobs.html",
        jobs=[card_of(job, desk_of(request).instance, waiting) for job in found],
        most=_NEWEST,
    )


async def row(request: Request) -> Response:
    """A job's line in the list, for the script that follows along."""
    return render(request, "job_row.html", job=await _card(request, await _job(request)))


async def job(request: Request, problem: DeskclerkError | None = None) -> Response:
    """One job: how far it has come, what can be done, and what it was signed for."""
    return await _show(request, "job.html", problem)


async def status(request: Request) -> Response:
    """The part of a job's page that changes, for the script that follows along."""
    return await _show(request, "job_status.html")


async def items(request: Request) -> Response:
    """The items of a job, or those that have come to one outcome, a hundred on a page."""
    found, outcome = await _job(request), request.query_params.get("outcome", "")
    if outcome and outcome not in OUTCOMES:
        raise NotFound("No item ends like that.", next_step="Follow the links on the job's page.")
    text = request.query_params.get("after", "")
    after = int(text) if text.isascii() and text.isdecimal() and len(text) < 10 else 0  # noqa: PLR2004 - an item's number
    wanted = (outcome,) if outcome else None
    rows = await desk_of(request).jobs.store.items(found.id, wanted, after, ON_A_PAGE + 1)
    return render(
        request,
        "job_items.html",
        job=await _card(request, found),
        outcome=outcome,
        label=OUTCOMES.get(outcome, ""),
        rows=[item_row(item) for item in rows[:ON_A_PAGE]],
        begun=after > 0,
        more=rows[ON_A_PAGE - 1].number if len(rows) > ON_A_PAGE else None,
    )


async def result(request: Request) -> Response:
    """What became of every item, as a file."""
    # By the id that the database has: an address names no file.
    found = await _job(request)
    if not _has_result(found):
        raise NotFound("The job has no result yet.", next_step="It is there when the job pauses or is over.")
    named = {"Content-Disposition": f'attachment; filename="{found.id}.ndjson"'}
    lines = desk_of(request).jobs.result_lines(found.id)
    return StreamingResponse(lines, media_type="application/x-ndjson", headers=named)


async def pause(request: Request) -> Response:
    """Have a job pause; that needs no signature."""
    try:
        await desk_of(request).jobs.pause(request.path_params["job_id"], caller_of(request))
    except DeskclerkError as error:
        return await job(request, error)
    return await _back(request)


async def cancel(request: Request) -> Response:
    """End a job for good; that needs no signature either."""
    try:
        await desk_of(request).jobs.cancel(request.path_params["job_id"], caller_of(request))
    except DeskclerkError as error:
        return await job(request, error)
    return await _back(request)


async def resume(request: Request) -> Response:
    """Let a paused job go on, for whoever could sign."""
    desk, job_id = desk_of(request), request.path_params["job_id"]
    try:
        await check_may_sign(request, f"Run `deskclerk jobs resume {job_id}`")
        await desk.signer.want(form_of(request).get("pin", ""))
        await desk.jobs.resume(job_id, caller_of(request))
    except DeskclerkError as error:
        return await job(request, error)
    return await _back(request)


async def retry(request: Request) -> Response:
    """A plan that tries again what failed, to be signed on its card."""
    try:
        plan = await desk_of(request).jobs.propose_retry(request.path_params["job_id"], caller_of(request))
        return await to_sign(request, plan)
    except DeskclerkError as error:
        return await job(request, error)


async def undo(request: Request) -> Response:
    """A plan that takes back what the job did, to be signed on its card."""
    try:
        plan = await desk_of(request).jobs.propose_undo(request.path_params["job_id"], caller_of(request))
        return await to_sign(request, plan)
    except DeskclerkError as error:
        return await job(request, error)


async def _back(request: Request) -> Response:
    # A worker that died is noticed by whoever does something here, and another one goes on.
    await desk_of(request).jobs.look_after()
    return RedirectResponse(f"{home_of(request)}/jobs/{request.path_params['job_id']}", 303)


async def _show(request: Request, template: str, problem: DeskclerkError | None = None) -> Response:
    found = await _job(request)
    return render(
        request,
        template,
        status_of(problem) if problem else 200,
        job=await _card(request, found),
        problem=problem.as_dict() if problem else None,
        signed=await _signed(request, found),
        result=_has_result(found),
        rules=await offer_of(request),
    )


async def _job(request: Request) -> Job:
    """The job of an address; NotFound if there is none."""
    try:
        return await desk_of(request).jobs.store.load(request.path_params["job_id"])
    except InvalidRequest:
        raise NotFound("There is no such job.", next_step="The page Jobs lists the newest.") from None


async def _card(request: Request, found: Job) -> JobCard:
    rate = console_of(request).rates.of(found)
    return card_of(found, desk_of(request).instance, await _waiting(request), rate)


async def _waiting(request: Request) -> Mapping[str, str]:
    return (await desk_of(request).plans.snapshot()).waiting


async def _signed(request: Request, found: Job) -> dict[str, Any] | None:
    """The card of the plan that a job is, or was, signed by; None where nobody was asked."""
    if not found.plan:
        return None
    try:
        with own_look():
            stored = await desk_of(request).plans.load(found.plan)
    except ApprovalRefused:
        return None
    how = line_of(stored.how or "", 300)
    return {"card": plan_card.card_of(stored, desk_of(request).instance), "how": how}


def _has_result(found: Job) -> bool:
    """Whether there is a result: while a job goes on it changes."""
    return found.kind != EXPORT and found.status in (PAUSED, *OVER)


PAGE = ConsolePage(
    "Jobs",
    "/jobs",
    (
        Route("/jobs", jobs, methods=["GET"]),
        Route("/jobs/{job_id}", job, methods=["GET"]),
        Route("/jobs/{job_id}/row", row, methods=["GET"]),
        Route("/jobs/{job_id}/status", status, methods=["GET"]),
        Route("/jobs/{job_id}/items", items, methods=["GET"]),
        Route("/jobs/{job_id}/result", result, methods=["GET"]),
        Route("/jobs/{job_id}/pause", pause, methods=["POST"]),
        Route("/jobs/{job_id}/cancel", cancel, methods=["POST"]),
        Route("/jobs/{job_id}/resume", resume, methods=["POST"]),
        Route("/jobs/{job_id}/retry", retry, methods=["POST"]),
        Route("/jobs/{job_id}/undo", undo, methods=["POST"]),
    ),
)
