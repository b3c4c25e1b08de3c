"""A person connects an instance: the key is tried at once, and what clients need is ready to copy."""

import socket

import pytest
from playwright.async_api import expect

from deskclerk.sandbox import KEY, open_sandbox
from deskclerk.sandbox.serving import serving
from deskclerk.settings import Settings
from tests.browser.conftest import check_accessible, shoot

pytestmark = pytest.mark.anyio


@pytest.fixture
async def clerk(tmp_path):
    """The address of a sandbox that runs on this machine."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        async with (
            open_sandbox(tmp_path / "clerk.db", seed=False) as opened,
            serving(opened, listener),
        ):
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"


async def fill(page, clerk, name, key):
    form = page.locator("form", has=page.get_by_role("button", name="Check and connect"))
    await form.get_by_label("Name").fill(name)
    await form.get_by_label("Secret key").fill(key)
    if not await form.get_by_label("API address").is_visible():
        await form.get_by_text("Another address").click()
    await form.get_by_label("API address").fill(clerk)
    await form.get_by_role("button", name="Check and connect").click()


async def test_a_wrong_key_then_a_good_one_is_connected_renamed_switched_and_removed(
    stage, browse, clerk, tmp_path
):
    at = await stage()
    page = await browse()
    await at.sign_in(page)
    await page.get_by_role("link", name="Connect").click()
    await shoot(page, "connect-new")
    await fill(page, clerk, "shop-test", "sk_test_mistyped")
    await expect(page.get_by_role("alert")).to_contain_text("Clerk does not accept this key.")
    await check_accessible(page)
    await fill(page, clerk, "shop-test", KEY)
    await expect(page.get_by_text("The key is good, and stored.")).to_be_visible()
    await expect(page.get_by_text("From the next start: shop-test.")).to_be_visible()
    assert KEY not in await page.content()
    await shoot(page, "connect")
    await check_accessible(page)
    row = page.get_by_role("listitem").filter(has_text="shop-test")
    await row.get_by_text("Change").click()
    await shoot(page, "connect-change")
    await check_accessible(page)
    await row.get_by_label("New name").fill("till")
    await row.get_by_role("button", name="Rename").click()
    await expect(page.get_by_text("shop-test is now called till.")).to_be_visible()
    await page.get_by_role("button", name="Use the sandbox").click()
    await expect(page.get_by_role("button", name="Use till")).to_be_visible()
    await expect(page.locator(".notice", has_text="From the next start")).to_have_count(0)
    await page.get_by_role("button", name="Use till").click()
    home = tmp_path / "home"
    settings = Settings.load({"home": home}, {})
    assert (settings.instance, settings.origin) == ("till", clerk)
    row = page.get_by_role("listitem").filter(has_text="till")
    await row.get_by_text("Change").click()
    await row.get_by_label("To remove it").fill("till")
    await row.get_by_role("button", name="Remove").click()
    await expect(page.get_by_text("till is forgotten here.")).to_be_visible()
    assert KEY not in (home / "settings.toml").read_text()


async def test_what_a_client_needs_is_copied(stage, browse, monkeypatch, tmp_path):
    at = await stage()
    page = await browse()
    monkeypatch.setenv("HOME", str(tmp_path))
    await page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    await at.sign_in(page)
    await page.get_by_role("link", name="Connect").click()
    await page.get_by_role("button", name="Copy command: Claude Code").click()
    copied = await page.evaluate("navigator.clipboard.readText()")
    assert "install claude-code" in copied
    await page.get_by_text("VS Code").first.click()
    link = await page.get_by_role("link", name="Install in VS Code").get_attribute("href")
    assert link.startswith("vscode:mcp/install?")
    await page.get_by_text("By hand: VS Code").click()
    text = page.get_by_role("textbox", name="VS Code starts deskclerk itself, text for the file")
    await expect(text).to_be_visible()
    assert '"servers"' in await text.input_value()
    await shoot(page, "connect-clients")
    await check_accessible(page)


async def test_it_works_with_scripts_off(stage, browse, clerk):
    at = await stage()
    page = await browse(java_script_enabled=False)
    await at.sign_in(page)
    await page.get_by_role("link", name="Connect").click()
    await fill(page, clerk, "shop", KEY)
    await expect(page.get_by_text("The key is good, and stored.")).to_be_visible()
