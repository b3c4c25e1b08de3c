"""All 48 actions through the official client, on both transports and in both eras, on the sandbox.

What each did is checked afterwards by plain HTTP, past everything that is deskclerk's own.
"""

import contextlib

import httpx2
import pytest
from mcp import Client, StdioServerParameters

from deskclerk.catalogue import ACTIONS
from deskclerk.sandbox import open_sandbox
from tests.faces.mcp.conftest import ERAS, Dialogue
from tests.faces.mcp.processes import HTTP, STDIO, command, started

pytestmark = pytest.mark.anyio


@contextlib.asynccontextmanager
async def over_stdio(environment, **options):
    program, *arguments = command(STDIO)
    server = StdioServerParameters(command=program, args=arguments, env=environment)
    async with Client(server, **options) as client:
        yield client


@contextlib.asynccontextmanager
async def over_http(environment, **options):
    with started(HTTP, environment) as process:
        url = process.stdout.readline().decode().strip()
        async with Client(url, **options) as client:
            yield client
        process.terminate()
        process.wait(20)


@contextlib.asynccontextmanager
async def plain_http(home):
    """Gets from the same sandbox, as anybody with its key could."""
    async with open_sandbox(home / "sandbox.db") as sandbox:
        headers = {"authorization": f"Bearer {sandbox.key}", "clerk-api-version": "2026-05-12"}
        transport = httpx2.ASGITransport(app=sandbox.app)
        async with httpx2.AsyncClient(
            transport=transport, base_url="http://sandbox/v1", headers=headers
        ) as http:

            async def get(path):
                answer = await http.get(path)
                return answer.json() if answer.status_code == 200 else answer.status_code

            yield get


class Agent:
    """Calls tools, and remembers which."""

    def __init__(self, client):
        self.client = client
        self.called = []

    async def __call__(self, name, /, **arguments):
        self.called.append(f"clerk_{name}")
        result = await self.client.call_tool(f"clerk_{name}", arguments)
        assert not result.is_error, (name, result.content[0].text)
        return result.structured_content


@pytest.mark.promise("the-48")
@pytest.mark.parametrize("era", list(ERAS))
@pytest.mark.parametrize("over", [over_stdio, over_http], ids=["stdio", "http"])
async def test_every_action_does_what_it_says(over, era, tmp_path):
    home = tmp_path / "home"
    environment = {"PATH": "/usr/bin:/bin", "DESKCLERK_HOME": str(home)}
    dialogue = Dialogue()
    async with (
        over(environment, mode=ERAS[era], elicitation_callback=dialogue) as client,
        plain_http(home) as get,
    ):
        ask = Agent(client)
        ada = await users(ask, get)
        await sessions(ask, get)
        await organizations(ask, get, ada)
        await invitations(ask, get)
        await restrictions(ask, get)
        await jwt_templates(ask, get)
        await domains(ask, get)
        await oauth_applications(ask, get, home)
        await ask("user_delete", user_id=ada)
        assert await get(f"/users/{ada}") == 404
    assert set(ask.called) == {action.spec.name for action in ACTIONS}
    writes = {action.spec.name for action in ACTIONS if action.spec.effect != "read"}
    assert len(dialogue.asked) == len([name for name in ask.called if name in writes])


async def users(ask, get):
    """Every action on users; the id of one that stays."""
    assert len((await ask("users_list", limit=3, order_by="-created_at"))["items"]) == 3
    ada = await ask(
        "user_create",
        email_address=["ada@example.test"],
        first_name="Ada",
        username="ada_l",
        public_metadata={"plan": "free", "seats": 1},
        skip_password_requirement=True,
    )
    ada = ada["id"]
    assert (await get(f"/users/{ada}"))["email_addresses"][0]["email_address"] == "ada@example.test"
    found = await ask("users_list", email_address=["ada@example.test"], fields=["id"])
    assert found["items"] == [{"id": ada}]
    assert (await ask("user_get", user_id=ada))["username"] == "ada_l"
    changes = {"last_name": "Lovelace", "public_metadata": {"plan": "pro"}}
    await ask("user_update", user_id=ada, **changes)
    now = await get(f"/users/{ada}")
    assert (now["last_name"], now["public_metadata"]) == ("Lovelace", {"plan": "pro", "seats": 1})
    for verb, field, value in (
        ("ban", "banned", True),
        ("unban", "banned", False),
        ("lock", "locked", True),
        ("unlock", "locked", False),
    ):
        await ask(f"user_{verb}", user_id=ada)
        assert (await get(f"/users/{ada}"))[field] is value
    return ada


async def sessions(ask, get):
    """A session of somebody who is signed in, ended."""
    for user in await get("/users?limit=100&order_by=-last_active_at"):
        found = await ask("sessions_list", user_id=user["id"], status="active")
        if found["items"]:
            break
    session = found["items"][0]["id"]
    assert (await ask("session_get", session_id=session))["status"] == "active"
    await ask("session_revoke", session_id=session)
    assert (await get(f"/sessions/{session}"))["status"] == "revoked"


async def organizations(ask, get, ada):
    """An organization from its founding to its end, with members and invitations."""
    org = (await ask("organization_create", name="Analytical Engines", created_by=ada))["id"]
    found = await ask("organizations_list", query="Analytical")
    assert [item["id"] for item in found["items"]] == [org]
    assert (await ask("organization_get", organization_id=org))["name"] == "Analytical Engines"
    await ask("organization_update", organization_id=org, name="Engines", public_metadata={"tier": 2})
    now = await get(f"/organizations/{org}")
    assert (now["name"], now["public_metadata"]) == ("Engines", {"tier": 2})
    await memberships(ask, get, org)
    await org_invitations(ask, get, org, ada)
    await ask("organization_delete", organization_id=org)
    assert await get(f"/organizations/{org}") == 404


async def memberships(ask, get, org):
    """A second member joins, rises and leaves."""
    made = await ask("user_create", email_address=["grace@example.test"], skip_password_requirement=True)
    grace = made["id"]
    await ask("org_membership_create", organization_id=org, user_id=grace, role="org:member")
    assert (await ask("org_memberships_list", organization_id=org))["total"] == 2
    one = {"organization_id": org, "user_id": grace}
    assert (await ask("org_membership_get", **one))["role"] == "org:member"
    await ask("org_membership_update", **one, role="org:admin")
    members = f"/organizations/{org}/memberships?user_id={grace}"
    assert (await get(members))["data"][0]["role"] == "org:admin"
    await ask("org_membership_delete", **one)
    assert (await get(members))["data"] == []


async def org_invitations(ask, get, org, ada):
    """Somebody is invited to an organization, and is not any more."""
    invitation = await ask(
        "org_invitation_create",
        organization_id=org,
        email_address="joan@example.test",
        inviter_user_id=ada,
        role="org:member",
        expires_in_days=7,
    )
    found = await ask("org_invitations_list", organization_id=org, status="pending")
    assert [item["email_address"] for item in found["items"]] == ["joan@example.test"]
    await ask(
        "org_invitation_revoke",
        organization_id=org,
        invitation_id=invitation["id"],
        requesting_user_id=ada,
    )
    (now,) = (await get(f"/organizations/{org}/invitations"))["data"]
    assert now["status"] == "revoked"


async def invitations(ask, get):
    """Somebody is invited to the application, and is not any more."""
    made = await ask(
        "invitation_create",
        email_address="edsger@example.test",
        public_metadata={"via": "agent"},
        expires_in_days=30,
    )
    found = await ask("invitations_list", status="pending", query="edsger")
    assert [item["id"] for item in found["items"]] == [made["id"]]
    await ask("invitation_revoke", invitation_id=made["id"])
    revoked = await get("/invitations?status=revoked&query=edsger")
    assert [item["id"] for item in revoked] == [made["id"]]


async def restrictions(ask, get):
    """An entry on each list, and off it again."""
    for kind in ("allowlist", "blocklist"):
        made = await ask(f"{kind}_create", identifier=f"*@{kind}.test")
        listed = (await ask(f"{kind}s_list"))["items"]
        assert made["id"] in [item["id"] for item in listed]
        await ask(f"{kind}_delete", identifier_id=made["id"])
        answer = await get(f"/{kind}_identifiers")
        left = answer["data"] if isinstance(answer, dict) else answer
        assert made["id"] not in [item["id"] for item in left]


async def jwt_templates(ask, get):
    """A template is made, changed in part, and deleted."""
    made = await ask("jwt_template_create", name="warehouse", claims={"role": "{{org.role}}"}, lifetime=300)
    one = {"template_id": made["id"]}
    assert made["id"] in [item["id"] for item in (await ask("jwt_templates_list"))["items"]]
    assert (await ask("jwt_template_get", **one))["lifetime"] == 300
    await ask("jwt_template_update", **one, lifetime=600)
    now = await get(f"/jwt_templates/{made['id']}")
    assert (now["lifetime"], now["claims"]) == (600, {"role": "{{org.role}}"})
    await ask("jwt_template_delete", **one)
    assert await get(f"/jwt_templates/{made['id']}") == 404


async def domains(ask, get):
    """A satellite comes and goes."""
    made = await ask("domain_create", name="shop.example.test", is_satellite=True)
    names = [item["name"] for item in (await ask("domains_list"))["items"]]
    assert "shop.example.test" in names
    assert (await ask("domain_get", domain_id=made["id"]))["is_satellite"] is True
    await ask("domain_delete", domain_id=made["id"])
    assert made["id"] not in [item["id"] for item in (await get("/domains"))["data"]]


async def oauth_applications(ask, get, home):
    """An OAuth application from its making, whose secret only the person sees, to its end."""
    made = await ask("client_create", name="Reports", redirect_uris=["https://reports.test/callback"])
    assert "client_secret" not in made
    (secret,) = (home / "handover").iterdir()
    assert secret.stat().st_mode & 0o777 == 0o600
    one = {"oauth_application_id": made["id"]}
    assert made["id"] in [item["id"] for item in (await ask("clients_list"))["items"]]
    assert (await ask("client_get", **one))["name"] == "Reports"
    await ask("client_update", **one, name="Reporting")
    assert (await get(f"/oauth_applications/{made['id']}"))["name"] == "Reporting"
    await ask("client_delete", **one)
    assert await get(f"/oauth_applications/{made['id']}") == 404
