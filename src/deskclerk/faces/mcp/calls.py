"""One tools/call: from its arguments to the desk, and from the desk's answer to a result."""

import logging
import traceback
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any, TypeAlias

import mcp_types as types
from mcp.server.context import ServerRequestContext
from mcp_types.version import MODERN_PROTOCOL_VERSIONS
from starlette.requests import Request

from deskclerk.catalogue import READ, Action
from deskclerk.desk import Answer, Caller, Desk
from deskclerk.desk.view.answers import compact
from deskclerk.desk.view.cleaning import clean, clean_text
from deskclerk.errors import ApprovalNeeded, ApprovalRefused, DeskclerkError, InvalidRequest
from deskclerk.faces.mcp.elicitation import (
    KEY,
    asked_in,
    can_ask,
    nobody_here,
    over_connection,
    request_for,
    state_of,
    with_answer,
)
from deskclerk.faces.mcp.http_access import TOKEN, agent_of

logger = logging.getLogger("deskclerk.mcp")

Context: TypeAlias = ServerRequestContext[Any, Any]
Result: TypeAlias = types.CallToolResult | types.InputRequiredResult


Doorway: TypeAlias = Callable[[str], Awaitable[str | None]]
"""Where a plan, by its id, can be signed in a browser; None if nowhere."""
_MOST_PROBLEMS = 20
_UNEXPECTED = (
    "This is a fault of deskclerk, not of the call. If it was a write, read the target before trying again."
)


class Calls:
    """Takes tool calls to one desk."""

    def __init__(self, desk: Desk, console: Doorway | None = None) -> None:
        self._desk = desk
        self._console = console

    async def answer(self, ctx: Context, action: type[Action], params: types.CallToolRequestParams) -> Result:
        """The result of a call; what goes wrong is a result too, and says what to do next."""
        try:
            asked = await self._desk.action(action, params.arguments or {}, caller_of(ctx))
            return await self._perform(ctx, asked, params)
        except ApprovalNeeded as error:
            error.next_step += await self._place_to_sign(error.plan_id)
            return failure(error)
        except InvalidRequest as error:
            if error.secret:
                error.next_step += await self._place_to_enter(error.secret)
            return failure(error)
        except DeskclerkError as error:
            return failure(error)
        except Exception as error:  # noqa: BLE001 - the last line: nothing unexpected reaches a client
            log_unexpected(action.spec.name, error)
            return failure(
                DeskclerkError(f"{action.spec.name} failed inside deskclerk.", next_step=_UNEXPECTED)
            )

    async def _perform(self, ctx: Context, action: Action, params: types.CallToolRequestParams) -> Result:
        caller = caller_of(ctx)
        modern = ctx.protocol_version in MODERN_PROTOCOL_VERSIONS
        # Either of the two: half an answer must not pass for a fresh call.
        if params.request_state is not None or params.input_responses is not None:
            return await self._second_round(ctx, action, params, modern=modern)
        tell = ctx.session.report_progress
        # Without a dialogue the desk waits for a signature from elsewhere.
        if action.spec.effect is READ or not _may_ask(ctx):
            return success(await self._desk.perform(action, caller=caller, progress=tell))
        if not modern:
            approver = over_connection(ctx, self._desk.settings.approval_seconds)
            answer = await self._desk.perform(action, caller=caller, approver=approver, progress=tell)
            return success(answer)
        plan = await self._desk.propose(action, caller)
        if plan is None:  # nobody need be asked, or a person has signed it elsewhere
            return success(await self._desk.perform(action, caller=caller, progress=tell))
        if why := await self._desk.signing.dialogue(plan, caller):
            # A yes that could not sign is not asked for: the plan waits for whoever may.
            elsewhere = nobody_here(why)
            answer = await self._desk.perform(action, caller=caller, approver=elsewhere, progress=tell)
            return success(answer)
        return types.InputRequiredResult(
            input_requests={KEY: request_for(plan)}, request_state=state_of(plan)
        )

    async def _place_to_sign(self, plan_id: str | None) -> str:
        """A sentence with the console's address for a plan; empty where there is no console."""
        # Where people sign in by name the error has named the plan's page already.
        if not (self._console and plan_id) or self._desk.signing.page:
            return ""
        try:
            address = await self._console(plan_id)
        except (OSError, DeskclerkError) as error:
            logger.warning("No console for a plan that waits: %s", type(error).__name__)
            return ""
        return f" A person can also look at it in a browser: {address}" if address else ""

    async def _place_to_enter(self, secret: str) -> str:
        """A sentence with the console's page where a person who is in enters a secret."""
        attend = self._desk.handovers.open_console
        try:
            return f" Or in the console: {await attend()}?name={secret}" if attend else ""
        except OSError as error:
            logger.warning("No console for a secret: %s", type(error).__name__)
            return ""

    async def _second_round(
        self, ctx: Context, action: Action, params: types.CallToolRequestParams, *, modern: bool
    ) -> Result:
        """The call again, with the person's answer and the state that names the plan.

        The state was unsealed on its way here: what arrives was made by this process, for this tool and
        these arguments. The plan it names is used up by the first answer.
        """
        if params.request_state is None or not (modern and _may_ask(ctx)):
            raise ApprovalRefused(
                "An answer was given to a question that was not asked. Nothing was sent.",
                next_step="Call the tool with its arguments only; a person is asked when one has to be.",
            )
        plan_id, shown = asked_in(params.request_state)
        approver = with_answer((params.input_responses or {}).get(KEY), shown)
        answer = await self._desk.perform(
            action,
            caller=caller_of(ctx),
            approver=approver,
            plan_id=plan_id,
            progress=ctx.session.report_progress,
        )
        return success(answer)


def caller_of(ctx: Context) -> Caller:
    """Who asks: the name that the client gives itself, and over HTTP the name of its token.

    On a hosted desk also the person behind it, and what narrows it.
    """
    params = ctx.session.client_params
    client = clean_text(params.client_info.name, 100) if params else None
    if agent := agent_of(ctx.request):
        return replace(agent.caller, client=client)
    token = ctx.request.scope.get(TOKEN) if isinstance(ctx.request, Request) else None
    return Caller("mcp", client, token)


def _may_ask(ctx: Context) -> bool:
    """Whether a person can be asked in the client's own dialogue, and may sign there."""
    agent = agent_of(ctx.request)
    return can_ask(ctx) and (agent is None or agent.dialogue)


def success(answer: Answer) -> types.CallToolResult:
    """The answer as structured content and as text, each of which says all: clients show one of them.

    Its `notes` are part of it, and what is not known (the total of some lists, a next page) is left out.
    """
    value = {key: item for key, item in answer.value.items() if item is not None}
    if answer.notes:
        value["notes"] = " ".join(answer.notes)
    return types.CallToolResult(content=[types.TextContent(text=compact(value))], structured_content=value)


def failure(error: DeskclerkError) -> types.CallToolResult:
    """An error as a model can mend it.

    The error as data is in `_meta`: as structured content it would break the tool's output schema.
    """
    told = error.as_dict()
    if len(problems := told.get("problems") or ()) > _MOST_PROBLEMS:
        # The text says how many there are; a model corrects the first ones, or asks for something else.
        told = told | {"problems": problems[:_MOST_PROBLEMS]}
    return types.CallToolResult(
        content=[types.TextContent(text=clean_text(str(error)))],
        is_error=True,
        _meta={"deskclerk/error": clean(told)},
    )


def log_unexpected(what: str, error: Exception) -> None:
    """Where it happened, without the message: that may hold what must not be written down."""
    where = "".join(traceback.format_tb(error.__traceback__))
    logger.error("%s: unexpected %s\n%s", what, type(error).__name__, where)
