"""What an administrator does beyond the 48, by the official client on the sandbox, with toolsets chosen."""

import contextlib
import json
import stat

import pytest
from mcp import Client

from deskclerk.desk import Desk
from deskclerk.faces.mcp.server import build
from deskclerk.settings import Settings
from tests.faces.mcp.conftest import ERAS, Dialogue

pytestmark = pytest.mark.anyio


class Administrator:
    """Calls tools, signs what is asked, and remembers what was shown."""

    def __init__(self, client, dialogue):
        self.client = client
        self.dialogue = dialogue
        self.answers = []

    async def __call__(self, name, /, **arguments):
        result = await self.client.call_tool(f"clerk_{name}", arguments)
        self.answers.append(result.model_dump_json())
        assert not result.is_error, (name, result.content[0].text)
        return result.structured_content

    async def refused(self, name, /, **arguments):
        result = await self.client.call_tool(f"clerk_{name}", arguments)
        assert result.is_error
        return result.content[0].text

    @property
    def shown(self):
        """The last preview that a person was asked to sign."""
        return self.dialogue.asked[-1].message


@pytest.fixture
def home(tmp_path):
    return tmp_path / "home"


@pytest.fixture
def at_work(home):
    @contextlib.asynccontextmanager
    async def opened(*toolsets):
        dialogue = Dialogue()
        settings = Settings(home=home, toolsets=("core", *toolsets), approval_wait=0)
        async with (
            Desk(settings) as desk,
            Client(build(desk), mode=ERAS["handshake"], elicitation_callback=dialogue) as client,
        ):
            yield Administrator(client, dialogue)

    return opened


def handed_over(home):
    """What lies in private files for a person, by key."""
    found = {}
    for path in (home / "handover").glob("*.txt"):
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        found |= dict(line.split(" = ", 1) for line in path.read_text().splitlines())
    return found


async def a_user(ask):
    return await ask(
        "user_create",
        email_address=["ada@example.test"],
        first_name="Ada",
        skip_password_requirement=True,
        public_metadata={"plan": "free"},
    )


@pytest.mark.promise("consequences-beyond-the-core")
async def test_a_new_primary_address_is_told_with_the_old_one(at_work):
    async with at_work("users-plus") as ask:
        ada = (await a_user(ask))["id"]
        added = await ask("email_address_create", user_id=ada, email_address="ada@new.test", verified=True)
        assert "whoever reads mail to ada@new.test can sign in as this user" in ask.shown
        await ask("email_address_update", email_address_id=added["id"], primary=True)
        assert "belongs to Ada" in ask.shown
        assert "primary address: ada@example.test → ada@new.test" in ask.shown
        read = await ask("user_get", user_id=ada, fields=["primary_email_address_id"])
        assert read["primary_email_address_id"] == added["id"]


@pytest.mark.promise("consequences-beyond-the-core")
async def test_the_last_way_to_sign_in_is_not_taken_without_a_word(at_work):
    async with at_work("users-plus") as ask:
        ada = await a_user(ask)
        address = (await ask("user_get", user_id=ada["id"], fields=["email_addresses"]))["email_addresses"][0]
        # Clerk keeps the last one; whoever signs is told before it is asked.
        await ask.refused("email_address_delete", email_address_id=address["id"])
        assert "no way to sign in is left" in ask.shown
        assert "is the user's primary address" in ask.shown


async def test_a_lost_second_factor_is_removed_and_what_is_left_is_said(at_work):
    async with at_work("users-plus") as ask:
        ada = await ask(
            "user_create",
            email_address=["ada@example.test"],
            skip_password_requirement=True,
            totp_secret="JBSWY3DPEHPK3PXP",
        )
        await ask("user_mfa_disable", user_id=ada["id"])
        assert "removes authenticator app" in ask.shown
        assert "Only the user can set up a second factor again." in ask.shown
        whole = await ask("user_get", user_id=ada["id"], fields=["totp_enabled", "two_factor_enabled"])
        assert "totp_enabled" not in whole


async def test_users_are_counted_and_banned_several_at_once(at_work):
    async with at_work("users-plus") as ask:
        before = (await ask("users_count"))["total_count"]
        ada = (await a_user(ask))["id"]
        assert (await ask("users_count"))["total_count"] == before + 1
        bob = (await ask("user_create", username="bob_b", skip_password_requirement=True))["id"]
        await ask("users_bulk_ban", user_ids=[ada, bob])
        assert "Ada" in ask.shown
        assert "ends 0 active sessions" in ask.shown
        banned = await ask("users_list", user_id=[ada, bob], fields=["banned"])
        assert [item["banned"] for item in banned["items"]] == [True, True]


@pytest.mark.promise("consequences-beyond-the-core")
async def test_a_roles_permissions_are_changed_with_the_number_of_members_told(at_work):
    async with at_work("organizations-plus") as ask:
        roles = (await ask("org_roles_list", fields=["id", "key"]))["items"]
        member = next(role for role in roles if role["key"] == "org:member")
        permission = await ask(
            "org_permission_create", name="Read bills", key="org:bills:read", description="See them"
        )
        await ask(
            "org_role_permission_assign",
            organization_role_id=member["id"],
            permission_id=permission["id"],
        )
        assert "members of all organizations have org:member" in ask.shown
        assert "org:bills:read" in ask.shown
        await ask("org_permission_delete", permission_id=permission["id"])
        assert "held by Member" in ask.shown


async def test_somebody_is_let_in_from_the_waitlist(at_work):
    async with at_work("waitlist") as ask:
        entry = await ask("waitlist_create", email_address="eve@example.test", notify=False)
        await ask("waitlist_invite", waitlist_entry_id=entry["id"])
        listed = await ask("waitlist_list", query="eve@example.test")
        assert listed["items"][0]["status"] == "invited"


@pytest.mark.promise("handed-over")
async def test_a_sign_in_link_goes_to_a_person_and_never_to_the_model(at_work, home):
    async with at_work("tokens") as ask:
        ada = (await a_user(ask))["id"]
        made = await ask("sign_in_token_create", user_id=ada)
        assert "whoever opens the link is signed in as Ada" in ask.shown
        secret = handed_over(home)
        assert secret.keys() == {"token", "url"}
        assert "token and url was written to" in made["notes"]
        told = "".join(ask.answers) + json.dumps([asked.message for asked in ask.dialogue.asked])
        assert secret["token"] not in told
        assert secret["token"].encode() not in (home / "desk.db").read_bytes()
        await ask("sign_in_token_revoke", sign_in_token_id=made["id"])


@pytest.mark.promise("handed-over")
async def test_a_rotated_client_secret_says_what_stops_and_goes_to_a_person(at_work, home):
    async with at_work("oauth") as ask:
        made = await ask("client_create", name="Portal", redirect_uris=["https://portal.test/cb"])
        first = handed_over(home)["client_secret"]
        for path in (home / "handover").glob("*.txt"):
            path.unlink()
        await ask("client_secret_rotate", oauth_application_id=made["id"])
        assert "the old secret stops working at once: nobody signs in to Portal" in ask.shown
        second = handed_over(home)["client_secret"]
        assert first != second
        assert second not in "".join(ask.answers)


@pytest.mark.promise("consequences-beyond-the-core")
async def test_settings_of_the_instance_say_for_how_many_they_hold(at_work):
    async with at_work("instance", "users-plus") as ask:
        everybody = (await ask("users_count"))["total_count"]
        await ask("restrictions_update", allowlist=True)
        assert f"holds for all {everybody} users" in ask.shown
        assert "only what is on the allow-list can sign up" in ask.shown


async def test_several_are_invited_at_once_by_texts_of_objects(at_work):
    async with at_work("users-plus") as ask:
        await ask(
            "invitations_bulk_create",
            invitations=[
                '{"email_address": "a@example.test", "notify": false}',
                '{"email_address": "b@x.test"}',
            ],
        )
        listed = await ask("invitations_list", query="@x.test")
        assert [item["email_address"] for item in listed["items"]] == ["b@x.test"]
        told = await ask.refused("invitations_bulk_create", invitations=['{"mail": "a@example.test"}'])
        assert "invitations[0]: mail: unknown" in told
        assert "email_address" in told


async def test_a_picture_is_set_from_base64_and_what_is_none_is_refused(at_work):
    picture = (
        "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
    )
    async with at_work("users-plus") as ask:
        ada = (await a_user(ask))["id"]
        await ask("user_profile_image_set", user_id=ada, file=picture)
        assert "The old picture is not kept." in ask.shown
        assert (await ask("user_get", user_id=ada, fields=["has_image"]))["has_image"] is True
        assert "base64" in await ask.refused("user_profile_image_set", user_id=ada, file="no picture")


@pytest.mark.promise("toolsets")
async def test_what_is_not_chosen_is_refused_with_the_toolset_that_has_it(at_work):
    async with at_work() as ask:
        assert len((await ask.client.list_tools()).tools) == 48
        told = await ask.refused("users_count")
        assert "users-plus is not among the toolsets set" in told
        told = await ask.refused("templates_list", template_type="email")
        assert "all is not among the toolsets set" in told
