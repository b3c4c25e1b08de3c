"""What each of the 30 writes is asked for on a sandbox with people in it, and that sandbox."""

import asyncio
import contextlib
import json
import shutil

import httpx2

from deskclerk.catalogue import BY_NAME
from deskclerk.desk import Decision, Desk, Signature
from deskclerk.sandbox import open_sandbox
from deskclerk.settings import Settings

ALWAYS_NEW = {"updated_at", "lockout_expires_in_seconds", "last_active_at"}


async def approve(_plan):
    return Signature(Decision.APPROVED, "test")


def seed(path):
    """A sandbox's database with the company in it: made once, and copied for each test."""

    async def make():
        async with open_sandbox(path):
            pass

    asyncio.run(make())
    return path


class World:
    """A desk on a sandbox, and plain HTTP past it."""

    def __init__(self, desk, http):
        self.desk = desk
        self.http = http

    async def get(self, path):
        answer = await self.http.get(path)
        assert answer.status_code == 200, (path, answer.text)
        found = answer.json()
        return found.get("data", found) if isinstance(found, dict) else found

    async def do(self, name, /, **arguments):
        """Perform a write; its answer."""
        return (await self.desk.perform(BY_NAME[name].parse(arguments))).value

    async def entry(self):
        """The journal's last entry."""
        return (await self.desk.journal.recent(1))[-1]["entry"]

    async def state(self, ignored=ALWAYS_NEW):
        """The whole instance, without what is ignored, in an order of its own."""
        paths = ["/users?limit=500", "/organizations?limit=500", "/invitations?limit=500&status=pending"]
        paths += ["/allowlist_identifiers", "/blocklist_identifiers", "/jwt_templates", "/domains"]
        paths += ["/oauth_applications?limit=500"]
        for organization in await self.get("/organizations?limit=500"):
            of = f"/organizations/{organization['id']}"
            paths += [f"{of}/memberships?limit=500", f"{of}/invitations?limit=500&status=pending"]
        return {path: ordered(await self.get(path), ignored) for path in paths}


def ordered(items, ignored):
    return sorted(json.dumps(without(item, ignored), sort_keys=True) for item in items)


def without(value, ignored):
    if isinstance(value, dict):
        return {key: without(item, ignored) for key, item in value.items() if key not in ignored}
    return [without(item, ignored) for item in value] if isinstance(value, list) else value


@contextlib.asynccontextmanager
async def world(seeded, folder):
    home = folder / "home"
    home.mkdir()
    shutil.copy(seeded, home / "sandbox.db")
    async with (
        open_sandbox(home / "sandbox.db", seed=False) as sandbox,
        httpx2.AsyncClient(
            transport=httpx2.ASGITransport(app=sandbox.app),
            base_url="http://sandbox/v1",
            headers={"authorization": f"Bearer {sandbox.key}", "clerk-api-version": "2026-05-12"},
        ) as http,
        Desk.open(Settings(home=home), approver=approve) as desk,
    ):
        yield World(desk, http)


async def user_id(at, **like):
    for user in await at.get("/users?limit=500&order_by=created_at"):
        if all(user[key] == value for key, value in like.items()):
            return user["id"]
    raise AssertionError(like)


async def somebody(at):
    return {"user_id": await user_id(at, banned=False, locked=False)}


async def somebody_banned(at):
    return {"user_id": await user_id(at, banned=True)}


async def somebody_locked(at):
    key = await user_id(at, banned=False, locked=False)
    await at.do("clerk_user_lock", user_id=key)
    return {"user_id": key}


async def somebody_new(_at):
    return {
        "email_address": ["ada@example.test"],
        "first_name": "Ada",
        "public_metadata": {"plan": "free"},
        "skip_password_requirement": True,
    }


async def somebody_to_change(at):
    key = await user_id(at, banned=False, locked=False)
    metadata = {"plan": "free", "seats": {"paid": 3, "kinds": ["a", {"b": None}]}, "old": {"deep": {"x": 1}}}
    await at.do("clerk_user_update", user_id=key, public_metadata=metadata, last_name="Before", locale=None)
    return {
        "user_id": key,
        "first_name": "Other",
        "last_name": None,
        "external_id": "other-1",
        "locale": "de-DE",
        "create_organizations_limit": 3,
        "delete_self_enabled": False,
        "created_at": "2020-01-02",
        "notify_primary_email_address_changed": False,
        "public_metadata": {"plan": "pro", "seats": {"paid": None, "kinds": 1, "new": {"y": 2}}, "old": 7},
        "private_metadata": {"note": {"by": "agent"}},
    }


async def organization(at):
    return {"organization_id": (await at.get("/organizations"))[0]["id"]}


async def organization_new(at):
    return {"name": "Analytical Engines", "created_by": await user_id(at, banned=False), "slug": "engines"}


async def organization_to_change(at):
    more = {"max_allowed_memberships": 99, "admin_delete_enabled": False, "public_metadata": {"tier": None}}
    return await organization(at) | {"name": "Engines", "slug": "other", "private_metadata": {"a": 1}} | more


async def member_of(at, role):
    for organization in await at.get("/organizations"):
        for member in await at.get(f"/organizations/{organization['id']}/memberships?limit=500"):
            if member["role"] == role:
                user = member["public_user_data"]["user_id"]
                return {"organization_id": organization["id"], "user_id": user}
    raise AssertionError(role)


async def member(at):
    return await member_of(at, "org:member")


async def member_to_raise(at):
    return await member(at) | {"role": "org:admin"}


async def member_new(at):
    founder = await user_id(at, banned=True)
    key = (await at.do("clerk_organization_create", name="Small", created_by=founder))["id"]
    return {
        "organization_id": key,
        "user_id": await user_id(at, banned=False),
        "role": "org:admin",
        "private_metadata": {"since": 1843},
    }


async def member_with_metadata(at):
    asked = await member_new(at)
    await at.do("clerk_org_membership_create", **asked)
    return {name: asked[name] for name in ("organization_id", "user_id")}


async def invited_to_organization(at):
    admin = await member_of(at, "org:admin")
    key = (await at.do("clerk_organization_create", name="Small", created_by=admin["user_id"]))["id"]
    return {
        "organization_id": key,
        "email_address": "joan@example.test",
        "role": "org:member",
        "inviter_user_id": admin["user_id"],
        "public_metadata": {"seat": 4},
        "private_metadata": {"cost": 9},
        "expires_in_days": 7,
    }


async def organization_invitation(at):
    asked = await invited_to_organization(at)
    made = await at.do("clerk_org_invitation_create", **asked)
    return {"organization_id": asked["organization_id"], "invitation_id": made["id"]}


async def session(at):
    for user in await at.get("/users?limit=100&order_by=-last_active_at"):
        for found in await at.get(f"/sessions?user_id={user['id']}&status=active"):
            return {"session_id": found["id"]}
    raise AssertionError


async def invited(_at):
    return {"email_address": "edsger@example.test", "public_metadata": {"via": "x"}, "expires_in_days": 30}


async def invitation(at):
    return {"invitation_id": (await at.do("clerk_invitation_create", **await invited(at)))["id"]}


async def identifier(_at):
    return {"identifier": "*@somewhere.test"}


def entry_of(kind):
    async def entry(at):
        return {"identifier_id": (await at.do(f"clerk_{kind}_create", identifier="*@somewhere.test"))["id"]}

    return entry


async def template(_at):
    return {"name": "warehouse", "claims": {"role": "{{org.role}}"}, "lifetime": 300, "allowed_clock_skew": 9}


async def template_id(at):
    return {"template_id": (await at.do("clerk_jwt_template_create", **await template(at)))["id"]}


async def template_to_change(at):
    return await template_id(at) | {"name": "other", "claims": {"x": 1}, "lifetime": 600}


async def domain(_at):
    return {"name": "shop.example.test", "is_satellite": True}


async def domain_id(at):
    return {"domain_id": (await at.do("clerk_domain_create", **await domain(at)))["id"]}


async def client(_at):
    return {"name": "Reports", "redirect_uris": ["https://reports.test/callback", "https://b.test/"]}


async def client_id(at):
    return {"oauth_application_id": (await at.do("clerk_client_create", **await client(at)))["id"]}


async def client_to_change(at):
    more = {"callback_url": "https://c.test/", "scopes": "email", "consent_screen_enabled": False}
    return await client_id(at) | {"name": "Reporting"} | more


ARGUMENTS = {
    "clerk_user_create": somebody_new,
    "clerk_user_update": somebody_to_change,
    "clerk_user_ban": somebody,
    "clerk_user_unban": somebody_banned,
    "clerk_user_lock": somebody,
    "clerk_user_unlock": somebody_locked,
    "clerk_user_delete": somebody,
    "clerk_organization_create": organization_new,
    "clerk_organization_update": organization_to_change,
    "clerk_organization_delete": organization,
    "clerk_org_membership_create": member_new,
    "clerk_org_membership_update": member_to_raise,
    "clerk_org_membership_delete": member_with_metadata,
    "clerk_org_invitation_create": invited_to_organization,
    "clerk_org_invitation_revoke": organization_invitation,
    "clerk_session_revoke": session,
    "clerk_invitation_create": invited,
    "clerk_invitation_revoke": invitation,
    "clerk_allowlist_create": identifier,
    "clerk_allowlist_delete": entry_of("allowlist"),
    "clerk_blocklist_create": identifier,
    "clerk_blocklist_delete": entry_of("blocklist"),
    "clerk_jwt_template_create": template,
    "clerk_jwt_template_update": template_to_change,
    "clerk_jwt_template_delete": template_id,
    "clerk_domain_create": domain,
    "clerk_domain_delete": domain_id,
    "clerk_client_create": client,
    "clerk_client_update": client_to_change,
    "clerk_client_delete": client_id,
}
"""What each write is asked for; whatever has to be there beforehand is made here."""
