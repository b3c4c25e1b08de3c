"""A person before jobs: many writes signed once, followed as they go on, stopped, and struck out of."""

import asyncio

import pytest
from playwright.async_api import expect

from deskclerk.catalogue import BanUser, CreateUser, DeleteUser, GetUser, ListUsers, LockUser, UpdateUser
from deskclerk.desk import Caller, Decision, Signature
from deskclerk.desk.jobs.job import DONE
from deskclerk.desk.jobs.jobs import Change
from tests.browser.conftest import check_accessible, shoot

pytestmark = pytest.mark.anyio
ASKER = Caller("cli", "night script", "laptop")


async def some_users(desk, count):
    """Users whom a ban would change."""
    found = (await desk.perform(ListUsers(limit=count + 20, banned=False))).value["items"]
    return found[:count]


async def signed_job(at, count, page):
    """A job that a person has signed, and no worker sees to."""
    ids = [item["id"] for item in await some_users(at.desk, count)]
    plan = await at.desk.jobs.propose(BanUser, ids, ASKER)
    await page.goto(f"{at.home}/plans/{plan.id}")
    await page.get_by_role("button", name="Sign:").click()
    await expect(page.get_by_text("about to begin")).to_be_visible()
    return plan.job.id


@pytest.fixture
def no_worker(monkeypatch):
    monkeypatch.setattr("deskclerk.desk.jobs.jobs.start_worker", lambda *_: False)


async def enter(at, page):
    await at.sign_in(page)
    await expect(page.get_by_role("heading", level=1, name="Waiting for you")).to_be_visible()
    at.home = page.url.rstrip("/")


async def move_on(desk, job_id, numbers, status, **more):
    """What a run does to items, with its line in the journal."""
    store, database = desk.jobs.store, await desk.journal.database()
    async with database.writing() as connection:
        rows = [{"number": number, "status": status, **more} for number in numbers]
        await store.change_items(connection, job_id, rows)
    await desk.perform(ListUsers(limit=1))
    await desk.journal.flush()


async def test_users_are_ticked_banned_under_one_signature_and_followed_to_the_end(stage, browse):
    at = await stage()
    page = await browse()
    await enter(at, page)
    await page.get_by_role("link", name="People").click()
    for number in range(3):
        await page.locator(".pick input").nth(number).check()
    await page.get_by_label("Do what").select_option(label="Ban user")
    await page.wait_for_load_state()
    await shoot(page, "people-chosen")
    await check_accessible(page)
    await page.get_by_role("button", name="Plan it…").click()
    await expect(page.get_by_role("heading", name="Ban 3 users")).to_be_visible()
    await page.wait_for_load_state()
    await shoot(page, "plan-of-a-job")
    await check_accessible(page)
    await page.get_by_role("button", name="Sign:").click()
    # A real worker, which the signature started.
    await expect(page.locator(".job-state .state", has_text="done")).to_be_visible(timeout=60_000)
    await expect(page.locator(".job-counts")).to_contain_text("3 of 3")
    await page.reload()
    async with page.expect_download() as waiting:
        await page.get_by_role("link", name="Download").click()
    assert (await waiting.value).suggested_filename.endswith(".ndjson")
    await shoot(page, "job-done")
    await check_accessible(page)
    await page.get_by_role("link", name="3 done").click()
    await expect(page.locator(".items li")).to_have_count(3)
    await check_accessible(page)
    await page.get_by_role("link", name="journal entry").first.click()
    await expect(page.get_by_role("heading", level=1, name="Ban user")).to_be_visible()
    await expect(page.locator(".facts")).to_contain_text("job_")
    await page.go_back()
    await page.go_back()
    await page.get_by_role("button", name="Undo…").click()
    await expect(page.get_by_role("heading", level=1)).to_contain_text("Undo: Ban 3 users")


async def test_a_running_job_is_followed_on_both_pages_and_paused(stage, browse, no_worker):
    at = await stage()
    page = await browse()
    await enter(at, page)
    job_id = await signed_job(at, 20, page)
    store = at.desk.jobs.store
    await page.get_by_role("link", name="Jobs", exact=True).first.click()
    row = page.locator(f"#{job_id}")
    await expect(row).to_contain_text("0 of 20")
    await store.own(job_id, "test:1")
    await expect(row).to_contain_text("running")
    await move_on(at.desk, job_id, range(1, 8), "done", error=None)
    await expect(row).to_contain_text("7 of 20")
    await row.get_by_role("link").click()
    await expect(page.get_by_text("7 of 20")).to_be_visible()
    await asyncio.sleep(1)
    await move_on(at.desk, job_id, range(8, 12), "done", error=None)
    await expect(page.locator(".job-counts")).to_contain_text("11 of 20")
    await asyncio.sleep(1)
    await move_on(at.desk, job_id, range(12, 15), "refused", error="Clerk refused: form_param_invalid")
    await expect(page.locator(".job-counts")).to_contain_text("per second")
    await expect(page.get_by_role("progressbar")).to_have_attribute("aria-valuenow", "14")
    await page.wait_for_load_state()
    await shoot(page, "job-running")
    await check_accessible(page)
    await page.get_by_role("button", name="Pause").click()
    await expect(page.locator(".job-state")).to_contain_text("pausing")
    await store.ended(job_id, "test:1", "paused", "by a person")
    # Without reloading.
    await expect(page.get_by_role("button", name="Go on")).to_be_visible()
    await expect(page.locator(".job-state")).to_contain_text("by a person")
    await shoot(page, "job-paused")
    await check_accessible(page)
    await page.get_by_role("link", name="3 failed").click()
    await expect(page.locator(".items li")).to_have_count(3)
    await page.wait_for_load_state()
    await shoot(page, "job-items")
    await check_accessible(page)
    await page.get_by_role("link", name="Ban 20 users").click()
    await page.get_by_role("button", name="Go on").click()
    await expect(page.locator(".job-state")).to_contain_text("about to begin")
    await page.get_by_role("button", name="Cancel").click()
    await expect(page.locator(".job-state")).to_contain_text("cancelled")
    await signed_job(at, 30, page)
    await page.goto(f"{at.home}/jobs")
    await expect(page.locator(".job")).to_have_count(2)
    await shoot(page, "jobs")
    await check_accessible(page)
    # One that is signed elsewhere appears by itself.
    ids = [item["id"] for item in await some_users(at.desk, 2)]
    plan = await at.desk.jobs.propose(BanUser, ids, ASKER)
    await at.desk.sign(plan.id, Signature(Decision.APPROVED, "elsewhere"), caller=ASKER)
    await expect(page.locator(f"#{plan.job.id}")).to_contain_text("0 of 2")
    await expect(page.locator(".job")).to_have_count(3)


async def test_steps_are_struck_out_and_what_is_left_is_signed_and_done(stage, browse):
    at = await stage()
    page = await browse()
    await enter(at, page)
    first, second, third = [item["id"] for item in await some_users(at.desk, 3)]
    plan = await at.desk.jobs.propose_changes(
        [
            Change(
                UpdateUser,
                {"user_id": first, "first_name": "Grace", "public_metadata": {"plan": "pro", "seats": 40}},
            ),
            Change(BanUser, {"user_id": second}),
            Change(CreateUser, {"email_address": ["new@example.com"]}),
            Change(DeleteUser, {"user_id": third}),
        ],
        ASKER,
    )
    await page.goto(f"{at.home}/plans/{plan.id}")
    await page.get_by_label("strike out step 4").check()
    await page.wait_for_load_state()
    await shoot(page, "plan-steps")
    await check_accessible(page)
    await page.get_by_label("strike out step 3").check()
    # Ticked is not struck out: nothing can be signed in between.
    await expect(page.get_by_role("button", name="Sign:")).to_be_hidden()
    await page.get_by_role("button", name="Strike out").click()
    await expect(page.locator(".chain-of-steps > li")).to_have_count(2)
    await page.get_by_role("button", name="Sign:").click()
    await expect(page.locator(".job-state .state", has_text="done")).to_be_visible(timeout=60_000)
    assert (await at.desk.perform(GetUser(user_id=first))).value["first_name"] == "Grace"
    assert (await at.desk.perform(GetUser(user_id=third))).value["id"] == third
    (job,) = await at.desk.jobs.listed()
    assert (job.status, job.counts) == (DONE, {"done": 2, "struck": 2})


async def test_pages_that_are_open_show_what_is_left_when_steps_are_struck_out(stage, browse):
    at = await stage()
    striking, card, lists = [await browse() for _ in range(3)]
    users = [item["id"] for item in await some_users(at.desk, 3)]
    kinds = (BanUser, DeleteUser, LockUser)
    changes = [Change(kind, {"user_id": user}) for kind, user in zip(kinds, users, strict=True)]
    plan = await at.desk.jobs.propose_changes(changes, ASKER)
    other = await at.propose(DeleteUser(user_id=users[0]))
    for page in (striking, card, lists):
        await enter(at, page)  # each has an address of its own
        if page is not lists:
            await page.goto(f"{at.home}/plans/{plan.id}")
    beside = lists.locator(f"#{other.id}").get_by_label("To sign, type")
    await beside.fill("half typed")
    for page in (card, lists):
        await expect(page.locator(".chain-of-steps > li")).to_have_count(3)
    await striking.get_by_label("strike out step 2").check()
    await striking.get_by_role("button", name="Strike out").click()
    await expect(striking.locator(".chain-of-steps > li")).to_have_count(2)
    for page in (card, lists):
        await expect(page.locator(".chain-of-steps > li")).to_have_count(2)
        await expect(page.locator("article .notice", has_text="This plan has changed")).to_be_visible()
        await check_accessible(page)
    await shoot(card, "plan-changed")
    await shoot(lists, "plan-changed-list")
    await expect(beside).to_have_value("half typed")
    await expect(lists.get_by_text("This plan has changed")).to_have_count(2)  # beside what is read out
    await card.get_by_role("button", name="Sign:").click()
    await expect(card.locator(".job-state .state", has_text="done")).to_be_visible(timeout=60_000)
    (job,) = await at.desk.jobs.listed()
    assert (job.status, job.counts) == (DONE, {"done": 2, "struck": 1})


@pytest.mark.promise("a-person-signs")
async def test_two_of_three_are_chosen_and_signed_together(stage, browse):
    at = await stage()
    page = await browse()
    first, second, third = [item["id"] for item in await some_users(at.desk, 3)]
    await at.propose(BanUser(user_id=first))
    await at.propose(DeleteUser(user_id=second))
    await at.propose(BanUser(user_id=third))
    await enter(at, page)
    together = page.get_by_role("button", name="Sign the chosen plans")
    await expect(together).to_be_hidden()
    for user_id in (first, second):
        card = page.get_by_role("article").filter(has_text=user_id)
        await card.get_by_label("Sign together with others").check()
        await expect(card.get_by_role("button", name="Sign:")).to_be_hidden()
    await expect(page.get_by_text("2 plans chosen.")).to_be_visible()
    await page.wait_for_load_state()
    await shoot(page, "waiting-chosen")
    await check_accessible(page)
    await together.click()
    await expect(page.get_by_role("heading", level=1)).to_have_text("1 of 2 signed")
    await expect(page.locator(".rows")).to_contain_text("What you typed does not sign it")
    await page.wait_for_load_state()
    await shoot(page, "together")
    await check_accessible(page)
    await page.get_by_role("link", name="Waiting for you").first.click()
    await expect(page.get_by_role("article")).to_have_count(2)


async def test_without_scripts_people_are_chosen_and_plans_signed_together(stage, browse, no_worker):
    at = await stage()
    page = await browse(java_script_enabled=False)
    await enter(at, page)
    await page.get_by_role("link", name="People").click()
    await page.get_by_role("searchbox").fill("a")
    await page.get_by_role("button", name="Search").click()
    await page.get_by_label("Do what").select_option(label="Delete user")
    await page.get_by_label("that match").check()
    await page.get_by_role("button", name="Plan it…").click()
    words = await page.locator("kbd").first.inner_text()
    await at.propose(BanUser(user_id=(await some_users(at.desk, 1))[0]["id"]))
    await page.goto(f"{at.home}/")
    for number in range(2):
        await page.get_by_label("Sign together with others").nth(number).check()
    await page.get_by_label("To sign it with the others, type").fill(words)
    await page.get_by_role("button", name="Sign the chosen plans").click()
    await expect(page.get_by_role("heading", level=1)).to_have_text("2 of 2 signed")
    await page.get_by_role("link", name="Follow the job").click()
    await page.get_by_role("button", name="Cancel").click()
    await expect(page.locator(".job-state")).to_contain_text("cancelled")
