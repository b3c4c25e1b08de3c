"""Agents of a workspace: which programs ask here, by which tokens and clients, and what each may ask for."""

import re
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from deskclerk.desk.time_and_ids import now
from deskclerk.errors import DeskclerkError, InvalidRequest
from deskclerk.faces.console.authentication import SEE_OTHER
from deskclerk.faces.console.plan_card import ago, iso_time, span
from deskclerk.faces.hosted.access import form_of, member_of, person_of
from deskclerk.faces.hosted.rendering import code_of, render
from deskclerk.faces.hosted.site import site_of
from deskclerk.faces.hosted.workspace_pages.page import WorkspacePage, check_owner, note_change
from deskclerk.hosted.agents.agent import AgentRules
from deskclerk.hosted.agents.registry import AgentRecord, AgentRegistry, ClientRecord
from deskclerk.hosted.agents.scopes import SCOPES
from deskclerk.hosted.agents.tokens import LONGEST_DAYS, TokenRecord, WorkspaceTokens
from deskclerk.hosted.people.members import Members

_DONE = {
    "made": "The agent is there. Make a token for it, or allow a client as it.",
    "changed": "Its rules hold from its next request on.",
    "removed": "Removed, with its tokens; its clients wait to be allowed anew.",
    "revoked": "Revoked: its next request is refused.",
    "allowed": "Allowed from its next request on.",
    "refused": "Refused from its next request on.",
}
_ACCESSES = ("read", "write", "destructive")
_LISTS = ("tools", "deny", "toolsets")
_DAYS = 90


@dataclass(frozen=True, slots=True)
class _When:
    """A moment as a page has it."""

    at: str
    ago: str

    @classmethod
    def of(cls, at: int | None) -> "_When | None":
        return cls(iso_time(at), ago(at)) if at is not None else None


async def agents(
    request: Request, problem: DeskclerkError | None = None, token: tuple[str, str] | None = None
) -> Response:
    """What asks here and what waits to be let in; `token` is a new one, with the name of its agent."""
    site, member = site_of(request), member_of(request)
    registry = AgentRegistry(site.hosted)
    names = {
        item.person.id: item.person.label for item in await Members(site.hosted, member.record.id).list()
    }
    clients = await registry.clients(member.record.id)
    tokens = await WorkspaceTokens(site.hosted).listed(member.record.id)
    return render(
        request,
        "agents.html",
        code_of(problem) if problem else 200,
        agents=[_agent(item, tokens, clients, names) for item in await registry.agents(member.record.id)],
        waiting=[_client(item, names) for item in clients if item.status == "waiting"],
        refused=[_client(item, names) for item in clients if item.status == "refused"],
        address=f"{site.public_url}/mcp/{member.record.slug}",
        accesses=_ACCESSES,
        scopes=SCOPES,
        days=_DAYS,
        most_days=LONGEST_DAYS,
        token=token,
        given=form_of(request) if problem else {},
        done=_DONE.get(request.query_params.get("done", "")),
        problem=problem.as_dict() if problem else None,
    )


async def make_agent(request: Request) -> Response:
    """A new agent with its rules."""
    form = form_of(request)
    try:
        check_owner(request)
        name, rules = form.get("name", ""), _rules(request)
        await _registry(request).create(_workspace(request), name, rules, _me(request))
        await note_change(request, f"made the agent {name}: {_said(rules)}")
    except DeskclerkError as error:
        return await agents(request, error)
    return _onward(request, "made")


async def change(request: Request) -> Response:
    """Other rules for an agent."""
    try:
        check_owner(request)
        agent, rules = form_of(request).get("id", ""), _rules(request)
        await _registry(request).change(_workspace(request), agent, rules)
        await note_change(request, f"changed the agent {agent}: {_said(rules)}")
    except DeskclerkError as error:
        return await agents(request, error)
    return _onward(request, "changed")


async def remove(request: Request) -> Response:
    """Forget an agent, and end its tokens."""
    try:
        check_owner(request)
        agent = form_of(request).get("id", "")
        await _registry(request).remove(_workspace(request), agent)
        await note_change(request, f"removed the agent {agent}")
    except DeskclerkError as error:
        return await agents(request, error)
    return _onward(request, "removed")


async def make_token(request: Request) -> Response:
    """Make a token; it is on the page that answers, and nowhere else."""
    form = form_of(request)
    days = form.get("days", "")
    try:
        check_owner(request)
        found = {item.id: item.name for item in await _registry(request).agents(_workspace(request))}
        agent = form.get("id", "")
        made, token = await WorkspaceTokens(site_of(request).hosted).make(
            _workspace(request),
            agent,
            scopes=form.getlist("scope"),
            days=int(days) if days.isdecimal() and len(days) < len("10000") else 0,
            made_by=_me(request),
        )
        scopes = ", ".join(made.scopes)
        await note_change(request, f"made the token {made.id} of the agent {found[agent]} for {scopes}")
    except DeskclerkError as error:
        return await agents(request, error)
    return await agents(request, token=(token, found[agent]))


async def revoke(request: Request) -> Response:
    """End a token."""
    try:
        check_owner(request)
        tokens, token = WorkspaceTokens(site_of(request).hosted), form_of(request).get("id", "")
        await tokens.revoke(_workspace(request), token)
        await note_change(request, f"revoked the token {token}")
    except DeskclerkError as error:
        return await agents(request, error)
    return _onward(request, "revoked")


async def allow(request: Request) -> Response:
    """Let an OAuth client in, as an agent that is there or a new one."""
    form = form_of(request)
    try:
        check_owner(request)
        client, name, rules = form.get("client", ""), form.get("name", ""), _rules(request)
        await _registry(request).allow(
            _workspace(request), form.get("issuer", ""), client, name=name, rules=rules, by=_me(request)
        )
        await note_change(request, f"let the OAuth client {client} in as the agent {name}")
    except DeskclerkError as error:
        return await agents(request, error)
    return _onward(request, "allowed")


async def refuse(request: Request) -> Response:
    """Keep an OAuth client out."""
    form = form_of(request)
    try:
        check_owner(request)
        client = form.get("client", "")
        await _registry(request).refuse(_workspace(request), form.get("issuer", ""), client, _me(request))
        await note_change(request, f"keeps the OAuth client {client} out")
    except DeskclerkError as error:
        return await agents(request, error)
    return _onward(request, "refused")


def _agent(
    record: AgentRecord, tokens: list[TokenRecord], clients: list[ClientRecord], names: dict[str, str]
) -> dict[str, Any]:
    return {
        "id": record.id,
        "name": record.name,
        "access": record.rules.access,
        "dialogue": record.rules.dialogue,
        "tokens": [_token(item, names) for item in tokens if item.agent == record.id],
        "clients": [_client(item, names) for item in clients if item.agent == record.id],
        **{name: ", ".join(getattr(record.rules, name)) for name in _LISTS},
    }


def _token(record: TokenRecord, names: dict[str, str]) -> dict[str, Any]:
    return {
        "id": record.id,
        "beginning": record.beginning,
        "scopes": " ".join(record.scopes),
        "state": record.state,
        "by": names.get(record.made_by, record.made_by),
        "made": _When.of(record.created_at),
        "left": span(record.expires_at - now()) if record.state == "valid" else "",
        "used": _When.of(record.last_used_at),
    }


def _client(record: ClientRecord, names: dict[str, str]) -> dict[str, Any]:
    return {
        "issuer": record.issuer,
        "client": record.client_id,
        "calls_itself": record.calls_itself,
        "by": names.get(record.first_by, record.first_by),
        "came": _When.of(record.first_at),
        "used": _When.of(record.last_used_at),
    }


def _said(rules: AgentRules) -> str:
    """Rules in a line of the journal."""
    values = rules.model_dump(mode="json")
    return ", ".join(f"{name} {value}" for name, value in values.items() if value or name == "dialogue")


def _rules(request: Request) -> AgentRules:
    """The rules in a form; InvalidRequest names what is wrong."""
    form = form_of(request)
    lists = {name: tuple(re.findall(r"[^\s,]+", form.get(name, ""))) for name in _LISTS}
    try:
        return AgentRules.model_validate(
            {"access": form.get("access", ""), "dialogue": form.get("dialogue") == "on", **lists}
        )
    except ValidationError as error:
        problems = [
            (str(item["loc"][0]), item["msg"].removeprefix("Value error, "))
            for item in error.errors(include_url=False, include_input=False)
        ]
        said = "; ".join(f"{name}: {text}" for name, text in problems)
        raise InvalidRequest(f"{said}.", problems=problems, next_step="Nothing was changed.") from None


def _registry(request: Request) -> AgentRegistry:
    return AgentRegistry(site_of(request).hosted)


def _workspace(request: Request) -> str:
    return member_of(request).record.id


def _me(request: Request) -> str:
    return person_of(request).person.id


def _onward(request: Request, done: str) -> Response:
    return RedirectResponse(f"{member_of(request).home}/agents?done={done}", SEE_OTHER)


PAGE = WorkspacePage(
    "Agents",
    "/agents",
    (
        Route("/agents", agents, methods=["GET"]),
        Route("/agents", make_agent, methods=["POST"]),
        Route("/agents/change", change, methods=["POST"]),
        Route("/agents/remove", remove, methods=["POST"]),
        Route("/agents/tokens", make_token, methods=["POST"]),
        Route("/agents/tokens/revoke", revoke, methods=["POST"]),
        Route("/agents/clients/allow", allow, methods=["POST"]),
        Route("/agents/clients/refuse", refuse, methods=["POST"]),
    ),
)
