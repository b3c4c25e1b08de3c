"""The journal in the console: chosen from, read in full, taken back, taken along."""

import csv
import io
import json
import re
from html.parser import HTMLParser

import httpx2
import pytest
from sqlalchemy import text

from deskclerk.catalogue import BanUser, CreateOrganization, GetUser, ListUsers, UpdateUser
from deskclerk.desk import Caller, Decision, Signature
from deskclerk.desk.journal.records import EntryFilter
from deskclerk.desk.target_names import TargetLabels
from deskclerk.errors import ApprovalNeeded
from deskclerk.faces.console.journal_view import item_of
from tests.desk.conftest import Person
from tests.faces.console.conftest import AGENT, problem
from tests.journeys.attack_corpus import PAYLOADS

pytestmark = pytest.mark.anyio
BAN = BanUser(user_id="user_1")


async def banned(person):
    """A ban that was asked for, signed and done; its entry's id."""
    await person.desk.perform(BAN, caller=AGENT, approver=Person())
    return (await person.desk.journal.entries(EntryFilter(action="clerk_user_ban")))[-1]["entry"]


def listed(page):
    """The entries on a page, in their order."""
    return re.findall(r'/activity/(ent_\w+)"><strong>', page.text)


async def undo(person, entry, **fields):
    csrf = re.search(r'name="csrf" value="([^"]+)"', (await person.get("/activity")).text)[1]
    return await person.post(f"/activity/{entry}/undo", csrf=csrf, **fields)


@pytest.mark.promise("the-console")
async def test_the_timeline_is_the_journal_the_newest_first(person):
    await person.desk.perform(ListUsers(), caller=AGENT)
    entry = await banned(person)
    page = await person.get("/activity")
    assert page.status_code == 200
    assert listed(page) == [
        line["entry"] for line in reversed(await person.desk.journal.entries(EntryFilter()))
    ]
    assert listed(page)[0] == entry
    assert "The record is whole." in page.text
    assert "1 read</span>" in page.text
    assert "1 write</span>" in page.text


@pytest.mark.parametrize(
    ("query", "count"),
    [
        ("action=clerk_user_*", 2),
        ("action=clerk_user_ban", 1),
        ("target=user_1", 2),
        ("target=user_2", 0),
        ("caller=laptop", 2),
        ("caller=cli", 1),
        ("outcome=done", 3),
        ("outcome=declined", 0),
        ("since=2020-01-01&until=2020-01-02T10:30", 0),
        ("since=2020-01-01", 3),
        ("since=", 3),
    ],
)
async def test_filters_let_through_what_they_say(person, query, count):
    await banned(person)
    await person.desk.perform(GetUser(user_id="user_1"), caller=AGENT)
    await person.desk.perform(ListUsers(), caller=Caller("cli"))
    assert len(listed(await person.get(f"/activity?{query}"))) == count


async def test_a_filter_that_is_no_time_is_told_beside_its_field_and_kept(person):
    page = await person.get("/activity?since=yesterday&target=user_1")
    assert page.status_code == 422
    assert "not a time" in page.text.partition('id="p-since"')[2][:200]
    assert 'value="yesterday"' in page.text
    assert 'value="user_1"' in page.text
    assert (await person.get("/activity/export?since=yesterday&format=csv")).status_code == 422
    assert (await person.get("/activity/export?format=xls")).status_code == 422


async def test_older_pages_follow_without_a_gap_while_new_entries_come(person, monkeypatch):
    monkeypatch.setattr("deskclerk.faces.console.pages.activity.ON_A_PAGE", 4)
    for _ in range(10):
        await person.desk.perform(ListUsers(), caller=AGENT)
    every = [line["entry"] for line in reversed(await person.desk.journal.entries(EntryFilter()))]
    seen, address = [], "/activity?caller=mcp"
    while address:
        page = await person.get(address)
        seen += listed(page)
        await person.desk.perform(ListUsers(), caller=AGENT)
        older = re.search(r'href="[^"]*(/activity\?[^"]*before=\d+)"', page.text)
        address = older and older[1].replace("&amp;", "&")
    assert seen == every


async def test_an_entry_shows_what_was_asked_signed_changed_and_answered(person):
    await person.desk.perform(
        UpdateUser(user_id="user_1", first_name="Grace", password="horse-battery-9"),
        caller=AGENT,
        approver=Person(),
    )
    entry = listed(await person.get("/activity"))[0]
    page = (await person.get(f"/activity/{entry}")).text
    for said in ("<del>Ada</del>", "<ins>Grace</ins>", "trace-1", "<dd>test</dd>", "[secret]", "Claude Code"):
        assert said in page
    assert "horse-battery-9" not in page
    assert (await person.get("/activity/ent_nothing")).status_code == 404


async def test_an_undo_is_a_plan_that_a_person_signs_and_the_console_carries_out(person, upstream):
    entry = await banned(person)
    answer = await undo(person, entry)
    assert answer.status_code == 303
    assert upstream.writes == [("POST", "/users/user_1/ban")]
    (waiting,) = await person.desk.plans.waiting()
    assert answer.headers["location"].endswith(f"/plans/{waiting.plan.id}")
    assert f"Takes back {entry}" in (await person.get(f"/plans/{waiting.plan.id}")).text
    await person.decide(waiting.plan)
    assert upstream.writes[1:] == [("POST", "/users/user_1/unban")]
    assert "Clerk carried it out" in (await person.get(f"/plans/{waiting.plan.id}")).text
    newest = listed(await person.get("/activity"))[0]
    assert f"/activity/{newest}" in (await person.get(f"/activity/{entry}")).text
    again = await undo(person, entry)
    assert again.status_code == 409
    assert "taken back already" in problem(again)
    assert len(upstream.writes) == 2


async def test_a_declined_undo_does_nothing(person, upstream):
    await undo(person, await banned(person))
    (waiting,) = await person.desk.plans.waiting()
    await person.decide(waiting.plan, "decline")
    assert len(upstream.writes) == 1


async def test_an_undo_that_was_signed_elsewhere_is_carried_out_by_a_button(person, upstream):
    from deskclerk.desk import Decision, Signature  # noqa: PLC0415 - beside its only use

    await undo(person, await banned(person))
    (waiting,) = await person.desk.plans.waiting()
    csrf = re.search(r'name="csrf" value="([^"]+)"', (await person.get("/activity")).text)[1]
    path = f"/plans/{waiting.plan.id}/carry-out"
    await person.post(path, csrf=csrf)
    assert len(upstream.writes) == 1
    await person.desk.sign(waiting.plan.id, Signature(Decision.APPROVED, "terminal"))
    assert "Carry it out" in (await person.get(f"/plans/{waiting.plan.id}")).text
    for _ in range(2):
        assert (await person.post(path, csrf=csrf)).status_code == 303
    assert upstream.writes[1:] == [("POST", "/users/user_1/unban")]


async def test_what_cannot_be_taken_back_is_said_and_nothing_is_planned(person):
    await person.desk.perform(GetUser(user_id="user_1"), caller=AGENT)
    read = listed(await person.get("/activity"))[0]
    answer = await undo(person, read)
    assert answer.status_code == 409
    assert "it changed nothing" in problem(answer)
    assert "Take it back" not in answer.text
    assert await person.desk.plans.waiting() == []


async def test_an_undo_without_the_pages_token_is_refused(person):
    answer = await person.post(f"/activity/{await banned(person)}/undo", csrf="guess")
    assert answer.status_code == 403
    assert await person.desk.plans.waiting() == []


async def test_a_broken_record_is_shown_at_the_top(person):
    await banned(person)
    database = await person.desk.journal.database()
    async with database.writing() as connection:
        await connection.execute(text("DROP TRIGGER events_no_update"))
        await connection.execute(text("UPDATE events SET target = 'user_9' WHERE kind = 'intent'"))
    page = (await person.get("/activity")).text
    assert "The record is broken at line 1." in page
    assert "The record is whole" not in page


FORMULAS = ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\uff1d1", " =1", "\n=1"]


async def test_exports_hold_what_the_filter_lets_through(person):
    entry = await banned(person)
    await person.desk.perform(ListUsers(), caller=AGENT)
    answer = await person.get("/activity/export?action=clerk_user_ban&format=ndjson")
    assert "attachment" in answer.headers["content-disposition"]
    assert [json.loads(line)["entry"] for line in answer.text.splitlines()] == [entry]
    table = await person.get("/activity/export?format=csv")
    rows = list(csv.DictReader(io.StringIO(table.text)))
    assert [row["action"] for row in rows] == ["clerk_users_list", "clerk_user_ban"]
    assert rows[1]["entry"] == entry
    assert rows[1]["trace_id"] == "trace-1"


async def test_an_export_is_whole_however_long(person, monkeypatch):
    monkeypatch.setattr("deskclerk.faces.console.journal_view._AT_ONCE", 3)
    for _ in range(8):
        await person.desk.perform(ListUsers(), caller=AGENT)
    answer = await person.get("/activity/export?format=ndjson")
    every = [line["entry"] for line in reversed(await person.desk.journal.entries(EntryFilter()))]
    assert [json.loads(line)["entry"] for line in answer.text.splitlines()] == every


@pytest.mark.parametrize("formula", FORMULAS)
async def test_no_cell_of_a_table_is_a_formula(person, formula):
    await person.desk.perform(ListUsers(), caller=Caller("mcp", formula))
    table = await person.get("/activity/export?format=csv")
    for row in csv.reader(io.StringIO(table.text, newline="")):
        for cell in row:
            assert cell.lstrip()[:1] not in tuple("=+-@\uff1d")


class Tags(HTMLParser):
    def __init__(self):
        super().__init__()
        self.found = []

    def handle_starttag(self, tag, attrs):
        self.found.append((tag, tuple(name for name, _ in attrs)))


def inert(page):
    parser = Tags()
    parser.feed(page)
    for tag, names in parser.found:
        assert tag not in ("iframe", "object", "embed", "style", "base")
        assert not any(name.startswith("on") or name == "style" for name in names)
    scripts = [names for tag, names in parser.found if tag == "script"]
    assert scripts == [("src", "defer")] * len(scripts)
    assert "evil.test" not in re.sub(r">[^<]*<", "><", re.sub(r'(value|aria-label)="[^"]*"', "", page))
    assert not {"\u202e", "\u200b", "\x1b", "\x00", "\u2066"} & set(page)


async def test_what_end_users_and_agents_wrote_is_inert(person, upstream):
    for number, said in enumerate(PAYLOADS.values()):
        clean = said.encode("utf-8", "replace").decode()
        # One each: Clerk takes ten changes of one user in ten seconds.
        user = f"user_{number}"
        upstream.users[user] = upstream.users["user_1"] | {"id": user, "first_name": clean}
        # No agent gets U+0000 this far; what Clerk answers might have it.
        typed = clean.replace("\0", "")
        update = UpdateUser(user_id=user, public_metadata={typed: typed})
        await person.desk.perform(update, caller=Caller("mcp", clean), approver=Person())
        page = await person.get("/activity")
        inert(page.text)
        entry = await person.get(f"/activity/{listed(page)[0]}")
        assert entry.status_code == 200
        inert(entry.text)
        inert((await person.get("/activity", params={"target": clean[:999], "since": clean[:999]})).text)


async def test_a_note_that_quotes_somebody_is_inert(person):
    for said in PAYLOADS.values():

        async def closes(_plan, said=said):
            return Signature(
                Decision.DISMISSED, "mcp dialogue", f"quoted <img src=x onerror=y> {said}", final=True
            )

        with pytest.raises(ApprovalNeeded):
            await person.desk.perform(BAN, caller=AGENT, approver=closes)
        page = await person.get("/activity")
        assert "&lt;img src=x" in page.text
        inert(page.text)
        entry = await person.get(f"/activity/{listed(page)[0]}")
        assert "&lt;img src=x" in entry.text
        inert(entry.text)


async def test_an_entry_names_its_target_beside_the_id(person):
    entry = await banned(person)
    page = (await person.get("/activity")).text
    leads = f'<a class="whom-named" href="{person.home}/people/users/user_1">Ada</a>'
    assert f'{leads} <span class="about">user_1</span>' in page
    assert f'<p class="target">{leads}</p>' in (await person.get(f"/activity/{entry}")).text


async def test_a_read_is_named_too_and_looking_adds_nothing_to_the_record(person):
    await person.desk.perform(GetUser(user_id="user_1"), caller=AGENT)
    assert ">Ada</a>" in (await person.get("/activity")).text
    assert len(await person.desk.journal.entries(EntryFilter())) == 1


NAMED = TargetLabels({"ent_1": "Ada"}, {})


def entry_of(action, target, outcome="done", instance="here"):
    """An entry as the journal gives it in short."""
    asked = {"entry": "ent_1", "at": 0, "kind": "write", "action": action, "target": target}
    return asked | {
        "face": "mcp", "client": "", "token": "", "instance": instance, "outcome": outcome, "note": None,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("action", "target", "pages", "of_the_name"),
    [
        ("clerk_user_ban", "user_1", ["/people/users/user_1"], "/people/users/user_1"),
        ("clerk_organization_get", "org_1", ["/people/organizations/org_1"], "/people/organizations/org_1"),
        (
            "clerk_org_membership_update",
            "org_1/user_1",
            ["/people/organizations/org_1", "/people/users/user_1"],
            "/people/users/user_1",
        ),
        # Who is taken out of an organization is there all the same.
        (
            "clerk_org_membership_delete",
            "org_1/user_1",
            ["/people/organizations/org_1", "/people/users/user_1"],
            "/people/users/user_1",
        ),
        ("clerk_org_invitation_revoke", "org_1/orginv_1", ["/people/organizations/org_1", ""], ""),
        ("clerk_session_revoke", "sess_1", [""], ""),
        ("clerk_user_delete", "user_1", [""], ""),
        ("clerk_of_another_version", "user_1", [""], ""),
        ("clerk_user_get", "user_1/x", ["", ""], ""),
    ],
)
def test_what_has_a_page_is_led_to_and_nothing_else(action, target, pages, of_the_name):
    item = item_of(entry_of(action, target), NAMED, "here")
    assert [subject.page for subject in item.subjects] == pages
    assert [subject.id for subject in item.subjects] == target.split("/")
    assert item.page == of_the_name


def test_whom_nobody_deleted_after_all_is_led_to():
    item = item_of(entry_of("clerk_user_delete", "user_1", outcome="declined"), NAMED, "here")
    assert item.page == "/people/users/user_1"


def test_nobody_of_another_instance_is_led_to():
    item = item_of(entry_of("clerk_user_ban", "user_1"), NAMED, "elsewhere")
    assert (item.page, item.subjects[0].page) == ("", "")


def test_an_id_cannot_leave_the_address_that_it_stands_in():
    item = item_of(entry_of("clerk_user_ban", 'user_1?"><b>'), NAMED, "here")
    assert item.page == "/people/users/user_1%3F%22%3E%3Cb%3E"


async def test_what_was_made_is_led_to(person, upstream):
    async def made(_request):
        return httpx2.Response(200, json={"object": "organization", "id": "org_9", "name": "Acme Two"})

    upstream.trouble = made
    await person.desk.perform(
        CreateOrganization(name="Acme Two", created_by="user_1"), caller=AGENT, approver=Person()
    )
    page = await person.get("/activity")
    leads = f'<a class="whom-named" href="{person.home}/people/organizations/org_9">Acme Two</a>'
    assert leads in page.text
    assert leads in (await person.get(f"/activity/{listed(page)[0]}")).text


def offered(page, name):
    """The choices of a filter, but for the one that lets everything through."""
    return re.findall(
        r'<option value="([^"]+)"', page.partition(f'name="{name}"')[2].partition("</select>")[0]
    )


async def test_filters_offer_what_there_is_and_nothing_else(person):
    await banned(person)
    await person.desk.perform(ListUsers(), caller=Caller("cli"))
    page = (await person.get("/activity")).text
    assert offered(page, "action") == ["clerk_user_ban", "clerk_users_list"]
    assert offered(page, "caller") == ["mcp", "cli", "Claude Code", "laptop"]
    assert set(offered(page, "outcome")) == {"done", "open"}


async def test_a_caller_that_is_chosen_is_meant_alone(person):
    await person.desk.perform(ListUsers(), caller=Caller("mcp", "Cline"))
    await person.desk.perform(ListUsers(), caller=Caller("cli"))
    assert len(listed(await person.get("/activity?caller=cli"))) == 1
    assert len(listed(await person.get("/activity?caller=cl"))) == 2


async def test_a_glob_in_the_address_stays_chosen(person):
    await banned(person)
    page = (await person.get("/activity?action=clerk_user_*")).text
    assert '<option value="clerk_user_*" selected>' in page


async def test_whoever_is_gone_since_is_told_of_beneath_a_short_heading(person):
    page = await person.get("/people/users/user_999")
    assert page.status_code == 404
    assert "<h1>There is no such thing</h1>" in page.text
    assert '<p class="refused">Clerk refused GET /users/user_999' in page.text
