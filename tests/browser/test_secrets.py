"""Secrets pass between a person and Clerk, and no model sees one."""

import re

import pytest
from playwright.async_api import expect

from deskclerk.catalogue import CreateClient
from tests.browser.conftest import check_accessible, shoot

pytestmark = pytest.mark.anyio


async def test_what_clerk_shows_once_is_shown_once(stage, browse, tmp_path):
    at = await stage(confirm="never", handover="console")
    page = await browse()
    answer = await at.desk.perform(
        CreateClient(name="Partner portal", redirect_uris=["https://example.com/cb"])
    )
    assert f"{at.console.url}/secrets" in " ".join(answer.notes)
    await at.sign_in(page)
    await page.get_by_role("link", name="Secrets").click()
    await shoot(page, "secrets")
    await check_accessible(page)
    await page.get_by_role("button", name=re.compile("Show once.*Partner portal")).click()
    secret = await page.get_by_label("client_secret").input_value()
    assert len(secret) > 20
    assert secret not in answer.text
    assert not list((tmp_path / "home").glob("handover/*"))
    await page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    await page.get_by_role("button", name="Copy").click()
    assert await page.evaluate("navigator.clipboard.readText()") == secret
    await check_accessible(page)
    await page.get_by_role("textbox").evaluate("field => field.value = '(shown once)'")
    await shoot(page, "handover")
    await page.go_back()
    await page.reload()
    await expect(page.get_by_role("button", name="Show once")).to_have_count(0)
    await expect(page.get_by_text("Nothing waits.")).to_be_visible()


async def test_a_secret_for_a_plan_is_entered_and_never_shown_again(stage, browse):
    at = await stage()
    page = await browse()
    await at.sign_in(page)
    await page.goto(f"{page.url}secrets?name=ada.password")
    await page.get_by_label("Secret", exact=True).fill("correct horse battery")
    await page.get_by_role("button", name="Store it").click()
    await expect(page.get_by_text("secret:ada.password")).to_be_visible()
    assert "correct horse" not in await page.content()
    assert [item.name for item in await at.desk.secrets.listed()] == ["ada.password"]
    await page.get_by_role("button", name="Remove ada.password").click()
    await expect(page.get_by_text("Removed.")).to_be_visible()
    assert await at.desk.secrets.listed() == []
