"""Each of the 30 writes on a sandbox with people in it: undone, or refused with the reason.

The state of the whole instance is compared, read by plain HTTP past everything that is deskclerk's own.
"""

import pytest

from deskclerk.catalogue import ACTIONS, BY_NAME, READ
from deskclerk.errors import CannotUndo
from tests.journeys.writes import (
    ALWAYS_NEW,
    ARGUMENTS,
    invitation,
    seed,
    somebody,
    somebody_new,
    template,
    world,
)

pytestmark = pytest.mark.anyio

NEW_WHEN_CREATED_AGAIN = ALWAYS_NEW | {"id", "created_at", "expires_at", "url"}
GONE_FOR_GOOD = {
    "clerk_user_delete": ("password", "clerk_user_create"),
    "clerk_organization_delete": ("memberships", "clerk_organization_create"),
    "clerk_client_delete": ("client_id", "clerk_client_create"),
    "clerk_session_revoke": ("stays ended", None),
}


@pytest.fixture(scope="module")
def seeded(tmp_path_factory):
    return seed(tmp_path_factory.mktemp("seeded") / "sandbox.db")


def test_no_write_is_left_out():
    assert set(ARGUMENTS) == {action.spec.name for action in ACTIONS if action.spec.effect is not READ}


@pytest.mark.promise("undo")
@pytest.mark.parametrize("name", [name for name in ARGUMENTS if name not in GONE_FOR_GOOD])
async def test_a_write_is_taken_back_and_nothing_else_changes(name, seeded, tmp_path):
    created_again = BY_NAME[name].spec.verb in ("delete", "revoke")
    ignored = NEW_WHEN_CREATED_AGAIN if created_again else ALWAYS_NEW
    async with world(seeded, tmp_path) as at:
        arguments = await ARGUMENTS[name](at)
        before = await at.state(ignored)
        await at.do(name, **arguments)
        assert await at.state(ignored) != before
        entry = await at.entry()
        answer = await at.desk.undo(entry)
        assert await at.state(ignored) == before
        assert answer.notes[0].startswith(f"Takes back {entry}")
        assert (await at.desk.journal.recent(1))[0]["undoes"] == entry


@pytest.mark.promise("undo")
@pytest.mark.parametrize("name", GONE_FOR_GOOD)
async def test_what_is_gone_for_good_is_refused_with_the_nearest_thing(name, seeded, tmp_path):
    reason, nearest = GONE_FOR_GOOD[name]
    async with world(seeded, tmp_path) as at:
        await at.do(name, **await ARGUMENTS[name](at))
        after = await at.state()
        with pytest.raises(CannotUndo, match=reason) as caught:
            await at.desk.undo(await at.entry())
        assert await at.state() == after
        if nearest is None:
            assert caught.value.offer is None
        else:
            offer = caught.value.as_dict()["offer"]
            assert offer["action"] == nearest
            await at.do(nearest, **offer["arguments"])


async def test_an_offered_user_has_the_addresses_names_and_metadata_of_the_deleted_one(seeded, tmp_path):
    async with world(seeded, tmp_path) as at:
        asked = await somebody_new(at)
        made = await at.do("clerk_user_create", **asked)
        await at.do("clerk_user_delete", user_id=made["id"])
        with pytest.raises(CannotUndo, match="deskclerk call clerk_user_create") as caught:
            await at.desk.undo(await at.entry())
        assert caught.value.offer["arguments"] == asked


async def test_an_undo_is_a_write_and_is_undone_like_one(seeded, tmp_path):
    async with world(seeded, tmp_path) as at:
        one = await somebody(at)
        await at.do("clerk_user_ban", **one)
        first, banned = await at.entry(), await at.state()
        await at.desk.undo(first)
        second = await at.entry()
        with pytest.raises(CannotUndo, match=f"taken back already, by {second}"):
            await at.desk.undo(first)
        await at.desk.undo(second)
        assert await at.state() == banned
        await at.desk.undo(first)  # it stands again, and is taken back again
        assert (await at.get(f"/users/{one['user_id']}"))["banned"] is False


async def test_a_template_with_a_key_of_its_own_needs_it_from_a_person(seeded, tmp_path):
    own = {"custom_signing_key": True, "signing_algorithm": "HS256", "signing_key": "k" * 40}
    async with world(seeded, tmp_path) as at:
        made = await at.do("clerk_jwt_template_create", **await template(at) | own)
        before = await at.state(NEW_WHEN_CREATED_AGAIN)
        await at.do("clerk_jwt_template_delete", template_id=made["id"])
        entry = await at.entry()
        with pytest.raises(CannotUndo, match="signing key of its own"):
            await at.desk.undo(entry)
        await at.desk.undo(entry, given={"signing_key": "j" * 40})
        assert await at.state(NEW_WHEN_CREATED_AGAIN) == before


async def test_an_invitation_created_again_sends_no_email_unless_that_is_asked_for(seeded, tmp_path):
    async with world(seeded, tmp_path) as at:
        for notify in (False, True):
            await at.do("clerk_invitation_revoke", **await invitation(at))
            answer = await at.desk.undo(await at.entry(), given={"notify": notify})
            told = " ".join(answer.notes)
            assert ("No e-mail is sent" in told) is not notify
            intent = (await at.desk.journal.recent(1))[0]["arguments"]
            assert intent["notify"] is notify
            assert intent["expires_in_days"] == 30
            await at.do("clerk_invitation_revoke", invitation_id=answer.value["id"])
