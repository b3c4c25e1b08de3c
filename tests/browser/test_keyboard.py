"""A person without a mouse: to the search, and through the whole of a signature."""

import pytest
from playwright.async_api import expect

from deskclerk.catalogue import DeleteUser, GetUser
from deskclerk.errors import NotFound
from tests.browser.conftest import AGENT, ban, some_user

pytestmark = pytest.mark.anyio


async def tab_to(page, role, name):
    """Press Tab until what has this role and name is where the keys go; whatever is on the way is passed."""
    wanted = page.get_by_role(role, name=name)
    await expect(wanted).to_be_visible()
    for _ in range(60):
        await page.keyboard.press("Tab")
        if await wanted.evaluate("one => one === document.activeElement"):
            return
    raise AssertionError(f"{role} {name!r} is not reached by Tab")


@pytest.mark.promise("a-person-signs")
async def test_a_plan_is_signed_by_keyboard_alone(stage, browse):
    at = await stage()
    page = await browse()
    await page.goto(await at.console.link())
    await page.wait_for_load_state()
    await tab_to(page, "button", "Open the console")
    await page.keyboard.press("Enter")
    await expect(page.get_by_text("The desk is clear.")).to_be_visible()
    action = await ban(at.desk)
    asking = await at.ask(action)
    await tab_to(page, "button", "Sign: ban user")
    await page.keyboard.press("Enter")
    assert (await asking).value["banned"] is True
    await expect(page.locator(".stamp", has_text="Done. Clerk carried it out.")).to_be_visible()


async def test_what_cannot_be_taken_back_is_read_typed_and_signed_by_keyboard_alone(stage, browse):
    at = await stage()
    page = await browse()
    user_id = await some_user(at.desk)
    plan = await at.propose(DeleteUser(user_id=user_id))
    await at.sign_in(page)
    await tab_to(page, "link", "Delete user")
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("heading", level=1, name="Delete user")).to_be_visible()
    await tab_to(page, "textbox", "To sign, type")
    await page.keyboard.type(plan.words[0])
    await page.keyboard.press("Enter")
    await expect(page.locator(".stamp", has_text="Signed.")).to_be_visible()
    await at.desk.perform(DeleteUser(user_id=user_id), caller=AGENT)
    with pytest.raises(NotFound):
        await at.desk.perform(GetUser(user_id=user_id))


async def test_a_plan_is_declined_with_a_reason_by_keyboard_alone(stage, browse):
    at = await stage()
    page = await browse()
    plan = await at.propose(await ban(at.desk))
    await at.sign_in(page)
    await tab_to(page, "button", "Decline")
    await page.keyboard.press("Tab")
    await page.keyboard.press("Enter")  # "with a reason" opens
    await tab_to(page, "textbox", "Reason, told to whoever asked")
    await page.keyboard.type("not today")
    await page.keyboard.press("Shift+Tab")
    await page.keyboard.press("Shift+Tab")
    await page.keyboard.press("Enter")
    await expect(page.locator(".stamp", has_text="Declined, for good.")).to_be_visible()
    assert (await at.desk.plans.load(plan.id)).status == "declined"


@pytest.mark.parametrize("name", ["Activity", "Actions", "People", "Permissions"])
async def test_a_slash_goes_to_the_search_and_is_a_letter_within_it(stage, browse, name):
    at = await stage()
    page = await browse()
    await at.sign_in(page)
    await page.get_by_role("link", name=name).click()
    search = page.get_by_role("searchbox")
    await expect(page.get_by_text("The key / goes to the search.")).to_be_visible()
    await page.keyboard.press("/")
    await expect(search).to_be_focused()
    await expect(search).to_have_value("")
    await page.keyboard.type("a/b")
    await expect(search).to_have_value("a/b")


async def test_a_slash_can_be_turned_off_for_good(stage, browse):
    at = await stage()
    page = await browse()
    await at.sign_in(page)
    await page.get_by_role("link", name="People").click()
    await page.get_by_role("button", name="Turn it off").click()
    await page.reload()
    await expect(page.get_by_text("The key / does nothing.")).to_be_visible()
    await page.get_by_role("heading", name="People").click()
    await page.keyboard.press("/")
    await expect(page.get_by_role("searchbox")).not_to_be_focused()
