"""A person looks somebody up: search, pages, one user in full."""

import pytest
from playwright.async_api import expect

from deskclerk.catalogue import BanUser, ListUsers, LockUser, UpdateUser
from tests.browser.conftest import check_accessible, shoot
from tests.journeys.attack_corpus import PAYLOADS

pytestmark = pytest.mark.anyio


async def test_users_are_searched_paged_and_read_in_full(stage, browse):
    at = await stage(confirm="never")
    page = await browse()
    await at.sign_in(page)
    await page.get_by_role("link", name="People").click()
    first = page.get_by_role("list", name="").get_by_role("link").first
    await expect(first).to_be_visible()
    await shoot(page, "people")
    await check_accessible(page)
    shown = await page.locator(".list .row-what a").all_inner_texts()
    await page.get_by_role("link", name="Next page").click()
    after = await page.locator(".list .row-what a").all_inner_texts()
    assert after
    assert not set(shown) & set(after)
    somebody = (await at.desk.perform(ListUsers(limit=1))).value["items"][0]
    await at.desk.perform(UpdateUser(user_id=somebody["id"], public_metadata={"plan": "pro", "seats": 12}))
    await at.desk.perform(BanUser(user_id=somebody["id"]))
    await page.get_by_role("searchbox").fill(somebody["email_addresses"][0]["email_address"])
    await page.keyboard.press("Enter")
    await expect(page.locator(".list .row-what a")).to_have_count(1)
    await expect(page.locator(".mark", has_text="banned")).to_be_visible()
    await page.locator(".list .row-what a").click()
    await expect(page.get_by_role("heading", level=1)).to_contain_text(somebody["first_name"])
    await expect(page.get_by_role("group", name="Public")).to_contain_text('"plan": "pro"')
    await expect(page.locator("section", has_text="In the journal")).to_contain_text("clerk_user_ban")
    await shoot(page, "user")
    await check_accessible(page)
    await page.get_by_text("Side by side").click()
    await expect(page.locator("pre[aria-labelledby=agent-shown]")).not_to_contain_text("profile_image_url")
    await expect(page.locator("pre[aria-labelledby=agent-whole]")).to_contain_text("profile_image_url")
    await shoot(page, "user-beside")
    await check_accessible(page)
    await page.get_by_role("link", name="Unban user").click()
    await expect(page.locator("input[name$=user_id]").first).to_have_value(somebody["id"])
    await page.get_by_role("link", name="People").click()
    await page.get_by_role("link", name="Organizations").click()
    await expect(page.locator(".list")).to_contain_text("members")
    await check_accessible(page)
    await page.locator(".list .row-what a").first.click()
    await expect(page.get_by_role("heading", name="Members")).to_be_visible()
    await check_accessible(page)


async def test_an_organization_is_found_and_leads_to_its_members(stage, browse):
    at = await stage()
    page = await browse(java_script_enabled=False)
    await at.sign_in(page)
    await page.get_by_role("link", name="People").click()
    await page.get_by_role("link", name="Organizations").click()
    await shoot(page, "organizations")
    company = await page.locator(".list .row-what a").first.inner_text()
    await page.locator(".list .row-what a").first.click()
    await expect(page.get_by_role("heading", name="Members")).to_be_visible()
    await shoot(page, "organization")
    member = (
        page.locator("section", has=page.get_by_role("heading", name="Members")).get_by_role("link").first
    )
    name = await member.inner_text()
    await member.click()
    await expect(page.get_by_role("heading", level=1, name=name)).to_be_visible()
    await expect(page.locator("section[aria-labelledby=belongs]")).to_contain_text(company)
    await expect(page.locator("section[aria-labelledby=belongs] .mark").first).to_contain_text("org:")


async def test_what_end_users_wrote_does_nothing_and_is_no_wider_than_a_phone(stage, browse):
    at = await stage(confirm="never")
    page = await browse()
    user_id = (await at.desk.perform(ListUsers(limit=1))).value["items"][0]["id"]
    names = {"first_name": PAYLOADS["html"], "last_name": PAYLOADS["bidi"] + "W" * 120}
    # One is not UTF-8, one more than Clerk takes, and one what no action takes.
    left_out = ("lone surrogate", "very long", "nul")
    texts = {name: text for name, text in PAYLOADS.items() if name not in left_out}
    await at.desk.perform(UpdateUser(user_id=user_id, **names, public_metadata=texts))
    await at.sign_in(page)
    await page.get_by_role("link", name="People").click()
    await expect(page.locator(".list")).to_contain_text("<script>")
    await check_accessible(page)
    await page.goto(f"{page.url}/users/{user_id}")
    await expect(page.get_by_role("heading", level=1)).to_contain_text("<script>")
    await shoot(page, "user-attack")
    await check_accessible(page)


def name_of(user):
    return " ".join(filter(None, (user.get("first_name"), user.get("last_name"))))


async def test_who_is_locked_is_found_and_people_are_put_in_order(stage, browse):
    at = await stage(confirm="never")
    page = await browse()
    newest = (await at.desk.perform(ListUsers(limit=1))).value["items"][0]
    await at.desk.perform(LockUser(user_id=newest["id"]))
    everybody = [one async for part in at.desk.pages(ListUsers()) for one in part.value["items"]]
    locked = [name_of(one) for one in everybody if one["locked"]]
    await at.sign_in(page)
    await page.get_by_role("link", name="People").click()
    total = (await at.desk.perform(ListUsers(limit=0))).value["total"]
    await expect(page.get_by_text(f"{total} users.")).to_be_visible()
    await page.get_by_label("State").select_option("locked")
    await page.get_by_role("button", name="Search").click()
    await expect(page.get_by_text(f"{len(locked)} locked among {total} users.")).to_be_visible()
    assert await page.locator(".list .row-what a").all_inner_texts() == locked
    await shoot(page, "people-locked")
    await check_accessible(page)
    await page.get_by_label("State").select_option("")
    await page.get_by_label("Order").select_option("last_name")
    await page.get_by_role("button", name="Search").click()
    await expect(page.get_by_text(f"{total} users.")).to_be_visible()
    shown = await page.locator(".list .row-what a").all_inner_texts()
    ordered = (await at.desk.perform(ListUsers(limit=25, order_by="last_name"))).value["items"]
    assert shown == [name_of(one) for one in ordered]
