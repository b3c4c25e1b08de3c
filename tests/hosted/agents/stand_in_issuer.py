"""An OAuth issuer for tests: metadata, keys, introspection, registration and a code flow without a person.

It gives JWTs or opaque tokens, with an audience or without one, and counts what it is asked.
"""

import base64
import hashlib
import secrets
import time
from dataclasses import dataclass, field
from urllib.parse import urlencode

from joserfc import jwt
from joserfc.jwk import RSAKey
from starlette.applications import Starlette
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Route

OURS = ("clerk:read", "clerk:write", "clerk:destructive", "jobs")
CLIENT_ID, CLIENT_SECRET = "desk", "desk:secret/1"


@dataclass
class StandInIssuer:
    """`scopes` are those that it says it gives; `opaque` makes tokens that are no JWT."""

    url: str
    scopes: tuple[str, ...] = ("openid", "profile", *OURS)
    opaque: bool = False
    audience: bool = True
    introspects: bool = True
    subject: str = "user_ada"
    down: bool = False
    asked: list = field(default_factory=list)
    revoked: set = field(default_factory=set)
    opaque_tokens: dict = field(default_factory=dict)
    codes: dict = field(default_factory=dict)
    clients: list = field(default_factory=list)
    registered_as: str = ""

    def __post_init__(self):
        self.key = RSAKey.generate_key(2048, {"kid": "key-1", "use": "sig", "alg": "RS256"})
        self.keys = [self.key]
        self.app = Starlette(
            routes=[
                Route("/.well-known/oauth-authorization-server", self.metadata),
                Route("/jwks", self.jwks),
                Route("/introspect", self.introspect, methods=["POST"]),
                Route("/register", self.register, methods=["POST"]),
                Route("/authorize", self.authorize),
                Route("/token", self.token, methods=["POST"]),
            ]
        )

    def count(self, what):
        return self.asked.count(what)

    def token_for(self, *, key=None, header=None, **claims):
        """An access token; claims that are None are left out."""
        now = int(time.time())
        claims = {
            "iss": self.url,
            "sub": self.subject,
            "client_id": "cli_1",
            "iat": now,
            "exp": now + 600,
            "scope": "clerk:read clerk:write clerk:destructive jobs",
            **claims,
        }
        claims = {name: value for name, value in claims.items() if value is not None}
        if self.opaque:
            token = "oat_" + secrets.token_urlsafe(24)
            self.opaque_tokens[token] = claims
            return token
        header = {"alg": "RS256", "kid": "key-1", "typ": "at+jwt", **(header or {})}
        header = {name: value for name, value in header.items() if value is not None}
        return jwt.encode(header, claims, key or self.key, algorithms=[header["alg"]], default_type=None)

    async def metadata(self, request):
        self.asked.append("metadata")
        if self.down:
            return Response(status_code=502)
        return JSONResponse(
            {
                "issuer": self.url,
                "authorization_endpoint": f"{self.url}/authorize",
                "token_endpoint": f"{self.url}/token",
                "registration_endpoint": f"{self.url}/register",
                "jwks_uri": f"{self.url}/jwks",
                "scopes_supported": list(self.scopes),
                "response_types_supported": ["code"],
                "code_challenge_methods_supported": ["S256"],
                "token_endpoint_auth_methods_supported": ["none"],
                **({"introspection_endpoint": f"{self.url}/introspect"} if self.introspects else {}),
            }
        )

    async def jwks(self, request):
        self.asked.append("jwks")
        if self.down:
            return Response(status_code=502)
        return JSONResponse({"keys": [key.as_dict(private=False) for key in self.keys]})

    async def introspect(self, request):
        self.asked.append("introspect")
        if self.down:
            return Response(status_code=502)
        encoded = "desk:desk%3Asecret%2F1"  # each part encoded before they are joined
        if request.headers.get("authorization") != f"Basic {base64.b64encode(encoded.encode()).decode()}":
            return JSONResponse({"error": "invalid_client"}, 401)
        token = (await request.form())["token"]
        if token in self.revoked:
            return JSONResponse({"active": False})
        if self.opaque:
            claims = self.opaque_tokens.get(token)
            return JSONResponse({"active": True, **claims} if claims else {"active": False})
        return JSONResponse({"active": True})

    async def register(self, request):
        asked = await request.json()
        self.registered_as = f"dyn_{len(self.clients)}"
        self.clients.append(asked)
        return JSONResponse({**asked, "client_id": self.registered_as}, 201)

    async def authorize(self, request):
        """The person says yes at once."""
        given = dict(request.query_params)
        self.asked.append(("authorize", given.get("scope"), given.get("resource")))
        code = secrets.token_urlsafe(12)
        self.codes[code] = given
        query = urlencode({"code": code, "state": given["state"]})
        return RedirectResponse(f"{given['redirect_uri']}?{query}")

    async def token(self, request):
        form = await request.form()
        given = self.codes.pop(form["code"])
        challenge = hashlib.sha256(form["code_verifier"].encode()).digest()
        assert base64.urlsafe_b64encode(challenge).decode().rstrip("=") == given["code_challenge"]
        audience = given.get("resource") if self.audience else None
        token = self.token_for(client_id=given["client_id"], scope=given.get("scope"), aud=audience)
        return JSONResponse(
            {
                "access_token": token,
                "token_type": "Bearer",
                "expires_in": 600,
                "scope": given.get("scope", ""),
            }
        )
