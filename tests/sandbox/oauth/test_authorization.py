"""The authorization endpoint: what is asked, what a person is shown, where the answer goes."""

from urllib.parse import parse_qsl, urlencode, urlsplit

import pytest

from tests.sandbox.companies import user
from tests.sandbox.oauth.browser import CHALLENGE, Page, press, sent_back, sign_in
from tests.sandbox.oauth.conftest import BACK, HOST, SCOPES, Journey, application
from tests.sandbox.rows import set_user

pytestmark = pytest.mark.anyio

FORM = {"content-type": "application/x-www-form-urlencoded"}


async def error_of(journey, **more):
    """The error that goes back to the client."""
    address, said = sent_back(await journey.http.get(journey.address(**more)))
    assert (address, said["iss"]) == (BACK, HOST)
    assert "code" not in said
    return said["error"]


async def shown(journey, **more):
    answer = await journey.http.get(journey.address(**more))
    assert answer.status_code == 200, answer.text
    return Page(answer.text)


async def send(journey, headers=None, **more):
    """Send the form without its page, as a test may; `more` is what the person does, or what is asked."""
    pairs = dict(parse_qsl(urlsplit(journey.address(**more)).query))
    return await journey.http.post(
        f"{journey.issuer}/oauth/authorize", content=urlencode(pairs), headers=FORM | (headers or {})
    )


async def test_a_user_is_picked_agrees_and_goes_back_with_state_and_issuer(journey):
    said = await sign_in(journey.http, journey.address(), journey.user_id)
    assert said.keys() == {"code", "state", "iss"}
    assert (said["state"], said["iss"]) == ("a state of its own", HOST)


async def test_a_test_may_send_the_form_by_itself(journey):
    answer = await send(journey, user_id=journey.user_id, decision="allow")
    address, said = sent_back(answer)
    assert (answer.status_code, address) == (303, BACK)
    assert (await journey.token(code=said["code"]))[0] == 200


@pytest.mark.parametrize(
    "given",
    [
        {"client_id": None},
        {"client_id": "nobody"},
        {"redirect_uri": "https://evil.example/callback"},
        {"redirect_uri": f"{BACK}/"},
        {"redirect_uri": f"{BACK}?more=1"},
        {"redirect_uri": f"{BACK}#there"},
        {"redirect_uri": "HTTPS://app.example/callback"},
        {"redirect_uri": "javascript:alert(1)"},
        {"state": ["one state", "another one"]},
        {"state": "s\0"},
    ],
)
async def test_an_address_that_is_not_the_clients_is_never_gone_to(journey, given):
    answer = await journey.http.get(journey.address(**given))
    assert (answer.status_code, "location" in answer.headers) == (400, False)


@pytest.mark.parametrize(
    ("given", "error"),
    [
        ({"response_type": None}, "invalid_request"),
        ({"response_type": "token"}, "unsupported_response_type"),
        ({"response_type": "code id_token"}, "unsupported_response_type"),
        ({"response_mode": "fragment"}, "invalid_request"),
        ({"code_challenge_method": "plain"}, "invalid_request"),
        ({"code_challenge_method": None}, "invalid_request"),
        ({"code_challenge": None}, "invalid_request"),
        ({"code_challenge": "short"}, "invalid_request"),
        ({"code_challenge": CHALLENGE + "="}, "invalid_request"),
        ({"code_challenge": None, "code_challenge_method": None, "state": "short"}, "invalid_request"),
        ({"code_challenge": None, "code_challenge_method": None, "state": None}, "invalid_request"),
        ({"scope": "profile everything"}, "invalid_scope"),
        ({"scope": "private_metadata"}, "invalid_scope"),
        ({"scope": " "}, "invalid_scope"),
        ({"resource": "/mcp"}, "invalid_target"),
        ({"resource": "https://mcp.example/#part"}, "invalid_target"),
        ({"prompt": "none"}, "login_required"),
        ({"prompt": "none login"}, "invalid_request"),
        ({"prompt": "create"}, "invalid_request"),
        ({"request": "a.b.c"}, "request_not_supported"),
        ({"request_uri": "https://app.example/request"}, "request_uri_not_supported"),
    ],
)
async def test_what_is_wrong_goes_back_to_the_client(journey, given, error):
    assert await error_of(journey, **given) == error


async def test_a_public_client_needs_a_challenge_and_so_does_who_is_set_to(clerk, journey, public):
    without = {"code_challenge": None, "code_challenge_method": None}
    assert await error_of(public, **without) == "invalid_request"
    await shown(journey, **without)
    await clerk.patch(f"/oauth_applications/{journey.made['id']}", {"pkce_required": True})
    assert await error_of(journey, **without) == "invalid_request"


async def test_resources_may_be_several_and_state_may_be_left_out_beside_a_challenge(journey):
    resources = ["https://mcp.example/mcp", "https://other.example"]
    page = await shown(journey, resource=resources, state=None)
    form = page.form_with("user_id", journey.user_id)
    assert [value for name, value in form.fields if name == "resource"] == resources
    said = await sign_in(journey.http, journey.address(resource=resources, state=None), journey.user_id)
    assert said.keys() == {"code", "iss"}


async def test_the_only_registered_address_need_not_be_said(clerk, journey):
    code = await journey.code(redirect_uri=None)
    assert (await journey.token(code=code, redirect_uri=None))[0] == 200
    await clerk.patch(f"/oauth_applications/{journey.made['id']}", {"redirect_uris": [BACK, "myapp://back"]})
    assert (await journey.http.get(journey.address(redirect_uri=None))).status_code == 400


LOOPBACK = ["http://127.0.0.1/cb", "http://[::1]/cb?x=1", "http://localhost:9/cb"]


@pytest.mark.parametrize(
    ("uri", "taken"),
    [
        ("http://127.0.0.1:51004/cb", True),
        ("http://127.0.0.1/cb", True),
        ("http://[::1]:51004/cb?x=1", True),
        ("http://localhost:51004/cb", True),
        ("http://127.0.0.1:51004/other", False),
        ("http://127.0.0.1:51004/cb?x=1", False),
        ("http://127.0.0.1:51004", False),
        ("https://127.0.0.1:51004/cb", False),
        ("http://127.0.0.1.evil.example/cb", False),
        ("http://127.0.0.1:5@evil.example/cb", False),
        ("http://127.0.0.1:evil/cb", False),
        ("http://127.0.0.2:51004/cb", False),
    ],
)
async def test_a_program_on_the_users_machine_may_listen_on_any_port(clerk, journey, uri, taken):
    made = await application(clerk, public=True, redirect_uris=LOOPBACK)
    answer = await journey.http.get(Journey(journey.http, made, "").address(redirect_uri=uri))
    assert answer.status_code == (200 if taken else 400)
    # A server, which has a secret to keep, listens where it said it would.
    made = await application(clerk, redirect_uris=LOOPBACK)
    answer = await journey.http.get(Journey(journey.http, made, "").address(redirect_uri=uri))
    assert answer.status_code == (200 if uri in LOOPBACK else 400)


@pytest.mark.parametrize("uri", ["myapp://back", "com.example.app:/back?x=1", "https://app.example/a?b=c#d"])
async def test_the_answer_is_added_to_what_the_address_has(clerk, journey, uri):
    made = await application(clerk, redirect_uris=[uri], consent_screen_enabled=False)
    mine = Journey(journey.http, made, journey.user_id)
    answer = await send(mine, user_id=mine.user_id, redirect_uri=uri)
    location = answer.headers["location"]
    before, _, fragment = uri.partition("#")
    assert location.startswith(before + ("&code=" if "?" in before else "?code="))
    assert location.endswith(f"#{fragment}" if fragment else "localhost")


async def test_who_says_no_sends_the_client_away(journey):
    page = await shown(journey)
    _, said = sent_back(await press(journey.http, page, "decision", "deny"))
    assert said.keys() == {"error", "error_description", "state", "iss"}
    assert said["error"] == "access_denied"
    answer = await press(journey.http, page, "user_id", journey.user_id)
    _, said = sent_back(await press(journey.http, Page(answer.text), "decision", "deny"))
    assert said["error"] == "access_denied"


@pytest.mark.parametrize(
    "headers",
    [
        {"origin": "https://evil.example"},
        {"origin": "null"},
        {"origin": "http://sandbox.localhost:81"},
        {"sec-fetch-site": "cross-site", "origin": HOST},
        {"sec-fetch-site": "same-site"},
        {"sec-fetch-site": "none"},
    ],
)
@pytest.mark.parametrize("said", [{"decision": "allow"}, {}])
async def test_a_page_elsewhere_cannot_say_who_comes(journey, headers, said):
    answer = await send(journey, headers, user_id=journey.user_id, **said)
    assert (answer.status_code, "location" in answer.headers) == (403, False)
    # A link can say it no more than a form.
    answer = await journey.http.get(journey.address(user_id=journey.user_id, decision="allow"))
    assert (answer.status_code, "location" in answer.headers) == (200, False)


async def test_a_page_elsewhere_may_send_the_request_itself_as_a_form(journey):
    answer = await send(journey, {"origin": "https://app.example", "sec-fetch-site": "cross-site"})
    assert answer.status_code == 200
    assert Page(answer.text).form_with("user_id", journey.user_id)


@pytest.mark.parametrize("step", [{}, {"user_id": "ada"}, {"client_id": "nobody"}])
async def test_no_page_can_be_framed_or_kept_and_none_runs_what_others_wrote(journey, step):
    step = {name: journey.user_id if value == "ada" else value for name, value in step.items()}
    answer = await send(journey, **step)
    policy = answer.headers["content-security-policy"]
    assert "frame-ancestors 'none'" in policy
    assert "default-src 'none'" in policy
    assert answer.headers["x-frame-options"] == "DENY"
    assert answer.headers["cache-control"] == "no-store"
    assert "unsafe" not in policy
    assert answer.headers["content-type"] == "text/html; charset=utf-8"


async def test_what_others_wrote_is_text(clerk, journey):
    evil = '"><script>alert(1)</script>'
    made = await application(clerk, name=evil)
    await clerk.patch(f"/users/{journey.user_id}", {"first_name": evil, "last_name": ""})
    mine = Journey(journey.http, made, journey.user_id)
    answer = await mine.http.get(mine.address(state=evil, login_hint=evil))
    consent = await send(mine, user_id=mine.user_id, state=evil)
    for page in (answer.text, consent.text):
        assert "<script>" not in page
        assert evil in Page(page).text or evil in dict(Page(page).forms[0].fields).values()


async def test_the_consent_names_who_gets_what(clerk, journey):
    await clerk.patch(f"/users/{journey.user_id}", {"first_name": "Ada", "last_name": "Lovelace"})
    answer = await send(journey, user_id=journey.user_id)
    text = " ".join(Page(answer.text).text.split())
    for said in (
        "Let Portal in as Ada Lovelace?",
        "ada@example.com",
        BACK,
        "see your e-mail address (email)",
    ):
        assert said in text
    assert "registered itself" not in text


async def test_without_a_consent_screen_picking_is_enough_unless_it_is_asked_for(clerk, journey):
    made = await application(clerk, consent_screen_enabled=False)
    mine = Journey(journey.http, made, journey.user_id)
    assert (await send(mine, user_id=mine.user_id)).status_code == 303
    assert (await send(mine, user_id=mine.user_id, prompt="consent")).status_code == 200
    # Where anybody can register a client nobody gets anything unasked.
    await clerk.patch("/instance/oauth_application_settings", {"dynamic_oauth_client_registration": True})
    assert (await send(mine, user_id=mine.user_id)).status_code == 200


async def test_users_are_sought_by_what_is_known_of_them(clerk, journey):
    bob = await user(clerk, "bob", first_name="Robert")

    async def people(**more):
        page = await shown(journey, **more)
        return {value for form in page.forms for name, value in form.buttons if name == "user_id"}

    assert await people() == {journey.user_id, bob}
    for search in ("bob@example", "Robert", bob):
        assert await people(search=search) == {bob}
    assert await people(login_hint="ada@example.com") == {journey.user_id}
    assert await people(login_hint="ada@example.com", search="bob") == {bob}
    assert await people(search="nobody at all") == set()
    assert await people(search="%") == set()
    # The search asks again for all that the client asked for.
    page = await shown(journey, search="bob", nonce="n")
    assert ("nonce", "n") in page.forms[0].fields
    assert "search" not in dict(page.forms[0].fields)


async def test_of_many_users_a_page_is_shown_and_the_search_finds_the_others(clerk, journey):
    for number in range(21):
        await user(clerk, f"person{number}")
    page = await shown(journey)
    assert len([value for name, value in page.forms[1].buttons if name == "user_id"]) == 20
    assert "There are more" in page.text
    # The oldest is not among the newest twenty.
    assert ("user_id", journey.user_id) in (await shown(journey, search="ada")).forms[1].buttons


async def test_who_cannot_sign_in_cannot_be_picked(clerk, clock, journey):
    await set_user(clerk, journey.user_id, lockout_expires_at=clock.now() + 1000)
    page = await shown(journey)
    assert page.forms[1].disabled == [journey.user_id]
    for problem in ("locked", "banned"):
        answer = await send(journey, user_id=journey.user_id, decision="allow")
        assert (answer.status_code, problem in answer.text) == (400, True)
        clock.advance(1000)
        await clerk.post(f"/users/{journey.user_id}/ban")
    answer = await send(journey, user_id="user_none", decision="allow")
    assert (answer.status_code, "no such user" in answer.text) == (400, True)


async def test_scopes_that_are_not_named_are_profile_and_email_or_what_the_client_has(clerk, journey):
    assert (await journey.tokens(scope=None))["scope"] == "profile email"
    made = await application(clerk, scopes="public_metadata")
    mine = Journey(journey.http, made, journey.user_id)
    assert (await mine.tokens(scope=None))["scope"] == "public_metadata"
    assert (await journey.tokens(scope="email  openid email"))["scope"] == "email openid"
    assert journey.made["scopes"] == SCOPES
