"""A person turns the sandbox's knobs: time, faults, webhooks, and a fresh start."""

import pytest
from playwright.async_api import expect

from deskclerk.catalogue import ListUsers, UpdateUser
from tests.browser.conftest import check_accessible, shoot, some_user

pytestmark = pytest.mark.anyio


async def test_time_faults_webhooks_and_a_reset(stage, browse):
    at = await stage(confirm="never")
    page = await browse()
    await at.desk.perform(UpdateUser(user_id=await some_user(at.desk), first_name="Grace"))
    await at.sign_in(page)
    await page.get_by_role("link", name="Sandbox").click()
    await page.get_by_label("Let pass").fill("3d")
    await page.get_by_role("button", name="Advance").click()
    await expect(page.get_by_text("3 days ahead of this machine")).to_be_visible()
    await page.get_by_role("button", name="Stop it").click()
    await expect(page.get_by_text("stands still")).to_be_visible()
    await page.get_by_text("Add a fault").click()
    await page.get_by_label("Path").fill("/users/*")
    await page.get_by_label("What happens").select_option(label="half of the answer, but it is done")
    await page.get_by_role("button", name="Add the fault").click()
    await expect(page.get_by_text("sends half of the answer, done")).to_be_visible()
    await page.get_by_label("Send them to").fill("http://127.0.0.1:3000/webhooks")
    await page.get_by_role("button", name="Add", exact=True).click()
    await expect(page.get_by_text("user.updated").first).to_be_visible()
    await shoot(page, "sandbox")
    await page.get_by_text("Add a fault").click()
    await page.get_by_text("Payload").first.click()
    await page.get_by_text("Seed it with YAML").click()
    await shoot(page, "sandbox-open")
    await check_accessible(page)
    await page.get_by_label("To reset it").fill("no")
    await page.get_by_role("button", name="Reset").click()
    await expect(page.get_by_role("alert")).to_contain_text("type reset")
    await page.get_by_label("To reset it").fill("reset")
    await page.get_by_label("with the small company").uncheck()
    await page.get_by_role("button", name="Reset").click()
    await expect(page.get_by_text("Reset.", exact=True)).to_be_visible()
    assert (await at.desk.perform(ListUsers())).value["items"] == []
