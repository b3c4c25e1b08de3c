"""Clients that register themselves (RFC 7591), where the instance's settings let them."""

import re
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from starlette.responses import Response

from deskclerk.sandbox.applications.oauth_applications import DEFAULTS, SCOPES, add_application
from deskclerk.sandbox.instance.settings import read_settings
from deskclerk.sandbox.oauth.clients import METHODS
from deskclerk.sandbox.oauth.requests import OAuthError, OAuthRequest, uncached

DEFAULT_SCOPES = ("email", "offline_access", "profile")
"""What Clerk gives a client that names no scopes, where the instance's settings do not say otherwise."""
GRANT_TYPES = ("authorization_code", "refresh_token")
_CREATED, _FORBIDDEN = 201, 403
_BASIC, _PUBLIC = METHODS[0], METHODS[2]
# A browser may follow it and nobody on the way read it: TLS, this machine, or a program's own scheme.
_REDIRECT = re.compile(
    r"https://[^\s#/?]+[^\s#]*"
    r"|http://(127\.0\.0\.1|\[::1\]|localhost)(:[0-9]{1,5})?([/?][^\s#]*)?"
    r"|(?!(?:https?|javascript|data|file|blob|about|vbscript):)[a-z][a-z0-9+.-]*:[^\s#]+",
    re.IGNORECASE,
)
_Text = Annotated[str, Field(min_length=1, max_length=256)]
_Uri = Annotated[str, Field(min_length=1, max_length=1024, pattern=r"^\P{Cc}+$")]


class ClientMetadata(BaseModel):
    """What a client says of itself; what it says beside this is left aside, as the standard has it."""

    model_config = ConfigDict(strict=True, hide_input_in_errors=True)

    redirect_uris: Annotated[list[_Uri], Field(min_length=1, max_length=32)]
    client_name: Annotated[_Text, Field(pattern=r"^\P{Cc}+$")] = "Registered client"
    client_uri: _Uri | None = None
    token_endpoint_auth_method: _Text = _BASIC
    grant_types: Annotated[list[_Text], Field(min_length=1, max_length=16)] = ["authorization_code"]
    response_types: Annotated[list[_Text], Field(min_length=1, max_length=16)] = ["code"]
    scope: Annotated[str, Field(max_length=1024)] | None = None


async def register(request: OAuthRequest) -> Response:
    """A new application, made by whoever asks; users are always asked before it gets anything."""
    settings = await read_settings(request.call, "oauth_applications")
    if not settings["dynamic_oauth_client_registration"]:
        text = (
            "Clients cannot register themselves here; set dynamic_oauth_client_registration with "
            "PATCH /v1/instance/oauth_application_settings, or make an OAuth application."
        )
        raise OAuthError("access_denied", text, status=_FORBIDDEN)
    metadata = _read(request.content)
    scopes = _scopes(metadata, settings["default_scopes"])
    public = metadata.token_endpoint_auth_method == _PUBLIC
    values = {
        **DEFAULTS,
        "name": metadata.client_name,
        "name_folded": metadata.client_name.casefold(),
        "redirect_uris": metadata.redirect_uris,
        "scopes": " ".join(scopes),
        "public": public,
        "pkce_required": public,
        "client_uri": metadata.client_uri,
        "dynamically_registered": True,
    }
    row, secret = await add_application(request.call, values)
    answer: dict[str, Any] = {
        "client_id": row["client_id"],
        "client_id_issued_at": row["created_at"] // 1000,
        # It does not end.
        **({"client_secret": secret, "client_secret_expires_at": 0} if secret else {}),
        "client_name": row["name"],
        **({"client_uri": row["client_uri"]} if row["client_uri"] else {}),
        "redirect_uris": row["redirect_uris"],
        "token_endpoint_auth_method": metadata.token_endpoint_auth_method,
        "grant_types": [item for item in GRANT_TYPES if item in metadata.grant_types],
        "response_types": ["code"],
        "scope": row["scopes"],
    }
    return uncached(answer, _CREATED)


def _read(content: bytes) -> ClientMetadata:
    try:
        metadata = ClientMetadata.model_validate_json(content)
    except ValidationError as error:
        wrong = {str(item["loc"][0]) if item["loc"] else "the body" for item in error.errors()}
        # The names are the model's own fields: of what was sent nothing is quoted.
        text = f"Send JSON as RFC 7591 has it; wrong or missing: {', '.join(sorted(wrong))}."
        raise OAuthError("invalid_client_metadata", text) from None
    for uri in metadata.redirect_uris:
        if not _REDIRECT.fullmatch(uri):
            text = (
                "Redirect URIs are https, http on a loopback host, or of a scheme of your own; no fragment."
            )
            raise OAuthError("invalid_redirect_uri", text)
    if len(set(metadata.redirect_uris)) < len(metadata.redirect_uris):
        raise OAuthError("invalid_redirect_uri", "A redirect URI is given twice.")
    if metadata.token_endpoint_auth_method not in METHODS:
        text = f"token_endpoint_auth_method is one of {', '.join(METHODS)}."
        raise OAuthError("invalid_client_metadata", text)
    if GRANT_TYPES[0] not in metadata.grant_types or "code" not in metadata.response_types:
        text = "The client needs the grant type authorization_code and the response type code."
        raise OAuthError("invalid_client_metadata", text)
    return metadata


def _scopes(metadata: ClientMetadata, default: list[str] | None) -> list[str]:
    if metadata.scope is None:
        return [scope for scope in default or () if scope in SCOPES] or list(DEFAULT_SCOPES)
    wanted = list(dict.fromkeys(metadata.scope.split()))
    if not wanted or not set(wanted) <= set(SCOPES):
        text = f"scope has some of {' '.join(SCOPES)}, separated by spaces."
        raise OAuthError("invalid_client_metadata", text)
    return wanted
