"""Passkeys: made by a person, and a yes of one is for one plan, once."""

import json
import time
from urllib.parse import parse_qs, urlsplit

import pytest
from sqlalchemy import select

from deskclerk.desk.time_and_ids import now
from deskclerk.errors import ApprovalRefused, InvalidRequest
from deskclerk.hosted.errors import NotHere
from deskclerk.hosted.people.passkeys import SECONDS
from deskclerk.hosted.people.sessions import FRESH_SECONDS
from deskclerk.hosted.people.tables import challenges
from tests.hosted.people.authenticator import Authenticator, data, text
from tests.hosted.people.conftest import ORIGIN, named, told
from tests.hosted.people.test_policy import changes

pytestmark = pytest.mark.anyio


@pytest.fixture
async def sol(person_in):
    return (await person_in("Sol"))[1]


async def with_key(site, person, **options):
    """A person's new passkey."""
    key = Authenticator(ORIGIN, **options)
    await site.passkeys.add(person, key.make(await site.passkeys.ask_for_new(person)), "Laptop", fresh=True)
    return key


async def yes(site, person, key, plan="plan_1", digest="aa"):
    """The passkey's answer about a plan."""
    return key.sign(await site.passkeys.ask_about(person, plan, digest))


async def refused(site, person, answer, plan="plan_1", digest="aa"):
    with pytest.raises(ApprovalRefused, match="did not confirm"):
        await site.passkeys.check(person.id, plan, digest, answer)


async def test_a_yes_to_a_plan_counts_and_the_passkey_remembers_it(site, sol):
    key = await with_key(site, sol)
    assert await site.passkeys.check(sol.id, "plan_1", "aa", await yes(site, sol, key)) == "Laptop"
    (listed,) = await site.passkeys.of(sol.id)
    assert listed.last_used_at


async def test_a_yes_counts_once(site, sol):
    key = await with_key(site, sol)
    answer = await yes(site, sol, key)
    await site.passkeys.check(sol.id, "plan_1", "aa", answer)
    await refused(site, sol, answer)


@pytest.mark.parametrize(("plan", "digest"), [("plan_2", "aa"), ("plan_1", "bb")])
async def test_a_yes_to_another_plan_or_to_what_it_showed_before_does_not_count(site, sol, plan, digest):
    key = await with_key(site, sol)
    await refused(site, sol, await yes(site, sol, key), plan, digest)


async def test_a_yes_to_what_was_never_asked_does_not_count(site, sol, hosted):
    key = await with_key(site, sol)
    answer = await yes(site, sol, key)
    async with hosted.whole.writing() as connection:
        await connection.execute(challenges.delete())
    await refused(site, sol, answer)


async def test_another_persons_passkey_does_not_count(site, sol, person_in):
    _, kim = await person_in("Kim")
    await with_key(site, sol)
    theirs = await with_key(site, kim)
    answer = theirs.sign(await site.passkeys.ask_about(sol, "plan_1", "aa"))
    await refused(site, sol, answer)
    await refused(site, sol, await yes(site, kim, theirs))


async def test_a_passkey_that_did_not_see_its_person_does_not_count(site, sol):
    key = await with_key(site, sol)
    key.verifies = False
    await refused(site, sol, await yes(site, sol, key))


async def test_a_copy_of_a_passkey_is_noticed_by_its_count(site, sol):
    key = await with_key(site, sol)
    await site.passkeys.check(sol.id, "plan_1", "aa", await yes(site, sol, key))
    key.count = 0
    await refused(site, sol, await yes(site, sol, key))


@pytest.mark.parametrize(
    ("origin", "host"), [("https://evil.example", "localhost"), (ORIGIN, "evil.example")]
)
async def test_a_yes_that_was_given_to_another_site_does_not_count(site, sol, origin, host):
    key = await with_key(site, sol)
    key.origin, key.host = origin, host
    await refused(site, sol, await yes(site, sol, key))


async def test_a_signature_of_another_key_does_not_count(site, sol):
    key = await with_key(site, sol)
    other = Authenticator(ORIGIN)
    other.id = key.id
    await refused(site, sol, await yes(site, sol, other))


async def test_a_late_yes_does_not_count(site, sol, monkeypatch):
    from deskclerk.desk.time_and_ids import now  # noqa: PLC0415

    key = await with_key(site, sol)
    answer = await yes(site, sol, key)
    monkeypatch.setattr("deskclerk.hosted.people.passkeys.now", lambda: now() + SECONDS * 1000 + 1)
    await refused(site, sol, answer)


async def test_of_many_challenges_of_one_person_the_oldest_end(site, sol, hosted):
    key = await with_key(site, sol)
    first = await yes(site, sol, key)
    for _ in range(25):
        last = await yes(site, sol, key)
    async with hosted.whole.reading() as connection:
        assert len((await connection.execute(select(challenges.c.digest))).all()) == 20
    await refused(site, sol, first)
    await site.passkeys.check(sol.id, "plan_1", "aa", last)


def broken(answer):
    """Answers that are none, made of one that is."""
    whole = json.loads(answer)
    yield from ("", "{", "[]", "null", "7", '"x"', "{}", "x" * 30_000, '{"rawId": 7}')
    for name in whole:
        yield json.dumps({key: value for key, value in whole.items() if key != name})
        yield json.dumps(whole | {name: 7})
        yield json.dumps(whole | {name: None})
    for name in whole["response"]:
        for value in (None, 7, "", "A", "!!!!", "A" * 4000, [], text(b"\xff\xff\xff"), text(b"{}")):
            yield json.dumps(whole | {"response": whole["response"] | {name: value}})
    head = bytearray(data(whole["response"].get("authenticatorData", "")))
    if head:
        head[32] |= 64  # says that a key follows, and none does
        yield json.dumps(whole | {"response": whole["response"] | {"authenticatorData": text(bytes(head))}})


async def test_answers_that_are_none_are_refused_in_words(site, sol, person_in):
    key = await with_key(site, sol)
    for answer in broken(await yes(site, sol, key)):
        await yes(site, sol, key)
        await refused(site, sol, answer)
    _, kim = await person_in("Kim")
    for answer in broken(Authenticator(ORIGIN).make(await site.passkeys.ask_for_new(kim))):
        with pytest.raises(InvalidRequest):
            await site.passkeys.add(kim, answer, "x", fresh=True)


async def test_without_a_passkey_nobody_is_asked_for_one(site, sol):
    with pytest.raises(InvalidRequest, match="no passkey"):
        await site.passkeys.ask_about(sol, "plan_1", "aa")


async def test_a_passkey_that_does_not_verify_its_person_is_not_taken(site, sol):
    key = Authenticator(ORIGIN)
    key.verifies = False
    with pytest.raises(InvalidRequest):
        await site.passkeys.add(sol, key.make(await site.passkeys.ask_for_new(sol)), "x", fresh=True)


async def test_what_was_asked_of_one_person_makes_no_passkey_of_anothers(site, sol, person_in):
    _, kim = await person_in("Kim")
    options = await site.passkeys.ask_for_new(kim)
    with pytest.raises(InvalidRequest):
        await site.passkeys.add(sol, Authenticator(ORIGIN).make(options), "x", fresh=True)
    assert await site.passkeys.of(sol.id) == []


async def test_a_passkey_of_one_person_is_no_second_persons_too(site, sol, person_in):
    _, kim = await person_in("Kim")
    key = await with_key(site, sol)
    with pytest.raises(InvalidRequest):
        await site.passkeys.add(kim, key.make(await site.passkeys.ask_for_new(kim)), "x", fresh=True)


async def more(site, person, answer, key=None):
    """A further passkey of a person's, with this answer of one that is there."""
    made = (key or Authenticator(ORIGIN)).make(await site.passkeys.ask_for_new(person))
    return await site.passkeys.add(person, made, "Second", yes=answer, fresh=True)


async def test_an_answer_about_a_plan_makes_no_passkey_and_the_other_way_round(site, sol):
    key = await with_key(site, sol)
    about = await site.passkeys.ask_about(sol, "plan_1", "aa")
    agreed = key.sign(await site.passkeys.ask_about_change(sol))
    with pytest.raises(InvalidRequest):
        await site.passkeys.add(sol, Authenticator(ORIGIN).make(about), "x", yes=agreed)
    new = await site.passkeys.ask_for_new(sol)
    await refused(site, sol, key.sign(new))


async def test_a_further_passkey_wants_a_yes_to_it_of_one_that_is_there(site, sol, person_in):
    key, (_, kim) = await with_key(site, sol), await person_in("Kim")
    theirs, (listed,) = await with_key(site, kim), await site.passkeys.of(sol.id)
    thief = Authenticator(ORIGIN)
    for answer in (
        "",
        "{}",
        await yes(site, sol, key),
        key.sign(await site.passkeys.ask_about_change(sol, listed.id)),
        thief.sign(await site.passkeys.ask_about_change(sol)),
        theirs.sign(await site.passkeys.ask_about_change(sol)),
        theirs.sign(await site.passkeys.ask_about_change(kim)),
    ):
        with pytest.raises(ApprovalRefused, match="No passkey that you have"):
            await more(site, sol, answer, thief)
    agreed = key.sign(await site.passkeys.ask_about_change(sol))
    # It signs no plan, and makes one passkey and no second.
    await refused(site, sol, key.sign(await site.passkeys.ask_about_change(sol)))
    await more(site, sol, agreed)
    with pytest.raises(ApprovalRefused):
        await more(site, sol, agreed)
    assert sorted(item.name for item in await site.passkeys.of(sol.id)) == ["Laptop", "Second"]


async def test_a_removed_passkey_signs_no_more_and_nobody_removes_anothers(site, sol, person_in):
    _, kim = await person_in("Kim")
    key = await with_key(site, sol)
    answer = await yes(site, sol, key)
    (listed,) = await site.passkeys.of(sol.id)
    with pytest.raises(NotHere):
        await site.passkeys.remove(kim.id, listed.id, "")
    for other in ("", answer, key.sign(await site.passkeys.ask_about_change(sol))):
        with pytest.raises(ApprovalRefused):
            await site.passkeys.remove(sol.id, listed.id, other)
    assert await site.passkeys.of(sol.id) == [listed]
    answer = await yes(site, sol, key)
    agreed = key.sign(await site.passkeys.ask_about_change(sol, listed.id))
    await site.passkeys.remove(sol.id, listed.id, agreed)
    await refused(site, sol, answer)


PAGE = "/security"
SOL = {"sub": "user_sol", "email": "sol@example.com", "email_verified": True, "name": "Sol Example"}


async def post_key(browser, key, **fields):
    made = key.make((await browser.post(f"{PAGE}/passkeys/ask", page=PAGE)).text)
    return await browser.post(f"{PAGE}/passkeys", page=PAGE, passkey=made, **fields)


async def agreed_on(browser, key, **fields):
    return key.sign((await browser.post(f"{PAGE}/passkeys/confirm", page=PAGE, **fields)).text)


async def test_passkeys_are_added_and_removed_on_the_page_and_the_journals_say_so(acme, site, issuer):
    issuer.who = SOL
    browser, person = acme.browsers["signer"], acme.people["signer"]
    await again(browser)
    asked = await browser.post("/security/passkeys/ask", page="/security")
    assert asked.headers["content-type"] == "application/json"
    key = Authenticator(ORIGIN)
    made = key.make(asked.text)
    added = await browser.post("/security/passkeys", page="/security", passkey=made, name="Yellow <b>key")
    assert added.headers["location"] == "/security?done=added"
    assert "Yellow &lt;b&gt;key" in (await browser.get("/security")).text
    twice = await browser.post(
        "/security/passkeys", page="/security", passkey=made, name="x", yes=await agreed_on(browser, key)
    )
    assert twice.status_code == 422
    assert "just asked for" in told(twice)
    # Whoever sits before a browser that was left open has a key of their own, and neither this one nor a yes.
    refusal = await post_key(browser, Authenticator(ORIGIN), name="x")
    assert 400 <= refusal.status_code < 500
    assert "No passkey that you have confirmed this" in told(refusal)
    further = await post_key(browser, Authenticator(ORIGIN), name="Two", yes=await agreed_on(browser, key))
    assert further.headers["location"] == "/security?done=added"
    two, one = await site.passkeys.of(person.id)
    refusal = await browser.post("/security/passkeys/remove", page="/security", id=one.id)
    assert "No passkey that you have confirmed this" in told(refusal)
    gone = await agreed_on(browser, key, id=one.id)
    removed = await browser.post("/security/passkeys/remove", page="/security", id=one.id, yes=gone)
    assert removed.headers["location"] == "/security?done=removed"
    assert await site.passkeys.of(person.id) == [two]
    assert await changes(acme) == [
        (named(person), f"{what} a passkey of their own ({item.id}): {item.name}")
        for what, item in (("added", one), ("added", two), ("removed", one))
    ]


async def again(browser):
    """Sign in once more as the page Security leads to it."""
    location = (await browser.get("/sign-in?again&to=/security")).headers["location"]
    asked = {name: value[0] for name, value in parse_qs(urlsplit(location).query).items()}
    assert (asked["prompt"], asked["max_age"]) == ("login", "0")
    assert (await browser.sign_in("/sign-in?again&to=/security")).headers["location"] == "/security"


async def first_key(browser):
    """Whether a first passkey is taken now; the page says the same beforehand."""
    offered = "Add a passkey" in (await browser.get(PAGE)).text
    answer = await post_key(browser, Authenticator(ORIGIN), name="x")
    assert offered == (answer.status_code == 303)
    if not offered:
        assert "right after its person has signed in" in told(answer)
    return offered


async def test_a_first_passkey_wants_that_its_person_has_just_signed_in(acme, issuer, monkeypatch):
    issuer.who = SOL
    browser = acme.browsers["signer"]
    # The issuer may have known the browser, and have asked nobody.
    assert not await first_key(browser)
    assert "Sign in again" in (await browser.get(PAGE)).text
    await again(browser)
    late = now() + FRESH_SECONDS * 1000 + 1
    with monkeypatch.context() as later:
        later.setattr("deskclerk.hosted.people.sessions.now", lambda: late)
        assert not await first_key(browser)
    assert await first_key(browser)


@pytest.mark.parametrize(
    ("ago", "asked", "taken"), [(3600, True, False), (3600, False, False), (5, True, True), (5, False, True)]
)
async def test_an_issuer_that_says_when_its_person_signed_in_is_believed(browsers, issuer, ago, asked, taken):
    issuer.claims = {"auth_time": int(time.time()) - ago}
    browser = browsers()
    await browser.sign_in("/sign-in?again" if asked else "/sign-in")
    assert await first_key(browser) == taken


@pytest.mark.parametrize("cookie", ["fresh.", "fresh.x"])
async def test_nobody_makes_a_session_fresh_by_its_cookie(acme, cookie):
    browser = acme.browsers["signer"]
    value = browser.http.cookies["deskclerk"]
    browser.http.cookies.clear()
    browser.http.cookies.set("deskclerk", cookie + value)
    assert (await browser.get(PAGE)).headers["location"].startswith("/sign-in")
