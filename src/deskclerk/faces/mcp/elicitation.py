"""Puts a plan before a person, through the client's own dialogue, in either era of the protocol.

Only a form that a person fills in is an answer: no argument of a tool is. Where there is no dialogue, or
it brings no answer, the desk waits for a signature from elsewhere.
"""

import asyncio
from collections.abc import Mapping
from typing import Any

import mcp_types as types
from mcp.server.context import ServerRequestContext
from mcp.shared.exceptions import MCPError
from pydantic import ValidationError

from deskclerk.catalogue import DESTRUCTIVE
from deskclerk.desk import Approver, Decision, Plan, Signature
from deskclerk.desk.plans.plan import accepts

KEY = "confirm"
"""The name of the one question, and of its field for a write that can be taken back."""
TYPED = "type_to_confirm"
_HOW = "mcp dialogue"


def can_ask(ctx: ServerRequestContext[Any, Any]) -> bool:
    """Whether the client has a dialogue with a form; a bare `elicitation: {}` means one."""
    capabilities = ctx.session.client_capabilities
    asks = capabilities.elicitation if capabilities else None
    # A client may have a dialogue that only opens an address: a form cannot be shown there.
    return asks is not None and (asks.form is not None or asks.url is None)


def over_connection(ctx: ServerRequestContext[Any, Any], seconds: float) -> Approver:
    """Asks back over the connection of a handshake-era client, for at most so many seconds."""

    async def approver(plan: Plan) -> Signature:
        try:
            async with asyncio.timeout(seconds):
                result = await ctx.session.elicit_form(message(plan), form(plan), ctx.request_id)
        except TimeoutError:
            return Signature(Decision.DISMISSED, _HOW, "nobody answered in time")
        # A client that promised a dialogue and fails at it has not said no: the plan goes on waiting.
        except (MCPError, ValidationError):
            return Signature(Decision.DISMISSED, _HOW, "the client's dialogue failed")
        return signature(plan, result)

    return approver


def request_for(plan: Plan) -> types.ElicitRequest:
    """The question as a 2026-07-28 client is asked it: inside the answer to its call."""
    return types.ElicitRequest(
        params=types.ElicitRequestFormParams(message=message(plan), requested_schema=form(plan))
    )


def state_of(plan: Plan) -> str:
    """What a 2026-07-28 client brings back with the answer: which plan was shown, and what it showed."""
    return f"{plan.id} {plan.digest}"


def asked_in(state: str) -> tuple[str, str]:
    """The plan's id and its digest as it was shown, from `state_of`."""
    plan_id, _, digest = state.partition(" ")
    return plan_id, digest


def with_answer(answer: object, shown: str) -> Approver:
    """The answer that a 2026-07-28 client brought along with its second call, to a plan of this digest."""

    async def approver(plan: Plan) -> Signature:
        if not isinstance(answer, types.ElicitResult):
            return Signature(Decision.DISMISSED, _HOW, "the call came back without the person's answer")
        # Between the two calls steps may have been struck out; a no holds whatever was shown.
        if answer.action == "accept":
            plan.check_shown(shown)
        return signature(plan, answer)

    return approver


def nobody_here(why: str) -> Approver:
    """Nobody is asked, since the answer would not sign; `why` tells who calls."""

    async def approver(plan: Plan) -> Signature:
        del plan
        return Signature(Decision.DISMISSED, _HOW, why)

    return approver


def message(plan: Plan) -> str:
    """What the person reads: the plan, and for a destructive one what to type."""
    words = words_for(plan)
    return f"{plan.text()}\nTo confirm, type: {' or '.join(words)}" if words else plan.text()


def form(plan: Plan) -> dict[str, Any]:
    """One field: a yes or no, or the target's name, address or id where there is no way back."""
    words = words_for(plan)
    if words:
        return _one_field(TYPED, {"type": "string", "title": f"Type {' or '.join(words)} to confirm"})
    # A no stands in the field until the person changes it.
    return _one_field(KEY, {"type": "boolean", "title": f"{plan.heading}?", "default": False})


def _one_field(name: str, field: dict[str, Any]) -> dict[str, Any]:
    return {"type": "object", "properties": {name: field}, "required": [name]}


def words_for(plan: Plan) -> tuple[str, ...]:
    """What may be typed to confirm a destructive plan: the target's id, name or address."""
    return plan.words if plan.effect is DESTRUCTIVE else ()


def signature(plan: Plan, result: types.ElicitResult) -> Signature:
    """What the person decided. Only the yes that was asked for is one."""
    if result.action == "decline":
        return Signature(Decision.DECLINED, _HOW)
    if result.action == "cancel":
        return Signature(Decision.DISMISSED, _HOW)
    content: Mapping[str, Any] = result.content or {}
    if plan.effect is DESTRUCTIVE:
        if accepts(plan.words, content.get(TYPED)):
            return Signature(Decision.APPROVED, _HOW)
        wanted = " or ".join(plan.words)
        return Signature(Decision.DISMISSED, _HOW, f"what the person typed is not {wanted}")
    # Exactly true: "yes", 1 or a missing field is no signature.
    if content.get(KEY) is True:
        return Signature(Decision.APPROVED, _HOW)
    if content.get(KEY) is False:
        return Signature(Decision.DECLINED, _HOW)
    return Signature(Decision.DISMISSED, _HOW, "the dialogue came back without a yes or no")
