"""What the issuer says of itself: metadata (RFC 8414, OpenID Connect Discovery) and its public keys."""

from starlette.responses import JSONResponse, Response

from deskclerk.sandbox.applications.oauth_applications import SCOPES
from deskclerk.sandbox.instance.settings import read_settings
from deskclerk.sandbox.oauth.clients import METHODS
from deskclerk.sandbox.oauth.requests import OAuthRequest
from deskclerk.sandbox.tokens.signing import ALGORITHM, get_jwks

CLAIMS = (
    *("iss", "sub", "aud", "exp", "iat", "auth_time", "nonce", "at_hash"),
    *("email", "email_verified", "name", "given_name", "family_name", "preferred_username", "picture"),
)


async def metadata(request: OAuthRequest) -> Response:
    """The same document for both standards: each ignores what only the other knows."""
    issuer = request.issuer
    settings = await read_settings(request.call, "oauth_applications")
    # As Clerk does: a client that finds no such endpoint does not try to register.
    registers = settings["dynamic_oauth_client_registration"]
    return JSONResponse(
        {
            "issuer": issuer,
            "authorization_endpoint": f"{issuer}/oauth/authorize",
            "token_endpoint": f"{issuer}/oauth/token",
            "revocation_endpoint": f"{issuer}/oauth/token/revoke",
            "introspection_endpoint": f"{issuer}/oauth/token_info",
            "userinfo_endpoint": f"{issuer}/oauth/userinfo",
            "end_session_endpoint": f"{issuer}/oauth/logout",
            "jwks_uri": f"{issuer}/.well-known/jwks.json",
            **({"registration_endpoint": f"{issuer}/oauth/register"} if registers else {}),
            "scopes_supported": SCOPES,
            "response_types_supported": ["code"],
            "response_modes_supported": ["query", "form_post"],
            "grant_types_supported": ["authorization_code", "refresh_token"],
            "token_endpoint_auth_methods_supported": METHODS,
            "revocation_endpoint_auth_methods_supported": METHODS,
            "introspection_endpoint_auth_methods_supported": METHODS,
            "code_challenge_methods_supported": ["S256"],
            "prompt_values_supported": ["none", "login", "consent", "select_account"],
            "authorization_response_iss_parameter_supported": True,
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": [ALGORITHM],
            "claims_supported": CLAIMS,
            "claims_parameter_supported": False,
            "request_parameter_supported": False,
            "request_uri_parameter_supported": False,
            "ui_locales_supported": ["en"],
        }
    )


async def jwks(request: OAuthRequest) -> Response:
    """The public keys, as the Backend API answers them too."""
    return JSONResponse(await get_jwks(request.call))
