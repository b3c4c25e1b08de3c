"""What signs on these pages, and what a form says of it; every page that signs asks here."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from deskclerk.desk import Decision, Plan, Signature
from deskclerk.desk.approvals.rules import Standing
from deskclerk.desk.plans.plan import accepts
from deskclerk.desk.plans.store import SIGNED, StoredPlan
from deskclerk.errors import ApprovalRefused
from deskclerk.faces.console.page import caller_of, console_of, desk_of, form_of, home_of, session_of


@dataclass(frozen=True, slots=True)
class SigningOffer:
    """What signs here, as on a terminal.

    `pin`: the signer's PIN is wanted. `named`: the target is typed, for a write with a way back too; on
    the sandbox, where nothing real is at stake, a click is enough. `may_sign`: nobody signs who came by a
    link that a model was told, unless they have the PIN, and nobody who may only look.
    """

    pin: bool
    named: bool
    may_sign: bool


async def offer_of(request: Request) -> SigningOffer:
    """What signing wants from whoever looks."""
    rules = await desk_of(request).signer.rules()
    # A link that a model was told it could open itself: without a PIN nobody knows who clicks.
    session = session_of(request)
    may_sign = session.may_sign and (rules.pin or session.person)
    return SigningOffer(rules.pin, rules.named, may_sign=may_sign)


async def check_may_sign(request: Request, or_else: str) -> SigningOffer:
    """What signing wants; ApprovalRefused for a session that cannot, with what to do instead."""
    offer = await offer_of(request)
    if not offer.may_sign:
        raise ApprovalRefused(
            "This page was opened by a link that a program was told, so it cannot sign by itself.",
            next_step=f"{or_else}, or open the console from a terminal with `deskclerk console`.",
        )
    return offer


async def yes_of(request: Request, stored: StoredPlan, digest: str | None, typed: str | None) -> Signature:
    """A yes to the plan that was shown; ApprovalRefused for what is none."""
    shown = stored.plan
    # The page may be old: a digest that was shown is that of what was read, steps struck out included.
    shown.check_shown(digest)
    offer = await check_may_sign(request, f"Sign with `deskclerk approve {shown.id}`")
    if (offer.named or shown.effect == "destructive") and not accepts(shown.words, typed):
        raise ApprovalRefused(
            "What you typed does not sign it. Nothing was sent.",
            next_step=f"Type {' or '.join(shown.words)}.",
        )
    how, passkey = session_of(request).how, form_of(request).get("passkey") or None
    how += ", with PIN" if offer.pin else ""
    how += ", with passkey" if passkey else ""
    return Signature(Decision.APPROVED, how, passkey=passkey, shown=digest)


async def standings_of(request: Request, plans: Sequence[StoredPlan]) -> Mapping[str, Standing]:
    """How plans stand for whoever looks, by id."""
    return await desk_of(request).signing.rules.standings(plans, caller_of(request))


async def sign(request: Request, stored: StoredPlan, signature: Signature, pin: str) -> None:
    """Keep a signature; what was asked for in this console is carried out at once, and a job begins."""
    await desk_of(request).sign(stored.plan.id, signature, pin=pin, caller=caller_of(request))
    # One of two signatures leaves it waiting.
    now_is = await desk_of(request).plans.load(stored.plan.id)
    if now_is.status == SIGNED:
        await console_of(request).proposals.carry_out(now_is)


async def to_sign(request: Request, plan: Plan) -> Response:
    """To the card of a job's plan; to the job where nobody has to sign."""
    desk = desk_of(request)
    if desk.policy.asks(plan.effect):
        return RedirectResponse(f"{home_of(request)}/plans/{plan.id}", 303)
    job = await desk.jobs.run(plan, caller_of(request))
    return RedirectResponse(f"{home_of(request)}/jobs/{job.id}", 303)


def chosen_of(values: list[str]) -> Mapping[str, str]:
    """The plans that a form names, each with the digest of what was shown."""
    return {plan: digest for plan, _, digest in (value.partition(" ") for value in values)}
