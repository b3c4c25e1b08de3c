"""Waiting for you: the plans that want a signature, and what becomes of one."""

from dataclasses import dataclass
from typing import Any

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from deskclerk.desk import Decision, Signature
from deskclerk.desk.journal.records import EntryFilter
from deskclerk.desk.misses import own_look
from deskclerk.desk.plans.store import SIGNED, USED, WAITING, StoredPlan
from deskclerk.desk.view.cleaning import line_of
from deskclerk.errors import ApprovalRefused, DeskclerkError, InvalidRequest
from deskclerk.faces.console.job_view import JobCard
from deskclerk.faces.console.job_view import card_of as job_card
from deskclerk.faces.console.page import ConsolePage, console_of, desk_of, form_of, home_of, session_of
from deskclerk.faces.console.plan_card import card_of
from deskclerk.faces.console.rendering import render, status_of
from deskclerk.faces.console.signing import (
    check_may_sign,
    chosen_of,
    offer_of,
    sign,
    standings_of,
    yes_of,
)


@dataclass(frozen=True, slots=True)
class Signed:
    """What became of one of several plans that were signed together; `problem` is why it was not."""

    plan: str
    heading: str
    target: str
    job: str | None
    problem: dict[str, Any] | None


async def waiting(request: Request, problem: DeskclerkError | None = None) -> Response:
    """Every plan that waits, the newest first; what was chosen stays so where a form was refused."""
    desk, form = desk_of(request), form_of(request)
    stored = await desk.plans.waiting()
    standings = await standings_of(request, stored)
    cards = [card_of(one, desk.instance, standings[one.plan.id]) for one in stored]
    return render(
        request,
        "waiting.html",
        status_of(problem) if problem else 200,
        cards=cards,
        rules=await offer_of(request),
        problem=problem.as_dict() if problem else None,
        chosen=chosen_of(form.getlist("plan")),
        form=form,
    )


async def plan(request: Request) -> Response:
    """One plan: to sign while it waits, and what became of it afterwards."""
    return await _show(request, await desk_of(request).plans.load(request.path_params["plan_id"]))


async def status(request: Request) -> Response:
    """The part of a plan's page that changes, for the script that follows along."""
    return await _show(
        request, await desk_of(request).plans.load(request.path_params["plan_id"]), "plan_status.html"
    )


async def decide(request: Request) -> Response:
    """A person's answer to one plan; what cannot count is told on its page."""
    desk = desk_of(request)
    stored = await desk.plans.load(request.path_params["plan_id"])
    try:
        signature, pin = await _answer(request, stored)
        await sign(request, stored, signature, pin)
        if stored.plan.job:
            await desk.jobs.look_after()
    except DeskclerkError as error:
        shown = await desk.plans.load(stored.plan.id)
        return await _show(request, shown, status=status_of(error), problem=error.as_dict())
    if stored.plan.job and signature.decision is Decision.APPROVED and session_of(request).person:
        return RedirectResponse(f"{home_of(request)}/jobs/{stored.plan.job.id}", 303)
    return RedirectResponse(f"{home_of(request)}/plans/{stored.plan.id}", 303)


async def together(request: Request) -> Response:
    """A person's yes to several plans, each of which the form names with what was shown of it.

    Each is checked and used up by itself; one that fails keeps none of the others back.
    """
    desk, form = desk_of(request), form_of(request)
    chosen = chosen_of(form.getlist("plan"))
    try:
        if not chosen:
            raise InvalidRequest("No plan was chosen.", next_step="Nothing was signed. Choose some first.")
        await check_may_sign(request, "Sign each with `deskclerk approve`")
        # Once, before any of them: a wrong PIN would count as a try for each.
        await desk.signer.want(form.get("pin", ""))
    except DeskclerkError as error:
        return await waiting(request, error)
    results = [await _one_of(request, plan, digest) for plan, digest in chosen.items()]
    await desk.jobs.look_after()
    failed = sum(result.problem is not None for result in results)
    return render(request, "together.html", 409 if failed else 200, results=results, failed=failed)


async def _one_of(request: Request, plan_id: str, digest: str) -> Signed:
    """Sign one of several."""
    form, stored, problem = form_of(request), None, None
    try:
        stored = await desk_of(request).plans.load(plan_id)
        signature = await yes_of(request, stored, digest, form.get(f"typed-{plan_id}"))
        await sign(request, stored, signature, form.get("pin", ""))
    except DeskclerkError as error:
        problem = error.as_dict()
    if stored is None:
        return Signed(line_of(plan_id, 40), "A plan", "", None, problem)
    job = stored.plan.job
    return Signed(stored.plan.id, stored.plan.heading, stored.plan.target, job.id if job else None, problem)


async def strike(request: Request) -> Response:
    """Take steps out of a plan of several before it is signed; its page then shows what is left."""
    plan_id, numbers = request.path_params["plan_id"], form_of(request).getlist("step")
    stored = await desk_of(request).plans.load(plan_id)
    try:
        await check_may_sign(request, f"Decline it with `deskclerk reject {stored.plan.id}`")
        if not numbers:
            raise InvalidRequest(
                "No step was chosen.", next_step="Nothing was struck out. Choose some first."
            )
        if not all(text.isascii() and text.isdecimal() and len(text) < 5 for text in numbers):  # noqa: PLR2004 - a step's number
            raise InvalidRequest("That is no step.", next_step="Use the plan's own buttons.")
        await desk_of(request).jobs.strike(stored.plan.id, [int(text) for text in numbers])
    except DeskclerkError as error:
        return await _show(request, stored, status=status_of(error), problem=error.as_dict())
    return RedirectResponse(f"{home_of(request)}/plans/{stored.plan.id}", 303)


async def _answer(request: Request, stored: StoredPlan) -> tuple[Signature, str]:
    """The signature that a form holds, with the PIN; ApprovalRefused for what is none."""
    form = form_of(request)
    if form.get("decision") == "decline":
        reason = line_of(form.get("reason", ""), 200)
        session = session_of(request)
        how = session.how if session.person else f"{session.how} by a link"
        return Signature(Decision.DECLINED, f"{how}: {reason}" if reason else how), ""
    if form.get("decision") != "sign":
        raise ApprovalRefused("That is neither a yes nor a no.", next_step="Use the plan's own buttons.")
    return await yes_of(request, stored, form.get("digest"), form.get("typed")), form.get("pin", "")


async def _show(
    request: Request,
    stored: StoredPlan,
    template: str = "plan.html",
    status: int = 200,
    problem: dict[str, Any] | None = None,
) -> Response:
    standings = await standings_of(request, [stored])
    card = card_of(stored, desk_of(request).instance, standings[stored.plan.id])
    outcome = await _outcome(request, stored) if stored.status == USED and not card.job else None
    job = await _job(request, card.job.id) if card.job else None
    # What becomes of a job is told on its own page.
    over = outcome is not None or (card.job is not None and stored.status == USED)
    return render(
        request,
        template,
        status,
        card=card,
        problem=problem,
        outcome=outcome,
        job=job,
        settled=stored.status not in (WAITING, SIGNED, USED) or over,
        typed=form_of(request).get("typed", ""),
        reason=form_of(request).get("reason", ""),
        rules=await offer_of(request),
        asked_here=console_of(request).proposals.has(stored),
    )


async def carry_out(request: Request) -> Response:
    """Have a write done that was asked for here and signed elsewhere."""
    stored = await desk_of(request).plans.load(request.path_params["plan_id"])
    try:
        if stored.status == SIGNED and stored.plan.job:
            # Signed, and its process died before the job was set going.
            await desk_of(request).jobs.decided(stored.plan, signed=True)
        elif stored.status == SIGNED:
            await console_of(request).proposals.carry_out(stored)
    except DeskclerkError as error:
        shown = await desk_of(request).plans.load(stored.plan.id)
        return await _show(request, shown, status=status_of(error), problem=error.as_dict())
    return RedirectResponse(f"{home_of(request)}/plans/{stored.plan.id}", 303)


async def _job(request: Request, job_id: str) -> JobCard | None:
    """How far the job of a plan has come; None if it is not kept any more."""
    desk = desk_of(request)
    try:
        with own_look():
            found = await desk.jobs.store.load(job_id)
    except InvalidRequest:
        return None
    return job_card(found, desk.instance, (await desk.plans.snapshot()).waiting)


async def _outcome(request: Request, stored: StoredPlan) -> dict[str, Any] | None:
    """How the write ended that the plan was for; None while that is not known."""
    choice = EntryFilter(since=stored.created_at, action=stored.plan.action)
    for entry in reversed(await desk_of(request).journal.entries(choice)):
        if entry["plan"] == stored.plan.id and entry["kind"] == "write":
            return entry if entry["outcome"] != "open" else None
    return None


PAGE = ConsolePage(
    "Waiting for you",
    "/",
    (
        Route("/", waiting, methods=["GET"]),
        Route("/together", together, methods=["POST"]),
        Route("/plans/{plan_id}", plan, methods=["GET"]),
        Route("/plans/{plan_id}", decide, methods=["POST"]),
        Route("/plans/{plan_id}/strike", strike, methods=["POST"]),
        Route("/plans/{plan_id}/carry-out", carry_out, methods=["POST"]),
        Route("/plans/{plan_id}/status", status, methods=["GET"]),
    ),
    counts=True,
)
