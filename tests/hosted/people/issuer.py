"""An OpenID issuer on a port of this machine: as much of one as a sign-in needs, and ways to be a bad one."""

import base64
import hashlib
import secrets
import socket
import threading
import time
from contextlib import contextmanager
from urllib.parse import urlencode

import uvicorn
from joserfc import jwt
from joserfc.jwk import RSAKey
from starlette.applications import Starlette
from starlette.responses import JSONResponse, RedirectResponse
from starlette.routing import Route


class Clock:
    def __init__(self):
        self.at = 1000.0

    def __call__(self):
        return self.at


class StandIn:
    """What a test changes: `who` signs in, `claims` are put into the next ID token, `key` signs it.

    By its `clock` what it publishes gets old for a desk; while it is `away` it publishes nothing.
    """

    def __init__(self, url):
        self.url = url
        self.who = {
            "sub": "user_sol",
            "email": "sol@example.com",
            "email_verified": True,
            "name": "Sol Castellanos",
        }
        self.claims, self.answer, self.published = {}, {}, {}
        self.key = RSAKey.generate_key(2048, {"kid": "one"}, auto_kid=False)
        self.keys, self.more_keys = [self.key], []
        self.codes, self.asked = {}, []
        self.away, self.clock = False, Clock()

    async def metadata(self, request):
        if self.away:
            return JSONResponse({}, 503)
        return JSONResponse(
            {
                "issuer": self.url,
                "authorization_endpoint": f"{self.url}/oauth/authorize",
                "token_endpoint": f"{self.url}/oauth/token",
                "userinfo_endpoint": f"{self.url}/oauth/userinfo",
                "jwks_uri": f"{self.url}/jwks",
                "authorization_response_iss_parameter_supported": True,
            }
            | self.published
        )

    async def leave(self, request):
        query = request.query_params
        return RedirectResponse(f"{query['post_logout_redirect_uri']}?{urlencode({'state': query['state']})}")

    async def jwks(self, request):
        self.asked.append("jwks")
        known = [key.as_dict(private=False) for key in self.keys]
        return JSONResponse({"keys": [*self.more_keys, *known]})

    async def authorize(self, request):
        query = dict(request.query_params)
        assert query["code_challenge_method"] == "S256"
        assert query["response_type"] == "code"
        code = secrets.token_urlsafe(16)
        self.codes[code] = query | {"who": dict(self.who)}
        answer = {"code": code, "state": query["state"], "iss": self.url} | self.answer
        return RedirectResponse(f"{query['redirect_uri']}?{urlencode(answer)}", 303)

    async def token(self, request):
        form = await request.form()
        # Single use, as codes are.
        query = self.codes.pop(form["code"], None)
        challenge = hashlib.sha256(form.get("code_verifier", "").encode()).digest()
        basic = base64.b64encode(b"desk:desk-secret").decode()
        if request.headers.get("authorization") != f"Basic {basic}":
            return JSONResponse({"error": "invalid_client"}, 401)
        if (
            query is None
            or base64.urlsafe_b64encode(challenge).decode().rstrip("=") != query["code_challenge"]
            or form["redirect_uri"] != query["redirect_uri"]
        ):
            return JSONResponse({"error": "invalid_grant"}, 400)
        now = int(time.time())
        claims = {"iss": self.url, "aud": "desk", "iat": now, "exp": now + 60, "nonce": query["nonce"]}
        claims |= query["who"] | self.claims
        claims = {name: value for name, value in claims.items() if value is not None}
        id_token = jwt.encode({"alg": "RS256", "kid": self.key.kid}, claims, self.key)
        access = secrets.token_urlsafe(8)
        self.codes[f"access {access}"] = query["who"]
        return JSONResponse({"access_token": access, "token_type": "Bearer", "id_token": id_token})

    async def userinfo(self, request):
        access = request.headers["authorization"].removeprefix("Bearer ")
        self.asked.append("userinfo")
        return JSONResponse(self.codes[f"access {access}"] | self.published.get("userinfo", {}))


@contextmanager
def standing_in():
    """A stand-in that listens, and ends with the block."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        found = StandIn(f"http://127.0.0.1:{listener.getsockname()[1]}")
        app = Starlette(
            routes=[
                Route("/.well-known/openid-configuration", found.metadata),
                Route("/jwks", found.jwks),
                Route("/leave", found.leave),
                Route("/oauth/authorize", found.authorize),
                Route("/oauth/token", found.token, methods=["POST"]),
                Route("/oauth/userinfo", found.userinfo),
            ]
        )
        server = uvicorn.Server(uvicorn.Config(app, log_config=None, lifespan="off"))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        try:
            yield found
        finally:
            server.should_exit = True
            thread.join()
