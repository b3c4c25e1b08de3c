"""A person looks at what was done, takes an act back, and takes the record along."""

import csv
import io
import json
from datetime import UTC, datetime, timedelta, timezone

import anyio
import pytest
from playwright.async_api import expect

from deskclerk.catalogue import DeleteUser, GetUser, ListUsers
from deskclerk.desk.journal.records import EntryFilter
from deskclerk.errors import DeskclerkError
from tests.browser.conftest import AGENT, ban, check_accessible, shoot

pytestmark = pytest.mark.anyio


async def test_an_act_is_found_read_and_taken_back(stage, browse):
    at = await stage()
    page = await browse()
    await at.sign_in(page)
    action = await ban(at.desk)
    asking = await at.ask(action)
    await page.get_by_role("button", name="Sign: ban user").click()
    await asking
    with pytest.raises(DeskclerkError):
        await at.desk.perform(DeleteUser(user_id=action.user_id), caller=AGENT)
    await page.get_by_role("link", name="Activity").click()
    await expect(page.get_by_text("The record is whole.")).to_be_visible()
    await page.wait_for_load_state()
    await shoot(page, "activity")
    await check_accessible(page)
    await page.get_by_label("Action").select_option("clerk_user_ban")
    await page.get_by_label("Outcome").select_option("done")
    await page.get_by_role("button", name="Filter").click()
    await expect(page.locator(".timeline li")).to_have_count(1)
    await page.get_by_role("link", name="Ban user").click()
    await expect(page.locator(".diff ins", has_text="true").first).to_be_visible()
    await page.wait_for_load_state()
    await shoot(page, "entry")
    await check_accessible(page)
    await page.get_by_role("button", name="Take it back").click()
    await expect(page.get_by_role("heading", name="Unban user")).to_be_visible()
    assert (await at.desk.perform(GetUser(user_id=action.user_id))).value["banned"] is True
    await page.get_by_role("button", name="Sign: unban user").click()
    await expect(page.locator(".stamp", has_text="Done. Clerk carried it out.")).to_be_visible()
    assert (await at.desk.perform(GetUser(user_id=action.user_id))).value["banned"] is False
    await page.get_by_role("link", name="ent_").click()
    await expect(page.get_by_text("Takes back", exact=True)).to_be_visible()


async def test_what_is_shown_is_taken_along(stage, browse):
    at = await stage()
    page = await browse()
    await at.desk.perform(ListUsers(limit=1), caller=AGENT)
    action = await ban(at.desk)
    await at.propose(action)
    await at.desk.perform(GetUser(user_id=action.user_id), caller=AGENT)
    await at.sign_in(page)
    await page.get_by_role("link", name="Activity").click()
    await page.get_by_label("Target").fill(action.user_id)
    await page.get_by_role("button", name="Filter").click()
    kept = {}
    for kind in ("CSV", "NDJSON"):
        async with page.expect_download() as waiting:
            await page.get_by_role("link", name=kind, exact=True).click()
        kept[kind] = await anyio.Path(await (await waiting.value).path()).read_text()
    assert [row["action"] for row in csv.DictReader(io.StringIO(kept["CSV"]))] == ["clerk_user_get"]
    assert [json.loads(line)["action"] for line in kept["NDJSON"].splitlines()] == ["clerk_user_get"]


async def test_without_scripts_all_of_it_works(stage, browse):
    at = await stage(confirm="never")
    page = await browse(java_script_enabled=False)
    action = await ban(at.desk)
    await at.desk.perform(action, caller=AGENT)
    await at.sign_in(page)
    await page.get_by_role("link", name="Activity").click()
    await page.get_by_label("From").fill("yesterday")
    await page.get_by_role("button", name="Filter").click()
    await expect(page.get_by_text("not a time")).to_be_visible()
    await page.get_by_label("From").fill("2026-01-01")
    await page.get_by_role("button", name="Filter").click()
    await page.get_by_role("link", name="Ban user").click()
    await page.get_by_role("button", name="Take it back").click()
    await expect(page.get_by_text("Taken back.")).to_be_visible()
    assert (await at.desk.perform(GetUser(user_id=action.user_id))).value["banned"] is False


async def test_times_are_the_readers_and_utc_is_beside_the_pointer(stage, browse):
    at = await stage()
    page = await browse(timezone_id="Pacific/Kiritimati")  # UTC+14, where most of a day is tomorrow already
    await at.desk.perform(ListUsers(limit=1), caller=AGENT)
    (noted,) = await at.desk.journal.entries(EntryFilter(action="clerk_users_list"))
    there = datetime.fromtimestamp(noted["at"] / 1000, timezone(timedelta(hours=14)))
    utc = datetime.fromtimestamp(noted["at"] / 1000, UTC)
    await at.sign_in(page)
    await page.get_by_role("link", name="Activity").click()
    time = page.locator(".timeline time").first
    await expect(time).to_have_text(f"{there:%H:%M:%S}")
    await expect(time).to_have_attribute("title", f"{utc:%Y-%m-%d %H:%M:%S} UTC")
    await expect(page.locator(".day h2")).to_have_text(f"{there:%Y-%m-%d}")
    await expect(page.get_by_text("Times are those of Pacific/Kiritimati")).to_be_visible()
    await check_accessible(page)
    await page.get_by_role("link", name="List users").click()
    await expect(page.locator(".asks time")).to_have_text(f"{there:%Y-%m-%d %H:%M:%S}")


async def test_an_agents_reads_are_named(stage, browse):
    at = await stage()
    page = await browse()
    somebody = (await at.desk.perform(ListUsers(limit=1))).value["items"][0]
    await at.desk.perform(GetUser(user_id=somebody["id"]), caller=AGENT)
    await at.sign_in(page)
    await page.get_by_role("link", name="Activity").click()
    entry = page.locator(".timeline li", has_text=somebody["id"])
    await expect(entry).to_contain_text(f"{somebody['first_name']} {somebody['last_name']}")
    await page.get_by_label("Caller").select_option("Claude Code")
    await page.get_by_role("button", name="Filter").click()
    await expect(page.locator(".timeline li")).to_have_count(1)
