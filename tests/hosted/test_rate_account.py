"""Workspaces that have the key of one Clerk instance share its budget; their write locks are their own."""

import asyncio

import pytest

from deskclerk.desk.instances.instance import Instance
from deskclerk.desk.journal.journal import Journal
from deskclerk.desk.rates.account import RateAccount
from deskclerk.settings import Settings

pytestmark = pytest.mark.anyio


@pytest.mark.promise("rate-limits-are-kept")
async def test_no_request_of_one_workspace_is_forgotten_by_another_that_counts_at_the_same_time(
    hosted, workspaces, tmp_path
):
    instance = Instance.of(Settings(home=tmp_path, secret_key="sk_live_shared"))
    made = [(await workspaces.create(slug, slug)).id for slug in ("acme", "bolt", "cargo")]
    accounts = [RateAccount(instance, Journal(hosted.storage(workspace))) for workspace in made]

    def one_more(usage, now):
        usage.add(now, 1)

    await asyncio.gather(*[accounts[number % 3].change(one_more) for number in range(30)])
    found = await accounts[0].change(lambda usage, _: sum(usage.sent.values()))
    assert found == 30
