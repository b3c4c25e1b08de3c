"""A person looks at what was done, takes an act back, and takes the record along."""

import csv
import io
import json

import anyio
import pytest
from playwright.async_api import expect

from deskclerk.catalogue import DeleteUser, GetUser, ListUsers
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
    await page.get_by_label("Action").fill("clerk_user_ban")
    await page.get_by_label("Outcome").fill("done")
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
