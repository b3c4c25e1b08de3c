"""Writes whose answer nobody has: what reading Clerk proves, and what it does not."""

import asyncio
import time
from contextlib import closing
from sqlite3 import connect

import httpx2
import pytest

from deskclerk.catalogue import BanUser, CreateUser, DeleteUser, UpdateUser
from deskclerk.clerk.client import Clerk
from deskclerk.desk.consequences.lookup import find_out
from deskclerk.desk.execution import settling
from deskclerk.desk.journal import records
from deskclerk.desk.journal.records import EntryFilter
from deskclerk.errors import ClerkUnavailable, OutcomeUnknown, RateLimited

pytestmark = pytest.mark.anyio
BAN = BanUser(user_id="user_1")


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    monkeypatch.setattr(settling, "WAITS", (0.0, 0.0))


@pytest.fixture
def orphan(open_desk, upstream, tmp_path):
    """A write whose process is gone before its outcome is known; `happened` says whether Clerk did it."""

    async def leave(action, *, happened):
        async def last_breath(request):
            if happened:
                await type(upstream).__call__(upstream, request)
            raise asyncio.CancelledError

        upstream.trouble = last_breath
        async with open_desk(confirm="never") as desk:
            desk.journal.outcome = _nothing
            with pytest.raises(asyncio.CancelledError):
                await desk.perform(action)

    return leave


async def _nothing(*_args, **_more):
    return None


async def settled(open_desk):
    async with open_desk(confirm="never") as desk:
        await desk.settling.orphans()
        (line,) = await desk.journal.entries(EntryFilter())
    return line


@pytest.fixture
def long_ago(monkeypatch):
    """Every request counts as ended."""
    monkeypatch.setattr(settling, "longest_under_way", lambda _: 0)


@pytest.mark.promise("a-lost-answer-is-settled")
@pytest.mark.usefixtures("long_ago")
@pytest.mark.parametrize(
    ("action", "happened", "outcome"),
    [
        (BAN, True, "done"),
        (BAN, False, "not_done"),
        (UpdateUser(user_id="user_1", first_name="Grace"), True, "done"),
        (UpdateUser(user_id="user_1", first_name="Grace"), False, "not_done"),
        (UpdateUser(user_id="user_1", first_name="Ada"), True, "unknown"),
        (UpdateUser(user_id="user_1", password="hunter22"), True, "unknown"),
        (DeleteUser(user_id="user_1"), False, "not_done"),
    ],
)
async def test_the_next_start_tells_what_became_of_an_open_write(
    open_desk, orphan, action, happened, outcome
):
    await orphan(action, happened=happened)
    line = await settled(open_desk)
    assert line["outcome"] == outcome
    assert line["note"].startswith("Settled later. ")


async def test_a_user_who_was_banned_before_proves_nothing(open_desk, upstream, orphan):
    upstream.users["user_1"]["banned"] = True
    await orphan(BAN, happened=True)
    line = await settled(open_desk)
    assert line["outcome"] == "unknown"
    assert "True before" in line["note"]


async def test_what_is_gone_was_deleted(open_desk, upstream, orphan):
    await orphan(DeleteUser(user_id="user_1"), happened=False)
    upstream.users.clear()
    assert (await settled(open_desk))["outcome"] == "done"


async def test_a_target_that_was_changed_since_does_not_prove_that_nothing_happened(
    open_desk, upstream, orphan, long_ago
):
    await orphan(BAN, happened=False)
    upstream.users["user_1"]["updated_at"] = 7
    assert (await settled(open_desk))["outcome"] == "unknown"


async def test_what_may_still_be_under_way_is_unknown_now_and_looked_at_again(open_desk, upstream, orphan):
    await orphan(BAN, happened=False)
    assert (await settled(open_desk))["outcome"] == "unknown"
    upstream.users["user_1"]["banned"] = True
    assert (await settled(open_desk))["outcome"] == "done"


@pytest.mark.parametrize(
    ("options", "seconds", "outcome"),
    [
        # A try within 45 seconds, 30 for that, a minute of Clerk's own, and half a minute between two clocks.
        ({}, 164, "unknown"),
        ({}, 166, "not_done"),
        ({"retry_seconds": 600.0}, 700, "unknown"),
        ({"retry_seconds": 600.0}, 721, "not_done"),
    ],
)
async def test_what_may_have_left_late_is_not_taken_for_not_done(
    open_desk, upstream, orphan, monkeypatch, *, options, seconds, outcome
):
    await orphan(BAN, happened=False)
    real = records.now
    monkeypatch.setattr(settling, "now", lambda: real() + seconds * 1000)
    clerk = Clerk("https://clerk.test", "sk_test_x", transport=httpx2.MockTransport(upstream), **options)
    async with clerk, open_desk(confirm="never") as desk:
        desk.settling._clerk = _always(clerk)
        (line,) = await desk.settling.orphans()
    assert line["outcome"] == outcome


async def test_a_write_whose_intent_took_too_long_is_not_sent(open_desk, upstream, monkeypatch):
    monkeypatch.setattr(Clerk, "last_try", lambda _: time.monotonic())
    async with open_desk(confirm="never") as desk:
        with pytest.raises(RateLimited, match="Nothing was sent"):
            await desk.perform(BAN)
        (line,) = await desk.journal.entries(EntryFilter())
    assert (line["outcome"], upstream.writes) == ("rate_limited", [])


def _always(clerk):
    async def given():
        return clerk

    return given


async def test_another_write_to_the_same_target_leaves_it_unknown(open_desk, upstream, orphan):
    await orphan(BAN, happened=True)
    async with open_desk(confirm="never") as desk:
        desk.settling._settled = True
        await desk.perform(UpdateUser(user_id="user_1", first_name="Eve"))
    async with open_desk() as desk:
        (line,) = await desk.settling.orphans()
    assert line["outcome"] == "unknown"
    assert "Other writes" in line["note"]


async def test_a_later_write_is_one_although_the_clock_was_set_back(open_desk, upstream, orphan, monkeypatch):
    await orphan(BAN, happened=True)
    early = records.now() - 3_600_000
    async with open_desk(confirm="never") as desk:
        desk.settling._settled = True
        with monkeypatch.context() as clock:
            clock.setattr(records, "now", lambda: early)
            await desk.perform(UpdateUser(user_id="user_1", first_name="Eve"))
    async with open_desk() as desk:
        (line,) = await desk.settling.orphans()
    assert line["outcome"] == "unknown"
    assert "Other writes" in line["note"]


async def test_a_clock_that_was_set_back_tells_no_seconds(open_desk, orphan, monkeypatch):
    await orphan(BAN, happened=False)
    monkeypatch.setattr(settling, "now", lambda: records.now() - 3_600_000)
    line = await settled(open_desk)
    assert line["outcome"] == "unknown"
    assert "Not done so far" in line["note"]
    assert "-" not in line["note"].partition("Not done")[2].partition(";")[0]


async def test_a_write_of_a_living_process_is_left_alone(open_desk, upstream):
    reached, go_on = asyncio.Event(), asyncio.Event()

    async def slowly(_):
        reached.set()
        await go_on.wait()
        return httpx2.Response(200, json=upstream.users["user_1"])

    upstream.trouble = slowly
    async with open_desk(confirm="never") as desk:
        call = asyncio.create_task(desk.perform(BAN))
        await reached.wait()
        async with open_desk() as other:
            added = await other.settling.orphans()
        go_on.set()
        await call
    assert added == []


async def test_two_starts_settle_once(open_desk, orphan, tmp_path):
    await orphan(BAN, happened=True)
    async with open_desk() as one, open_desk() as other:
        added = await asyncio.gather(one.settling.orphans(), other.settling.orphans())
    assert sum(map(len, added)) == 1
    with closing(connect(tmp_path / "home" / "desk.db")) as database:
        kinds = [row[0] for row in database.execute("select kind from events order by seq")]
    assert kinds == ["intent", "settled"]


async def test_an_open_write_is_settled_before_the_first_write(open_desk, upstream, orphan):
    await orphan(BAN, happened=True)
    async with open_desk(confirm="never") as desk:
        await desk.perform(UpdateUser(user_id="user_1", first_name="Grace"))
        found = await desk.journal.entries(EntryFilter())
    assert [line["outcome"] for line in found] == ["done", "done"]


async def test_what_cannot_be_read_stays_open(open_desk, upstream, orphan, monkeypatch):
    await orphan(BAN, happened=True)

    async def dark(_self, _request):
        return httpx2.Response(401, json={"errors": [{"message": "no", "code": "authentication_invalid"}]})

    with monkeypatch.context() as night:
        night.setattr(type(upstream), "__call__", dark)
        assert (await settled(open_desk))["outcome"] == "open"
    assert (await settled(open_desk))["outcome"] == "done"


@pytest.mark.promise("a-lost-answer-is-settled")
async def test_a_lost_answer_is_read_back_and_told_as_done(open_desk, upstream):
    async def lose(request):
        await upstream(request)
        raise httpx2.ReadTimeout("gone")

    upstream.trouble = lose
    async with open_desk(confirm="never") as desk:
        answer = await desk.perform(BAN)
        (line,) = await desk.journal.entries(EntryFilter())
    assert answer.value["banned"] is True
    assert "lost" in answer.notes[-1]
    assert (line["outcome"], line["kind"]) == ("done", "write")


async def test_a_failure_that_reading_shows_to_be_one_can_be_asked_again(open_desk, upstream):
    async def fail(_):
        return httpx2.Response(500)

    upstream.trouble = fail
    async with open_desk(confirm="never") as desk:
        with pytest.raises(ClerkUnavailable, match="did not happen"):
            await desk.perform(BAN)
        (line,) = await desk.journal.entries(EntryFilter())
    assert (line["outcome"], line["status"]) == ("not_done", 500)


@pytest.mark.promise("a-lost-answer-is-settled")
async def test_a_lost_answer_that_may_still_come_true_is_unknown(open_desk, upstream):
    async def lose(_):
        raise httpx2.ReadTimeout("gone")

    upstream.trouble = lose
    async with open_desk(confirm="never") as desk:
        with pytest.raises(OutcomeUnknown, match="may still be under way"):
            await desk.perform(BAN)
        (line,) = await desk.journal.entries(EntryFilter())
    assert line["outcome"] == "unknown"


AT = 1_800_000_000_000


@pytest.mark.parametrize(
    ("users", "outcome"),
    [
        ([], "not_done"),
        ([AT + 5], "done"),
        ([AT - 10_000], "unknown"),
        ([AT - 10**8], "not_done"),
        ([AT + 5, AT + 9], "unknown"),
        ([None], "unknown"),
    ],
)
async def test_a_creation_is_proved_by_the_one_thing_made_since(users, outcome):
    items = [{"id": f"user_{age}", "created_at": age} for age in users]
    transport = httpx2.MockTransport(lambda _: httpx2.Response(200, json=items))
    intent = {
        "action": "clerk_user_create",
        "at": AT,
        "arguments": CreateUser(email_address=["a@b.example"], password="hunter22").arguments(),
    }
    async with Clerk("https://clerk.test", "sk_test_x", transport=transport) as clerk:
        assert (await find_out(intent, clerk)).outcome == outcome


@pytest.mark.parametrize(
    ("action", "arguments", "item"),
    [
        ("clerk_organization_create", {"name": "Acme"}, {"name": "Acme"}),
        ("clerk_organization_create", {"name": "Acme", "slug": "acme"}, {"slug": "acme"}),
        (
            "clerk_org_membership_create",
            {"organization_id": "org_1", "user_id": "user_1", "role": "org:admin"},
            {"public_user_data": {"user_id": "user_1"}},
        ),
        (
            "clerk_org_invitation_create",
            {"organization_id": "org_1", "email_address": "A@b.example"},
            {"email_address": "a@b.example"},
        ),
        ("clerk_invitation_create", {"email_address": "a@b.example"}, {"email_address": "a@b.example"}),
        ("clerk_allowlist_create", {"identifier": "a@b.example"}, {"identifier": "a@b.example"}),
        ("clerk_blocklist_create", {"identifier": "a@b.example"}, {"identifier": "a@b.example"}),
        ("clerk_jwt_template_create", {"name": "t", "claims": {}}, {"name": "t"}),
        ("clerk_domain_create", {"name": "shop.example.com"}, {"name": "shop.example.com"}),
        ("clerk_client_create", {"name": "c"}, {"name": "c"}),
    ],
)
async def test_every_creation_is_looked_for_by_what_names_it(action, arguments, item):
    items = [item | {"id": "x_1", "created_at": AT + 1}, {"id": "x_2", "created_at": AT + 1}]
    answer = {"data": items, "total_count": 2}
    transport = httpx2.MockTransport(lambda _: httpx2.Response(200, json=answer))
    async with Clerk("https://clerk.test", "sk_test_x", transport=transport) as clerk:
        found = await find_out({"action": action, "at": AT, "arguments": arguments}, clerk)
    assert (found.outcome, found.after["id"]) == ("done", "x_1")
    assert ("secret" in found.note) is (action == "clerk_client_create")


@pytest.mark.parametrize(
    ("action", "before", "after", "outcome"),
    [
        ("clerk_session_revoke", {"status": "active"}, {"status": "revoked"}, "done"),
        ("clerk_session_revoke", {"status": "active"}, {"status": "active"}, "not_done"),
        ("clerk_session_revoke", {"status": "active"}, {"status": "ended", "updated_at": 1}, "unknown"),
        ("clerk_session_revoke", {"status": "revoked"}, {"status": "revoked"}, "unknown"),
    ],
)
async def test_a_revocation_is_proved_by_the_status(action, before, after, outcome):
    transport = httpx2.MockTransport(lambda _: httpx2.Response(200, json=after))
    intent = {"action": action, "before": [before], "arguments": {"session_id": "sess_1"}}
    async with Clerk("https://clerk.test", "sk_test_x", transport=transport) as clerk:
        assert (await find_out(intent, clerk)).outcome == outcome


@pytest.mark.parametrize(
    ("item", "outcome"), [({"id": "inv_1", "status": "revoked"}, "done"), (None, "unknown")]
)
async def test_an_invitation_is_found_among_the_revoked(item, outcome):
    def answer(request):
        wanted = item and request.url.params.get("status") == "revoked"
        return httpx2.Response(200, json=[item] if wanted else [])

    intent = {
        "action": "clerk_invitation_revoke",
        "before": [{"id": "inv_1", "status": "pending"}],
        "arguments": {"invitation_id": "inv_1"},
    }
    async with Clerk("https://clerk.test", "sk_test_x", transport=httpx2.MockTransport(answer)) as clerk:
        assert (await find_out(intent, clerk)).outcome == outcome
