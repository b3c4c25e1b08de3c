"""What the server has beside its tools: prompts, resources, completions. From a request to an answer.

What goes wrong is an error of the protocol's, with the next step in its message and the error as data.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial

import mcp_types as types
from mcp.shared.exceptions import MCPError
from mcp_types.version import MODERN_PROTOCOL_VERSIONS

from deskclerk.desk import Caller, Desk
from deskclerk.desk.view.cleaning import clean, clean_text, line_of
from deskclerk.errors import ApprovalRefused, DeskclerkError, InvalidRequest, NotAllowed, NotFound
from deskclerk.faces.mcp.calls import Context, caller_of, log_unexpected
from deskclerk.faces.mcp.completions import Completions
from deskclerk.faces.mcp.lean import CALL
from deskclerk.faces.mcp.prompt_messages import given_to, prompt_named, prompts_for, text_of
from deskclerk.faces.mcp.prompts import Prompt
from deskclerk.faces.mcp.resources import NoSuchResource, Resources, place_of
from deskclerk.settings import LEAN

_NOT_FOUND_UP_TO_2025 = -32002
"""What the handshake versions have for an address with nothing there; later ones say invalid parameters.

https://modelcontextprotocol.io/specification/2025-11-25/server/resources#error-handling
"""
_SIGNS = {
    "write": "A person signs every write in a dialogue of their own; no argument can, and declined is final.",
    "destructive": "A person signs what cannot be undone; no argument can, and declined is final. Other "
    "writes happen at once: ask before each.",
    "never": "Writes happen at once, without a signature: ask the person before each.",
}


class Features:
    """Answers what clients ask of one desk beside its tools."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._resources = Resources(desk)
        self._completions = Completions(desk)

    async def list_prompts(
        self, ctx: Context, params: types.PaginatedRequestParams | None
    ) -> types.ListPromptsResult:
        """The prompts whose tools the caller is offered."""
        with _told(ctx):
            _only_page("prompts/list", params)
            offered = self._desk.actions(caller_of(ctx))
            return types.ListPromptsResult(prompts=[one.listed(offered) for one in prompts_for(offered)])

    async def get_prompt(self, ctx: Context, params: types.GetPromptRequestParams) -> types.GetPromptResult:
        """The text of a prompt, for this caller and these arguments."""
        with _told(ctx):
            caller = caller_of(ctx)
            offered = self._desk.actions(caller)
            prompt = self._prompt(params.name, caller)
            values = given_to(prompt, params.arguments or {}, offered)
            settings = self._desk.settings
            lean = CALL if LEAN in settings.tools else ""
            text = text_of(prompt, values, offered, signs=_SIGNS[settings.confirm], lean=lean)
            message = types.PromptMessage(role="user", content=types.TextContent(text=text))
            return types.GetPromptResult(description=prompt.does, messages=[message])

    def _prompt(self, name: str, caller: Caller) -> Prompt:
        """The prompt of this name, for a caller."""
        step = partial(self._desk.policy.step, caller=caller)
        return prompt_named(name, self._desk.actions(caller), step)

    async def list_resources(
        self, ctx: Context, params: types.PaginatedRequestParams | None
    ) -> types.ListResourcesResult:
        """What can be read without a variable, and the plans that wait."""
        with _told(ctx):
            return await self._resources.page(caller_of(ctx), params.cursor if params else None)

    async def list_templates(
        self, ctx: Context, params: types.PaginatedRequestParams | None
    ) -> types.ListResourceTemplatesResult:
        """The patterns of addresses."""
        with _told(ctx):
            _only_page("resources/templates/list", params)
            templates = self._resources.templates(caller_of(ctx))
            return types.ListResourceTemplatesResult(resource_templates=templates)

    async def read_resource(
        self, ctx: Context, params: types.ReadResourceRequestParams
    ) -> types.ReadResourceResult:
        """What stands at an address."""
        with _told(ctx):
            return await self._resources.read(params.uri, caller_of(ctx))

    async def complete(self, ctx: Context, params: types.CompleteRequestParams) -> types.CompleteResult:
        """What an argument of a prompt, or a variable of an address, can be."""
        with _told(ctx):
            return types.CompleteResult(completion=await self._completion(ctx, params))

    async def _completion(self, ctx: Context, params: types.CompleteRequestParams) -> types.Completion:
        caller, name, text = caller_of(ctx), params.argument.name, params.argument.value
        if isinstance(params.ref, types.PromptReference):
            prompt = self._prompt(params.ref.name, caller)
            argument = next((one for one in prompt.arguments if one.name == name), None)
            if argument is None:
                raise _unknown_argument(name, [one.name for one in prompt.arguments])
            return await self._completions.of_argument(argument, text, caller)
        place = place_of(params.ref.uri)
        if name != place.variable:
            raise _unknown_argument(name, [place.variable])
        if place.complete is None:
            return types.Completion(values=[], total=0, has_more=False)
        return await place.complete(self._completions, text, caller)


def _only_page(method: str, params: types.PaginatedRequestParams | None) -> None:
    if params and params.cursor is not None:
        # An unknown cursor is an argument that would be ignored.
        raise InvalidRequest(f"{method} has one page.", next_step="Leave cursor out.")


def _unknown_argument(name: str, accepted: list[str]) -> InvalidRequest:
    return InvalidRequest(
        f"{line_of(name, 80)}: unknown argument.", next_step=f"Accepted: {', '.join(accepted) or 'none'}."
    )


@contextmanager
def _told(ctx: Context) -> Iterator[None]:
    """What goes wrong within, as an error of the protocol's."""
    try:
        yield
    except DeskclerkError as error:
        raise MCPError(_code(error, ctx), clean_text(str(error)), clean(error.as_dict())) from None
    except Exception as error:  # noqa: BLE001 - the last line: nothing unexpected reaches a client
        log_unexpected(ctx.method, error)
        raise MCPError(
            types.INTERNAL_ERROR,
            f"{ctx.method} failed inside deskclerk. This is a fault of deskclerk, not of the request; "
            "its log says where.",
        ) from None


def _code(error: DeskclerkError, ctx: Context) -> int:
    if isinstance(error, NoSuchResource | NotFound):
        modern = ctx.protocol_version in MODERN_PROTOCOL_VERSIONS
        return types.INVALID_PARAMS if modern else _NOT_FOUND_UP_TO_2025
    asked_wrongly = isinstance(error, InvalidRequest | NotAllowed | ApprovalRefused)
    return types.INVALID_PARAMS if asked_wrongly else types.INTERNAL_ERROR
