"""A person reads what agents may do, and why."""

import pytest
from playwright.async_api import expect

from tests.browser.conftest import check_accessible, shoot

pytestmark = pytest.mark.anyio
RULES = {
    "callers": {"Cursor*": {"access": "read"}, "ci": {"deny": ["clerk_organization_*"]}},
    "tokens": {"ci": "a-very-long-token-of-thirty-two-letters"},
}


async def test_what_agents_may_do_is_read_chosen_and_narrowed(stage, browse):
    at = await stage(**RULES)
    page = await browse()
    await at.sign_in(page)
    await page.get_by_role("link", name="Permissions").click()
    await expect(page.get_by_role("heading", name="What agents may do")).to_be_visible()
    row = page.locator("tr[data-words^=clerk_user_ban]")
    await expect(row.locator("td").nth(0)).to_contain_text("ask")
    await expect(row.locator("td").nth(1)).to_contain_text("deny")
    await shoot(page, "permissions")
    await check_accessible(page)
    await page.get_by_role("searchbox").fill("organization delete")
    await expect(page.locator("tr[data-words]:visible")).to_have_count(2)
    await page.get_by_label("Toolset", exact=True).select_option("users-plus")
    await page.get_by_role("button", name="Show").click()
    await expect(page.get_by_text("users-plus is not among the toolsets set")).to_be_visible()
    await page.get_by_label("Toolset", exact=True).select_option("all")
    await page.get_by_role("button", name="Show").click()
    await expect(page.locator("tr[data-words^=clerk_bulk_propose]")).to_be_visible()
    await check_accessible(page)
