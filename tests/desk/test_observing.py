"""What an observer of a desk is told, and what it is not."""

import asyncio
from contextlib import contextmanager
from dataclasses import astuple, replace

import httpx2
import pytest
import stamina
from tests.desk.conftest import Person

from deskclerk.catalogue import BanUser, GetUser, ListUsers
from deskclerk.clerk.client import Clerk
from deskclerk.desk import Caller, Decision, Desk, Signature
from deskclerk.desk.observing import Observer
from deskclerk.desk.workspace import Workspace
from deskclerk.errors import ApprovalNeeded, ApprovalRefused, InvalidRequest, NotAllowed, NotFound
from deskclerk.settings import Settings

pytestmark = pytest.mark.anyio
BAN = BanUser(user_id="user_1")
SIGNED_AT_ONCE = [("plan", "proposed"), ("plan", "signed"), ("plan", "used")]


class Notes(Observer):
    """Writes down what it is told, each thing when it is over."""

    def __init__(self):
        self.said = []

    @contextmanager
    def note(self, what, told):
        try:
            yield
        finally:
            self.said.append((what, replace(told) if not isinstance(told, str) else told))

    def call(self, call):
        return self.note("call", call)

    def request(self, sent):
        return self.note("request", sent)

    def step(self, name):
        return self.note("step", name)

    def plan(self, became):
        self.said.append(("plan", became))

    def item(self, became):
        self.said.append(("item", became))

    def of(self, what):
        return [
            astuple(told) if not isinstance(told, str) else told for kind, told in self.said if kind == what
        ]

    def over(self):
        """The calls that ended, as an observer counts them."""
        return [(it.action, it.outcome) for kind, it in self.said if kind == "call" and it.over]


def of_mine(settings, notes):
    return replace(Workspace.of_this_machine(settings), observer=notes)


@pytest.fixture
def notes():
    return Notes()


@pytest.fixture
def watched(upstream, tmp_path, notes):
    """A desk that is watched, and so are its requests."""

    def opened(approver=None, transport=None, **options):
        settings = Settings(home=tmp_path / "home", secret_key="sk_test_x", approval_wait=0, **options)
        transport = transport or httpx2.MockTransport(upstream)
        clerk = Clerk("https://clerk.test", "sk_test_x", transport=transport, observer=notes)
        return Desk(settings, approver=approver, clerk=clerk, workspace=of_mine(settings, notes))

    return opened


async def test_a_signed_write_is_told_once_with_its_steps_its_requests_and_its_plan(watched, notes):
    async with watched(approver=Person()) as desk:
        await desk.perform(BAN)
    assert notes.over() == [("clerk_user_ban", "done")]
    assert notes.of("call") == [("clerk_user_ban", "write", "python", "done", True)]
    assert notes.of("step") == ["plan", "write"]
    assert [entry for entry in notes.said if entry[0] == "plan"] == SIGNED_AT_ONCE
    sent = notes.of("request")
    assert ("POST", "/users/{user_id}/ban", 1, 200, "done") in sent
    assert "user_1" not in str(sent)


async def test_a_call_in_two_steps_is_counted_once(watched, notes):
    async with watched() as desk:
        arguments = {"user_id": "user_1"}
        action = await desk.action(BanUser, arguments)
        plan = await desk.propose(action)
        assert notes.over() == [("clerk_user_ban", "proposed")]
        await desk.sign(plan.id, Signature(Decision.APPROVED, "test"))
        notes.said.clear()
        assert await desk.propose(await desk.action(BanUser, arguments)) is None
        await desk.perform(action)
        assert notes.over() == [("clerk_user_ban", "done")]
        # It was signed elsewhere, and that was told then.
        assert notes.of("plan") == ["used"]


async def test_what_became_of_a_plan_is_told(watched, notes):
    async with watched() as desk:
        plan = await desk.propose(BAN)
        await desk.sign(plan.id, Signature(Decision.DECLINED, "test"))
        with pytest.raises(ApprovalRefused):
            await desk.perform(BAN)
    assert notes.of("plan") == ["proposed", "declined"]
    assert notes.over()[-1] == ("clerk_user_ban", "approval_refused")


async def test_a_plan_that_could_not_be_used_is_not_told_as_used(watched, notes):
    async with watched() as desk:
        plan = await desk.propose(BAN)
        with pytest.raises(ApprovalNeeded):
            await desk.perform(BAN, plan_id=plan.id)
    assert notes.of("plan") == ["proposed"]


async def test_each_end_of_a_call_has_its_outcome(watched, notes):
    async with watched(deny=("clerk_users_list",)) as desk:
        with pytest.raises(NotAllowed):
            await desk.perform(ListUsers())
        with pytest.raises(InvalidRequest):
            await desk.action(GetUser, {"user": "user_1"})
        with pytest.raises(NotFound):
            await desk.perform(GetUser(user_id="user_9"))
        await desk.perform(GetUser(user_id="user_1"), caller=Caller("mcp"))
    assert notes.over() == [
        ("clerk_users_list", "not_allowed"),
        ("clerk_user_get", "invalid_request"),
        ("clerk_user_get", "not_found"),
        ("clerk_user_get", "done"),
    ]
    assert [entry[2] for entry in notes.of("call")][-1] == "mcp"


async def test_a_fault_and_an_asker_that_goes_away_are_told_apart(watched, notes, monkeypatch):
    began = asyncio.Event()

    async def hangs(*_arguments):
        began.set()
        await asyncio.Event().wait()

    async def breaks(*_arguments):
        raise ZeroDivisionError

    async with watched() as desk:
        monkeypatch.setattr(desk._reads, "read", hangs)
        asking = asyncio.create_task(desk.perform(ListUsers()))
        await began.wait()
        asking.cancel()
        await asyncio.wait([asking])
        monkeypatch.setattr(desk._reads, "read", breaks)
        with pytest.raises(ZeroDivisionError):
            await desk.perform(ListUsers())
    assert notes.over() == [("clerk_users_list", "cancelled"), ("clerk_users_list", "fault")]


async def test_pages_are_told_one_by_one(watched, notes):
    async with watched() as desk:
        pages = [page async for page in desk.pages(ListUsers())]
    assert notes.over() == [("clerk_users_list", "done")] * len(pages)
    assert len(pages) == 1


async def test_an_undo_is_told_as_what_it_does(watched, notes):
    async with watched(approver=Person()) as desk:
        await desk.perform(BAN)
        entry = (await desk.journal.recent())[0]["entry"]
        notes.said.clear()
        await desk.undo(entry)
    assert notes.over() == [("clerk_user_unban", "done")]


async def test_each_try_is_told_with_its_number_and_what_clerk_said(watched, notes):
    answers = [
        httpx2.Response(429, headers={"retry-after": "0"}, json={"errors": []}),
        httpx2.Response(503),
        httpx2.Response(200, json={"object": "user", "id": "user_1"}),
    ]
    with stamina.set_testing(True, attempts=4, cap=True):
        async with watched(transport=httpx2.MockTransport(lambda _: answers.pop(0))) as desk:
            await desk.perform(GetUser(user_id="user_1"))
    assert notes.of("request") == [
        ("GET", "/users/{user_id}", 1, 429, "rate_limited"),
        ("GET", "/users/{user_id}", 2, 503, "clerk_unavailable"),
        ("GET", "/users/{user_id}", 3, 200, "done"),
    ]


async def test_no_connection_is_told_without_a_status(watched, notes):
    def refuse(request):
        raise httpx2.ConnectError("no")

    with stamina.set_testing(True, attempts=1):
        async with watched(transport=httpx2.MockTransport(refuse)) as desk:
            with pytest.raises(Exception, match="No connection"):
                await desk.perform(GetUser(user_id="user_1"))
    assert {entry[3:] for entry in notes.of("request")} == {(None, "clerk_unavailable")}


async def test_a_desk_opens_its_way_to_clerk_with_its_observer(tmp_path, notes):
    settings = Settings(home=tmp_path / "home")
    async with Desk(settings, workspace=of_mine(settings, notes)) as desk:
        await desk.perform(ListUsers(limit=1))
    assert notes.of("request") == [("GET", "/users", 1, 200, "done")]
