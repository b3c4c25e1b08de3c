"""Codes and tokens: who gets them, how often, how long."""

import asyncio
import base64

import pytest

from deskclerk.sandbox.store.tables import metadata, users
from tests.sandbox.companies import user
from tests.sandbox.oauth.browser import CHALLENGE
from tests.sandbox.oauth.conftest import BACK, HOST, SCOPES, Journey, application
from tests.sandbox.rows import beside, set_user

pytestmark = pytest.mark.anyio

VERIFY = "/oauth_applications/access_tokens/verify"
BAD_GRANT = (400, "invalid_grant")
BAD_CLIENT = (401, "invalid_client")
DAY = 86_400_000


async def verified(clerk, token):
    return await clerk.post(VERIFY, {"access_token": token["access_token"]})


async def test_what_is_issued_here_is_verified_and_revoked_at_the_backend_api(clerk, clock, journey):
    token = await journey.tokens()
    assert token["access_token"].startswith("oat_")
    answer = await verified(clerk, token)
    assert (answer["client_id"], answer["subject"]) == (journey.made["client_id"], journey.user_id)
    assert (answer["scopes"], answer["revoked"], answer["expired"]) == (SCOPES.split(), False, False)
    assert answer["expiration"] == clock.now() + DAY
    clock.advance(DAY)
    assert (await verified(clerk, token))["expired"]
    place = f"/oauth_applications/{journey.made['id']}/revoke_token"
    answer = await clerk.http.post(place, json={"token": token["refresh_token"]})
    assert answer.status_code == 204
    assert (await verified(clerk, token))["revoked"]
    assert (
        await journey.refused(grant_type="refresh_token", refresh_token=token["refresh_token"]) == BAD_GRANT
    )


async def test_the_backend_api_revokes_here_what_still_held(clerk, journey):
    token = await journey.tokens()
    shown = {"authorization": f"Bearer {token['access_token']}"}
    assert (await journey.http.get("/oauth/userinfo", headers=shown)).status_code == 200
    place = f"/oauth_applications/{journey.made['id']}/revoke_token"
    await clerk.http.post(place, json={"token": token["access_token"]})
    answer = await journey.http.get("/oauth/userinfo", headers=shown)
    assert (answer.status_code, answer.json()["error"]) == (401, "invalid_token")
    assert answer.headers["www-authenticate"] == 'Bearer error="invalid_token"'


async def test_no_code_and_no_token_is_in_the_database(clerk, journey):
    code = await journey.code(nonce="n")
    _, token = await journey.token(code=code)
    async with clerk.sandbox.store.database.reading() as connection:
        rows = [row for table in metadata.sorted_tables for row in await connection.execute(table.select())]
    kept = repr(rows)
    assert journey.made["client_id"] in kept
    for secret in (code, token["access_token"], token["refresh_token"], token["id_token"]):
        assert secret not in kept


async def test_a_code_is_good_once_and_used_twice_it_takes_its_tokens_along(clerk, journey):
    code = await journey.code()
    _, token = await journey.token(code=code)
    assert not (await verified(clerk, token))["revoked"]
    assert await journey.refused(code=code) == BAD_GRANT
    answer = await verified(clerk, token)
    assert (answer["revoked"], "twice" in answer["revocation_reason"]) == (True, True)
    refresh = {"grant_type": "refresh_token", "refresh_token": token["refresh_token"]}
    assert await journey.refused(**refresh) == BAD_GRANT


async def test_of_two_who_use_a_code_or_a_refresh_token_at_once_one_gets_tokens(journey):
    code = await journey.code()
    answers = await asyncio.gather(*(journey.token(code=code) for _ in range(4)))
    assert sorted(status for status, _ in answers) == [200, 400, 400, 400]
    token = await journey.tokens()
    given = {"grant_type": "refresh_token", "refresh_token": token["refresh_token"]}
    answers = await asyncio.gather(*(journey.token(**given) for _ in range(4)))
    assert sorted(status for status, _ in answers) == [200, 400, 400, 400]


async def test_a_code_holds_ten_minutes_of_the_sandboxs_time(clock, journey):
    early, late = await journey.code(), await journey.code()
    clock.advance(599_999)
    assert (await journey.token(code=early))[0] == 200
    clock.advance(1)
    assert await journey.refused(code=late) == BAD_GRANT


@pytest.mark.parametrize(
    ("wrong", "refused"),
    [
        ({"code_verifier": "a" * 43}, BAD_GRANT),
        ({"code_verifier": CHALLENGE}, BAD_GRANT),
        ({"code_verifier": "short"}, BAD_GRANT),
        ({"code_verifier": None}, BAD_GRANT),
        ({"redirect_uri": "https://app.example/other"}, BAD_GRANT),
        ({"redirect_uri": None}, BAD_GRANT),
        ({"client_secret": "wrong"}, BAD_CLIENT),
        ({"client_secret": None}, BAD_CLIENT),
        ({"client_id": None}, BAD_CLIENT),
        ({"client_id": "nobody"}, BAD_CLIENT),
        ({"grant_type": None}, (400, "invalid_request")),
        ({"grant_type": "password"}, (400, "unsupported_grant_type")),
        ({"grant_type": "client_credentials"}, (400, "unsupported_grant_type")),
        ({"code": None}, (400, "invalid_request")),
        ({"code": "nothing"}, BAD_GRANT),
        ({"code": "n\0thing"}, (400, "invalid_request")),
        ({"code": "c" * 5000}, (400, "invalid_request")),
        ({"grant_type": "refresh_token"}, (400, "invalid_request")),
    ],
)
async def test_what_is_wrong_gets_no_token_and_spends_no_code(journey, wrong, refused):
    code = await journey.code()
    assert await journey.refused(**{"code": code} | wrong) == refused
    assert (await journey.token(code=code))[0] == 200


async def test_a_code_of_one_client_is_none_of_anothers(clerk, journey, public):
    other = Journey(journey.http, await application(clerk, name="Other"), journey.user_id)
    for mine, theirs in ((journey, other), (journey, public), (public, journey)):
        code = await mine.code()
        assert await theirs.refused(code=code) == BAD_GRANT
        token = await mine.tokens()
        given = {"grant_type": "refresh_token", "refresh_token": token["refresh_token"]}
        assert await theirs.refused(**given) == BAD_GRANT
        assert (await mine.token(code=code))[0] == (await mine.token(**given))[0] == 200


async def test_without_a_challenge_no_verifier_is_taken_and_none_is_needed(journey):
    code = await journey.code(code_challenge=None, code_challenge_method=None)
    assert await journey.refused(code=code) == BAD_GRANT
    assert (await journey.token(code=code, code_verifier=None))[0] == 200


async def test_a_public_client_shows_its_id_and_no_secret(public):
    code = await public.code()
    assert await public.refused(code=code, client_secret="guessed") == BAD_CLIENT
    assert (await public.token(code=code))[0] == 200


async def test_a_client_says_who_it_is_in_one_way(journey):
    made = journey.made
    form = {"grant_type": "authorization_code", "code": "nothing"}

    async def refused(auth, **more):
        answer = await journey.http.post("/oauth/token", data=form | more, auth=auth)
        return answer.status_code, answer.json()["error"], answer.headers.get("www-authenticate")

    right = (made["client_id"], made["client_secret"])
    assert await refused(right) == (*BAD_GRANT, None)
    assert await refused(right, client_id=made["client_id"]) == (*BAD_GRANT, None)
    assert await refused(right, client_secret=right[1]) == (400, "invalid_request", None)
    assert await refused(right, client_id="other") == (400, "invalid_request", None)
    wrong = await refused((made["client_id"], "wrong"))
    assert wrong == (*BAD_CLIENT, 'Basic realm="Clerk sandbox"')
    nul = f"Basic {base64.b64encode(b'%00:secret').decode()}"
    for header in ("Bearer sk_test_sandbox", "Basic", "Basic ?", "Basic bm9jb2xvbg==", "Basic gIA=", nul):
        answer = await journey.http.post("/oauth/token", data=form, headers={"authorization": header})
        assert (answer.status_code, answer.json()["error"]) == BAD_CLIENT, header


async def test_a_client_whose_secret_was_rotated_is_known_by_the_new_one_alone(clerk, journey):
    code, old = await journey.code(), journey.made["client_secret"]
    journey.made = await clerk.post(f"/oauth_applications/{journey.made['id']}/rotate_secret")
    assert await journey.refused(code=code, client_secret=old) == BAD_CLIENT
    assert (await journey.token(code=code))[0] == 200


async def test_a_refresh_may_ask_for_less_and_later_for_all_again(clerk, journey):
    token = await journey.tokens()
    given = {"grant_type": "refresh_token", "refresh_token": token["refresh_token"]}
    assert await journey.refused(**given, scope="profile private_metadata") == (400, "invalid_scope")
    _, less = await journey.token(**given, scope="email")
    assert (less["scope"], "id_token" in less) == ("email", False)
    assert (await verified(clerk, less))["scopes"] == ["email"]
    _, all_again = await journey.token(grant_type="refresh_token", refresh_token=less["refresh_token"])
    assert all_again["scope"] == SCOPES


async def test_a_refresh_token_is_given_where_the_user_granted_offline_access(journey):
    assert "refresh_token" not in await journey.tokens(scope="profile")
    assert "refresh_token" in await journey.tokens(scope="profile offline_access")
    assert "id_token" in await journey.tokens(scope="openid")


async def test_an_access_token_is_no_refresh_token(journey):
    token = await journey.tokens()
    given = {"grant_type": "refresh_token", "refresh_token": token["access_token"]}
    assert await journey.refused(**given) == BAD_GRANT
    shown = {"authorization": f"Bearer {token['refresh_token']}"}
    assert (await journey.http.get("/oauth/userinfo", headers=shown)).status_code == 401


async def test_who_is_banned_or_gone_gets_nothing_more(clerk, journey):
    code, token = await journey.code(), await journey.tokens()
    given = {"grant_type": "refresh_token", "refresh_token": token["refresh_token"]}
    await set_user(clerk, journey.user_id, banned=True)
    assert await journey.refused(code=code) == await journey.refused(**given) == BAD_GRANT
    await set_user(clerk, journey.user_id, banned=False)
    assert (await journey.token(**given))[0] == 200
    await clerk.delete(f"/users/{journey.user_id}")
    assert await journey.refused(code=code) == BAD_GRANT


async def test_a_jwt_of_a_user_who_is_gone_says_nothing_of_them(clerk, journey):
    await clerk.patch("/instance/oauth_application_settings", {"oauth_jwt_access_tokens": True})
    token = await journey.tokens()
    shown = {"authorization": f"Bearer {token['access_token']}"}
    assert (await journey.http.get("/oauth/userinfo", headers=shown)).json()["sub"] == journey.user_id
    await clerk.delete(f"/users/{journey.user_id}")
    assert (await journey.http.get("/oauth/userinfo", headers=shown)).status_code == 401


@pytest.mark.parametrize("jwt", [False, True])
async def test_a_token_of_another_instance_is_none_here(clerk, journey, jwt):
    async with beside(clerk) as other:
        await other.patch("/instance/oauth_application_settings", {"oauth_jwt_access_tokens": jwt})
        made = await application(other)
        assert made["authorize_url"].startswith(f"{HOST}/instances/")
        issuer = made["authorize_url"].removesuffix("/oauth/authorize")
        theirs = Journey(journey.http, made, await user(other), issuer)
        code, token = await theirs.code(), await theirs.tokens()
        # The first instance has a key too, so that it can tell one from another.
        await journey.tokens()
        shown = {"authorization": f"Bearer {token['access_token']}"}
        assert (await journey.http.get("/oauth/userinfo", headers=shown)).status_code == 401
        found = await journey.http.get(f"{issuer}/oauth/userinfo", headers=shown)
        assert found.json()["sub"] == theirs.user_id
        body = {"access_token": token["access_token"]}
        assert await clerk.refused("POST", VERIFY, json=body) == (404, "resource_not_found", None)
        assert (await other.post(VERIFY, body))["subject"] == theirs.user_id
        assert await journey.refused(code=code) == BAD_GRANT
        theirs.issuer = HOST
        assert await theirs.refused(code=code) == BAD_CLIENT
        mine = {"client_id": journey.made["client_id"], "client_secret": journey.made["client_secret"]}
        _, answer = await journey.ask("token_info", token=token["access_token"], **mine)
        assert answer == {"active": False}


async def test_a_public_client_learns_of_its_own_tokens_and_a_resource_server_of_all(journey, public):
    mine, theirs = await journey.tokens(), await public.tokens()

    async def active(asks, token):
        shown = {"client_id": asks.made["client_id"], "client_secret": asks.made.get("client_secret")}
        _, answer = await asks.ask("token_info", token=token, **shown)
        return answer["active"]

    assert await active(journey, theirs["access_token"])
    assert await active(public, theirs["access_token"])
    assert await active(public, theirs["refresh_token"])
    assert not await active(public, mine["access_token"])
    assert not await active(journey, theirs["refresh_token"])
    assert not await active(public, "nothing")


async def test_a_client_revokes_its_own_tokens_and_no_others(clerk, journey, public):
    mine = await journey.tokens()
    shown = {"client_id": public.made["client_id"]}
    assert await public.ask("token/revoke", token=mine["access_token"], **shown) == (200, None)
    assert not (await verified(clerk, mine))["revoked"]
    assert await public.ask("token/revoke", token="nothing", **shown) == (200, None)
    status, answer = await public.ask("token/revoke", **shown)
    assert (status, answer["error"]) == (400, "invalid_request")
    status, answer = await public.ask("token/revoke", token=mine["access_token"])
    assert (status, answer["error"]) == BAD_CLIENT
    own = {"client_id": journey.made["client_id"], "client_secret": journey.made["client_secret"]}
    assert (await journey.ask("token/revoke", token=mine["refresh_token"], **own))[0] == 200
    assert (await verified(clerk, mine))["revocation_reason"] == "Revoked by its client"


async def test_userinfo_says_what_the_scopes_allow(clerk, journey):
    body = {"scopes": f"{SCOPES} public_metadata private_metadata"}
    await clerk.patch(f"/oauth_applications/{journey.made['id']}", body)
    data = {"public_metadata": {"a": 1}, "private_metadata": {"b": 2}, "unsafe_metadata": {"c": 3}}
    await clerk.patch(f"/users/{journey.user_id}/metadata", data)
    always = {"object", "instance_id", "sub", "user_id"}
    for scope, keys in {
        "openid": set(),
        "email": {"email", "email_verified"},
        "profile": {"picture"},
        "public_metadata": {"public_metadata", "unsafe_metadata"},
        "private_metadata": {"private_metadata"},
    }.items():
        token = await journey.tokens(scope=scope)
        # In the form, too (RFC 6750, 2.2).
        _, answer = await journey.ask("userinfo", access_token=token["access_token"])
        assert answer.keys() == always | keys, scope
    answer = await journey.http.get("/oauth/userinfo")
    assert (answer.status_code, answer.headers["www-authenticate"]) == (401, "Bearer")


async def test_an_address_that_nobody_verified_is_said_to_be_unverified(clerk, journey):
    found = await clerk.get(f"/users/{journey.user_id}")
    await clerk.patch(f"/email_addresses/{found['primary_email_address_id']}", {"verified": False})
    token = await journey.tokens(scope="email")
    _, answer = await journey.ask("userinfo", access_token=token["access_token"])
    assert (answer["email"], answer["email_verified"]) == ("ada@example.com", False)


async def test_answers_about_tokens_are_nobodys_to_keep(journey):
    code = await journey.code()
    own = {"client_id": journey.made["client_id"], "client_secret": journey.made["client_secret"]}
    form = {"grant_type": "authorization_code", "redirect_uri": BACK, "code": code} | own
    for endpoint in ("token", "token_info", "token/revoke", "userinfo", "register"):
        answer = await journey.http.post(f"/oauth/{endpoint}", data=form)
        assert answer.headers["cache-control"] == "no-store", endpoint


async def test_codes_are_forgotten_a_day_after_their_end(clerk, clock, journey):
    await journey.code()
    clock.advance(2 * DAY)
    await journey.code()
    async with clerk.sandbox.store.database.reading() as connection:
        table = metadata.tables["oauth_codes"]
        assert len((await connection.execute(table.select())).all()) == 1
        assert (await connection.execute(users.select())).all()
