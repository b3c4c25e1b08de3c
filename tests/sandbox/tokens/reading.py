"""Somebody signed in, and what is in that session's tokens."""

import jwt

ISSUER = "https://sandbox.clerk.accounts.dev"
STANDARD = {"azp", "exp", "iat", "iss", "jti", "nbf", "sub"}
TIMELESS = {"verify_exp": False, "verify_iat": False, "verify_nbf": False}
"""For the sandbox's clock, which is not that of who verifies."""


async def signed_in(clerk):
    """A user, an organization of theirs, and a session in it."""
    user = await clerk.post(
        "/users",
        {
            "email_address": ["ada@example.com"],
            "first_name": "Ada",
            "public_metadata": {"profile": {"interests": ["reading"]}, "seats": 3},
            "private_metadata": {"secret": "never"},
            "unsafe_metadata": {"theme": "dark"},
        },
    )
    team = await clerk.post(
        "/organizations", {"name": "Team", "created_by": user["id"], "public_metadata": {"tier": 1}}
    )
    session = await clerk.post("/sessions", {"user_id": user["id"], "active_organization_id": team["id"]})
    return user, team, session


async def minted(clerk, session, template="", version=None, **body):
    """The header and the claims of a new token, verified with the published keys."""
    path = f"/sessions/{session['id']}/tokens" + (f"/{template}" if template else "")
    headers = {"Clerk-API-Version": version} if version else {}
    status, answer = await clerk.ask("POST", path, json=body, headers=headers)
    assert status == 200, answer
    return await verified(clerk, answer["jwt"])


async def verified(clerk, token):
    (key,) = (await clerk.get("/jwks"))["keys"]
    claims = jwt.decode(token, jwt.PyJWK(key).key, ["RS256"], options=TIMELESS)
    return jwt.get_unverified_header(token), claims
