"""Access tokens: what holds, and every way in which one does not."""

import asyncio
import base64
import hmac
import json
import time

import httpx2
import pytest
from joserfc.jwk import ECKey, OctKey, RSAKey

from deskclerk.hosted import issuer as issuer_module
from deskclerk.hosted.agents.oauth_tokens import InvalidToken, OAuthTokens
from deskclerk.hosted.issuer import Issuer, IssuerUnavailable
from tests.hosted.agents.stand_in_issuer import CLIENT_ID, CLIENT_SECRET, StandInIssuer

pytestmark = pytest.mark.anyio
URL = "https://issuer.example"
HERE = "https://desk.example/mcp"


class Clock:
    def __init__(self):
        self.at = 1000.0

    def __call__(self):
        return self.at


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def stand_in():
    return StandInIssuer(URL)


@pytest.fixture
async def issuer(stand_in, clock):
    transport = httpx2.ASGITransport(app=stand_in.app)
    found = Issuer(URL, CLIENT_ID, CLIENT_SECRET, transport=transport, clock=clock)
    yield found
    await found.close()


@pytest.fixture
def tokens(issuer, clock):
    return OAuthTokens(issuer, clock)


async def refused(tokens, token, why):
    with pytest.raises(InvalidToken) as caught:
        await tokens.verify(token, HERE)
    assert why in str(caught.value), caught.value
    assert caught.value.next_step
    assert token not in str(caught.value)


async def test_a_token_for_this_resource_says_whose_it_is_and_what_for(stand_in, tokens):
    grant = await tokens.verify(stand_in.token_for(aud=[HERE, "https://other.example"]), HERE)
    assert (grant.subject, grant.client, grant.audience) == ("user_ada", "cli_1", True)
    assert grant.scopes == {"clerk:read", "clerk:write", "clerk:destructive", "jobs"}


async def test_a_token_without_an_audience_is_told_from_one_with_it(stand_in, tokens):
    assert (await tokens.verify(stand_in.token_for(), HERE)).audience is False


@pytest.mark.parametrize("scopes", ["a b", ["a", "b"]])
async def test_scopes_come_as_words_or_as_a_list(stand_in, tokens, scopes):
    grant = await tokens.verify(stand_in.token_for(scope=None, scp=scopes, azp="cli_2", client_id=None), HERE)
    assert grant.scopes == {"a", "b"}
    assert grant.client == "cli_2"


@pytest.mark.parametrize(
    ("claims", "why"),
    [
        ({"aud": "https://other.example/mcp"}, "another resource"),
        ({"aud": HERE + "/acme"}, "another resource"),
        ({"aud": "https://desk.example"}, "another resource"),
        ({"aud": []}, "another resource"),
        ({"iss": "https://evil.example"}, "invalid_claim"),
        ({"iss": None}, "missing_claim"),
        ({"exp": 1_000_000_000}, "expired_token"),
        ({"exp": None}, "missing_claim"),
        ({"exp": "tomorrow"}, "invalid_claim"),
        ({"nbf": 9_000_000_000}, "invalid"),
        ({"sub": None}, "names no person"),
        ({"client_id": None}, "names no person, or no client"),
    ],
    ids=str,
)
async def test_a_token_with_other_claims_is_refused(stand_in, tokens, claims, why):
    await refused(tokens, stand_in.token_for(**claims), why)


def encoded(data):
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def unsigned(header, claims):
    return ".".join([*(encoded(json.dumps(part).encode()) for part in (header, claims)), ""])


async def test_an_unsigned_token_is_refused_and_nobody_is_asked(stand_in, tokens):
    claims = {"iss": URL, "sub": "user_ada", "client_id": "cli_1", "exp": int(time.time()) + 60}
    for alg in ("none", "None", "", None):
        await refused(tokens, unsigned({"alg": alg, "typ": "at+jwt", "kid": "key-1"}, claims), "not accepted")
    assert stand_in.asked == []


async def test_the_public_key_is_no_secret_to_sign_with(stand_in, tokens):
    claims = {"iss": URL, "sub": "user_ada", "client_id": "cli_1", "exp": int(time.time()) + 60}
    body = unsigned({"alg": "HS256", "typ": "at+jwt", "kid": "key-1"}, claims).removesuffix(".")
    for secret in (stand_in.key.as_pem(private=False), stand_in.key.as_der(private=False)):
        mac = hmac.digest(secret, body.encode(), "sha256")
        await refused(tokens, f"{body}.{encoded(mac)}", "algorithm is not accepted")


async def test_a_symmetric_key_among_the_published_ones_is_no_key(stand_in, tokens):
    secret = OctKey.generate_key(256, {"kid": "oct-1"})
    stand_in.keys.append(secret)
    await refused(
        tokens, stand_in.token_for(key=secret, header={"alg": "HS256", "kid": "oct-1"}), "algorithm"
    )
    forged = stand_in.token_for(header={"kid": "oct-1"})
    await refused(tokens, forged, "no such key")


async def test_another_key_of_the_same_name_does_not_sign(stand_in, tokens):
    other = RSAKey.generate_key(2048, {"kid": "key-1"})
    await refused(tokens, stand_in.token_for(key=other), "bad_signature")


async def test_a_key_of_another_kind_than_the_algorithm_does_not_sign(stand_in, tokens):
    key = ECKey.generate_key("P-256", {"kid": "ec-1"})
    stand_in.keys.append(key)
    good = stand_in.token_for(key=key, header={"alg": "ES256", "kid": "ec-1"})
    assert (await tokens.verify(good, HERE)).subject == "user_ada"
    await refused(tokens, stand_in.token_for(header={"kid": "ec-1"}), "do not hold")


@pytest.mark.parametrize("typ", ["JWT", None, "secevent+jwt"])
async def test_an_id_token_or_a_session_token_is_no_access_token(stand_in, tokens, typ):
    await refused(tokens, stand_in.token_for(header={"typ": typ}), "no access token")
    # An ID token's audience is the client; one whose audience is this server was meant for it.
    await refused(tokens, stand_in.token_for(header={"typ": typ}, aud="cli_1"), "another resource")
    await tokens.verify(stand_in.token_for(header={"typ": typ}, aud=HERE), HERE)


@pytest.mark.parametrize("token", ["a.b.c", "..", "é.b.c", "a.b.c.d", "x" * 9000, ""])
async def test_what_is_no_token_at_all_is_refused(stand_in, tokens, token):
    with pytest.raises(InvalidToken):
        await tokens.verify(token, HERE)


async def test_unknown_keys_make_nobody_ask_the_issuer_more_than_every_ten_seconds(stand_in, tokens, clock):
    for number in range(200):
        await refused(tokens, stand_in.token_for(header={"kid": f"unknown-{number}"}), "no such key")
    assert stand_in.count("jwks") == 1
    assert stand_in.count("introspect") == 0
    clock.at += issuer_module.PAUSE_SECONDS
    for number in range(200):
        await refused(tokens, stand_in.token_for(header={"kid": f"unknown-{number}"}), "no such key")
    assert stand_in.count("jwks") == 2


async def test_a_new_key_counts_as_soon_as_it_signs(stand_in, tokens, clock):
    await tokens.verify(stand_in.token_for(), HERE)
    new = RSAKey.generate_key(2048, {"kid": "key-2"})
    stand_in.keys = [new]
    clock.at += issuer_module.PAUSE_SECONDS
    await tokens.verify(stand_in.token_for(key=new, header={"kid": "key-2"}), HERE)
    await refused(tokens, stand_in.token_for(), "no such key")


async def test_a_withdrawn_key_ends_even_if_no_other_is_asked_for(stand_in, tokens, clock):
    await tokens.verify(stand_in.token_for(), HERE)
    stand_in.keys = [RSAKey.generate_key(2048, {"kid": "key-2"})]
    clock.at += issuer_module.KEEP_SECONDS
    await refused(tokens, stand_in.token_for(), "no such key")


@pytest.mark.parametrize("opaque", [False, True], ids=["jwt", "opaque"])
async def test_a_revoked_token_ends_within_seconds_and_the_issuer_is_asked_once_meanwhile(
    stand_in, tokens, clock, opaque
):
    stand_in.opaque = opaque
    token = stand_in.token_for()
    for _ in range(50):
        await tokens.verify(token, HERE)
    assert stand_in.count("introspect") == 1
    stand_in.revoked.add(token)
    clock.at += 5
    await refused(tokens, token, "revoked")
    assert stand_in.count("introspect") == 2


async def test_an_opaque_token_is_checked_as_a_jwt_is(stand_in, tokens):
    stand_in.opaque = True
    assert (await tokens.verify(stand_in.token_for(aud=HERE), HERE)).audience
    await refused(tokens, stand_in.token_for(aud="https://other.example"), "another resource")
    await refused(tokens, stand_in.token_for(iss="https://evil.example"), "another issuer")
    await refused(tokens, stand_in.token_for(exp=int(time.time()) - 60), "expired")
    await refused(tokens, stand_in.token_for(client_id=None), "names no person")
    await refused(tokens, "oat_made_up", "revoked")


@pytest.mark.parametrize(
    "kind",
    [{"token_type": "refresh_token"}, {"token_type": "DPoP"}, {"typ": "Refresh"}, {"typ": "ID"}],
    ids=str,
)
async def test_a_refresh_token_or_one_for_a_proof_is_none_to_bear(stand_in, tokens, kind):
    stand_in.opaque = True
    await tokens.verify(stand_in.token_for(token_type="Bearer", typ="Bearer"), HERE)
    await refused(tokens, stand_in.token_for(**kind), "no access token to bear")


@pytest.mark.parametrize("opaque", [False, True], ids=["jwt", "opaque"])
async def test_a_token_that_is_bound_to_a_key_is_not_taken_without_its_proof(stand_in, tokens, opaque):
    stand_in.opaque = opaque
    await refused(tokens, stand_in.token_for(cnf={"jkt": "x"}), "bound to a key")


async def test_answers_about_tokens_are_kept_within_a_bound(stand_in, tokens, monkeypatch):
    monkeypatch.setattr("deskclerk.hosted.agents.oauth_tokens.MOST_KEPT", 3)
    stand_in.opaque = True
    made = [stand_in.token_for() for _ in range(5)]
    for token in made:
        await tokens.verify(token, HERE)
    await tokens.verify(made[-1], HERE)
    assert stand_in.count("introspect") == 5
    await tokens.verify(made[0], HERE)
    assert stand_in.count("introspect") == 6


async def test_made_up_tokens_do_not_pile_up_before_the_issuer(stand_in, clock):
    asked, answers = [], asyncio.Event()

    async def slow(request):
        if request.url.path != "/introspect":
            found = {"issuer": URL, "jwks_uri": f"{URL}/jwks", "introspection_endpoint": f"{URL}/introspect"}
            return httpx2.Response(200, json=found)
        asked.append(request)
        await answers.wait()
        return httpx2.Response(200, json={"active": False})

    issuer = Issuer(URL, CLIENT_ID, CLIENT_SECRET, transport=httpx2.MockTransport(slow), clock=clock)
    tokens = OAuthTokens(issuer, clock)
    calls = [asyncio.create_task(tokens.verify(f"made-up-{number}", HERE)) for number in range(600)]
    ended = asyncio.as_completed(calls)
    async with asyncio.timeout(30):
        for _ in range(600 - issuer_module._MOST_WAITING):
            with pytest.raises(IssuerUnavailable, match="at once"):
                await next(ended)
    assert len(asked) <= issuer_module._MOST_AT_ONCE
    answers.set()
    left = await asyncio.gather(*calls, return_exceptions=True)
    assert sum(isinstance(error, InvalidToken) for error in left) == issuer_module._MOST_WAITING
    assert len(asked) == issuer_module._MOST_WAITING
    await issuer.close()


async def test_an_issuer_that_is_away_lets_nobody_in_and_is_not_asked_again_at_once(stand_in, tokens, clock):
    stand_in.down = True
    for _ in range(20):
        with pytest.raises(IssuerUnavailable, match="status 502"):
            await tokens.verify(stand_in.token_for(), HERE)
    assert stand_in.count("metadata") == 1
    stand_in.down = False
    clock.at += issuer_module.PAUSE_SECONDS
    await tokens.verify(stand_in.token_for(), HERE)


async def test_keys_outlive_a_short_absence_of_the_issuer_and_not_a_long_one(stand_in, clock):
    stand_in.introspects = False
    transport = httpx2.ASGITransport(app=stand_in.app)
    issuer = Issuer(URL, CLIENT_ID, CLIENT_SECRET, transport=transport, clock=clock)
    tokens = OAuthTokens(issuer, clock)
    await tokens.verify(stand_in.token_for(), HERE)
    stand_in.down = True
    clock.at += issuer_module.KEEP_SECONDS + 1
    await tokens.verify(stand_in.token_for(), HERE)
    clock.at += issuer_module.GRACE_SECONDS
    with pytest.raises(IssuerUnavailable):
        await tokens.verify(stand_in.token_for(), HERE)
    await issuer.close()


def answering(*answers):
    """An issuer whose n-th answer is as told; it has no further page."""
    left = list(answers)

    def answer(request):
        return left.pop(0) if left else httpx2.Response(404)

    return Issuer(URL, CLIENT_ID, transport=httpx2.MockTransport(answer))


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        ({"issuer": "https://evil.example", "jwks_uri": "https://evil.example/jwks"}, "another issuer"),
        ({"issuer": URL, "jwks_uri": "http://issuer.example/jwks"}, "no https address"),
        ({"issuer": URL, "jwks_uri": ["x"]}, "no https address"),
        ({"issuer": URL}, "no keys"),
        ([], "no JSON object"),
    ],
    ids=str,
)
async def test_metadata_of_somebody_else_or_without_safe_addresses_is_not_used(answer, why):
    with pytest.raises(IssuerUnavailable, match=why):
        await answering(httpx2.Response(200, json=answer)).key("key-1")


async def test_an_answer_without_end_is_not_read_to_its_end():
    with pytest.raises(IssuerUnavailable, match="too large"):
        await answering(httpx2.Response(200, content=b" " * 2**19)).metadata()


async def test_a_redirect_is_not_followed():
    moved = httpx2.Response(302, headers={"location": "http://169.254.169.254/"})
    with pytest.raises(IssuerUnavailable, match="status 302"):
        await answering(moved).metadata()


async def test_an_issuer_without_oauth_metadata_is_found_by_openid_connects():
    found = {"issuer": URL, "jwks_uri": f"{URL}/jwks", "scopes_supported": ["openid"]}
    issuer = answering(httpx2.Response(404), httpx2.Response(200, json=found))
    assert (await issuer.metadata()).scopes == ("openid",)


async def test_what_only_one_of_an_issuers_two_documents_says_counts():
    first = {"issuer": URL, "introspection_endpoint": f"{URL}/introspect", "token_endpoint": f"{URL}/old"}
    second = {"issuer": URL, "end_session_endpoint": f"{URL}/leave", "token_endpoint": f"{URL}/token"}
    found = await answering(httpx2.Response(200, json=first), httpx2.Response(200, json=second)).metadata()
    assert (found.introspection, found.end_session) == (f"{URL}/introspect", f"{URL}/leave")
    assert found.token == f"{URL}/token"


async def test_a_second_document_of_somebody_else_is_not_used_either():
    mine, theirs = {"issuer": URL}, {"issuer": "https://evil.example", "jwks_uri": "https://evil.example/k"}
    with pytest.raises(IssuerUnavailable, match="another issuer"):
        await answering(httpx2.Response(200, json=mine), httpx2.Response(200, json=theirs)).metadata()


async def test_half_of_what_an_issuer_says_is_not_taken_for_the_whole():
    # Without the other half nobody would ask whether a token was revoked.
    with pytest.raises(IssuerUnavailable, match="status 503"):
        await answering(httpx2.Response(200, json={"issuer": URL}), httpx2.Response(503)).metadata()
