"""Ways through sessions, tokens, keys and clients, and what is refused on the way."""

from tests.contract.visit import PASSWORD, Visit


async def tokens(visit: Visit) -> None:
    """Sessions and everything that is signed in their name."""
    user = await visit.post("/users", email_address=["token@contract.example"], password=PASSWORD)
    stranger = await visit.post("/users", email_address=["stranger@contract.example"], password=PASSWORD)
    team = await visit.post("/organizations", name="Token team", created_by=user["id"])
    session = await visit.post("/sessions", user_id=user["id"], active_organization_id=team["id"])
    await visit.get("/jwks")
    await minted(visit, session)
    await refreshed(visit, session)
    await clients(visit, session)
    await tickets(visit, user, stranger, team)
    await visit.post("/testing_tokens")
    await refused_sessions(visit, user, stranger, team)


async def minted(visit: Visit, session: dict[str, str]) -> None:
    """Session tokens and tokens by template."""
    place = f"/sessions/{session['id']}/tokens"
    await visit.post(place)
    await visit.post(place, expires_in_seconds=None)
    await visit.post(place, expires_in_seconds=30)
    await visit.refused("422 form_param_value_invalid", f"POST {place}", expires_in_seconds=29)
    await visit.refused("404 resource_not_found", "POST /sessions/sess_none/tokens")
    await visit.post("/jwt_templates", name="minted", claims={"mail": "{{user.primary_email_address}}"})
    await visit.post(f"{place}/minted")
    await visit.post(f"{place}/minted", expires_in_seconds=315_360_000)
    await visit.refused("404 resource_not_found", f"POST {place}/unheard_of")
    await visit.refused("404 resource_not_found", "POST /sessions/sess_none/tokens/minted")
    await visit.refused("422", f"POST {place}/minted", expires_in_seconds=315_360_001)


async def refreshed(visit: Visit, session: dict[str, str]) -> None:
    """A new token for an old one."""
    place = f"/sessions/{session['id']}"
    token = (await visit.post(f"{place}/tokens"))["jwt"]
    asked = {
        "expired_token": token,
        "refresh_token": session["client_id"],
        "request_origin": "http://localhost:3000",
    }
    await visit.post(f"{place}/refresh", **asked)
    more = {"request_headers": {"accept": ["*/*"]}, "format": "cookie", "request_originating_ip": None}
    await visit.post(f"{place}/refresh", **asked, **more)
    for code, wrong in (
        ("401 expired_session_token_invalid", {"expired_token": token[:-4]}),
        ("401 refresh_request_origin_azp_mismatch", {"request_origin": "https://elsewhere.example"}),
        ("401 refresh_token_not_found", {"refresh_token": "client_none"}),
        ("422 form_param_value_invalid", {"format": "paper"}),
    ):
        await visit.refused(code, f"POST {place}/refresh", **(asked | wrong))
    await visit.refused("401 refresh_sid_mismatch", "POST /sessions/sess_none/refresh", **asked)
    await visit.refused("422 form_param_missing", f"POST {place}/refresh", expired_token=token)


async def clients(visit: Visit, session: dict[str, str]) -> None:
    """The client that a session is on."""
    token = (await visit.post(f"/sessions/{session['id']}/tokens"))["jwt"]
    await visit.get("/clients")
    await visit.get("/clients", paginated="true", limit="2", offset="1")
    await visit.get(f"/clients/{session['client_id']}")
    await visit.post("/clients/verify", token=token)
    await visit.refused("404 resource_not_found", "GET /clients/client_none")
    await visit.refused("400 cookie_invalid", "POST /clients/verify", token="no token")
    await visit.refused("422 form_param_missing", "POST /clients/verify")


async def tickets(visit: Visit, user: dict[str, str], stranger: dict[str, str], team: dict[str, str]) -> None:
    """Sign-in tokens and actor tokens."""
    mine = {"user_id": user["id"]}
    ticket = await visit.post("/sign_in_tokens", **mine, org_id=team["id"], expires_in_seconds=60)
    await visit.post("/sign_in_tokens", **mine, org_id=None, expires_in_seconds=None)
    await visit.post(f"/sign_in_tokens/{ticket['id']}/revoke")
    again = f"POST /sign_in_tokens/{ticket['id']}/revoke"
    await visit.refused("400 sign_in_token_cannot_be_revoked_code", again)
    await visit.refused("404 resource_not_found", "POST /sign_in_tokens/sit_none/revoke")
    await visit.refused("404 resource_not_found", "POST /sign_in_tokens", user_id="user_none")
    await visit.refused("404 resource_not_found", "POST /sign_in_tokens", **mine, org_id="org_none")
    outside = {"user_id": stranger["id"], "org_id": team["id"]}
    await visit.refused("403 not_a_member_in_organization", "POST /sign_in_tokens", **outside)
    await visit.refused("422 form_param_value_invalid", "POST /sign_in_tokens", **mine, expires_in_seconds=0)

    acting = mine | {"actor": {"sub": stranger["id"], "reason": "support"}}
    actor = await visit.post("/actor_tokens", **acting)
    await visit.post("/actor_tokens", **acting, expires_in_seconds=60, session_max_duration_in_seconds=600)
    await visit.post(f"/actor_tokens/{actor['id']}/revoke")
    again = f"POST /actor_tokens/{actor['id']}/revoke"
    await visit.refused("400 actor_token_cannot_be_revoked_code", again)
    await visit.refused("404 resource_not_found", "POST /actor_tokens/act_none/revoke")
    nobody = acting | {"user_id": "user_none"}
    await visit.refused("422 form_resource_not_found", "POST /actor_tokens", **nobody)
    await visit.refused("422 form_param_missing", "POST /actor_tokens", **mine, actor={})
    await visit.refused("422 form_param_type_invalid", "POST /actor_tokens", **mine, actor={"sub": 7})
    await visit.refused("422 form_param_unknown", "POST /actor_tokens", **acting, colour="blue")


async def refused_sessions(
    visit: Visit, user: dict[str, str], stranger: dict[str, str], team: dict[str, str]
) -> None:
    """Sessions that cannot be, and what those that are over do not give."""
    await visit.refused("404 resource_not_found", "POST /sessions", user_id="user_none")
    outside = {"user_id": stranger["id"], "active_organization_id": team["id"]}
    await visit.refused("404 organization_not_found_or_unauthorized", "POST /sessions", **outside)
    await visit.refused("422 form_param_missing", "POST /sessions")
    session = await visit.post("/sessions", user_id=user["id"])
    token = (await visit.post(f"/sessions/{session['id']}/tokens"))["jwt"]
    await visit.post(f"/users/{user['id']}/ban")
    await visit.refused("403 user_banned", "POST /sessions", user_id=user["id"])
    await visit.refused("404 resource_not_found", f"POST /sessions/{session['id']}/tokens")
    await visit.refused(
        "401 session_refresh_inactive_session",
        f"POST /sessions/{session['id']}/refresh",
        expired_token=token,
        refresh_token=session["client_id"],
        request_origin="http://localhost:3000",
    )


async def rotated_secrets(visit: Visit) -> None:
    """New secrets for OAuth applications."""
    for public in (False, True):
        made = await visit.post("/oauth_applications", name="Rotating", public=public, pkce_required=public)
        await visit.post(f"/oauth_applications/{made['id']}/rotate_secret")
    await visit.refused("404 resource_not_found", "POST /oauth_applications/oa_none/rotate_secret")


TOKEN_JOURNEYS = (tokens, rotated_secrets)
