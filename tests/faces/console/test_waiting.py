"""What a plan's page shows, what signs it, and what does not."""

import asyncio
import re
from html import unescape
from html.parser import HTMLParser

import pytest

from deskclerk.catalogue import BanUser, DeleteUser, UpdateUser
from deskclerk.errors import ApprovalRefused
from deskclerk.faces.console.changes_feed import ChangesFeed
from tests.faces.console.conftest import AGENT, problem
from tests.journeys.attack_corpus import PAYLOADS

pytestmark = pytest.mark.anyio
BAN = BanUser(user_id="user_1")


async def status(browser, plan):
    return (await browser.desk.plans.load(plan.id)).status


async def test_a_signed_plan_is_performed_by_its_askers_next_call(person, upstream):
    plan = await person.propose()
    assert (await person.decide(plan)).status_code == 303
    assert upstream.writes == []
    assert "Signed." in (await person.get(f"/plans/{plan.id}")).text
    await person.desk.perform(BAN, caller=AGENT)
    assert upstream.writes == [("POST", "/users/user_1/ban")]
    page = (await person.get(f"/plans/{plan.id}")).text
    assert "Clerk carried it out" in page
    entry = (await person.desk.journal.recent())[-1]
    assert entry["signed"] == "console"
    assert entry["entry"] in page


@pytest.mark.promise("destructive-is-typed")
@pytest.mark.parametrize("typed", ["", "yes", "user_2", "Ad"])
@pytest.mark.parametrize("action", [BAN, DeleteUser(user_id="user_1")])
async def test_what_does_not_name_the_target_signs_nothing(person, action, typed):
    plan = await person.propose(action)
    answer = await person.decide(plan, typed=typed)
    assert answer.status_code == 409
    assert "does not sign it" in problem(answer)
    assert await status(person, plan) == "waiting"


@pytest.mark.promise("the-pin")
async def test_with_a_pin_nothing_is_signed_without_it_and_a_no_wants_none(person):
    await person.desk.signer.set("kestrel-9")
    plan = await person.propose()
    assert "none was given" in problem(await person.decide(plan))
    assert "The PIN is wrong" in problem(await person.decide(plan, pin="kestrel-8"))
    assert await status(person, plan) == "waiting"
    assert (await person.decide(plan, "decline")).status_code == 303
    assert await status(person, plan) == "declined"


async def test_tries_of_the_pin_are_limited(person):
    await person.desk.signer.set("kestrel-9")
    plan = await person.propose()
    for _ in range(5):
        await person.decide(plan, pin="wrong-pin")
    assert "Too many wrong PINs" in problem(await person.decide(plan, pin="kestrel-9"))
    assert await status(person, plan) == "waiting"


@pytest.mark.promise("a-told-link-only-shows")
async def test_a_link_that_a_model_was_told_signs_nothing(browser, upstream):
    plan = await browser.propose()
    await browser.sign_in(plan.id)
    answer = await browser.decide(plan)
    assert answer.status_code == 409
    assert "cannot sign by itself" in problem(answer)
    assert await status(browser, plan) == "waiting"
    await browser.desk.signer.set("kestrel-9")
    assert (await browser.decide(plan, pin="wrong-pin")).status_code == 409
    assert (await browser.decide(plan, pin="kestrel-9")).status_code == 303


async def test_a_plan_that_was_decided_says_how_and_cannot_be_decided_again(person):
    plan = await person.propose()
    await person.decide(plan)
    assert "signed already" in problem(
        await person.post(
            f"/plans/{plan.id}", csrf=await csrf(person), decision="sign", digest=plan.digest, typed="user_1"
        )
    )
    await person.desk.perform(BAN, caller=AGENT)
    again = await person.post(f"/plans/{plan.id}", csrf=await csrf(person), decision="decline")
    assert "used already" in problem(again)


async def test_an_expired_plan_says_so(person, monkeypatch):
    plan = await person.propose()
    monkeypatch.setattr("deskclerk.desk.plans.store.now", lambda: plan.expires_at)
    answer = await person.post(
        f"/plans/{plan.id}", csrf=await csrf(person), decision="sign", digest=plan.digest, typed="user_1"
    )
    assert "expired" in problem(answer)
    assert "Expired." in answer.text


async def test_a_plan_that_is_not_the_one_that_was_shown_is_not_signed(person):
    plan = await person.propose()
    assert "not the plan that you were shown" in problem(await person.decide(plan, digest="0" * 64))
    assert await status(person, plan) == "waiting"


async def test_a_target_that_changed_after_the_signature_closes_the_plan(person, upstream):
    plan = await person.propose()
    await person.decide(plan)
    upstream.users["user_1"]["first_name"] = "Eve"
    with pytest.raises(ApprovalRefused, match="changed"):
        await person.desk.perform(BAN, caller=AGENT)
    assert "The target changed after this was shown" in (await person.get(f"/plans/{plan.id}")).text
    assert upstream.writes == []


async def test_a_plan_of_another_instance_is_shown_and_cannot_be_decided_here(person, open_desk):
    async with open_desk(secret_key="sk_live_other") as other:
        plan = await other.propose(BAN, AGENT)
    page = (await person.get(f"/plans/{plan.id}")).text
    assert "another instance" in page
    assert "Live instance." in page
    assert f'action="{person.home}/plans/' not in page
    sent = await person.post(
        f"/plans/{plan.id}", csrf=await csrf(person), decision="sign", digest=plan.digest, typed="user_1"
    )
    assert "another instance" in problem(sent)


async def test_of_two_who_sign_at_once_one_is_told(person):
    plan = await person.propose()
    token = await csrf(person)
    sent = {"decision": "sign", "digest": plan.digest, "typed": "user_1"}
    answers = await asyncio.gather(*(person.post(f"/plans/{plan.id}", csrf=token, **sent) for _ in range(2)))
    assert sorted(answer.status_code for answer in answers) == [303, 409]


async def test_neither_yes_nor_no_decides_nothing(person):
    plan = await person.propose()
    assert "neither a yes nor a no" in problem(await person.decide(plan, decision=""))
    assert await status(person, plan) == "waiting"


@pytest.mark.parametrize("payload", PAYLOADS)
async def test_what_end_users_and_agents_write_is_shown_inert(person, upstream, payload):
    text = PAYLOADS[payload]
    upstream.users["user_1"] |= {"first_name": text, "public_metadata": {"key": text, text: 1}}
    # No agent gets U+0000 this far; what Clerk answers might have it.
    name = text.encode("utf-8", "replace").decode().replace("\0", "")
    await person.propose(
        UpdateUser(user_id="user_1", last_name=name[:200] or None, public_metadata={"new": {name: [name]}})
    )
    page = (await person.get()).text
    Reader().feed(page)
    assert not HIDDEN.search(unescape(page))
    assert page.count("<article") == 1


HIDDEN = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b\u200e\u200f\u2028-\u202e\u2060-\u2069\ud800-\udfff\U000e0000-\U000e0fff]"
)
TAGS = """
html head meta title link body a header footer div svg path p span form input button nav ul li main h1 h2
article time table thead tbody tr th td del ins dl dt dd kbd label details summary script wbr code
strong noscript
"""


class Reader(HTMLParser):
    """Fails for a tag that is not ours, an event handler, or an address that leads elsewhere."""

    def handle_starttag(self, tag, attrs):
        assert tag in TAGS.split()
        for name, value in attrs:
            assert not name.startswith("on")
            assert name not in ("src", "href", "action") or value.startswith(("/", "#"))


async def test_the_feed_tells_what_waits_and_ends_when_told(person):
    feed = ChangesFeed(person.desk)
    told = feed.listen()
    await anext(told)
    assert '"waiting":{}' in await anext(told)
    plan = await person.propose()
    while plan.id not in await anext(told):
        pass
    feed.end()
    assert [line async for line in told if "pulse" in line] == []


async def csrf(browser):
    return re.search(r'name="csrf" value="([^"]+)"', (await browser.get()).text)[1]
