"""A person asks by form: a read is answered at once, a write is planned and signed."""

import pytest
from playwright.async_api import expect

from deskclerk.catalogue import GetUser
from tests.browser.conftest import check_accessible, shoot, some_user

pytestmark = pytest.mark.anyio


async def test_a_read_is_found_filled_in_and_run(stage, browse):
    at = await stage()
    page = await browse()
    await at.sign_in(page)
    await page.get_by_role("link", name="Actions").click()
    await page.wait_for_load_state()
    await shoot(page, "actions")
    await check_accessible(page)
    await page.get_by_role("searchbox").fill("list users")
    await expect(page.locator(".deeds li:visible").first).to_contain_text("List users")
    await page.get_by_role("link", name="List users", exact=True).click()
    await page.get_by_label("Limit").fill("3")
    await page.get_by_label("Order by").select_option("-updated_at")
    await page.get_by_role("button", name="Run").click()
    await expect(page.locator(".result tbody tr")).to_have_count(3)
    await page.wait_for_load_state()
    await shoot(page, "action-read")
    await check_accessible(page)
    first = await page.locator(".result tbody td").first.text_content()
    await page.get_by_role("button", name="Next page").click()
    await expect(page.locator(".result tbody td").first).not_to_have_text(first)
    await page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    await page.get_by_role("button", name="Copy Command line").click()
    assert (await page.evaluate("navigator.clipboard.readText()")).startswith("deskclerk users list")


async def test_a_write_is_corrected_planned_signed_and_done(stage, browse):
    at = await stage()
    page = await browse()
    await at.sign_in(page)
    user = await some_user(at.desk)
    await page.goto(f"{page.url}actions/clerk_user_update?user_id={user}")
    await page.get_by_label("Public metadata").fill('{"plan": }')
    await page.get_by_label("First name").fill("Grace")
    await page.get_by_role("button", name="Plan it").click()
    await expect(page.get_by_text("not JSON at line 1, column 10")).to_be_visible()
    await page.wait_for_load_state()
    await shoot(page, "action-wrong")
    await check_accessible(page)
    await expect(page.get_by_label("First name")).to_have_value("Grace")
    await page.get_by_label("Public metadata").fill('{"plan": "pro"}')
    await page.get_by_role("button", name="Plan it").click()
    await expect(page.locator(".diff ins", has_text="Grace")).to_be_visible()
    await page.get_by_role("button", name="Sign: update user").click()
    await expect(page.locator(".stamp", has_text="Done. Clerk carried it out.")).to_be_visible()
    found = (await at.desk.perform(GetUser(user_id=user, fields=["*"]))).value
    assert (found["first_name"], found["public_metadata"]["plan"]) == ("Grace", "pro")


async def test_without_scripts_a_search_a_read_and_a_write_work(stage, browse):
    at = await stage()
    page = await browse(java_script_enabled=False)
    await at.sign_in(page)
    user = await some_user(at.desk)
    await page.get_by_role("link", name="Actions").click()
    await page.get_by_role("searchbox").fill("clerk_user_ban")
    await page.get_by_role("button", name="Search").click()
    await expect(page.locator(".deeds li")).to_have_count(1)
    await page.get_by_role("link", name="Ban user").click()
    await page.get_by_label("User id").fill(user)
    await page.get_by_role("button", name="Show as code").click()
    await expect(page.get_by_label("Command line")).to_have_value(f"deskclerk users ban {user}")
    await page.get_by_role("button", name="Plan it").click()
    await page.get_by_role("button", name="Sign: ban user").click()
    await expect(page.locator(".stamp", has_text="Done.")).to_be_visible()
    assert (await at.desk.perform(GetUser(user_id=user))).value["banned"] is True
