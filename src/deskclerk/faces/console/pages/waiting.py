"""Waiting for you: the plans that want a signature, and what becomes of one."""

from dataclasses import dataclass
from typing import Any

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from deskclerk.desk import Decision, Signature
from deskclerk.desk.journal.records import EntryFilter
from deskclerk.desk.plans.plan import accepts
from deskclerk.desk.plans.store import SIGNED, USED, WAITING, StoredPlan
from deskclerk.desk.view.cleaning import line_of
from deskclerk.errors import ApprovalRefused, DeskclerkError
from deskclerk.faces.console.page import ConsolePage, console_of, desk_of, form_of, home_of, session_of
from deskclerk.faces.console.plan_card import card_of
from deskclerk.faces.console.rendering import render, status_of
from deskclerk.faces.console.sessions import CALLER

HOW = "console"


@dataclass(frozen=True, slots=True)
class SigningOffer:
    """What signs here, as on a terminal.

    `pin`: the signer's PIN is wanted. `named`: the target is typed, for a write with a way back too; on
    the sandbox, where nothing real is at stake, a click is enough. `may_sign`: nobody signs who came by a
    link that a model was told, unless they have the PIN.
    """

    pin: bool
    named: bool
    may_sign: bool


async def waiting(request: Request) -> Response:
    """Every plan that waits, the newest first."""
    desk = desk_of(request)
    cards = [card_of(stored, desk.instance) for stored in await desk.plans.waiting()]
    return render(request, "waiting.html", cards=cards, rules=await _rules(request))


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
        await desk.sign(stored.plan.id, signature, pin=pin, caller=CALLER)
        if signature.decision is Decision.APPROVED:
            await console_of(request).proposals.carry_out(stored.plan.id)
    except DeskclerkError as error:
        shown = await desk.plans.load(stored.plan.id)
        return await _show(request, shown, status=status_of(error), problem=error.as_dict())
    return RedirectResponse(f"{home_of(request)}/plans/{stored.plan.id}", 303)


async def _answer(request: Request, stored: StoredPlan) -> tuple[Signature, str]:
    """The signature that a form holds, with the PIN; ApprovalRefused for what is none."""
    form, shown = form_of(request), stored.plan
    if form.get("decision") == "decline":
        reason = line_of(form.get("reason", ""), 200)
        how = HOW if session_of(request).person else f"{HOW} by a link"
        return Signature(Decision.DECLINED, f"{how}: {reason}" if reason else how), ""
    if form.get("decision") != "sign":
        raise ApprovalRefused("That is neither a yes nor a no.", next_step="Use the plan's own buttons.")
    # The page may be old: the same id never shows two digests, but a form can be put together by hand.
    if form.get("digest") != shown.digest:
        raise ApprovalRefused(
            "This is not the plan that you were shown.", next_step="Read it again below, then decide."
        )
    rules = await _rules(request)
    if not rules.may_sign:
        raise ApprovalRefused(
            "This page was opened by a link that a program was told, so it cannot sign by itself.",
            next_step=f"Sign with `deskclerk approve {shown.id}`, or open the console from a terminal with "
            "`deskclerk console`.",
        )
    if (rules.named or shown.effect == "destructive") and not accepts(shown.words, form.get("typed")):
        raise ApprovalRefused(
            "What you typed does not sign it. Nothing was sent.",
            next_step=f"Type {' or '.join(shown.words)}.",
        )
    return Signature(Decision.APPROVED, f"{HOW}, with PIN" if rules.pin else HOW), form.get("pin", "")


async def _show(
    request: Request,
    stored: StoredPlan,
    template: str = "plan.html",
    status: int = 200,
    problem: dict[str, Any] | None = None,
) -> Response:
    card = card_of(stored, desk_of(request).instance)
    outcome = await _outcome(request, stored) if stored.status == USED else None
    return render(
        request,
        template,
        status,
        card=card,
        problem=problem,
        outcome=outcome,
        settled=stored.status not in (WAITING, SIGNED, USED) or outcome is not None,
        typed=form_of(request).get("typed", ""),
        reason=form_of(request).get("reason", ""),
        rules=await _rules(request),
        asked_here=console_of(request).proposals.has(stored.plan.id),
    )


async def carry_out(request: Request) -> Response:
    """Have a write done that was asked for here and signed elsewhere."""
    stored = await desk_of(request).plans.load(request.path_params["plan_id"])
    try:
        if stored.status == SIGNED:
            await console_of(request).proposals.carry_out(stored.plan.id)
    except DeskclerkError as error:
        shown = await desk_of(request).plans.load(stored.plan.id)
        return await _show(request, shown, status=status_of(error), problem=error.as_dict())
    return RedirectResponse(f"{home_of(request)}/plans/{stored.plan.id}", 303)


async def _rules(request: Request) -> SigningOffer:
    """What signing wants from whoever looks."""
    desk = desk_of(request)
    rules = await desk.signer.rules()
    # A link that a model was told it could open itself: without a PIN nobody knows who clicks.
    return SigningOffer(rules.pin, rules.named, may_sign=rules.pin or session_of(request).person)


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
        Route("/plans/{plan_id}", plan, methods=["GET"]),
        Route("/plans/{plan_id}", decide, methods=["POST"]),
        Route("/plans/{plan_id}/carry-out", carry_out, methods=["POST"]),
        Route("/plans/{plan_id}/status", status, methods=["GET"]),
    ),
    counts=True,
)
