"""Any replica can serve any request: what one has planned another has signed, and either carries out."""

import re

import pytest

from tests.hosted.replicas.agent import agent, told
from tests.hosted.replicas.proxy import RoundRobin

pytestmark = pytest.mark.anyio


async def someone(client):
    return told(await client.call_tool("clerk_users_list", {"limit": 1}))["items"][0]["id"]


@pytest.fixture(scope="module")
def slugs():
    return iter(f"acme-{number}" for number in range(100))


@pytest.mark.promise("any-replica")
async def test_planned_on_one_signed_on_the_other_and_carried_out_on_either(on_a_platform, slugs):
    here = on_a_platform
    async with here.parts() as parts:
        acme = await here.workspace(parts, next(slugs))
    victim = here.api("POST", "/users", {"username": f"v{acme.slug}", "skip_password_requirement": True})
    ban = ("clerk_user_ban", {"user_id": victim["id"]})
    first, second = (f"{replica.url}/mcp/{acme.slug}" for replica in (here.first, here.second))
    async with agent(first, acme.token) as one:
        refused = told(await one.call_tool(*ban))
        assert refused["error"] == "approval_needed", refused
        plan = refused["plan_id"]
    async with here.signed_in(acme.user, here.second.url) as browser:
        page = f"/w/{acme.slug}/i/prod/plans/{plan}"
        shown = await browser.get(page)
        assert shown.status_code == 200, shown.text
        assert victim["username"] in shown.text
        answer = await browser.post(page, data={**hidden(shown.text), "decision": "sign"})
        assert answer.status_code == 303, answer.text
    async with agent(second, acme.token) as two:
        done = told(await two.call_tool(*ban))
    assert done["banned"] is True
    assert here.api("GET", f"/users/{victim['id']}")["banned"] is True


async def test_a_dialogue_may_begin_on_one_replica_and_end_on_the_other(on_a_platform, slugs):
    here = on_a_platform
    async with here.parts() as parts:
        acme = await here.workspace(parts, next(slugs))
    victim = here.api("POST", "/users", {"username": f"v{acme.slug}", "skip_password_requirement": True})
    async with RoundRobin([here.first.port, here.second.port], here.public_port) as proxy:
        async with agent(f"{here.public_url}/mcp/{acme.slug}", acme.token, answer="accept") as client:
            done = told(await client.call_tool("clerk_user_ban", {"user_id": victim["id"]}))
            assert client.asked, done
        assert min(proxy.sent.values()) > 0
    assert done.get("banned") is True, done


def hidden(page):
    """The hidden fields of a page's form."""
    inputs = re.findall(r"<input[^>]*type=\"hidden\"[^>]*>", page)
    pairs = [(re.search(r'name="([^"]*)"', item), re.search(r'value="([^"]*)"', item)) for item in inputs]
    return {name[1]: value[1] for name, value in pairs if name and value}
