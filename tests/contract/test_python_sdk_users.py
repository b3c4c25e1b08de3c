"""Clerk's official Python client on the sandbox's further routes of users."""

import httpx
import pytest
from clerk_backend_api.models import ClerkErrors, SDKError

from deskclerk.sandbox import open_sandbox
from tests.contract.python_sdk import client
from tests.contract.user_journeys import PIXEL
from tests.contract.visit import PASSWORD

pytestmark = [
    pytest.mark.anyio,
    # the client warns of fields of its own
    pytest.mark.filterwarnings("ignore:.*DEPRECATED:DeprecationWarning"),
]
UNPROCESSABLE = 422


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


async def test_an_email_address_from_its_making_to_its_end(clerk):
    user = await clerk.users.create_async(username="sdk_mail", email_address=["one@sdk.example"])
    made = await clerk.email_addresses.create_async(
        request={"user_id": user.id, "email_address": "two@sdk.example"}
    )
    assert (made.reserved, made.verification) == (True, None)
    sent = await clerk.email_addresses.prepare_verification_async(email_address_id=made.id)
    tried = await clerk.email_addresses.attempt_verification_async(
        email_address_id=made.id, verification_id=sent.id, code="424242"
    )
    assert tried.status == "verified"
    assert (await clerk.email_addresses.get_async(email_address_id=made.id)).reserved is False
    await clerk.email_addresses.update_async(email_address_id=made.id, primary=True)
    assert (await clerk.users.get_async(user_id=user.id)).primary_email_address_id == made.id
    assert (await clerk.email_addresses.delete_async(email_address_id=made.id)).deleted is True
    only = await clerk.email_addresses.replace_for_user_async(
        user_id=user.id, email_address="only@sdk.example", identification_status="reserved"
    )
    assert only.reserved is True
    with pytest.raises(ClerkErrors) as caught:
        await clerk.email_addresses.get_async(email_address_id=made.id)
    assert caught.value.data.errors[0].code == "resource_not_found"


async def test_a_phone_number_from_its_making_to_its_end(clerk):
    user = await clerk.users.create_async(username="sdk_phone")
    made = await clerk.phone_numbers.create_async(
        request={"user_id": user.id, "phone_number": "+15555550130", "verified": True}
    )
    factor = await clerk.phone_numbers.update_async(phone_number_id=made.id, reserved_for_second_factor=True)
    assert (factor.reserved_for_second_factor, factor.default_second_factor) == (True, True)
    assert (await clerk.phone_numbers.get_async(phone_number_id=made.id)) == factor
    sent = await clerk.phone_numbers.prepare_verification_async(phone_number_id=made.id)
    tried = await clerk.phone_numbers.attempt_verification_async(
        phone_number_id=made.id, verification_id=sent.id, code="000000"
    )
    assert (tried.status, tried.attempts) == ("unverified", 1)
    only = await clerk.phone_numbers.replace_for_user_async(user_id=user.id, phone_number="+15555550131")
    assert (await clerk.phone_numbers.delete_async(phone_number_id=only.id)).deleted is True


async def test_credentials_are_tried_and_taken_away(clerk):
    user = await clerk.users.create_async(
        username="sdk_secrets", password=PASSWORD, totp_secret="JBSWY3DPEHPK3PXP", backup_codes=["spare"]
    )
    users = clerk.users
    assert (await users.verify_password_async(user_id=user.id, password=PASSWORD)).verified is True
    with pytest.raises(SDKError) as caught:
        await users.verify_password_async(user_id=user.id, password="wrong")
    assert caught.value.status_code == UNPROCESSABLE
    assert (await users.verify_totp_async(user_id=user.id, code="spare")).code_type.value == "backup_code"
    assert (await users.delete_backup_codes_async(user_id=user.id)).user_id == user.id
    assert (await users.delete_totp_async(user_id=user.id)).user_id == user.id
    assert (await users.disable_mfa_async(user_id=user.id)).user_id == user.id
    await users.set_password_compromised_async(user_id=user.id, revoke_all_sessions=True)
    await users.unset_password_compromised_async(user_id=user.id)
    assert (await users.remove_password_async(user_id=user.id)).password_enabled is False


async def test_an_image_is_set_and_deleted(clerk):
    user = await clerk.users.create_async(username="sdk_image")
    file = {"file_name": "me.png", "content": PIXEL, "content_type": "image/png"}
    shown = await clerk.users.set_profile_image_async(user_id=user.id, file=file)
    assert (shown.has_image, shown.image_url != user.image_url) == (True, True)
    assert (await clerk.users.delete_profile_image_async(user_id=user.id)).has_image is False


async def test_users_are_counted_banned_in_bulk_and_given_new_metadata(clerk):
    ids = [
        (await clerk.users.create_async(username=f"sdk_bulk_{n}", web3_wallet=[f"0x{n:040x}"])).id
        for n in range(2)
    ]
    assert (await clerk.users.count_async(request={"user_id": ids})).total_count == len(ids)
    assert all(user.banned for user in await clerk.users.bulk_ban_async(user_ids=ids))
    assert not any(user.banned for user in await clerk.users.bulk_unban_async(user_ids=ids))
    new = await clerk.users.replace_metadata_async(user_id=ids[0], public_metadata={"a": 1})
    assert new.public_metadata == {"a": 1}
    wallet = (await clerk.users.get_async(user_id=ids[0])).web3_wallets[0]
    gone = await clerk.users.delete_web3_wallet_async(user_id=ids[0], web3_wallet_identification_id=wallet.id)
    assert gone.deleted is True


async def test_a_users_organizations_and_accounts_are_found(clerk):
    owner = await clerk.users.create_async(email_address=["owner@sdk-users.example"])
    acme = await clerk.organizations.create_async(request={"name": "Users", "created_by": owner.id})
    found = await clerk.users.get_organization_memberships_async(user_id=owner.id)
    assert [item.organization.id for item in found.data] == [acme.id]
    assert (await clerk.users.get_organization_invitations_async(user_id=owner.id)).total_count == 0
    linked = next(
        user for user in await clerk.users.list_async(request={"limit": 500}) if user.external_accounts
    )
    gone = await clerk.users.delete_external_account_async(
        user_id=linked.id, external_account_id=linked.external_accounts[0].id
    )
    assert gone.deleted is True
