"""Clerk's official Python client on the sandbox: it parses every answer, and finds what it made."""

import re
from pathlib import Path

import httpx
import pytest
from clerk_backend_api.models import ClerkErrors

from deskclerk.sandbox import open_sandbox
from tests.contract.python_sdk import CALLS, client
from tests.contract.visit import PASSWORD

pytestmark = pytest.mark.anyio


@pytest.fixture(scope="module")
def anyio_backend():
    """One loop for all, as there is one sandbox."""
    return "asyncio"


@pytest.fixture(scope="module")
async def clerk(tmp_path_factory):
    """The official client, pointed at a new sandbox."""
    async with (
        open_sandbox(tmp_path_factory.mktemp("sandbox") / "sandbox.db") as sandbox,
        client(httpx.ASGITransport(app=sandbox.app), sandbox.key) as clerk,
    ):
        yield clerk


async def new_user(clerk, name):
    return await clerk.users.create_async(email_address=[f"{name}@sdk.example"], password=PASSWORD)


async def refusal(call) -> str:
    """The code with which a call is refused."""
    with pytest.raises(ClerkErrors) as caught:
        await call
    return caught.value.data.errors[0].code


@pytest.mark.filterwarnings(
    "ignore:.*DEPRECATED:DeprecationWarning"
)  # the client warns of a field of its own
async def test_a_user_is_made_found_changed_and_deleted(clerk):
    ada = await clerk.users.create_async(
        email_address=["ada@sdk.example"],
        phone_number=["+15555550100"],
        first_name="Ada",
        password=PASSWORD,
        public_metadata={"plan": "pro"},
        unsafe_metadata={"theme": "dark"},
    )
    assert ada.email_addresses[0].email_address == "ada@sdk.example"
    assert ada.primary_email_address_id == ada.email_addresses[0].id
    assert (await clerk.users.get_async(user_id=ada.id)) == ada
    found = await clerk.users.list_async(request={"email_address": ["ada@sdk.example"], "limit": 5})
    assert [user.id for user in found] == [ada.id]
    changed = await clerk.users.update_async(user_id=ada.id, first_name="Augusta", last_name="King")
    assert (changed.first_name, changed.last_name) == ("Augusta", "King")
    merged = await clerk.users.update_metadata_async(
        user_id=ada.id, public_metadata={"plan": None, "seats": 3}
    )
    assert merged.public_metadata == {"seats": 3}
    deleted = await clerk.users.delete_async(user_id=ada.id)
    assert (deleted.id, deleted.deleted) == (ada.id, True)
    assert await refusal(clerk.users.get_async(user_id=ada.id)) == "resource_not_found"


async def test_a_user_is_banned_and_locked_and_both_are_lifted(clerk):
    user = await new_user(clerk, "eve")
    assert (await clerk.users.ban_async(user_id=user.id)).banned is True
    assert (await clerk.users.get_async(user_id=user.id)).banned is True
    assert (await clerk.users.unban_async(user_id=user.id)).banned is False
    assert (await clerk.users.lock_async(user_id=user.id)).locked is True
    assert (await clerk.users.unlock_async(user_id=user.id)).locked is False


async def test_a_taken_address_and_an_unknown_user_are_refused_with_clerks_codes(clerk):
    await new_user(clerk, "twin")
    assert await refusal(new_user(clerk, "twin")) == "form_identifier_exists"
    assert await refusal(clerk.users.get_async(user_id="user_none")) == "resource_not_found"


async def test_an_organization_is_made_found_changed_and_deleted(clerk):
    owner = await new_user(clerk, "owner")
    acme = await clerk.organizations.create_async(
        request={"name": "Acme SDK", "slug": "acme-sdk", "created_by": owner.id}
    )
    assert (acme.name, acme.slug, acme.created_by) == ("Acme SDK", "acme-sdk", owner.id)
    assert (await clerk.organizations.get_async(organization_id="acme-sdk")).id == acme.id
    found = await clerk.organizations.list_async(query="acme sdk", include_members_count=True)
    assert [(item.id, item.members_count) for item in found.data] == [(acme.id, 1)]
    changed = await clerk.organizations.update_async(organization_id=acme.id, name="Acme")
    assert changed.name == "Acme"
    merged = await clerk.organizations.merge_metadata_async(
        organization_id=acme.id, public_metadata={"tier": "gold"}
    )
    assert merged.public_metadata == {"tier": "gold"}
    assert (await clerk.organizations.delete_async(organization_id=acme.id)).deleted is True
    assert await refusal(clerk.organizations.get_async(organization_id=acme.id)) == "resource_not_found"


async def test_a_member_joins_is_promoted_and_leaves(clerk):
    owner, member = await new_user(clerk, "founder"), await new_user(clerk, "member")
    acme = await clerk.organizations.create_async(request={"name": "Acme", "created_by": owner.id})
    joined = await clerk.organization_memberships.create_async(
        organization_id=acme.id, user_id=member.id, role="org:member"
    )
    assert (joined.role, joined.public_user_data.user_id) == ("org:member", member.id)
    promoted = await clerk.organization_memberships.update_async(
        organization_id=acme.id, user_id=member.id, role="org:admin"
    )
    assert promoted.role == "org:admin"
    found = await clerk.organization_memberships.list_async(organization_id=acme.id, user_id=[member.id])
    assert (found.total_count, found.data[0].id) == (1, joined.id)
    left = await clerk.organization_memberships.delete_async(organization_id=acme.id, user_id=member.id)
    assert left.id == joined.id
    assert (await clerk.organization_memberships.list_async(organization_id=acme.id)).total_count == 1


async def test_an_organization_invitation_is_sent_and_revoked(clerk):
    owner = await new_user(clerk, "host")
    acme = await clerk.organizations.create_async(request={"name": "Hosts", "created_by": owner.id})
    sent = await clerk.organization_invitations.create_async(
        organization_id=acme.id,
        email_address="guest@sdk.example",
        role="org:member",
        inviter_user_id=owner.id,
    )
    assert (sent.status, sent.inviter_id) == ("pending", owner.id)
    found = await clerk.organization_invitations.list_async(organization_id=acme.id, status="pending")
    assert [item.id for item in found.data] == [sent.id]
    revoked = await clerk.organization_invitations.revoke_async(
        organization_id=acme.id, invitation_id=sent.id, requesting_user_id=owner.id
    )
    assert revoked.status == "revoked"


async def test_a_session_is_listed_read_and_revoked(clerk):
    session = (await clerk.sessions.list_async(status="active"))[0]
    of_user = await clerk.sessions.list_async(user_id=session.user_id)
    assert session.id in [item.id for item in of_user]
    assert (await clerk.sessions.get_async(session_id=session.id)) == session
    assert (await clerk.sessions.revoke_async(session_id=session.id)).status.value == "revoked"


async def test_an_invitation_is_sent_and_revoked(clerk):
    sent = await clerk.invitations.create_async(
        request={"email_address": "new@sdk.example", "public_metadata": {"from": "fair"}}
    )
    assert [item.id for item in await clerk.invitations.list_async(query="new@sdk.example")] == [sent.id]
    revoked = await clerk.invitations.revoke_async(invitation_id=sent.id)
    assert (revoked.id, revoked.status.value, revoked.REVOKED) == (sent.id, "revoked", True)


async def test_identifiers_are_put_on_both_lists_and_taken_off(clerk):
    allowed = await clerk.allowlist_identifiers.create_async(request={"identifier": "*@sdk.example"})
    assert allowed.id in [item.id for item in await clerk.allowlist_identifiers.list_async()]
    assert (await clerk.allowlist_identifiers.delete_async(identifier_id=allowed.id)).deleted is True
    blocked = await clerk.blocklist_identifiers.create_async(request={"identifier": "spam@sdk.example"})
    assert blocked.id in [item.id for item in (await clerk.blocklist_identifiers.list_async()).data]
    assert (await clerk.blocklist_identifiers.delete_async(identifier_id=blocked.id)).deleted is True


async def test_a_jwt_template_is_made_found_changed_and_deleted(clerk):
    made = await clerk.jwt_templates.create_async(request={"name": "orders", "claims": {}, "lifetime": 90})
    assert (made.name, made.lifetime) == ("orders", 90)
    assert made.id in [item.id for item in await clerk.jwt_templates.list_async()]
    assert (await clerk.jwt_templates.get_async(template_id=made.id)).id == made.id
    changed = await clerk.jwt_templates.update_async(template_id=made.id, name="orders-2", claims={})
    assert changed.name == "orders-2"
    assert (await clerk.jwt_templates.delete_async(template_id=made.id)).deleted is True


async def test_a_satellite_domain_is_added_listed_and_deleted(clerk):
    added = await clerk.domains.add_async(request={"name": "shop.sdk.example", "is_satellite": True})
    assert added.is_satellite is True
    assert added.id in [item.id for item in (await clerk.domains.list_async()).data]
    assert (await clerk.domains.delete_async(domain_id=added.id)).deleted is True


async def test_an_oauth_application_shows_its_secret_once(clerk):
    made = await clerk.oauth_applications.create_async(
        request={"name": "Reports", "redirect_uris": ["https://reports.sdk.example/callback"]}
    )
    assert made.client_secret
    read = await clerk.oauth_applications.get_async(oauth_application_id=made.id)
    assert "client_secret" not in read.model_dump()
    found = await clerk.oauth_applications.list_async(name_query="reports")
    assert [item.id for item in found.data] == [made.id]
    changed = await clerk.oauth_applications.update_async(oauth_application_id=made.id, name="Reports 2")
    assert changed.name == "Reports 2"
    assert (await clerk.oauth_applications.delete_async(oauth_application_id=made.id)).deleted is True


@pytest.mark.promise("sandbox-is-clerk-to-sdks")
def test_every_call_that_does_what_an_action_does_is_made_here():
    made = set(re.findall(r"clerk\.(\w+\.\w+)_async\(", Path(__file__).read_text(encoding="utf-8")))
    assert {call for calls in CALLS.values() for call in calls} - made == set()
