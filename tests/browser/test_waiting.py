"""A person before the console: what agents ask for arrives, is read, and is signed or declined."""

import asyncio

import pytest
from playwright.async_api import expect

from deskclerk.catalogue import BanUser, CreateUser, DeleteUser, GetUser, UpdateUser
from deskclerk.errors import ApprovalRefused
from tests.browser.conftest import ban, check_accessible, shoot, some_user

pytestmark = pytest.mark.anyio


@pytest.mark.promise("a-person-signs")
async def test_an_agents_ban_arrives_is_read_signed_and_performed(stage, browse):
    at = await stage()
    page = await browse()
    await at.sign_in(page)
    await expect(page.get_by_text("The desk is clear.")).to_be_visible()
    action = await ban(at.desk)
    asking = await at.ask(action)
    card = page.get_by_role("article")
    await expect(card).to_have_count(1)
    await expect(page).to_have_title("(1) Waiting for you · deskclerk")
    await expect(page.get_by_role("link", name="Waiting for you 1")).to_be_visible()
    await expect(card).to_contain_text("Claude Code")
    await expect(card).to_contain_text("token laptop")
    await expect(card).to_contain_text(action.user_id)
    await expect(card).to_contain_text("Can be taken back with Unban user")
    await card.get_by_role("button", name="Sign: ban user").click()
    assert (await asyncio.wait_for(asking, 20)).value["banned"] is True
    await expect(page.locator(".stamp", has_text="Done. Clerk carried it out.")).to_be_visible()
    await shoot(page, "plan-done")
    await check_accessible(page)
    assert (await at.desk.perform(GetUser(user_id=action.user_id))).value["banned"] is True
    await page.get_by_role("link", name="Waiting for you", exact=False).first.click()
    await expect(page.get_by_text("The desk is clear.")).to_be_visible()


async def test_a_no_with_its_reason_reaches_whoever_asked(stage, browse):
    at = await stage()
    page = await browse()
    asking = await at.ask(await ban(at.desk))
    await at.sign_in(page)
    card = page.get_by_role("article")
    await card.get_by_text("with a reason").click()
    await card.get_by_label("Reason, told to whoever asked").fill("ask me on Monday")
    await card.get_by_role("button", name="Decline").click()
    await expect(page.locator(".stamp", has_text="Declined, for good.")).to_be_visible()
    with pytest.raises(ApprovalRefused, match="ask me on Monday"):
        await asyncio.wait_for(asking, 20)


async def test_of_two_tabs_racing_for_one_signature_one_is_told_that_it_was_late(stage, browse):
    at = await stage()
    first = await browse()
    await at.propose(await ban(at.desk))
    await at.sign_in(first)
    second = await browse(first.context)
    # The second's script is kept from following along, so that both show the button.
    await second.route("**/events", lambda route: route.abort())
    await second.goto(first.url)
    await first.get_by_role("button", name="Sign:").click()
    await expect(first.locator(".stamp", has_text="Signed.")).to_be_visible()
    await second.get_by_role("button", name="Sign:").click()
    await expect(second.get_by_role("alert")).to_contain_text("signed already")


async def test_a_card_says_when_it_was_decided_in_another_tab(stage, browse):
    at = await stage()
    first = await browse()
    await at.propose(await ban(at.desk))
    await at.sign_in(first)
    second = await browse(first.context)
    await second.goto(first.url)
    await first.get_by_role("button", name="Decline").click()
    await expect(second.get_by_text("no longer waits")).to_be_visible()
    await expect(second).to_have_title("Waiting for you · deskclerk")


async def test_everything_works_with_scripts_off(stage, browse):
    at = await stage()
    page = await browse(java_script_enabled=False)
    action = DeleteUser(user_id=await some_user(at.desk))
    asking = await at.ask(action)
    await at.sign_in(page)
    await page.get_by_label("To sign, type").fill(action.user_id)
    await page.get_by_role("button", name="Sign: delete user").click()
    assert (await asyncio.wait_for(asking, 20)).value["deleted"] is True
    await expect(page.locator(".stamp", has_text="Done. Clerk carried it out.")).to_be_visible(timeout=15_000)


async def test_what_cannot_be_taken_back_wants_the_name_and_the_keyboard_is_enough(stage, browse):
    at = await stage()
    page = await browse()
    action = DeleteUser(user_id=await some_user(at.desk))
    await at.propose(action)
    await at.sign_in(page)
    field = page.get_by_label("To sign, type")
    await field.focus()
    await page.keyboard.type("yes")
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("alert")).to_contain_text("does not sign it")
    await check_accessible(page)
    await page.get_by_label("To sign, type").fill("")
    await page.keyboard.type(action.user_id)
    await page.keyboard.press("Enter")
    await expect(page.locator(".stamp", has_text="Signed.")).to_be_visible()


@pytest.mark.promise("a-told-link-only-shows")
async def test_the_signers_pin_signs_even_by_a_link_that_a_model_was_told(stage, browse):
    at = await stage()
    page = await browse()
    await at.desk.signer.set("kestrel-9")
    plan = await at.propose(await ban(at.desk))
    await at.sign_in(page, plan.id)
    await page.get_by_label("PIN").fill("kestrel-8")
    await page.get_by_role("button", name="Sign:").click()
    await expect(page.get_by_role("alert")).to_contain_text("The PIN is wrong. 4 more")
    await page.get_by_label("PIN").fill("kestrel-9")
    await page.get_by_role("button", name="Sign:").click()
    await expect(page.locator(".stamp", has_text="Signed.")).to_be_visible()


@pytest.mark.promise("a-told-link-only-shows")
async def test_without_a_pin_such_a_link_only_shows(stage, browse):
    at = await stage()
    page = await browse()
    plan = await at.propose(await ban(at.desk))
    await at.sign_in(page, plan.id)
    await expect(page.get_by_text("This link only shows the plan.")).to_be_visible()
    await expect(page.get_by_role("button", name="Sign:")).to_have_count(0)
    await shoot(page, "plan-by-link")
    await check_accessible(page)


async def test_a_hundred_plans_are_shown_and_the_last_is_signed(stage, browse):
    at = await stage()
    page = await browse()
    for number in range(100):
        await at.propose(CreateUser(first_name=f"Number {number}", email_address=[f"n{number}@example.com"]))
    await at.sign_in(page)
    await expect(page.get_by_role("article")).to_have_count(100)
    await expect(page).to_have_title("(100) Waiting for you · deskclerk")
    await page.get_by_role("article").last.get_by_role("button", name="Sign:").click()
    await expect(page.get_by_text("Number 0")).to_be_visible()
    await expect(page.locator(".stamp", has_text="Signed.")).to_be_visible()


async def test_on_a_live_instance_nobody_can_miss_it(stage, browse, tiny_clerk):
    tiny_clerk.users["user_1"] |= {
        "first_name": "Ada",
        "last_name": "Lovelace",
        "public_metadata": {"plan": "free"},
    }
    at = await stage(tiny_clerk, secret_key="sk_live_x")
    page = await browse()
    change = {"plan": "enterprise", "seats": 40, "contract": {"since": "2026-11-01", "by": ["Ada", "Grace"]}}
    await at.propose(UpdateUser(user_id="user_1", first_name="Augusta Ada", public_metadata=change))
    await at.propose(DeleteUser(user_id="user_1"))
    await at.propose(BanUser(user_id="user_1"))
    await at.sign_in(page)
    await expect(page.get_by_text("This reaches real users.")).to_have_count(3)
    await expect(page.get_by_role("row", name="public_metadata.plan free enterprise")).to_be_visible()
    await shoot(page, "waiting-live")
    await check_accessible(page)


async def test_pages_before_the_door_are_accessible_too(stage, browse):
    at = await stage()
    page = await browse()
    await page.goto(f"{at.console.url}/anything")
    await expect(page.get_by_text("deskclerk console", exact=True)).to_be_visible()
    await shoot(page, "signed-out")
    await check_accessible(page)
    await page.goto(f"{at.console.url}/in/{await at.desk.console_links.issue()}")
    await shoot(page, "link")
    await check_accessible(page)
    await page.get_by_role("button", name="Open the console").click()
    await shoot(page, "waiting-empty")
    await check_accessible(page)


async def test_whoever_is_in_is_led_on_from_an_address_without_the_session(stage, browse):
    at = await stage()
    page = await browse()
    plan = await at.propose(await ban(at.desk))
    await at.sign_in(page)
    await expect(page.get_by_role("link", name="Waiting for you 1")).to_be_visible()
    await page.goto(f"{at.console.url}/plans/{plan.id}")
    await expect(page.get_by_role("heading", name="Ban user")).to_be_visible()
    await page.get_by_role("button", name="Sign out").click()
    await expect(page.get_by_role("heading", name="The console is closed here")).to_be_visible()
