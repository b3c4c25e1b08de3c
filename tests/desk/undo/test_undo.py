"""What takes a write back: the pure part by itself, then the desk's refusals."""

import json

import httpx2
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.desk.conftest import Person

from deskclerk.catalogue import BanUser, GetUser, UpdateUser
from deskclerk.desk import Decision, Signature
from deskclerk.desk.consequences.restoring import unmerge
from deskclerk.desk.undo.engine import inverse
from deskclerk.errors import ApprovalNeeded, ApprovalRefused, CannotUndo, OutcomeUnknown
from deskclerk.sandbox.http.metadata import merged

KEYS = st.sampled_from(["a", "b", "c"])
LEAVES = st.none() | st.booleans() | st.integers(0, 2) | st.sampled_from([0.0, 1.0, "", "x"])
VALUES = st.recursive(
    LEAVES,
    lambda inner: st.dictionaries(KEYS, inner, max_size=3) | st.lists(inner, max_size=2),
    max_leaves=8,
)
OBJECTS = st.dictionaries(KEYS, VALUES, max_size=3)


def as_text(value):
    return json.dumps(value, sort_keys=True)


@given(OBJECTS, OBJECTS)
def test_a_merge_is_taken_back_by_a_merge_wherever_the_inverse_says_it_is_complete(before, patch):
    after = merged(before, patch)
    undone, lost = unmerge(before, patch, after)
    if not lost:
        assert as_text(merged(after, undone)) == as_text(before)


@given(OBJECTS, OBJECTS)
def test_what_a_merge_cannot_restore_is_a_null_and_the_rest_is_restored(before, patch):
    after = merged(before, patch)
    undone, lost = unmerge(before, patch, after)
    restored = merged(after, undone)
    for path in lost:
        assert value_at(before, path) is None
        drop(before, path)
    assert as_text(restored) == as_text(before)


@given(OBJECTS, OBJECTS, OBJECTS)
def test_what_others_changed_elsewhere_since_then_stays(before, patch, since):
    elsewhere = {f"other_{name}": value for name, value in since.items()}
    current = merged(merged(before, patch), elsewhere)
    undone, lost = unmerge(before, patch, current)
    if not lost:
        assert as_text(merged(current, undone)) == as_text(merged(before, elsewhere))


def value_at(value, path):
    for part in path.split("."):
        value = value[part]
    return value


def drop(value, path):
    *parents, last = path.split(".")
    for part in parents:
        value = value[part]
    del value[last]


def written(action, before, asked, after):
    """The journal's two lines of a write."""
    intent = {"entry": "ent_1", "action": action, "arguments": asked, "before": [before] if before else []}
    return intent, {"outcome": "done", "after": after}


def undone(action, before, asked, after, current=None, **more):
    return inverse(*written(action, before, asked, after), after if current is None else current, **more)


ADA = {"id": "user_1", "first_name": "Ada", "last_name": None, "banned": False, "has_image": True}
ONE = {"user_id": "user_1"}


def update(asked, after, before=ADA, current=None, **more):
    return undone("clerk_user_update", before, ONE | asked, before | after, current, **more)


def test_an_update_goes_back_to_the_values_of_exactly_the_fields_that_it_changed():
    found = update({"first_name": "Ada", "last_name": "L"}, {"last_name": "L"})
    assert found.action.arguments() == ONE | {"last_name": None}
    assert (found.notes, found.cannot) == ((), ())


def test_a_field_that_somebody_changed_since_is_marked():
    now = ADA | {"first_name": "Third"}
    found = update({"first_name": "Eve"}, {"first_name": "Eve"}, current=now)
    assert found.action.arguments() == ONE | {"first_name": "Ada"}
    assert found.notes == ("first_name was changed again since then: that change goes too.",)


def test_an_update_that_changed_nothing_has_nothing_to_undo():
    found = update({"first_name": "Ada"}, {})
    assert found.action is None
    assert "nothing to undo" in found.cannot[0]


def test_a_password_does_not_come_back_and_the_rest_does():
    found = update({"first_name": "Eve", "password": "[secret]"}, {"first_name": "Eve"})
    assert found.action.arguments() == ONE | {"first_name": "Ada"}
    assert found.cannot == ("password: the old one cannot come back, Clerk tells it nobody.",)
    assert update({"password": "[secret]"}, {}).action is None


def test_an_image_comes_back_only_as_no_image():
    assert update({"profile_image_id": "img_2"}, {}).action is None
    bare = ADA | {"has_image": False}
    found = update({"profile_image_id": "img_2"}, {"has_image": True}, before=bare)
    assert found.action.arguments() == ONE | {"profile_image_id": None}


def test_arguments_that_only_say_how_are_named_and_not_restored():
    found = update({"first_name": "Eve", "skip_password_checks": True}, {"first_name": "Eve"})
    assert found.action.arguments() == ONE | {"first_name": "Ada"}
    assert "skip_password_checks" in found.notes[0]


def test_a_null_that_clerk_cannot_be_told_is_named():
    before = {"id": "org_1", "name": "Acme", "slug": None}
    asked = {"organization_id": "org_1", "slug": "acme"}
    found = undone("clerk_organization_update", before, asked, before | {"slug": "acme"})
    assert found.action is None
    assert found.cannot == ("slug was not set, and Clerk has no way to clear it.",)


def test_a_value_that_the_journal_keeps_without_its_secret_is_not_written_back():
    before = ADA | {"public_metadata": {"url": "https://x/?__clerk_ticket=[secret]"}}
    found = update({"public_metadata": {"url": 1}}, {"public_metadata": {"url": 1}}, before=before)
    assert found.action is None
    assert "secret" in found.cannot[0]


def test_a_ban_of_somebody_who_was_banned_before_has_nothing_to_undo():
    found = undone("clerk_user_ban", ADA | {"banned": True}, ONE, ADA | {"banned": True})
    assert found.action is None
    assert "banned before already" in found.cannot[0]


def test_a_ban_that_somebody_lifted_since_has_nothing_to_undo():
    found = undone("clerk_user_ban", ADA, ONE, ADA | {"banned": True}, current=ADA)
    assert found.action is None
    assert "no longer banned" in found.cannot[0]


def test_a_target_that_is_gone_is_said():
    lines = written("clerk_user_update", ADA, ONE | {"first_name": "E"}, ADA | {"first_name": "E"})
    for found in (inverse(*lines, None), inverse(*written("clerk_user_ban", ADA, ONE, ADA), None)):
        assert found.action is None
        assert "is gone" in found.cannot[0]


def test_a_created_thing_that_changed_or_was_used_since_is_deleted_with_a_word_about_it():
    now = ADA | {"first_name": "Augusta", "last_sign_in_at": 5}
    found = undone("clerk_user_create", None, {"first_name": "Ada"}, ADA, current=now)
    assert found.action.arguments() == ONE
    assert "Changed since it was created: first_name." in found.notes
    assert "The user has signed in since." in found.notes
    org = {"id": "org_1", "name": "Acme"}
    asked = {"name": "Acme", "created_by": "user_1"}
    found = undone("clerk_organization_create", None, asked, org, current=org | {"members_count": 3})
    assert "It has 3 members by now, who lose it." in found.notes


@pytest.mark.parametrize(
    ("status", "why"), [("accepted", "was accepted"), ("revoked", "nothing to undo"), ("expired", "expired")]
)
def test_an_invitation_that_no_longer_waits_is_not_revoked(status, why):
    made = {"id": "inv_1", "email_address": "a@b.test", "status": "pending"}
    asked = {"email_address": "a@b.test"}
    found = undone("clerk_invitation_create", None, asked, made, current=made | {"status": status})
    assert found.action is None
    assert why in found.cannot[0]


def test_a_sent_email_cannot_be_unsent_and_a_quiet_invitation_has_none():
    made = {"id": "inv_1", "email_address": "a@b.test", "status": "pending"}
    for notify, said in ((None, True), (True, True), (False, False)):
        asked = {"email_address": "a@b.test", "notify": notify}
        notes = undone("clerk_invitation_create", None, asked, made).notes
        assert any("unsent" in note for note in notes) is said


def test_what_is_there_again_is_not_created_a_second_time():
    entry = {"id": "alid_1", "identifier": "a@b.test"}
    asked = {"identifier_id": "alid_1"}
    found = undone("clerk_allowlist_delete", entry, asked, {"deleted": True}, current={"id": "alid_2"})
    assert found.action is None
    assert "again (alid_2)" in found.cannot[0]


def test_a_removal_of_something_that_the_desk_never_saw_is_refused():
    lines = written("clerk_blocklist_delete", None, {"identifier_id": "blid_1"}, {"deleted": True})
    assert inverse(*lines, None).cannot == ("The journal does not know what the block-list entry was.",)


# What the desk does with it.


async def last_entry(desk):
    return (await desk.journal.recent(1))[-1]["entry"]


@pytest.mark.promise("undo")
@pytest.mark.anyio
async def test_an_undo_is_signed_like_any_write_and_says_what_it_takes_back(open_desk, upstream):
    person = Person()
    async with open_desk(approver=person) as desk:
        await desk.perform(UpdateUser(user_id="user_1", first_name="Eve"))
        entry = await last_entry(desk)
        answer = await desk.undo(entry)
        assert upstream.users["user_1"]["first_name"] == "Ada"
        assert f"Takes back {entry}: update user (user_1)." in person.shown[-1].text()
        assert answer.notes == (f"Takes back {entry}: update user (user_1).",)
        assert [line["undoes"] for line in await desk.journal.recent(2)] == [entry, entry]


@pytest.mark.anyio
async def test_without_a_signature_nothing_is_taken_back(open_desk, upstream):
    async with open_desk() as desk:
        await desk.perform(UpdateUser(user_id="user_1", first_name="Eve"), approver=Person())
        entry = await last_entry(desk)
        with pytest.raises(ApprovalNeeded):
            await desk.undo(entry)
        with pytest.raises(ApprovalRefused):
            await desk.undo(entry, approver=Person(Decision.DECLINED))
    assert len(upstream.writes) == 1


@pytest.mark.anyio
async def test_an_undo_signed_elsewhere_shows_what_it_takes_back_and_then_happens_once(open_desk, upstream):
    async with open_desk() as desk, open_desk() as other:
        await desk.perform(UpdateUser(user_id="user_1", first_name="Eve"), approver=Person())
        entry = await last_entry(desk)
        plan = await desk.propose_undo(entry)
        with pytest.raises(ApprovalNeeded) as caught:
            await desk.undo(entry)
        assert caught.value.plan_id == plan.id
        (stored,) = await other.plans.waiting()
        title = f"Takes back {entry}: update user (user_1)."
        assert title in stored.as_dict()["preview"]
        assert stored.plan == plan
        await other.sign(plan.id, Signature(Decision.APPROVED, "console"))
        assert title in (await desk.undo(entry)).notes
        with pytest.raises(CannotUndo, match="already"):
            await desk.undo(entry)
    assert upstream.users["user_1"]["first_name"] == "Ada"


@pytest.mark.anyio
async def test_a_plan_of_the_same_write_for_its_own_sake_is_not_shown_as_an_undo(open_desk, upstream):
    async with open_desk() as desk:
        await desk.perform(UpdateUser(user_id="user_1", first_name="Eve"), approver=Person())
        plain = await desk.propose(UpdateUser(user_id="user_1", first_name="Ada"))
        undoing = await desk.propose_undo(await last_entry(desk))
    assert (plain.notes, plain.digest) == ((), undoing.digest)
    assert plain.id != undoing.id


@pytest.mark.anyio
async def test_what_was_taken_back_is_not_taken_back_twice_unless_again(open_desk, upstream):
    async with open_desk(approver=Person()) as desk:
        await desk.perform(UpdateUser(user_id="user_1", first_name="Eve"))
        entry = await last_entry(desk)
        await desk.undo(entry)
        upstream.users["user_1"]["first_name"] = "Eve"
        with pytest.raises(CannotUndo, match="already"):
            await desk.undo(entry)
        await desk.undo(entry, again=True)
    assert upstream.users["user_1"]["first_name"] == "Ada"


@pytest.mark.anyio
async def test_reads_refusals_and_made_up_entries_are_not_undone(open_desk, upstream):
    async with open_desk() as desk:
        await desk.perform(GetUser(user_id="user_1"))
        read = await last_entry(desk)
    async with open_desk(access="read") as desk:
        with pytest.raises(Exception, match="not allowed"):
            await desk.perform(BanUser(user_id="user_1"))
        refused = await last_entry(desk)
        for entry, why in ((read, "a read"), (refused, "not sent"), ("ent_none", "no such entry")):
            with pytest.raises(CannotUndo, match=why):
                await desk.undo(entry)
    assert upstream.writes == []


@pytest.mark.anyio
async def test_a_write_that_clerk_refused_or_whose_end_is_unknown_is_not_undone(open_desk, upstream):
    async def refuse(_):
        return httpx2.Response(422, json={"errors": [{"message": "no", "code": "no"}]})

    async def lose(_):
        raise httpx2.ReadTimeout("gone")

    upstream.trouble = refuse
    async with open_desk(approver=Person()) as desk:
        with pytest.raises(Exception, match="no"):
            await desk.perform(BanUser(user_id="user_1"))
        with pytest.raises(CannotUndo, match="unprocessable"):
            await desk.undo(await last_entry(desk))
        upstream.trouble = lose
        with pytest.raises(OutcomeUnknown):
            await desk.perform(BanUser(user_id="user_1"))
        with pytest.raises(CannotUndo, match="not known"):
            await desk.undo(await last_entry(desk))


@pytest.mark.anyio
async def test_a_write_to_another_instance_is_not_undone_here(open_desk, upstream):
    async with open_desk(approver=Person()) as desk:
        await desk.perform(BanUser(user_id="user_1"))
        entry = await last_entry(desk)
    async with open_desk(approver=Person(), api_url="https://elsewhere.test") as desk:
        with pytest.raises(CannotUndo, match="another instance"):
            await desk.undo(entry)
