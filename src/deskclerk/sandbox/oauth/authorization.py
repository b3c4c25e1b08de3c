"""The authorization endpoint: a person picks a user of the instance, agrees, and goes back with a code.

Nobody is ever signed in here: each time it is asked again who comes, so no page elsewhere can use what a
browser remembers. What the pages send is a plain form, which a test may send as well: `user_id` says who
comes, `decision=allow` or `deny` what they say.
"""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import urlencode

from sqlalchemy import delete
from starlette.responses import RedirectResponse, Response

from deskclerk.sandbox.applications.oauth_applications import digest, random_letters
from deskclerk.sandbox.http.answer import Ready
from deskclerk.sandbox.http.images import image_url
from deskclerk.sandbox.http.rows import RowMapping, find, insert
from deskclerk.sandbox.ids import new_id
from deskclerk.sandbox.instance.settings import read_settings
from deskclerk.sandbox.oauth.claims import primary_email
from deskclerk.sandbox.oauth.clients import find_client, redirect_uri_of, requested_scopes
from deskclerk.sandbox.oauth.pages import page
from deskclerk.sandbox.oauth.requests import UNCACHED, OAuthError, OAuthRequest
from deskclerk.sandbox.store.tables import oauth_codes, users
from deskclerk.sandbox.users.answers import user_in_full
from deskclerk.sandbox.users.users import list_users

CODE_LIFETIME = 600_000
"""Milliseconds that a code holds."""
SHOWN = 20
"""Users on one page: the search finds the others."""
_KEPT_FOR = 86_400_000
"""Milliseconds that a code is remembered after its end, so that a second use is noticed."""
_SHORTEST_STATE = 8
_LONGEST_SEARCH = 200
_CHALLENGE = re.compile(r"[A-Za-z0-9_-]{43}")
_PROMPTS = {"none", "login", "consent", "select_account"}
_OWN_FIELDS = ("user_id", "decision", "search")
_FORBIDDEN, _SEE_OTHER, _FOUND, _BAD = 403, 303, 302, 400


@dataclass(frozen=True, slots=True)
class Authorization:
    """A request whose client and address to go back to are known: from here on errors go there."""

    request: OAuthRequest
    client: RowMapping
    redirect_uri: str


async def authorize(request: OAuthRequest) -> Response:
    """The next step of a person on the way to a code."""
    try:
        authorization = await _client_and_address(request)
    except OAuthError as error:
        # Never to an address that nobody has registered (RFC 6749, 4.1.2.1).
        return page("refused.html", _BAD, description=error.description)
    try:
        scopes = await _checked(authorization)
        return await _step(authorization, scopes)
    except OAuthError as error:
        return _back(authorization, {"error": error.code, "error_description": error.description})


async def _client_and_address(request: OAuthRequest) -> Authorization:
    if "client_id" not in request.given:
        raise OAuthError("invalid_request", "The address has no client_id; start again from the application.")
    client = await find_client(request.call, request.given["client_id"])
    if client is None:
        raise OAuthError("invalid_client", "This instance has no OAuth application with this client_id.")
    return Authorization(request, client, redirect_uri_of(client, request.given.get("redirect_uri")))


async def _checked(authorization: Authorization) -> list[str]:
    """The scopes of a request in which nothing is wrong."""
    given, client = authorization.request.given, authorization.client
    for name in ("request", "request_uri"):
        if name in given:
            raise OAuthError(f"{name}_not_supported", "Give the parameters in the address itself.")
    if "response_type" not in given:
        raise OAuthError("invalid_request", "Give response_type: code.")
    if given["response_type"] != "code":
        raise OAuthError("unsupported_response_type", "This issuer knows the response type code.")
    if given.get("response_mode", "query") not in ("query", "form_post"):
        raise OAuthError("invalid_request", "response_mode is query or form_post.")
    _check_challenge(given, needed=client["public"] or client["pkce_required"])
    # Clerk's own rule: without a challenge only the state keeps a code from being slipped in.
    if "code_challenge" not in given and len(given.get("state", "")) < _SHORTEST_STATE:
        text = f"Give code_challenge, or a state of at least {_SHORTEST_STATE} characters."
        raise OAuthError("invalid_request", text)
    for resource in authorization.request.resources:
        # Taken as RFC 8707 has it; Clerk's tokens have no audience that it could become.
        if not re.fullmatch(r"[a-zA-Z][a-zA-Z0-9+.-]*:[^\s#]+", resource):
            raise OAuthError("invalid_target", "resource is an absolute URI without a fragment.")
    prompts = set(given.get("prompt", "").split())
    if not prompts <= _PROMPTS or ("none" in prompts and len(prompts) > 1):
        raise OAuthError("invalid_request", f"prompt has some of {', '.join(sorted(_PROMPTS))}; none alone.")
    scopes = await requested_scopes(authorization.request, client)
    if "none" in prompts:
        raise OAuthError("login_required", "Nobody is signed in to the sandbox; ask without prompt=none.")
    return scopes


def _check_challenge(given: Mapping[str, str], *, needed: bool) -> None:
    challenge = given.get("code_challenge")
    if challenge is None:
        if needed:
            raise OAuthError("invalid_request", "This client needs PKCE; give code_challenge.")
        if "code_challenge_method" in given:
            raise OAuthError("invalid_request", "code_challenge_method is given without code_challenge.")
        return
    # Left out it would mean plain (RFC 7636, 4.3), which protects nothing.
    if given.get("code_challenge_method") != "S256":
        raise OAuthError("invalid_request", "Give code_challenge_method=S256; plain is not taken.")
    if not _CHALLENGE.fullmatch(challenge):
        raise OAuthError("invalid_request", "code_challenge is 43 characters of base64url.")


async def _step(authorization: Authorization, scopes: Sequence[str]) -> Response:
    request = authorization.request
    # A GET says nothing of a person's: whoever makes a link could say it for them.
    user_id, decision = (
        request.given.get(name) if request.method == "POST" else None for name in _OWN_FIELDS[:2]
    )
    if (user_id or decision) and not request.from_own_page:
        text = "This was sent by a page of another origin; only the sandbox's own page may say who comes."
        return page("refused.html", _FORBIDDEN, description=text)
    if decision not in (None, "allow", "deny"):
        raise OAuthError("invalid_request", "decision is allow or deny.")
    if decision == "deny":
        raise OAuthError("access_denied", "The user said no.")
    if user_id is None:
        return await _picker(authorization)
    row = await find(request.call, users, id=user_id)
    problem = _why_not(row, request.call.now)
    if row is None or problem:
        return await _picker(authorization, problem, status=_BAD)
    if decision is None and await _asks_consent(authorization):
        return await _consent(authorization, user_id, scopes)
    return _back(authorization, {"code": await _new_code(authorization, user_id, scopes)})


def _why_not(row: RowMapping | None, now: int) -> str:
    if row is None:
        return "There is no such user in this instance; pick one of these."
    if row["banned"]:
        return "This user is banned, and cannot sign in."
    if row["lockout_expires_at"] is not None and row["lockout_expires_at"] > now:
        return "This user is locked, and cannot sign in until the lock ends."
    return ""


async def _asks_consent(authorization: Authorization) -> bool:
    client, request = authorization.client, authorization.request
    if client["consent_screen_enabled"] or "consent" in request.given.get("prompt", "").split():
        return True
    # As Clerk has it: where anybody can register a client, nobody gets anything unasked.
    settings = await read_settings(request.call, "oauth_applications")
    return bool(settings["dynamic_oauth_client_registration"])


async def _picker(authorization: Authorization, problem: str = "", *, status: int = 200) -> Response:
    request = authorization.request
    search = request.given.get("search", request.given.get("login_hint", ""))[:_LONGEST_SEARCH].strip()
    query: dict[str, Any] = {"limit": SHOWN + 1} | ({"query": search} if search else {})
    found = await list_users(replace(request.call, query=query, path={}))
    people = [json.loads(item.text) if isinstance(item, Ready) else item for item in found]
    return page(
        "pick.html",
        status,
        **_shown(authorization),
        search=search,
        problem=problem,
        people=[_person(item) for item in people[:SHOWN]],
        more=len(people) > SHOWN,
    )


async def _consent(authorization: Authorization, user_id: str, scopes: Sequence[str]) -> Response:
    person = _person(await user_in_full(authorization.request.call, user_id))
    return page("consent.html", 200, **_shown(authorization), person=person, scopes=scopes)


def _person(user: Mapping[str, Any]) -> dict[str, Any]:
    email = primary_email(user)
    names = " ".join(filter(None, (user["first_name"], user["last_name"])))
    address = email["email_address"] if email else ""
    return {
        "id": user["id"],
        "name": names or user["username"] or address or user["id"],
        "detail": address or user["username"] or user["id"],
        "barred": user["banned"] or user["locked"],
        "why": "banned" if user["banned"] else "locked",
    }


def _shown(authorization: Authorization) -> dict[str, Any]:
    """What both pages show, and the fields with which they ask again."""
    request, client = authorization.request, authorization.client
    logo = client["logo_id"]
    given = [(name, value) for name, value in request.given.items() if name not in _OWN_FIELDS]
    return {
        "application": client["name"],
        "registered_itself": client["dynamically_registered"],
        "logo": image_url(request.call.base_url, logo, client["id"]) if logo else None,
        "instance": request.call.instance.slug,
        "goes_to": authorization.redirect_uri,
        "action": f"{request.issuer}/oauth/authorize",
        "fields": [*given, *(("resource", item) for item in request.resources)],
    }


async def _new_code(authorization: Authorization, user_id: str, scopes: Sequence[str]) -> str:
    request = authorization.request
    call, given, code = request.call, request.given, random_letters(40)
    old = (
        oauth_codes.c.instance_id == call.instance.id,
        oauth_codes.c.expires_at < call.now - _KEPT_FOR,
    )
    await call.connection.execute(delete(oauth_codes).where(*old))
    await insert(
        call,
        oauth_codes,
        id=new_id("oac", call.now),
        oauth_application_id=authorization.client["id"],
        user_id=user_id,
        digest=digest(code),
        redirect_uri=given.get("redirect_uri"),
        code_challenge=given.get("code_challenge"),
        nonce=given.get("nonce"),
        scopes=list(scopes),
        used_at=None,
        expires_at=call.now + CODE_LIFETIME,
        created_at=call.now,
    )
    return code


def _back(authorization: Authorization, parameters: Mapping[str, str]) -> Response:
    """Back to the client, with the state as it came and the issuer's name (RFC 9207)."""
    request, uri = authorization.request, authorization.redirect_uri
    state = {"state": request.given["state"]} if "state" in request.given else {}
    answer = {**parameters, **state, "iss": request.issuer}
    # A form can be sent to a web address alone: a page's script must not be reached by it.
    if request.given.get("response_mode") == "form_post" and re.match(r"https?://", uri):
        return page("form_post.html", 200, action=uri, fields=list(answer.items()))
    uri, hash_mark, fragment = uri.partition("#")
    target = f"{uri}{'&' if '?' in uri else '?'}{urlencode(answer)}{hash_mark}{fragment}"
    # After a form 303: it is not to be sent on with the answer.
    status = _SEE_OTHER if request.method == "POST" else _FOUND
    return RedirectResponse(target, status, {**UNCACHED, "Referrer-Policy": "no-referrer"})
