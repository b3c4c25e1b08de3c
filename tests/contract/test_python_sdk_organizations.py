"""Clerk's official Python client on the organization side of the sandbox, and on the instance's settings."""

import re
from pathlib import Path

import httpx
import pytest
from clerk_backend_api import Clerk
from clerk_backend_api.models import ClerkErrors

from deskclerk.sandbox import open_sandbox
from tests.contract.python_sdk import client
from tests.contract.settings_journeys import PNG
from tests.contract.visit import PASSWORD

pytestmark = [
    pytest.mark.anyio,
    # the client warns of calls of its own
    pytest.mark.filterwarnings("ignore:.*DEPRECATED:DeprecationWarning"),
]

GROUPS = (
    "organization_memberships",
    "organization_invitations",
    "organization_domains",
    "organization_permissions",
    "organization_roles",
    "redirect_urls",
    "waitlist_entries",
    "instance_settings",
    "invitations",
    "domains",
)
ELSEWHERE = {
    "instance_settings.get_instance_protect": "not served: attack protection has no counterpart here",
    "instance_settings.update_instance_protect": "as above",
    "invitations.create": "called with the 48 actions",
    "invitations.list": "called with the 48 actions",
    "invitations.revoke": "called with the 48 actions",
    "domains.list": "called with the 48 actions",
    "domains.delete": "called with the 48 actions",
    "organization_memberships.list": "called with the 48 actions",
    "organization_memberships.update": "called with the 48 actions",
    "organization_memberships.delete": "called with the 48 actions",
    "organization_memberships.create": "called with the 48 actions",
    "organization_invitations.create": "called with the 48 actions",
    "organization_invitations.list": "called with the 48 actions",
    "organization_invitations.revoke": "called with the 48 actions",
}
"""Calls of these groups that are not made here, and why."""


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


@pytest.fixture
async def acme(clerk, request):
    owner = await clerk.users.create_async(
        email_address=[f"{request.node.name[5:30]}@sdk.example"], password=PASSWORD
    )
    return await clerk.organizations.create_async(
        request={"name": "Acme", "created_by": owner.id, "max_allowed_memberships": 0}
    )


async def test_roles_and_permissions_from_their_making_to_their_end(clerk):
    permission = await clerk.organization_permissions.create_async(
        name="Send", key="org:invoices:send", description="Invoices"
    )
    assert (await clerk.organization_permissions.get_async(permission_id=permission.id)) == permission
    assert (await clerk.organization_permissions.list_async(query="invoices")).total_count == 1
    renamed = await clerk.organization_permissions.update_async(permission_id=permission.id, name="Post")
    assert renamed.name == "Post"
    role = await clerk.organization_roles.create_async(name="Clerk", key="org:clerk")
    assert (await clerk.organization_roles.get_async(organization_role_id=role.id)) == role
    assert (await clerk.organization_roles.list_async(query="org:clerk")).total_count == 1
    changed = await clerk.organization_roles.update_async(organization_role_id=role.id, name="Head clerk")
    assert changed.name == "Head clerk"
    pair = {"organization_role_id": role.id, "permission_id": permission.id}
    assigned = await clerk.organization_roles.assign_permission_async(**pair)
    assert [item.key for item in assigned.permissions] == ["org:invoices:send"]
    assert (await clerk.organization_roles.remove_permission_async(**pair)).permissions == []
    assert (await clerk.organization_roles.delete_async(organization_role_id=role.id)).deleted is True
    deleted = await clerk.organization_permissions.delete_async(permission_id=permission.id)
    assert deleted.deleted is True


async def test_domains_of_an_organization(clerk, acme):
    made = await clerk.organization_domains.create_async(
        organization_id=acme.id, name="sdk-acme.example", enrollment_mode="automatic_invitation"
    )
    place = {"organization_id": acme.id, "domain_id": made.id}
    assert (await clerk.organization_domains.list_async(organization_id=acme.id)).total_count == 1
    found = await clerk.organization_domains.list_all_async(query="sdk-acme")
    assert [item.id for item in found.data] == [made.id]
    changed = await clerk.organization_domains.update_async(**place, enrollment_mode="manual_invitation")
    assert changed.enrollment_mode.value == "manual_invitation"
    verified = await clerk.organization_domains.verify_ownership_async(**place)
    assert verified.ownership_verification.status == "verified"
    assert (await clerk.organization_domains.delete_async(**place)).deleted is True


async def test_members_metadata_logo_and_many_invitations(clerk, acme):
    changed = await clerk.organization_memberships.update_metadata_async(
        organization_id=acme.id, user_id=acme.created_by, public_metadata={"desk": 4}
    )
    assert changed.public_metadata == {"desk": 4}
    body = [{"email_address": f"bulk{number}@sdk.example", "role": "org:member"} for number in range(2)]
    sent = await clerk.organization_invitations.bulk_create_async(organization_id=acme.id, request_body=body)
    assert sent.total_count == 2
    first = sent.data[0].id
    got = await clerk.organization_invitations.get_async(organization_id=acme.id, invitation_id=first)
    assert got.id == first
    every = await clerk.organization_invitations.get_all_async(query="bulk0")
    assert [item.id for item in every.data] == [first]
    pending = await clerk.organization_invitations.list_pending_async(organization_id=acme.id)
    assert pending.total_count == 2
    logo = {"file_name": "logo.png", "content": PNG, "content_type": "image/png"}
    shown = await clerk.organizations.upload_logo_async(organization_id=acme.id, file=logo)
    assert shown.has_image is True
    assert (await clerk.organizations.delete_logo_async(organization_id=acme.id)).has_image is False


async def test_redirect_urls_waitlist_and_many_invitations_to_the_application(clerk):
    made = await clerk.redirect_urls.create_async(request={"url": "app://sdk"})
    assert (await clerk.redirect_urls.get_async(id=made.id)).url == "app://sdk"
    assert [item.id for item in await clerk.redirect_urls.list_async()] == [made.id]
    assert (await clerk.redirect_urls.delete_async(id=made.id)).deleted is True
    entry = await clerk.waitlist_entries.create_async(request={"email_address": "w@sdk.example"})
    two, three = await clerk.waitlist_entries.bulk_create_async(
        request=[{"email_address": "w2@sdk.example"}, {"email_address": "w3@sdk.example"}]
    )
    assert (await clerk.waitlist_entries.invite_async(waitlist_entry_id=entry.id)).status.value == "invited"
    assert (await clerk.waitlist_entries.reject_async(waitlist_entry_id=two.id)).status.value == "rejected"
    assert (await clerk.waitlist_entries.delete_async(waitlist_entry_id=three.id)).deleted is True
    assert (await clerk.waitlist_entries.list_async(status="invited")).total_count == 1
    sent = await clerk.invitations.bulk_create_async(request=[{"email_address": "i@sdk.example"}])
    assert [item.email_address for item in sent] == ["i@sdk.example"]


async def test_settings_of_the_instance(clerk):
    settings = clerk.instance_settings
    assert (await clerk.instance_settings.get_async()).environment_type == "development"
    await clerk.instance_settings.update_async(request={"support_email": "help@sdk.example"})
    restrictions = await clerk.instance_settings.update_restrictions_async(request={"blocklist": True})
    assert restrictions.blocklist is True
    await clerk.instance_settings.update_organization_settings_async(request={"max_allowed_memberships": 7})
    read = await clerk.instance_settings.get_organization_settings_async()
    assert read.max_allowed_memberships == 7
    codes = {"blocked_country_codes": ["AQ"]}
    assert (await clerk.instance_settings.update_communication_async(request=codes)).blocked_country_codes
    assert (await clerk.instance_settings.get_communication_async()).blocked_country_codes == ["AQ"]
    wanted = {"oauth_jwt_access_tokens": True}
    await clerk.instance_settings.update_o_auth_application_settings_async(request=wanted)
    oauth = await clerk.instance_settings.get_o_auth_application_settings_async()
    assert oauth.oauth_jwt_access_tokens is True
    beta = await clerk.beta_features.update_instance_settings_async(request={"restricted_to_allowlist": True})
    assert beta.restricted_to_allowlist is True
    home = {"home_url": "https://home.example"}
    for call in (settings.change_domain_async, clerk.beta_features.update_production_instance_domain_async):
        with pytest.raises(ClerkErrors) as caught:
            await call(request=home)
        assert caught.value.data.errors[0].code == "request_invalid_for_environment"


async def test_a_satellite_is_renamed(clerk):
    made = await clerk.domains.add_async(request={"name": "old.sdk.example", "is_satellite": True})
    assert (await clerk.domains.update_async(domain_id=made.id, name="new.sdk.example")).name


def test_every_call_of_these_groups_is_made():
    text = Path(__file__).read_text(encoding="utf-8")
    made = set(re.findall(r"(?:clerk\.|)(\w+\.\w+)_async\b", text))
    made |= {name.replace("settings.", "instance_settings.", 1) for name in made if name[:9] == "settings."}
    with Clerk(bearer_auth="sk_test_none") as sdk:
        calls = {
            f"{group}.{name.removesuffix('_async')}"
            for group in GROUPS
            for name in dir(getattr(sdk, group))
            if name.endswith("_async") and not name.startswith(("_", "do_request"))
        }
    assert calls - made == set(ELSEWHERE)
