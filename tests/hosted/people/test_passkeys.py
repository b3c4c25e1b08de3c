"""Passkeys: made by a person, and a yes of one is for one plan, once."""

import json

import pytest
from sqlalchemy import select

from deskclerk.errors import ApprovalRefused, InvalidRequest
from deskclerk.hosted.errors import NotHere
from deskclerk.hosted.people.passkeys import SECONDS
from deskclerk.hosted.people.tables import challenges, passkeys
from tests.hosted.people.authenticator import Authenticator, data, text
from tests.hosted.people.conftest import ORIGIN, told

pytestmark = pytest.mark.anyio


@pytest.fixture
async def sol(person_in):
    return (await person_in("Sol"))[1]


async def with_key(site, person, **options):
    """A person's new passkey."""
    key = Authenticator(ORIGIN, **options)
    await site.passkeys.add(person, key.make(await site.passkeys.ask_for_new(person)), "Laptop")
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


async def test_answers_that_are_none_are_refused_in_words(site, sol):
    key = await with_key(site, sol)
    for answer in broken(await yes(site, sol, key)):
        await yes(site, sol, key)
        await refused(site, sol, answer)
    for answer in broken(Authenticator(ORIGIN).make(await site.passkeys.ask_for_new(sol))):
        with pytest.raises(InvalidRequest):
            await site.passkeys.add(sol, answer, "x")


async def test_without_a_passkey_nobody_is_asked_for_one(site, sol):
    with pytest.raises(InvalidRequest, match="no passkey"):
        await site.passkeys.ask_about(sol, "plan_1", "aa")


async def test_a_passkey_that_does_not_verify_its_person_is_not_taken(site, sol):
    key = Authenticator(ORIGIN)
    key.verifies = False
    with pytest.raises(InvalidRequest):
        await site.passkeys.add(sol, key.make(await site.passkeys.ask_for_new(sol)), "x")


async def test_what_was_asked_of_one_person_makes_no_passkey_of_anothers(site, sol, person_in):
    _, kim = await person_in("Kim")
    options = await site.passkeys.ask_for_new(kim)
    with pytest.raises(InvalidRequest):
        await site.passkeys.add(sol, Authenticator(ORIGIN).make(options), "x")
    assert await site.passkeys.of(sol.id) == []


async def test_a_passkey_of_one_person_is_no_second_persons_too(site, sol, person_in):
    _, kim = await person_in("Kim")
    key = await with_key(site, sol)
    with pytest.raises(InvalidRequest):
        await site.passkeys.add(kim, key.make(await site.passkeys.ask_for_new(kim)), "x")


async def test_an_answer_about_a_plan_makes_no_passkey_and_the_other_way_round(site, sol):
    key = await with_key(site, sol)
    about = await site.passkeys.ask_about(sol, "plan_1", "aa")
    with pytest.raises(InvalidRequest):
        await site.passkeys.add(sol, Authenticator(ORIGIN).make(about), "x")
    new = await site.passkeys.ask_for_new(sol)
    await refused(site, sol, key.sign(new))


async def test_a_removed_passkey_signs_no_more_and_nobody_removes_anothers(site, sol, person_in):
    _, kim = await person_in("Kim")
    key = await with_key(site, sol)
    answer = await yes(site, sol, key)
    (listed,) = await site.passkeys.of(sol.id)
    with pytest.raises(NotHere):
        await site.passkeys.remove(kim.id, listed.id)
    await site.passkeys.remove(sol.id, listed.id)
    await refused(site, sol, answer)


async def test_passkeys_are_added_and_removed_on_the_page(person_in, site, hosted):
    browser, person = await person_in("Sol")
    asked = await browser.post("/security/passkeys/ask", page="/security")
    assert asked.headers["content-type"] == "application/json"
    made = Authenticator(ORIGIN).make(asked.text)
    added = await browser.post("/security/passkeys", page="/security", passkey=made, name="Yellow <b>key")
    assert added.headers["location"] == "/security?done=added"
    assert "Yellow &lt;b&gt;key" in (await browser.get("/security")).text
    again = await browser.post("/security/passkeys", page="/security", passkey=made, name="x")
    assert again.status_code == 422
    assert "just asked for" in told(again)
    (listed,) = await site.passkeys.of(person.id)
    await browser.post("/security/passkeys/remove", page="/security", id=listed.id)
    async with hosted.whole.reading() as connection:
        assert (await connection.execute(select(passkeys.c.id))).all() == []
