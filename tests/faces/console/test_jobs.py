"""Jobs on the console: how they stand, what stops them, what is signed of them, and several plans at once."""

import json
import re
from html import unescape

import pytest

from deskclerk.catalogue import BanUser, CreateUser, DeleteUser, UpdateUser
from deskclerk.desk import Caller
from deskclerk.desk.jobs.job import DONE, PAUSED
from deskclerk.desk.jobs.jobs import Change
from deskclerk.desk.jobs.results import write_results
from deskclerk.desk.jobs.running import Run
from deskclerk.faces.console.changes_feed import ChangesFeed
from deskclerk.faces.console.job_view import Rates
from tests.faces.console.conftest import AGENT, problem

pytestmark = pytest.mark.anyio
HOSTILE = '<script>alert("x")</script>\u202e'
ASKER = Caller("cli", "night script", "laptop")
IDS = [f"user_{number}" for number in range(1, 6)]


@pytest.fixture(autouse=True)
def no_worker(monkeypatch):
    monkeypatch.setattr("deskclerk.desk.jobs.jobs.start_worker", lambda *_: False)


@pytest.fixture(autouse=True)
def users(upstream):
    for number, user_id in enumerate(IDS, 1):
        name = HOSTILE if number == 1 else f"Ada {number}"
        upstream.users[user_id] = {"id": user_id, "object": "user", "first_name": name, "banned": False}


async def bulk(person, kind=BanUser, ids=IDS):
    return await person.desk.jobs.propose(kind, ids, ASKER)


async def begun(person, **more):
    """A job that was signed, and that nobody carries out."""
    plan = await bulk(person, **more)
    answer = await person.decide(plan)
    assert answer.headers["location"] == f"{person.home}/jobs/{plan.job.id}"
    return plan.job.id


async def carried_out(desk, job_id, status=DONE, reason=None):
    """What a worker does, in this process."""
    job = await desk.jobs.store.own(job_id, "test:1")
    run = Run(job, "test:1", desk.jobs.tools)
    await run.settle()
    ended = await run.part(30)
    assert ended is not None
    await write_results(desk.jobs.store, job_id, desk.jobs.results(job_id))
    await desk.jobs.store.ended(job_id, "test:1", *((status, reason) if reason else ended))


async def become(desk, job_id, **changes):
    """What has become of items, by number."""
    database = await desk.journal.database()
    rows = [{"number": int(name[1:]), **values} for name, values in changes.items()]
    async with database.writing() as connection:
        for row in rows:
            await desk.jobs.store.change_items(connection, job_id, [row])


def inside(answer):
    return answer.text.partition("<main")[2].partition("</main>")[0]


def inert(answer):
    page = inside(answer)
    assert "<script" not in page
    assert "\u202e" not in page
    assert not re.search(r"<[^>]*\son\w+=|\sstyle=", page)


# The list, and one job.


async def test_the_list_shows_how_far_each_job_has_come_and_who_asked(person):
    assert "There are no jobs yet" in (await person.get("/jobs")).text
    job_id = await begun(person)
    await become(
        person.desk, job_id, _1={"status": "done"}, _2={"status": "refused"}, _3={"status": "unknown"}
    )
    page = unescape(inside(await person.get("/jobs")))
    for shown in ("Ban 5 users", "3 of 5", "2 failed", "night script", "token laptop", "about to begin"):
        assert shown in page
    assert 'aria-valuenow="3"' in page
    assert 'aria-current="page">Jobs' in (await person.get("/jobs")).text


async def test_a_job_that_nobody_signed_says_so(person, monkeypatch):
    plan = await bulk(person)
    assert "waits for a signature" in (await person.get("/jobs")).text
    assert "sign or decline it" in (await person.get(f"/jobs/{plan.job.id}")).text
    await person.decide(plan, "decline")
    assert "was not signed" in (await person.get("/jobs")).text


async def test_a_job_shows_its_counts_its_rules_and_what_was_signed(person):
    job_id = await begun(person)
    await become(person.desk, job_id, _1={"status": "done"}, _2={"status": "refused", "error": HOSTILE})
    answer = await person.get(f"/jobs/{job_id}")
    page = unescape(inside(answer))
    inert(answer)
    for shown in ("2 of 5", "10 failures in a row", "What was signed", "by console", "Ada 2"):
        assert shown in page
    for outcome in ("done", "refused", "waiting"):
        assert f'/jobs/{job_id}/items?outcome={outcome}"' in page


async def test_items_are_shown_by_outcome_a_hundred_on_a_page(person, upstream):
    ids = [f"user_{number:03}" for number in range(230)]
    for user_id in ids:
        upstream.users[user_id] = {"id": user_id, "object": "user", "first_name": HOSTILE, "banned": False}
    job_id = await begun(person, ids=ids)
    await become(person.desk, job_id, _7={"status": "refused", "error": f"no {HOSTILE}", "entry": "ent_7"})
    seen, path = [], f"/jobs/{job_id}/items?outcome=waiting"
    while path:
        answer = await person.get(path)
        inert(answer)
        seen.append(answer.text.count('class="item-what"'))
        onward = re.search(r'href="([^"]+)" rel="next"', answer.text)
        path = onward and unescape(onward[1]).removeprefix(person.home)
    assert seen == [100, 100, 29]
    failed = await person.get(f"/jobs/{job_id}/items?outcome=refused")
    inert(failed)
    assert failed.text.count('class="item-what"') == 1
    assert f'href="{person.home}/activity/ent_7"' in failed.text
    assert "Ban user" in failed.text
    assert (await person.get(f"/jobs/{job_id}/items?outcome=made-up")).status_code == 404


@pytest.mark.parametrize("path", ["", "/items", "/result", "/status", "/row"])
async def test_a_job_that_is_not_there_is_not_found(person, path):
    assert (await person.get(f"/jobs/job_none{path}")).status_code == 404


async def test_titles_are_somebody_elses_words(person):
    job_id = await begun(person)
    database = await person.desk.journal.database()
    async with database.writing() as connection:
        await person.desk.jobs.store.planned(
            connection, job_id, plan="plan_none", digest="", total=5, title=f"Ban {HOSTILE}"
        )
    for path in ("/jobs", f"/jobs/{job_id}", f"/jobs/{job_id}/items", f"/jobs/{job_id}/row"):
        answer = await person.get(path)
        assert "&lt;script&gt;" in answer.text
        inert(answer)


async def test_the_result_is_a_file_once_there_is_one(person):
    job_id = await begun(person)
    assert (await person.get(f"/jobs/{job_id}/result")).status_code == 404
    assert "Download" not in (await person.get(f"/jobs/{job_id}")).text
    await carried_out(person.desk, job_id)
    page = await person.get(f"/jobs/{job_id}")
    assert "5 of 5" in page.text
    assert "Download" in page.text
    answer = await person.get(f"/jobs/{job_id}/result")
    assert answer.headers["content-disposition"] == f'attachment; filename="{job_id}.ndjson"'
    assert [json.loads(line)["outcome"] for line in answer.text.splitlines()] == ["done"] * 5
    entry = (await person.desk.jobs.store.items(job_id))[0].entry
    assert f"/jobs/{job_id}" in (await person.get(f"/activity/{entry}")).text


# Stopped, and gone on with.


@pytest.mark.parametrize("verb", ["pause", "cancel", "resume", "retry", "undo"])
async def test_a_form_without_the_pages_own_token_does_nothing_to_a_job(person, verb):
    job_id = await begun(person)
    assert (await person.post(f"/jobs/{job_id}/{verb}", csrf="made up")).status_code == 403
    assert (await person.desk.jobs.store.load(job_id)).status == "queued"


async def test_a_job_is_paused_gone_on_with_and_cancelled(person):
    job_id = await begun(person)
    await person.post(f"/jobs/{job_id}/pause")
    page = (await person.get(f"/jobs/{job_id}")).text
    assert "by a person" in page
    assert "Go on" in page
    await person.post(f"/jobs/{job_id}/resume")
    assert (await person.desk.jobs.store.load(job_id)).status == "queued"
    assert (await person.post(f"/jobs/{job_id}/cancel")).status_code == 303
    assert (await person.desk.jobs.store.load(job_id)).status == "cancelled"
    again = await person.post(f"/jobs/{job_id}/cancel")
    assert "The job is cancelled" in problem(again)
    assert again.status_code == 422


@pytest.mark.promise("the-pin")
async def test_going_on_wants_the_pin_where_one_is_set(person):
    job_id = await begun(person)
    await person.post(f"/jobs/{job_id}/pause")
    await person.desk.signer.set("kestrel-9")
    assert 'name="pin"' in (await person.get(f"/jobs/{job_id}")).text
    assert "none was given" in problem(await person.post(f"/jobs/{job_id}/resume"))
    assert "The PIN is wrong" in problem(await person.post(f"/jobs/{job_id}/resume", pin="kestrel-8"))
    assert (await person.desk.jobs.store.load(job_id)).status == PAUSED
    await person.post(f"/jobs/{job_id}/resume", pin="kestrel-9")
    assert (await person.desk.jobs.store.load(job_id)).status == "queued"


async def test_what_failed_is_tried_again_as_a_plan_of_its_own(person, upstream):
    job_id = await begun(person)
    answer = await person.post(f"/jobs/{job_id}/retry")
    assert "Nothing failed in this job" in problem(answer)
    await become(person.desk, job_id, _2={"status": "refused"}, _3={"status": "refused"})
    await carried_out(person.desk, job_id)
    page = (await person.get(f"/jobs/{job_id}")).text
    assert "Retry failed" in page
    to = (await person.post(f"/jobs/{job_id}/retry")).headers["location"]
    plan = (await person.desk.plans.load(to.rpartition("/")[2])).plan
    assert plan.job.count == 2
    await person.decide(plan)
    page = (await person.get(f"/jobs/{plan.job.id}")).text
    assert "Tries again" in page
    assert f'href="{person.home}/jobs/{job_id}"' in page


async def test_what_was_done_is_taken_back_as_a_plan_of_its_own(person, upstream):
    job_id = await begun(person)
    assert "not over" in problem(await person.post(f"/jobs/{job_id}/undo"))
    await carried_out(person.desk, job_id)
    to = (await person.post(f"/jobs/{job_id}/undo")).headers["location"]
    plan = (await person.desk.plans.load(to.rpartition("/")[2])).plan
    assert plan.job.count == 5
    assert "Unban" not in upstream.writes
    await person.decide(plan)
    assert "Takes back" in (await person.get(f"/jobs/{plan.job.id}")).text


async def test_a_link_that_a_model_was_told_shows_no_jobs(browser):
    plan = await bulk(browser)
    await browser.sign_in(plan.id)
    for path in ("/jobs", f"/jobs/{plan.job.id}", f"/jobs/{plan.job.id}/result"):
        assert (await browser.get(path)).status_code == 403


async def test_the_feed_tells_the_state_of_jobs_that_are_not_over(person):
    feed = ChangesFeed(person.desk)
    told = feed.listen()
    await anext(told)
    assert '"jobs":{}' in await anext(told)
    job_id = await begun(person)
    while f'"{job_id}":"queued"' not in await anext(told):
        pass
    await person.post(f"/jobs/{job_id}/pause")
    while f'"{job_id}":"paused"' not in await anext(told):
        pass
    feed.end()


async def test_a_rate_is_that_of_the_last_seconds(person, monkeypatch):
    job_id = await begun(person)
    job = await person.desk.jobs.store.own(job_id, "test:1")
    clock = [100.0]
    monkeypatch.setattr("deskclerk.faces.console.job_view.time.monotonic", lambda: clock[0])
    rates, told = Rates(), []
    for seconds, done in ((0, 0), (0.1, 1), (2, 4), (20, 4), (1, 5), (100, 5)):
        clock[0] += seconds
        told.append(rates.of(type(job)(**{**_fields(job), "counts": {"done": done}})))
    assert told[:2] == [None, None]
    assert round(told[2], 2) == round(4 / 2.1, 2)
    assert told[3] == 0
    assert told[4] == 1
    assert told[5] is None


def _fields(job):
    return {name: getattr(job, name) for name in job.__dataclass_fields__}


# Several steps on a card.


async def changes(browser):
    return await browser.desk.jobs.propose_changes(
        [
            Change(UpdateUser, {"user_id": "user_2", "first_name": "Grace"}),
            Change(BanUser, {"user_id": "user_1"}),
            Change(DeleteUser, {"user_id": "user_3"}),
        ],
        ASKER,
    )


async def test_a_card_shows_each_step_with_old_and_new_in_order(person):
    plan = await changes(person)
    for path in ("/", f"/plans/{plan.id}"):
        answer = await person.get(path)
        inert(answer)
        page = inside(answer)
        assert page.index("Update user") < page.index("Ban user") < page.index("Delete user")
        assert "<del>Ada 2</del>" in page
        assert "<ins>Grace</ins>" in page
        assert page.count('name="step"') == 3


@pytest.mark.promise("a-person-signs")
async def test_what_is_signed_is_what_is_left_after_striking(person, upstream):
    plan = await changes(person)
    answer = await person.post(f"/plans/{plan.id}/strike", step=["1", "3"])
    assert answer.headers["location"] == f"{person.home}/plans/{plan.id}"
    page = inside(await person.get(f"/plans/{plan.id}"))
    assert "Ban user" in page
    assert "Delete user" not in page
    assert 'name="step"' not in page  # nothing would be left
    old = await person.decide(plan)
    assert "not the plan that you were shown" in problem(old)
    left = (await person.desk.plans.load(plan.id)).plan
    await person.decide(left)
    await carried_out(person.desk, plan.job.id)
    assert upstream.writes == [("POST", "/users/user_1/ban")]
    assert "struck out" in (await person.get(f"/jobs/{plan.job.id}")).text


@pytest.mark.parametrize(
    ("steps", "said"),
    [
        ([], "No step was chosen"),
        (["1", "2", "3"], "Nothing would be left"),
        (["9"], "no step 9"),
        (["x"], "That is no step"),
        (["²"], "That is no step"),
    ],
)
async def test_what_strikes_nothing_out_is_told_on_the_card(person, steps, said):
    plan = await changes(person)
    answer = await person.post(f"/plans/{plan.id}/strike", step=steps)
    assert said in problem(answer)
    assert len((await person.desk.plans.load(plan.id)).plan.job.steps) == 3


async def test_a_step_that_another_one_needs_is_not_struck_out(person):
    steps = [
        Change(CreateUser, {"email_address": ["a@example.com"]}),
        Change(BanUser, {"user_id": "$1.id"}),
    ]
    plan = await person.desk.jobs.propose_changes(steps, ASKER)
    answer = await person.post(f"/plans/{plan.id}/strike", step=["1"])
    assert "step 2 needs what step 1 makes" in problem(answer)


async def test_striking_out_wants_the_pages_token_and_somebody_who_may_sign(browser):
    plan = await changes(browser)
    await browser.sign_in(plan.id)
    assert 'name="step"' not in (await browser.get(f"/plans/{plan.id}")).text
    answer = await browser.post(f"/plans/{plan.id}/strike", csrf="made up", step=["1"])
    assert answer.status_code == 403
    answer = await browser.post(f"/plans/{plan.id}/strike", csrf=await token(browser, plan), step=["1"])
    assert "cannot sign by itself" in problem(answer)
    assert (await browser.desk.plans.load(plan.id)).plan.digest == plan.digest


async def token(browser, plan):
    page = (await browser.get(f"/plans/{plan.id}")).text
    return re.search(r'name="csrf" value="([^"]+)"', page)[1]


# Several plans under one form.


async def several(person, *actions):
    return [await person.desk.propose(action, AGENT) for action in actions]


def chosen(*plans):
    return [f"{plan.id} {plan.digest}" for plan in plans]


def typed(*plans):
    return {f"typed-{plan.id}": plan.words[0] for plan in plans}


async def statuses(person, plans):
    return [(await person.desk.plans.load(plan.id)).status for plan in plans]


async def results(answer):
    text = unescape(re.sub(r"<[^>]+>", " ", answer.text.partition('aria-label="Results"')[2]))
    return " ".join(text.split())


ACTIONS = [BanUser(user_id="user_1"), DeleteUser(user_id="user_2"), BanUser(user_id="user_3")]


@pytest.mark.promise("a-person-signs")
async def test_several_are_signed_together_and_those_not_chosen_wait_on(person):
    plans = await several(person, *ACTIONS)
    page = inside(await person.get("/"))
    assert page.count('form="together" name="plan"') == 3
    assert all(f'value="{plan.id} {plan.digest}"' in page for plan in plans)
    answer = await person.post("/together", plan=chosen(*plans[:2]), **typed(*plans))
    assert answer.status_code == 200
    assert "2 of 2 signed" in answer.text
    inert(answer)
    assert await statuses(person, plans) == ["signed", "signed", "waiting"]


async def test_of_several_each_is_checked_by_itself(person, monkeypatch):
    plans = await several(person, *ACTIONS, UpdateUser(user_id="user_4", first_name="Bo"))
    await person.decide(plans[0], "decline")
    words = typed(*plans) | {f"typed-{plans[1].id}": "user_9"}
    given = [*chosen(*plans[:3]), f"{plans[3].id} {'0' * 64}", "plan_made_up x"]
    answer = await person.post("/together", plan=given, **words)
    assert answer.status_code == 409
    told = await results(answer)
    assert "1 of 5 signed" in answer.text
    for said in (
        "declined this plan",
        "does not sign it",
        "not the plan that you were shown",
        "no such plan",
    ):
        assert said in told
    assert await statuses(person, plans) == ["declined", "waiting", "signed", "waiting"]


async def test_of_several_one_that_has_expired_keeps_none_back(person, monkeypatch):
    old, fresh = await several(person, ACTIONS[0], ACTIONS[2])
    database = await person.desk.journal.database()
    from deskclerk.desk.journal.tables import plans  # noqa: PLC0415

    async with database.writing() as connection:
        await connection.execute(plans.update().where(plans.c.id == old.id).values(expires_at=1))
    answer = await person.post("/together", plan=chosen(old, fresh), **typed(old, fresh))
    assert "has expired" in await results(answer)
    assert await statuses(person, [old, fresh]) == ["expired", "signed"]


@pytest.mark.promise("the-pin")
async def test_one_pin_is_for_all_and_a_wrong_one_is_one_try(person):
    await person.desk.signer.set("kestrel-9")
    plans = await several(person, BanUser(user_id="user_1"), *(BanUser(user_id=item) for item in IDS[1:]))
    for pin, said in (("", "none was given"), ("kestrel-8", "4 more before a lock-out")):
        answer = await person.post("/together", plan=chosen(*plans), pin=pin)
        assert said in problem(answer)
        assert inside(answer).count(" checked aria-describedby") == 5
        assert set(await statuses(person, plans)) == {"waiting"}
    await person.post("/together", plan=chosen(*plans), pin="kestrel-9")
    assert set(await statuses(person, plans)) == {"signed"}


async def test_together_signs_nothing_without_a_choice_or_the_pages_token(person):
    plans = await several(person, *ACTIONS)
    assert "No plan was chosen" in problem(await person.post("/together", **typed(*plans)))
    answer = await person.post("/together", csrf="made up", plan=chosen(*plans), **typed(*plans))
    assert answer.status_code == 403
    assert set(await statuses(person, plans)) == {"waiting"}


async def test_a_link_that_a_model_was_told_signs_nothing_together(browser):
    plan = await browser.propose()
    await browser.sign_in(plan.id)
    answer = await browser.post("/together", csrf=await token(browser, plan), plan=chosen(plan))
    assert answer.status_code == 403
    assert await statuses(browser, [plan]) == ["waiting"]


async def test_a_job_begins_with_a_signature_given_together(person):
    job, single = await bulk(person), (await several(person, ACTIONS[1]))[0]
    answer = await person.post("/together", plan=chosen(job, single), **typed(job, single))
    assert f"/jobs/{job.job.id}" in answer.text
    assert (await person.desk.jobs.store.load(job.job.id)).status == "queued"


async def test_where_nobody_has_to_sign_a_job_begins_at_once(open_desk):
    from deskclerk.faces.console.site import Console  # noqa: PLC0415
    from tests.faces.console.conftest import ORIGIN, Browser  # noqa: PLC0415

    async with open_desk(confirm="never") as desk:
        person = Browser(Console(desk, ORIGIN))
        async with person.http:
            await person.sign_in()
            answer = await person.post("/people", action="clerk_user_ban", user=IDS[:2])
            job_id = answer.headers["location"].rpartition("/")[2]
            assert (await desk.jobs.store.load(job_id)).status == "queued"
