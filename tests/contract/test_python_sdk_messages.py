"""Clerk's official Python client on message templates, and on what stands for a user elsewhere."""

import httpx
import pytest
from clerk_backend_api.models import ClerkErrors

from deskclerk.sandbox import open_sandbox
from tests.contract.python_sdk import client
from tests.contract.settings_journeys import PNG

pytestmark = [
    pytest.mark.anyio,
    # the client warns of fields of its own, and of operations that Clerk has deprecated
    pytest.mark.filterwarnings("ignore:.*DEPRECATED:DeprecationWarning"),
    pytest.mark.filterwarnings("ignore:.*deprecated:DeprecationWarning"),
]


@pytest.fixture(scope="module")
def anyio_backend():
    """One loop for all, as there is one sandbox."""
    return "asyncio"


@pytest.fixture(scope="module")
async def clerk(tmp_path_factory):
    """The official client, pointed at a new sandbox with the company in it."""
    async with (
        open_sandbox(tmp_path_factory.mktemp("sandbox") / "sandbox.db") as sandbox,
        client(httpx.ASGITransport(app=sandbox.app), sandbox.key) as clerk,
    ):
        yield clerk


@pytest.fixture(scope="module")
async def people(clerk):
    """The company, the first of them first."""
    return await clerk.users.list_async(request={"order_by": "created_at", "limit": 100})


async def test_a_template_is_changed_previewed_switched_and_reverted(clerk):
    at = {"template_type": "email", "slug": "invitation"}
    listed = await clerk.email_sms_templates.list_async(template_type="email", limit=100)
    default = await clerk.email_sms_templates.get_async(**at)
    assert default in listed
    body = "<p>{{action_url}}</p>"
    changed = await clerk.email_and_sms_templates.upsert_async(**at, subject="Come", body=body)
    assert (changed.subject, changed.can_revert) == ("Come", True)
    shown = await clerk.templates.preview_async(**at, subject="To {{app.name}}")
    assert shown is not None
    switched = await clerk.email_sms_templates.toggle_template_delivery_async(**at, delivered_by_clerk=False)
    assert switched.delivered_by_clerk is False
    assert await clerk.email_sms_templates.revert_async(**at) == default
    with pytest.raises(ClerkErrors) as caught:
        await clerk.email_sms_templates.revert_async(**at)
    assert caught.value.data.errors[0].code == "template_revert_error"


async def test_a_task_of_an_agent_is_made_and_revoked(clerk, people):
    made = await clerk.agent_tasks.create_async(
        request={
            "on_behalf_of": {"user_id": people[0].id},
            "permissions": "*",
            "agent_name": "helper",
            "task_description": "Pay the invoices",
            "redirect_url": "https://app.example.com/done",
        }
    )
    revoked = await clerk.agent_tasks.revoke_async(agent_task_id=made.agent_task_id)
    assert revoked.agent_id == made.agent_id


async def test_devices_and_passkeys_are_read_and_taken_away(clerk, people):
    user_id = people[2].id
    (device, *_) = (await clerk.users.list_trusted_devices_async(user_id=user_id)).data
    revoked = await clerk.users.revoke_trusted_device_async(user_id=user_id, trusted_device_id=device.id)
    assert revoked.status == "revoked"
    (holder, *_) = [user for user in people if user.passkeys]
    key = holder.passkeys[0].id
    gone = await clerk.users.delete_passkey_async(user_id=holder.id, passkey_identification_id=key)
    assert gone.deleted is True


async def test_tokens_of_a_provider_are_read(clerk, people):
    *_, last = [user for user in people if user.external_accounts]
    found = await clerk.users.get_o_auth_access_token_async(user_id=last.id, provider="oauth_google")
    assert [item.token.startswith("ya29.") for item in found] == [True]


async def test_a_token_of_an_application_is_verified_and_revoked_and_a_logo_is_set(clerk):
    applications = (await clerk.oauth_applications.list_async()).data
    token = "oat_company_good"
    good = await clerk.oauth_access_tokens.verify_async(access_token=token)
    (holder,) = [item for item in applications if item.client_id == good.client_id]
    await clerk.oauth_applications.revoke_token_async(oauth_application_id=holder.id, token=token)
    assert (await clerk.oauth_access_tokens.verify_async(access_token=token)).revoked is True
    shown = await clerk.oauth_applications.upload_logo_async(
        oauth_application_id=holder.id,
        file={"file_name": "logo.png", "content": PNG, "content_type": "image/png"},
    )
    assert shown.client_image_url
