"""Sessions: how long they last, that they end everywhere, and that forms are their own."""

import asyncio

import pytest
from sqlalchemy import select, text

from deskclerk.desk.time_and_ids import now
from deskclerk.faces.console.authentication import HEADERS
from deskclerk.hosted.people.sessions import IDLE_SECONDS, SECONDS, PersonSessions
from deskclerk.hosted.people.tables import sessions
from tests.hosted.people.conftest import told

pytestmark = pytest.mark.anyio
WITHIN = ["/security", "/w/acme/", "/w/acme/members", "/w/acme/i/prod/", "/w/acme/i/prod/plans/plan_1"]


@pytest.fixture
async def sol(person_in):
    return await person_in("Sol")


@pytest.fixture
def clock(monkeypatch):
    at = [now()]
    monkeypatch.setattr("deskclerk.hosted.people.sessions.now", lambda: at[0])
    return at


async def cookie_in(site, sol):
    return sol[0].http.cookies["deskclerk"]


@pytest.mark.parametrize("path", [*WITHIN, "/nothing", "/invitations/x"])
async def test_without_a_session_every_page_leads_to_the_sign_in_and_back(browsers, path):
    answer = await browsers().get(path)
    assert (answer.status_code, answer.headers["location"]) == (303, f"/sign-in?to={path}")


@pytest.mark.parametrize(
    "path", ["/security/sessions/end-all", "/w/acme/members/invite", "/w/acme/i/prod/plans/p", "/sign-out"]
)
async def test_without_a_session_no_form_does_anything(browsers, path):
    assert (await browsers().http.post(path, data={"csrf": "x"})).status_code == 401


async def test_a_made_up_cookie_is_no_session(browsers, site, acme):
    browser = browsers()
    browser.http.cookies.set("deskclerk", "made-up")
    assert (await browser.get("/security")).status_code == 303


@pytest.mark.parametrize("path", ["/", "/nothing", "/sign-in", "/sign-in/callback?state=x", *WITHIN])
async def test_every_answer_has_the_consoles_headers(browsers, acme, path):
    for browser in (browsers(), acme.browsers["signer"]):
        answer = await browser.get(path)
        assert {name: answer.headers.get(name) for name in HEADERS} == HEADERS


async def test_no_page_holds_a_script_or_a_style_of_its_own(acme):
    import re  # noqa: PLC0415

    await acme.plan()
    for path in ["/", "/nothing", *WITHIN]:
        page = (await acme.browsers["owner"].get(path)).text
        assert re.findall(r"<script(?![^>]* src=\"/static/)|<style|\sstyle=|\son\w+=|javascript:", page) == []


async def test_a_session_ends_when_nobody_was_there_for_half_an_hour(site, sol, clock):
    cookie = await cookie_in(site, sol)
    for _ in range(3):
        clock[0] += (IDLE_SECONDS - 60) * 1000
        assert await site.sessions.find(cookie)
    clock[0] += (IDLE_SECONDS + 60) * 1000
    assert await site.sessions.find(cookie) is None


async def test_what_scripts_ask_for_by_themselves_keeps_no_session_alive(site, sol, clock):
    cookie = await cookie_in(site, sol)
    for _ in range(2):
        clock[0] += (IDLE_SECONDS - 60) * 1000
        found = await site.sessions.find(cookie, seen=False)
    assert found is None


async def test_a_session_ends_after_twelve_hours_whoever_is_there(site, sol, clock):
    cookie = await cookie_in(site, sol)
    for _ in range(SECONDS // 600 - 1):
        clock[0] += 600_000
        assert await site.sessions.find(cookie)
    clock[0] += 660_000
    assert await site.sessions.find(cookie) is None


async def test_being_seen_is_written_at_most_once_a_minute(hosted, site, sol, clock):
    async def seen():
        async with hosted.whole.reading() as connection:
            return (await connection.execute(select(sessions.c.last_seen_at))).scalar_one()

    cookie, began = await cookie_in(site, sol), await seen()
    clock[0] = began + 59_000
    await site.sessions.find(cookie)
    assert await seen() == began
    clock[0] = began + 61_000
    await site.sessions.find(cookie)
    assert await seen() == began + 61_000


async def test_signing_out_ends_this_session_in_every_replica_and_leaves_the_others(
    browsers, sol, person_in, site, hosted
):
    browser, _ = sol
    other, _ = await person_in("Sol")
    cookie = await cookie_in(site, sol)
    answer = await browser.post("/sign-out", page="/")
    assert (answer.status_code, answer.headers["location"]) == (303, "/signed-out")
    assert await PersonSessions(hosted.whole).find(cookie) is None
    assert (await other.get("/security")).status_code == 200


async def test_signing_out_everywhere_ends_all_of_mine_and_nobody_elses(sol, person_in):
    browser, _ = sol
    other, _ = await person_in("Sol")
    stranger, _ = await person_in("Kim")
    await browser.post("/security/sessions/end-all", page="/security")
    assert [(await one.get("/security")).status_code for one in (browser, other, stranger)] == [303, 303, 200]


async def test_one_of_my_browsers_is_signed_out_from_another_and_nobody_elses_is(sol, person_in, site):
    browser, _ = sol
    other, _ = await person_in("Sol")
    stranger, kim = await person_in("Kim")
    (foreign,) = await site.sessions.of(kim.id)
    await browser.post("/security/sessions/end", page="/security", id=foreign.id)
    assert (await stranger.get("/security")).status_code == 200
    theirs = await site.sessions.find(other.http.cookies["deskclerk"])
    await browser.post("/security/sessions/end", page="/security", id=theirs.id)
    assert [(await one.get("/security")).status_code for one in (browser, other)] == [200, 303]


async def test_signing_out_of_a_console_signs_out(acme):
    browser = acme.browsers["signer"]
    answer = await browser.post(f"{acme.home}/out", page=f"{acme.home}/")
    assert answer.headers["location"] == "/signed-out"
    assert (await browser.get(f"{acme.home}/")).status_code == 303


async def test_a_new_sign_in_is_a_new_session_and_the_old_cookie_is_good_for_nothing(sol, site):
    browser, _ = sol
    before = browser.http.cookies["deskclerk"]
    # A second tab whose sign-in began before the first one's had ended.
    begun = await site.sign_in.begin("/", browser.http.cookies["deskclerk-way"])
    back = (await browser.outside.get(begun.url)).headers["location"]
    assert (await browser.get(back.removeprefix(site.public_url))).status_code == 303
    assert await site.sessions.find(before) is None
    assert (await browser.get("/security")).status_code == 200


@pytest.mark.parametrize("path", ["/security/sessions/end-all", "/w/acme/members/invite"])
@pytest.mark.parametrize(
    ("csrf", "headers"),
    [
        ("", None),
        ("wrong", None),
        (None, {"Sec-Fetch-Site": "cross-site"}),
        (None, {"Sec-Fetch-Site": "same-site"}),
    ],
)
async def test_a_form_that_is_not_the_sessions_own_does_nothing(acme, path, csrf, headers):
    page = path.rpartition("/")[0].removesuffix("/sessions")
    fields = {"email": "kim@example.com", "role": "owner"}
    answer = await acme.browsers["owner"].post(path, page=page, csrf=csrf, headers=headers, **fields)
    assert answer.status_code == 403
    assert "token of your session" in told(answer)
    assert (await acme.browsers["owner"].get("/security")).status_code == 200


async def test_a_form_with_another_persons_token_does_nothing(acme, person_in):
    stranger, _ = await person_in("Kim")
    import re  # noqa: PLC0415

    csrf = re.search(r'name="csrf" value="([^"]+)"', (await stranger.get("/security")).text)[1]
    answer = await acme.browsers["owner"].post("/security/sessions/end-all", csrf=csrf)
    assert answer.status_code == 403


async def test_of_many_sessions_of_one_person_the_oldest_end(site, sol):
    _, person = sol
    made = [await site.sessions.begin(person, "x") for _ in range(21)]
    assert await site.sessions.find(made[0]) is None
    assert len(await site.sessions.of(person.id)) == 20
    assert await site.sessions.find(made[-1])


async def test_the_database_holds_neither_cookies_nor_tokens_of_forms(hosted, site, sol):
    cookie = await cookie_in(site, sol)
    csrf = (await site.sessions.find(cookie)).csrf
    async with hosted.whole.reading() as connection:
        rows = str((await connection.execute(text("SELECT * FROM sessions"))).all())
    assert cookie not in rows
    assert csrf not in rows


async def test_many_requests_of_one_session_at_once_are_all_answered(sol):
    browser, _ = sol
    answers = await asyncio.gather(*(browser.get("/security") for _ in range(20)))
    assert {answer.status_code for answer in answers} == {200}
