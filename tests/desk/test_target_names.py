"""What the targets of journalled entries are called: from the journal, from plans, else from one look-up."""

import httpx2
import pytest
from tests.desk.conftest import Person, TinyClerk

from deskclerk.catalogue import (
    BanUser,
    CreateUser,
    DeleteUser,
    GetUser,
    ListOrganizations,
    ListOrgMemberships,
    ListUsers,
    UpdateOrgMembership,
)
from deskclerk.desk import Caller, Desk
from deskclerk.desk.journal.records import EntryFilter
from deskclerk.errors import ApprovalNeeded, DeskclerkError
from deskclerk.settings import Settings

pytestmark = pytest.mark.anyio
AGENT, LOOKER = Caller("mcp", "Claude Code"), Caller("console")


class Town(TinyClerk):
    """Users by id, found by id; `asked` are the list requests, `broken` answers them instead."""

    def __init__(self):
        super().__init__()
        self.users |= {f"user_{n}": {"id": f"user_{n}", "first_name": f"Ada {n}"} for n in range(2, 300)}
        self.asked = []
        self.broken = None

    async def __call__(self, request):
        path = request.url.path.removeprefix("/v1")
        if request.method == "GET" and path == "/users":
            ids = request.url.params.get_list("user_id")
            self.asked.append(ids)
            if self.broken:
                return httpx2.Response(self.broken, json={"errors": [{"code": "forbidden", "message": "no"}]})
            return httpx2.Response(200, json=[self.users[one] for one in ids if one in self.users])
        if request.method == "POST" and path == "/users":
            return httpx2.Response(200, json={"id": "user_new", "object": "user", "first_name": "Grace"})
        return await super().__call__(request)


@pytest.fixture
def upstream():
    return Town()


async def names(desk, **wanted):
    """By action: what its entry's target is called."""
    entries = await desk.journal.entries(EntryFilter(**wanted))
    found = await desk.target_names.of(entries, LOOKER)
    return {entry["action"]: found.names.get(entry["entry"]) for entry in entries}, found.problem


async def look(desk, *user_ids):
    for user_id in user_ids:
        await desk.perform(GetUser(user_id=user_id), caller=AGENT)


async def test_a_write_is_named_by_what_the_journal_saw_without_a_request(open_desk, upstream):
    async with open_desk(approver=Person()) as desk:
        await desk.perform(BanUser(user_id="user_1"), caller=AGENT)
        upstream.users["user_1"]["first_name"] = "Renamed"
        assert await names(desk) == ({"clerk_user_ban": "Ada"}, "")
    assert upstream.asked == []


async def test_what_was_made_is_named_by_clerks_answer(open_desk, upstream):
    async with open_desk(approver=Person()) as desk:
        await desk.perform(CreateUser(email_address=["grace@example.com"]), caller=AGENT)
        assert (await names(desk))[0] == {"clerk_user_create": "Grace"}
    assert upstream.asked == []


async def test_what_was_not_signed_is_named_by_its_plan(open_desk, upstream):
    async with open_desk() as desk:
        with pytest.raises(ApprovalNeeded):
            await desk.perform(DeleteUser(user_id="user_1"), caller=AGENT)
        assert (await names(desk))[0] == {"clerk_user_delete": "Ada"}
    assert upstream.asked == []


async def test_many_reads_cost_one_look_up_which_is_kept_and_adds_nothing_to_the_journal(open_desk, upstream):
    async with open_desk() as desk:
        await look(desk, "user_2", "user_3", "user_2")
        assert (await names(desk, action="clerk_user_get"))[0] == {"clerk_user_get": "Ada 2"}
        await names(desk, action="clerk_user_get")
        assert upstream.asked == [["user_2", "user_3"]]
        assert await desk.journal.entries(EntryFilter(action=ListUsers.spec.name)) == []


async def test_a_look_up_has_a_bound_however_many_are_shown(open_desk, upstream):
    async with open_desk() as desk:
        await look(desk, *(f"user_{n}" for n in range(2, 140)))
        await names(desk)
    assert [len(ids) for ids in upstream.asked] == [100]


async def test_nobody_is_asked_again_who_is_not_there(open_desk, upstream):
    async with open_desk() as desk:
        with pytest.raises(DeskclerkError):
            await look(desk, "user_gone")
        assert await names(desk, action="clerk_user_get") == ({"clerk_user_get": None}, "")
        await names(desk, action="clerk_user_get")
    assert upstream.asked == [["user_gone"]]


async def test_what_the_policy_denies_is_not_looked_up_and_that_is_said(open_desk, upstream):
    async with open_desk(deny=[ListUsers.spec.name]) as desk:
        await look(desk, "user_2")
        found, problem = await names(desk)
    assert found == {"clerk_user_get": None}
    assert "it is denied" in problem
    assert upstream.asked == []


async def test_a_clerk_in_trouble_is_asked_once_a_minute(open_desk, upstream):
    upstream.broken = 403
    async with open_desk() as desk:
        await look(desk, "user_2")
        assert "not known" in (await names(desk))[1]
        assert "waits a minute" in (await names(desk, action="clerk_user_get"))[1]
    assert len(upstream.asked) == 1


async def test_another_instances_ids_are_not_looked_up_here(open_desk, upstream):
    async with open_desk() as desk:
        await look(desk, "user_2")
    async with open_desk(secret_key="sk_test_other") as desk:
        assert (await names(desk))[0] == {"clerk_user_get": None}
    assert upstream.asked == []


async def test_a_membership_is_named_without_the_ids_that_stand_beside_it(tmp_path):
    settings = Settings(home=tmp_path / "home", approval_wait=0)
    async with Desk(settings, approver=Person()) as desk:
        (organization,) = (await desk.perform(ListOrganizations(limit=1))).value["items"]
        listed = await desk.perform(
            ListOrgMemberships(organization_id=organization["id"], limit=1, fields=["*"])
        )
        user_id = listed.value["items"][0]["public_user_data"]["user_id"]
        await desk.perform(
            UpdateOrgMembership(organization_id=organization["id"], user_id=user_id, role="org:member")
        )
        found, _ = await names(desk, action="clerk_org_membership_update")
    assert "_" not in found["clerk_org_membership_update"]
    assert found["clerk_org_membership_update"].endswith(f" in {organization['name']}")
