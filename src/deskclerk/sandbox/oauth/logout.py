"""Signing out on a client's behalf (OpenID Connect RP-Initiated Logout 1.0).

Nobody is ever signed in here, so there is nothing to end: what is left is to send nobody anywhere but to an
address of the client's own.
"""

from urllib.parse import urlencode

from starlette.responses import RedirectResponse, Response

from deskclerk.sandbox.http.rows import RowMapping
from deskclerk.sandbox.oauth.clients import find_client
from deskclerk.sandbox.oauth.pages import page
from deskclerk.sandbox.oauth.requests import UNCACHED, OAuthError, OAuthRequest
from deskclerk.sandbox.tokens.signing import kept_private_key, read

_BAD, _SEE_OTHER, _FOUND = 400, 303, 302


async def end_session(request: OAuthRequest) -> Response:
    """Back to the client with its state; without an address to go back to a page that says so."""
    given = request.given
    try:
        client = await _client(request)
        uri = given.get("post_logout_redirect_uri")
        if uri is None:
            return page("logged_out.html", 200, application=client["name"] if client else None)
        if client is None:
            text = "Give client_id or id_token_hint: whose post_logout_redirect_uri it is has to be known."
            raise OAuthError("invalid_request", text)
        # Applications have one list of addresses, as at Clerk; letter by letter, whatever the port.
        if uri not in client["redirect_uris"]:
            text = "post_logout_redirect_uri is not among the redirect URIs that the client has registered."
            raise OAuthError("invalid_request", text)
    except OAuthError as error:
        return page("refused.html", _BAD, description=error.description)
    base, hash_mark, fragment = uri.partition("#")
    state = f"{'&' if '?' in base else '?'}{urlencode({'state': given['state']})}" if "state" in given else ""
    status = _SEE_OTHER if request.method == "POST" else _FOUND
    return RedirectResponse(
        f"{base}{state}{hash_mark}{fragment}", status, {**UNCACHED, "Referrer-Policy": "no-referrer"}
    )


async def _client(request: OAuthRequest) -> RowMapping | None:
    """The client that asks, by its id or by an ID token that it was given; None where neither is said."""
    call, given = request.call, request.given
    client_id, hint = given.get("client_id"), given.get("id_token_hint")
    if hint is not None:
        key = await kept_private_key(call)
        claims = read(hint, key) if key else None
        # An expired one counts too (RP-Initiated Logout, 4): who leaves late was in all the same.
        if claims is None or claims.get("iss") != request.issuer:
            raise OAuthError("invalid_request", "id_token_hint is no ID token of this issuer.")
        if client_id not in (None, claims.get("aud")):
            raise OAuthError("invalid_request", "id_token_hint was issued to another client than client_id.")
        client_id = claims.get("aud")
    if client_id is None:
        return None
    client = await find_client(call, client_id) if isinstance(client_id, str) else None
    if client is None:
        raise OAuthError("invalid_client", "This instance has no OAuth application with this client_id.")
    return client
