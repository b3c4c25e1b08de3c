"""OAuth applications as clients: who one is, where it may send a user back to, what it may ask for."""

import base64
import binascii
import hmac
import re
from collections.abc import Sequence
from urllib.parse import unquote

from deskclerk.sandbox.applications.oauth_applications import digest
from deskclerk.sandbox.http.call import Call
from deskclerk.sandbox.http.rows import RowMapping, find
from deskclerk.sandbox.instance.settings import read_settings
from deskclerk.sandbox.oauth.requests import OAuthError, OAuthRequest
from deskclerk.sandbox.store.tables import oauth_applications

METHODS = ("client_secret_basic", "client_secret_post", "none")
"""How a client shows who it is; the last is for public ones."""
USUAL_SCOPES = ("profile", "email")
"""What Clerk takes a request to mean that names no scopes."""
_UNAUTHORIZED = 401
_CHALLENGE = {"WWW-Authenticate": 'Basic realm="Clerk sandbox"'}
_LOOPBACK = re.compile(r"(http://(?:127\.0\.0\.1|\[::1\]|localhost))(?::[0-9]{1,5})?(?=[/?]|$)")


async def find_client(call: Call, client_id: str) -> RowMapping | None:
    """The application of the call's instance with this client id."""
    return await find(call, oauth_applications, client_id=client_id)


async def authenticated_client(request: OAuthRequest) -> RowMapping:
    """The client that asks: a confidential one has shown its secret, a public one says its id."""
    header, given = request.authorization, request.given
    basic = _basic(header) if header else None
    if basic and ("client_secret" in given or given.get("client_id", basic[0]) != basic[0]):
        text = "Show who the client is in one way: in the header, or in the form."
        raise OAuthError("invalid_request", text)
    client_id, secret = basic or (given.get("client_id"), given.get("client_secret"))
    if client_id is None:
        raise _unknown("Say which client asks: client_secret_basic, client_secret_post or client_id.", header)
    client = await find_client(request.call, client_id)
    if client is None:
        raise _unknown("This instance has no such client; register it, or correct client_id.", header)
    if client["public"]:
        # An empty one is none: some libraries send the header for every client.
        if secret:
            raise _unknown("A public client has no secret; send its client_id alone.", header)
        return client
    kept = client["client_secret_digest"]
    if not secret or kept is None or not hmac.compare_digest(kept, digest(secret)):
        raise _unknown("The client's secret is missing or wrong; rotate it if it is lost.", header)
    return client


def _basic(header: str) -> tuple[str, str]:
    scheme, _, text = header.partition(" ")
    try:
        if scheme.lower() != "basic":
            raise ValueError
        client_id, colon, secret = base64.b64decode(text.strip(), validate=True).decode().partition(":")
    except (ValueError, binascii.Error):
        raise _unknown(
            "The Authorization header is not Basic with a client's id and secret.", header
        ) from None
    # Both parts are encoded as in a form before they are joined (RFC 6749, 2.3.1).
    client_id, secret = unquote(client_id), unquote(secret)
    # PostgreSQL keeps no text with U+0000, so no client has it in its id.
    if not colon or not client_id or "\0" in client_id:
        raise _unknown("The Authorization header names no client.", header)
    return client_id, secret


def _unknown(text: str, header: str | None) -> OAuthError:
    return OAuthError("invalid_client", text, status=_UNAUTHORIZED, headers=_CHALLENGE if header else None)


def redirect_uri_of(client: RowMapping, given: str | None) -> str:
    """Where the answer goes: a registered address, letter by letter."""
    registered: Sequence[str] = client["redirect_uris"]
    if given is None:
        if len(registered) == 1:
            return registered[0]
        raise OAuthError("invalid_request", "Give redirect_uri: the client has not registered exactly one.")
    if given in registered:
        return given
    # The port of a program on the user's machine is known when it listens, not before (RFC 8252, 7.3).
    if client["public"] and _LOOPBACK.match(given):
        portless = _LOOPBACK.sub(r"\1", given)
        if any(_LOOPBACK.sub(r"\1", item) == portless for item in registered):
            return given
    raise OAuthError("invalid_request", "redirect_uri is not one that the client has registered.")


async def requested_scopes(request: OAuthRequest, client: RowMapping) -> list[str]:
    """The scopes that a request asks for, which the client has to have."""
    own = client["scopes"].split()
    if "scope" not in request.given:
        usual = USUAL_SCOPES
        if client["dynamically_registered"]:
            usual = (await read_settings(request.call, "oauth_applications"))["default_scopes"] or own
        return [scope for scope in own if scope in usual] or own
    wanted = list(dict.fromkeys(request.given["scope"].split()))
    if not wanted or not set(wanted) <= set(own):
        text = "The client may not ask for all of these scopes; its application in Clerk says which."
        raise OAuthError("invalid_scope", text)
    return wanted
