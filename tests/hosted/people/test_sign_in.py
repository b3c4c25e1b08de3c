"""Signing in at the issuer: who gets in, and what does not let anybody in."""

import time
from urllib.parse import parse_qs, urlsplit

import pytest
from joserfc import jwt
from joserfc.jwk import OctKey, RSAKey
from sqlalchemy import select, text

from deskclerk.errors import InvalidSettings
from deskclerk.faces.hosted.app import pages_app
from deskclerk.faces.hosted.site import people_site
from deskclerk.hosted.attempts import JournalledAttempts
from deskclerk.hosted.issuer import GRACE_SECONDS, KEEP_SECONDS, Issuer
from deskclerk.hosted.people.sign_in import own_path
from deskclerk.hosted.people.tables import people, sign_ins
from tests.hosted.conftest import destinations_of
from tests.hosted.people.conftest import ORIGIN, Browser, Desks, told

pytestmark = pytest.mark.anyio


async def is_in(browser):
    return "My workspaces" in (await browser.get("/")).text


@pytest.mark.promise("one-origin-one-issuer")
async def test_who_signs_in_at_the_issuer_is_in_and_comes_to_the_page_they_wanted(browsers):
    browser = browsers()
    asked = await browser.get("/security?x=1")
    assert asked.status_code == 303
    back = await browser.sign_in(asked.headers["location"])
    assert (back.status_code, back.headers["location"]) == (303, "/security?x=1")
    assert "Sol Castellanos" in (await browser.get("/security")).text


async def test_the_issuer_is_asked_with_pkce_state_and_nonce_that_differ_each_time(browsers):
    seen = []
    browser = browsers()
    for _ in range(2):
        begun = await browser.get("/sign-in")
        seen.append(
            {name: value[0] for name, value in parse_qs(urlsplit(begun.headers["location"]).query).items()}
        )
    assert seen[0]["code_challenge_method"] == "S256"
    assert seen[0]["scope"] == "openid email profile"
    for name in ("state", "nonce", "code_challenge"):
        assert seen[0][name] != seen[1][name]
        assert len(seen[0][name]) >= 43


async def test_two_tabs_of_one_browser_can_both_sign_in(browsers):
    browser = browsers()
    first, second = await browser.to_issuer(), await browser.to_issuer()
    assert (await browser.get(first)).status_code == 303
    assert (await browser.get(second)).status_code == 303
    assert await is_in(browser)


async def test_the_same_person_stays_the_same_when_name_and_address_change(browsers, issuer, hosted):
    await browsers().sign_in()
    issuer.who |= {"email": "Sol.New@Example.com", "name": "Sol New"}
    await browsers().sign_in()
    async with hosted.whole.reading() as connection:
        (row,) = (await connection.execute(select(people))).mappings().all()
    assert (row["email"], row["name"], row["email_verified"]) == ("sol.new@example.com", "Sol New", True)


async def test_an_address_that_the_id_token_leaves_out_comes_from_userinfo(browsers, issuer, hosted):
    issuer.claims = {"email": None, "email_verified": None}
    assert (await browsers().sign_in()).status_code == 303
    async with hosted.whole.reading() as connection:
        assert (await connection.execute(select(people.c.email))).scalar_one() == "sol@example.com"


async def test_userinfo_of_another_subject_is_not_believed(browsers, issuer, hosted):
    issuer.claims = {"email": None, "email_verified": None}
    issuer.published = {"userinfo": {"sub": "user_other", "email": "boss@example.com"}}
    assert (await browsers().sign_in()).status_code == 303
    async with hosted.whole.reading() as connection:
        assert (await connection.execute(select(people.c.email))).scalar_one() is None


async def test_a_stolen_state_lets_nobody_in_from_another_browser(browsers):
    victim, thief = browsers(), browsers()
    back = await victim.to_issuer()
    await thief.get("/sign-in")
    answer = await thief.get(back)
    assert answer.status_code == 400
    assert "not begun in this browser" in told(answer)
    assert not await is_in(thief)


async def test_an_answer_with_a_code_of_somebody_elses_sign_in_is_refused(browsers, issuer):
    # Login CSRF: the attacker's code is put into the victim's own sign-in.
    attacker, victim = browsers(), browsers()
    issuer.who = {"sub": "user_mallory"}
    theirs = parse_qs(urlsplit(await attacker.to_issuer()).query)
    mine = parse_qs(urlsplit(await victim.to_issuer()).query)
    swapped = {"state": mine["state"][0], "code": theirs["code"][0], "iss": issuer.url}
    answer = await victim.get("/sign-in/callback", params=swapped)
    assert answer.status_code == 400
    assert not await is_in(victim)


async def test_an_answer_counts_once(browsers):
    browser = browsers()
    back = await browser.to_issuer()
    assert (await browser.get(back)).status_code == 303
    await browser.post("/sign-out", page="/")
    assert (await browser.get(back)).status_code == 400
    assert not await is_in(browser)


async def test_a_late_answer_counts_no_more(browsers, hosted):
    browser = browsers()
    back = await browser.to_issuer()
    async with hosted.whole.writing() as connection:
        await connection.execute(sign_ins.update().values(expires_at=1))
    assert (await browser.get(back)).status_code == 400


async def test_an_answer_of_another_issuer_is_refused(browsers, issuer):
    browser = browsers()
    issuer.answer = {"iss": "https://evil.example"}
    answer = await browser.sign_in()
    assert "another issuer" in told(answer)
    assert not await is_in(browser)


async def test_an_answer_without_an_issuer_is_refused_where_the_issuer_says_it_names_itself(browsers, issuer):
    browser = browsers()
    back = await browser.to_issuer()
    assert (await browser.get(back.partition("&iss=")[0])).status_code == 400


async def test_a_no_at_the_issuer_is_told_and_used_up(browsers, issuer):
    browser = browsers()
    issuer.answer = {"error": "access_denied"}
    said = told(await browser.sign_in())
    assert "did not let you in" in said
    assert "Begin again" in said


@pytest.mark.promise("one-origin-one-issuer")
@pytest.mark.parametrize("secret", [None, "another-secret"])
async def test_a_client_that_the_issuer_does_not_take_is_logged_and_the_operators_to_mend(
    browsers, site, caplog, secret
):
    browser = browsers()
    site.sign_in.issuer.client_secret = secret
    for _ in range(2):
        said = told(await browser.sign_in())
        assert "Beginning again does not help. Tell whoever runs this desk" in said
        assert "/sign-in" not in said
    (record,) = [record for record in caplog.records if record.name == "deskclerk.sign_in"]
    assert "invalid_client" in record.getMessage()
    assert "DESKCLERK_CLIENT_SECRET" in record.getMessage()
    assert not [word for word in ("another-secret", "user_sol", "sol@") if word in caplog.text]


async def test_a_code_that_is_no_issuers_is_logged_nowhere(browsers, issuer, caplog):
    for code in ("made up by a browser", "access_denied"):
        issuer.answer = {"error": code}
        assert "Begin again" in told(await browsers().sign_in())
    issuer.answer = {"error": "invalid_scope"}
    assert "Tell whoever runs this desk" in told(await browsers().sign_in())
    (record,) = [record for record in caplog.records if record.name == "deskclerk.sign_in"]
    assert "invalid_scope" in record.getMessage()


BAD_CLAIMS = {
    "nonce of another sign-in": {"nonce": "swapped"},
    "no nonce": {"nonce": None},
    "another issuer": {"iss": "https://evil.example"},
    "another audience": {"aud": "another-client"},
    "several audiences without azp": {"aud": ["desk", "another-client"]},
    "for another client": {"azp": "another-client"},
    "expired": {"exp": int(time.time()) - 600},
    "no end": {"exp": None},
    "from the future": {"iat": int(time.time()) + 3600},
    "not yet": {"nbf": int(time.time()) + 3600},
    "no subject": {"sub": None},
    "an empty subject": {"sub": ""},
    "a subject that is no text": {"sub": 7},
}


@pytest.mark.parametrize("claims", BAD_CLAIMS.values(), ids=BAD_CLAIMS)
async def test_an_id_token_that_is_not_for_this_sign_in_lets_nobody_in(browsers, issuer, claims):
    browser = browsers()
    issuer.claims = claims
    answer = await browser.sign_in()
    assert answer.status_code == 400
    assert "could not be checked" in told(answer)
    assert not await is_in(browser)


async def test_a_clock_that_is_a_little_off_is_let_pass(browsers, issuer):
    issuer.claims = {"iat": int(time.time()) + 20, "exp": int(time.time()) - 20}
    assert (await browsers().sign_in()).status_code == 303


async def test_a_token_signed_with_another_key_of_the_same_name_is_refused(browsers, issuer):
    issuer.key = RSAKey.generate_key(2048, {"kid": "one"}, auto_kid=False)
    browser = browsers()
    assert (await browser.sign_in()).status_code == 400
    assert not await is_in(browser)


@pytest.mark.parametrize("algorithm", ["none", "HS256"])
async def test_unsigned_tokens_and_such_signed_with_the_public_key_as_a_secret_are_refused(
    browsers, issuer, monkeypatch, algorithm
):
    public = issuer.key.as_pem(private=False)

    def forge(header, claims, key):
        if algorithm == "none":
            real = encode(header, claims, key).split(".")
            return f"eyJhbGciOiJub25lIn0.{real[1]}."
        return encode({"alg": "HS256", "kid": "one"}, claims, OctKey.import_key(public))

    encode = jwt.encode
    monkeypatch.setattr("tests.hosted.people.issuer.jwt.encode", forge)
    browser = browsers()
    assert (await browser.sign_in()).status_code == 400
    assert not await is_in(browser)


async def test_a_new_key_of_the_issuer_is_found_and_unknown_ones_do_not_have_it_asked_each_time(
    browsers, issuer
):
    assert (await browsers().sign_in()).status_code == 303
    issuer.key = RSAKey.generate_key(2048, {"kid": "two"}, auto_kid=False)
    issuer.keys = [issuer.key]
    issuer.clock.at += 60
    assert (await browsers().sign_in()).status_code == 303
    issuer.asked.clear()
    issuer.key = RSAKey.generate_key(2048, {"kid": "made up"}, auto_kid=False)
    for _ in range(3):
        assert (await browsers().sign_in()).status_code == 400
    assert issuer.asked.count("jwks") == 0


async def test_keys_of_kinds_that_are_not_known_stand_in_nobodys_way(browsers, issuer):
    issuer.more_keys = [
        {"kty": "AKP", "alg": "ML-DSA-65", "pub": "AA", "kid": "new"},
        {"kty": "oct", "k": "AA"},
    ]
    assert (await browsers().sign_in()).status_code == 303


async def test_an_issuer_that_calls_itself_something_else_is_refused(browsers, issuer):
    issuer.published = {"issuer": "https://evil.example"}
    answer = await browsers().get("/sign-in")
    assert answer.status_code == 400
    assert "DESKCLERK_ISSUER" in told(answer)


@pytest.mark.parametrize("where", ["authorization_endpoint", "token_endpoint", "jwks_uri"])
async def test_an_issuer_that_says_too_little_is_told(browsers, issuer, where):
    issuer.published = {where: None}
    answer = await browsers().get("/sign-in")
    assert answer.status_code == 400
    assert "says too little" in told(answer)


async def test_an_issuer_that_ends_with_a_slash_by_its_own_account_is_the_same(browsers, issuer, hosted):
    named = f"{issuer.url}/"
    issuer.published, issuer.answer, issuer.claims = {"issuer": named}, {"iss": named}, {"iss": named}
    assert (await browsers().sign_in()).status_code == 303
    issuer.claims = {"iss": issuer.url}
    assert (await browsers().sign_in()).status_code == 400


async def test_sign_ins_outlive_a_short_absence_of_the_issuers_metadata(browsers, issuer):
    browser = browsers()
    assert (await browser.get("/sign-in")).status_code == 303
    issuer.away = True
    issuer.clock.at += KEEP_SECONDS + 1
    assert (await browser.get("/sign-in")).status_code == 303
    issuer.clock.at += GRACE_SECONDS
    assert "status 503" in told(await browser.get("/sign-in"))


async def test_an_issuer_that_is_not_there_is_told(browsers, site):
    site.sign_in.issuer.url = "http://127.0.0.1:9"
    answer = await browsers().get("/sign-in")
    assert "does not answer" in told(answer)


@pytest.mark.parametrize("where", ["token_endpoint", "jwks_uri", "authorization_endpoint"])
async def test_an_address_that_others_could_read_is_refused(browsers, issuer, where):
    issuer.published = {where: "http://issuer.example/x"}
    assert "https" in told(await browsers().get("/sign-in"))


def test_an_issuer_without_https_is_refused_but_on_this_machine():
    with pytest.raises(InvalidSettings, match="https"):
        Issuer("http://issuer.example", "desk")
    assert Issuer("http://127.0.0.1:8767/", "desk").url == "http://127.0.0.1:8767"


@pytest.mark.parametrize(
    "path", ["https://evil.example", "//evil.example", "/\\evil.example", "evil", "", "/\r\nx", "/%0d\u2028"]
)
def test_no_sign_in_leads_to_another_site(path):
    assert own_path(path) == "/"


async def test_whoever_only_begins_sign_ins_fills_no_database_and_keeps_nobody_out(
    browsers, hosted, monkeypatch
):
    monkeypatch.setattr("deskclerk.hosted.people.sign_in.MOST", 3)
    flood, first, person = browsers(), browsers(), browsers()
    begun = await first.to_issuer()
    for _ in range(5):
        assert (await flood.get("/sign-in")).status_code == 303
    back = await person.to_issuer()
    async with hosted.whole.reading() as connection:
        assert len((await connection.execute(select(sign_ins.c.state))).all()) == 3
    assert (await person.get(back)).status_code == 303
    assert await is_in(person)
    # The oldest made room.
    assert (await first.get(begun)).status_code == 400


async def test_the_database_holds_nothing_that_ends_a_sign_in(browsers, hosted):
    browser = browsers()
    back = parse_qs(urlsplit(await browser.to_issuer()).query)
    cookie = browser.http.cookies["deskclerk-way"]
    async with hosted.whole.reading() as connection:
        rows = str((await connection.execute(text("SELECT * FROM sign_ins"))).all())
    assert back["state"][0] not in rows
    assert cookie not in rows


@pytest.mark.parametrize("origin", [ORIGIN, "https://desk.example"])
async def test_cookies_are_out_of_reach_for_scripts_and_by_https_for_other_hosts(
    hosted, workspaces, issuer, origin
):
    at = Issuer(issuer.url, "desk", "desk-secret")
    site = people_site(
        origin, hosted, workspaces, JournalledAttempts(hosted), at, destinations=destinations_of(hosted)
    )
    https = origin.startswith("https")
    browser = Browser(pages_app(site, Desks(site, None)), site)
    # Cookies that are marked Secure are sent to https alone.
    browser.http.base_url = origin
    async with at, browser.http, browser.outside:
        begun = await browser.get("/sign-in")
        back = (await browser.outside.get(begun.headers["location"])).headers["location"]
        ended = await browser.get(back.removeprefix(origin))
    for answer in (begun, ended):
        name, *parts = answer.headers["set-cookie"].split("; ")
        assert name.startswith("__Host-deskclerk" if https else "deskclerk")
        assert {"HttpOnly", "Path=/", "SameSite=lax"} <= set(parts)
        assert ("Secure" in parts) is https
        assert not any(part.startswith("Domain") for part in parts)
    assert await site.sessions.find(name.partition("=")[2])
