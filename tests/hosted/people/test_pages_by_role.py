"""What pages show goes by what the server takes: whoever looks sees no form that would be refused."""

import re
from collections import deque
from html import unescape
from urllib.parse import urlsplit

import pytest
from sqlalchemy import text

from deskclerk.catalogue import BanUser, CreateUser, UpdateUser
from deskclerk.desk import Caller
from deskclerk.desk.jobs.jobs import Change
from deskclerk.hosted.people.members import Members
from tests.hosted.people.conftest import BAN
from tests.hosted.people.test_signing import agent

pytestmark = pytest.mark.anyio
REFUSED = re.compile(r"You may look, and change nothing|Only owners of the workspace")
ENDS = ("/out", "/sign-out")


@pytest.fixture(autouse=True)
def no_worker(monkeypatch):
    monkeypatch.setattr("deskclerk.desk.jobs.jobs.start_worker", lambda *_: False)


@pytest.fixture
async def busy(acme, site):
    """A workspace with something of everything that pages have forms for."""
    acme.desks.clerk.users["user_1"]["email_addresses"] = []
    desk = await acme.desk()
    signer = Caller("console", "Sol", person=acme.people["signer"].id)
    await acme.plan()
    steps = [Change(UpdateUser, {"user_id": "user_1", "first_name": name}) for name in ("Ann", "Eve")]
    await desk.jobs.propose_changes(steps, signer)
    for verb in ("pause", "sign"):
        plan = await desk.jobs.propose(BanUser, ["user_1"], signer)
        await acme.sign("signer", plan)
        if verb == "pause":
            await desk.jobs.pause(plan.job.id, signer)
    done = await acme.plan()
    await acme.sign("signer", done)
    await desk.perform(BAN, caller=agent(acme, "owner"))
    await desk.secrets.store("PASSWORD", "correct horse")
    await site.invitations.invite(acme.record.id, "kim@example.com", "viewer", acme.people["owner"].id)
    return acme


def wanted(path):
    """All but files; and of the many actions a read and a write."""
    _, of_actions, name = path.partition("/actions/")
    return "/export" not in path and (not of_actions or name in ("clerk_user_get", "clerk_user_ban"))


async def crawled(browser, *starts):
    """Every page that links lead to from these, by path; what is served as a file is left out."""
    left, pages = deque(starts), {}
    while left and len(pages) < 150:
        path = left.popleft()
        if path in pages:
            continue
        answer = await browser.get(path)
        if not answer.headers.get("content-type", "").startswith("text/html"):
            continue
        # The tiny Clerk has no organizations.
        assert answer.status_code == (502 if "organizations" in path else 200), path
        pages[path] = answer.text
        for found in re.findall(r'href="([^"#]+)"', answer.text):
            there = urlsplit(unescape(found))
            if there.path.startswith("/w/acme/") and not there.query and wanted(there.path):
                left.append(there.path)
    return pages


def forms(page):
    """The addresses of the forms of a page that are not plain searches."""
    return {unescape(found) for found in re.findall(r'<form[^>]* method="post" action="([^"]+)"', page)}


def kinds(acme, found):
    """Addresses without what differs from one to another."""
    return {re.sub(r"(plans|jobs|activity)/[^/]+", r"\1/…", path.removeprefix(acme.home)) for path in found}


async def shown_to(busy, role):
    pages = await crawled(busy.browsers[role], "/w/acme/", f"{busy.home}/", "/security")
    assert len(pages) > 15, sorted(pages)
    return set().union(*(forms(page) for page in pages.values()))


async def refused(busy, role, path):
    fields = {"id": busy.people[role].id} if path.endswith("/members/remove") else {"a.user_id": "user_1"}
    answer = await busy.browsers[role].post(path, page="/security", **fields)
    return bool(REFUSED.search(answer.text))


async def test_a_viewer_is_shown_no_form_that_would_be_refused(busy):
    found = await shown_to(busy, "viewer")
    # What ends the session or the membership last: after it nothing is shown any more.
    order = sorted(found, key=lambda path: path.endswith("/members/remove"))
    sent = [path for path in order if not path.endswith(("/end", "/end-all", *ENDS))]
    assert f"{busy.home}/actions/clerk_user_get" in sent
    assert [path for path in sent if await refused(busy, "viewer", path)] == []


async def test_a_signer_is_shown_no_form_of_the_workspaces_that_only_owners_send(busy):
    found = {path for path in await shown_to(busy, "signer") if not path.startswith(busy.home)}
    assert {path for path in found if path.startswith("/w/acme/")} == {"/w/acme/members/remove"}


async def test_who_may_is_shown_every_form_that_the_consoles_pages_take(busy):
    """Hidden from viewers, and from nobody else: what is missing here was hidden by a slip."""
    viewer, signer = [kinds(busy, await shown_to(busy, role)) for role in ("viewer", "signer")]
    console = {path for path in signer if not path.startswith(("/w/", "/actions/", "/security", "/sign"))}
    assert console == {
        "/out",
        "/plans/…",
        "/plans/…/strike",
        "/together",
        "/jobs/…/pause",
        "/jobs/…/resume",
        "/jobs/…/cancel",
        "/activity/…/undo",
        "/people",
        "/secrets",
        "/secrets/remove",
    }
    assert viewer & console == {"/out"}
    assert "/actions/clerk_user_ban" in signer
    assert "/actions/clerk_user_ban" not in viewer
    assert "/actions/clerk_user_get" in viewer & signer


async def test_an_owner_is_shown_every_form_of_the_workspace(busy):
    found = {path for path in await shown_to(busy, "owner") if path.startswith("/w/acme/")}
    workspace = {path.removeprefix("/w/acme") for path in found if not path.startswith(busy.home)}
    assert workspace >= {
        "/instances",
        "/instances/remove",
        "/agents",
        "/members/invite",
        "/members/take-back",
        "/members/role",
        "/members/remove",
        "/policy",
        "/notifications",
    }


async def test_a_page_that_was_open_when_somebody_became_a_viewer_is_refused(busy, site):
    """What is hidden is also refused: the page may be older than the role."""
    browser, plan = busy.browsers["signer"], await busy.plan(CreateUser(first_name="Ada"))
    csrf = re.search(r'name="csrf" value="([^"]+)"', (await browser.get("/security")).text)[1]
    await Members(site.hosted, busy.record.id).set_role(busy.people["signer"].id, "viewer")
    answer = await browser.post(
        f"{busy.home}/plans/{plan.id}", csrf=csrf, decision="sign", digest=plan.digest, typed=plan.words[0]
    )
    assert answer.status_code == 403
    assert await busy.status(plan) == "waiting"


async def test_a_viewer_who_types_an_address_is_told_why_there_is_no_form(busy):
    page = (await busy.browsers["viewer"].get(f"{busy.home}/actions/clerk_user_ban")).text
    assert "you are a viewer" in page
    assert "Plan it" not in page


async def test_no_page_tells_members_of_a_command_of_one_machine(busy, hosted):
    pages = await crawled(busy.browsers["signer"], "/w/acme/", f"{busy.home}/")
    for missing in ("plans/pln_none", "jobs/job_none", "activity/ent_none"):
        pages[missing] = (await busy.browsers["signer"].get(f"{busy.home}/{missing}")).text
    named = {path: re.findall(r"(?:<code>|`)deskclerk [^<`]*", page) for path, page in pages.items()}
    assert {path: found for path, found in named.items() if found} == {}


async def test_members_are_told_who_checks_a_record_that_is_broken(acme, hosted):
    await acme.sign("signer", await acme.plan())
    async with hosted.whole.writing() as connection:
        for statement in (
            "ALTER TABLE events DISABLE TRIGGER USER",
            "UPDATE events SET note = 'another' WHERE seq = 1",
        ):
            await connection.execute(text(statement))
    page = (await acme.browsers["signer"].get(f"{acme.home}/activity")).text
    assert "The record is broken at line 1." in page
    assert "Tell whoever runs this desk: <code>deskclerk hosted verify</code>" in page
