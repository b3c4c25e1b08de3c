"""The page of destinations: owners set them, nobody reads them, and the journal has who changed what."""

from types import SimpleNamespace

import pytest
from sqlalchemy import select, update

from deskclerk.desk.time_and_ids import now
from deskclerk.faces.hosted.workspace_pages import notifications as page_module
from deskclerk.hosted.notifications.tables import notices
from tests.desk.notifications.conftest import PATH, SECRET
from tests.hosted.notifications.conftest import ADDRESS, SLACK, SLACK_PATH
from tests.hosted.people import conftest as people
from tests.hosted.people.conftest import named, told
from tests.hosted.people.test_policy import changes

acme, browsers, desks, issuer, listening_issuer, person_in, site, workspace_of = (
    people.acme, people.browsers, people.desks, people.issuer, people.listening_issuer, people.person_in,
    people.site, people.workspace_of,
)  # fmt: skip
pytestmark = pytest.mark.anyio
PAGE = "/w/acme/notifications"
HOOK = {"name": "ops", "kind": "webhook", "address": ADDRESS, "secret": SECRET}


async def post(acme, path="", role="owner", **fields):
    return await acme.browsers[role].post(PAGE + path, page="/security", **fields)


async def shown(acme, role="owner"):
    answer = await acme.browsers[role].get(PAGE)
    assert answer.status_code == 200
    return answer.text


async def test_an_owner_sets_a_destination_whose_address_and_secret_nobody_is_shown(acme, site):
    added = await post(acme, **HOOK)
    assert added.headers["location"] == f"{PAGE}?done=added"
    for role in ("owner", "signer", "viewer"):
        page = await shown(acme, role)
        assert "<strong>ops</strong>" in page
        assert not any(part in page for part in (ADDRESS, PATH, "hooks.example.com", SECRET))
        assert ("Send a test message" in page) == (role == "owner")
    (record,) = await site.destinations.listed(acme.record.id)
    place = await site.destinations.open(acme.record.id, record.id)
    assert (place.address.get_secret_value(), place.secret.get_secret_value()) == (ADDRESS, SECRET)
    assert await changes(acme) == [
        (named(acme.people["owner"]), f"set the destination ops (webhook, {record.id})")
    ]
    removed = await post(acme, "/remove", id=record.id)
    assert removed.headers["location"] == f"{PAGE}?done=removed"
    assert await site.destinations.listed(acme.record.id) == []
    assert (await changes(acme))[-1][1] == f"removed the destination ops ({record.id})"


@pytest.mark.parametrize("role", ["signer", "viewer"])
async def test_only_owners_set_remove_and_test(acme, site, role):
    await post(acme, **HOOK)
    (record,) = await site.destinations.listed(acme.record.id)
    noted = len(await changes(acme))
    for path, fields in (
        ("", HOOK | {"name": "mine"}),
        ("/remove", {"id": record.id}),
        ("/test", {"id": record.id}),
    ):
        answer = await post(acme, path, role, **fields)
        assert answer.status_code == 403
        assert "Only owners" in told(answer)
        assert PATH not in answer.text
    assert [item.name for item in await site.destinations.listed(acme.record.id)] == ["ops"]
    assert len(await changes(acme)) == noted
    async with site.hosted.of(acme.record.id).reading() as connection:
        assert (await connection.execute(select(notices.c.id))).all() == []


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"name": ""}, "name: accepted"),
        ({"name": "<b>"}, "name: accepted"),
        ({"kind": "email"}, "kind: accepted: webhook, slack"),
        ({"address": "http://hooks.example.com/marked"}, "address: accepted: https://HOST/"),
        ({"address": "https://169.254.169.254/marked"}, "address: accepted: https://HOST/"),
        ({"kind": "slack", "secret": ""}, "address: accepted: https://hooks.slack.com/"),
        ({"kind": "slack", "address": f"https://{SLACK}{SLACK_PATH}"}, "secret: accepted: none"),
        ({"secret": ""}, "secret: accepted: whsec_"),
        ({"secret": "whsec_bWFya2Vk"}, "secret: accepted: whsec_"),
    ],
)
async def test_what_is_wrong_is_said_by_name_and_nothing_secret_comes_back(acme, site, wrong, says):
    given = HOOK | wrong
    answer = await post(acme, **given)
    assert answer.status_code in (400, 422)
    assert says in told(answer)
    assert not any(
        part in answer.text for part in (PATH, "marked", "169.254", "bWFya2Vk", SECRET, SLACK_PATH)
    )
    assert await site.destinations.listed(acme.record.id) == []
    assert await changes(acme) == []


async def test_a_name_is_there_once_and_a_workspace_has_five(acme, site):
    await post(acme, **HOOK)
    assert "ops is taken" in told(await post(acme, **HOOK))
    await post(acme, name="chat", kind="slack", address=f"https://{SLACK}{SLACK_PATH}", secret="")
    for number in range(3):
        await post(acme, **HOOK | {"name": f"more {number}"})
    assert "at most 5" in told(await post(acme, **HOOK | {"name": "sixth"}))
    assert len(await site.destinations.listed(acme.record.id)) == 5
    assert "Set a destination" not in await shown(acme)


async def test_a_test_message_waits_to_be_sent_and_the_page_says_what_became_of_it(acme, site, monkeypatch):
    await post(acme, **HOOK)
    (record,) = await site.destinations.listed(acme.record.id)
    pages = []

    async def by_a_worker(**values):
        async with site.hosted.of(acme.record.id).writing() as connection:
            await connection.execute(update(notices).values(**values))

    async def meanwhile(_):
        """What others do while the page waits for what becomes of it."""
        (own,) = await site.destinations.listed(acme.record.id)
        assert (own.last.outcome, own.last.tries) == (None, 0)
        # There is no second one while it is under way.
        pages.append(await post(acme, "/test", id=record.id))
        await by_a_worker(ended_at=now(), outcome="failed", why="it answered 404")

    monkeypatch.setattr(page_module, "asyncio", SimpleNamespace(sleep=meanwhile))
    pressed = await post(acme, "/test", id=record.id)
    assert pressed.headers["location"] == f"{PAGE}?done=tested"
    (again,) = pages
    assert "under way already" in told(again)
    assert "last message under way" in again.text
    assert "last message failed: it answered 404" in await shown(acme)
    assert (await changes(acme))[-1][1] == f"had a test message sent to the destination ops ({record.id})"
    await by_a_worker(ended_at=None, outcome=None, why="it answered 503")
    assert "last message to be tried again: it answered 503" in await shown(acme)


async def test_the_page_is_shown_although_nobody_sends_the_test_message(acme, site, monkeypatch):
    await post(acme, **HOOK)
    (record,) = await site.destinations.listed(acme.record.id)
    monkeypatch.setattr(page_module, "_LOOK_SECONDS", 0)
    assert (await post(acme, "/test", id=record.id)).status_code == 303
    assert "last message under way" in await shown(acme)


async def test_a_destination_of_another_workspace_is_nowhere_and_who_tries_is_noted(acme, workspace_of, site):
    bolt = await workspace_of("bolt", ("Bea", "Ben", "Bo"))
    await bolt.browsers["owner"].post("/w/bolt/notifications", page="/security", **HOOK)
    (theirs,) = await site.destinations.listed(bolt.record.id)
    for path in ("/remove", "/test"):
        answer = await post(acme, path, id=theirs.id)
        assert answer.status_code == 404
        assert "no such destination" in told(answer)
    assert [item.id for item in await site.destinations.listed(bolt.record.id)] == [theirs.id]
    assert (await site.destinations.listed(bolt.record.id))[0].last is None
    assert await acme.attempts() == [("Olga Example", theirs.id)] * 2
    assert await changes(acme) == []
