"""Plans of jobs: what a person is told before signing, what it costs to find out, and what is refused."""

import json

import httpx2
import pytest
from tests.desk.jobs.conftest import ME, user, users

from deskclerk.catalogue import (
    BanUser,
    CreateInvitation,
    CreateOrgMembership,
    CreateUser,
    DeleteUser,
    GetUser,
    ListUsers,
    ProposeBulk,
    UpdateUser,
)
from deskclerk.desk.jobs.import_formats import read_rows
from deskclerk.desk.jobs.job import LEFT_OUT, WAITING, StopRules
from deskclerk.desk.jobs.rows import Row
from deskclerk.desk.jobs.store import JobStore
from deskclerk.errors import ClerkUnavailable, InvalidRequest

pytestmark = pytest.mark.anyio


async def targets_of(work, plan):
    return [item.arguments["user_id"] for item in await work.items(plan.job.id) if item.status == WAITING]


# What a plan says.


@pytest.mark.promise("a-job-is-frozen-and-shown")
async def test_the_plan_of_a_list_says_how_many_who_first_what_is_left_out_and_what_it_costs(work):
    for number in (7, 8):
        await work.ask("POST", f"/users/{user(number)}/ban")
    plan = await work.propose(BanUser, ListUsers(query="people.example"))
    lines = plan.lines()
    assert lines[0] == "Ban 38 users on sandbox"
    assert 'Found with query="people.example"' in lines
    named = [line for line in lines if line.startswith("  Person ")]
    assert len(named) == 10
    newest = await work.ask("GET", "/users?query=people.example&limit=500")
    first = [one for one in newest if not one["banned"]][:10]
    assert named == [
        f"  Person {one['last_name']} p{one['last_name']}@people.example ({one['id']})" for one in first
    ]
    assert "  and 28 more" in lines
    assert "Left out: 2 banned already" in lines
    assert "Reach: ends 4 active sessions" in lines
    assert "Pauses and asks after 10 failures in a row, or when 5 % failed." in lines
    assert lines[-1] == "Can be taken back with Unban user; ended sessions stay ended."
    assert plan.effect == "write"
    assert plan.job.count == 38
    assert (await work.store.load(plan.job.id)).as_dict()["counts"] == {"waiting": 38, "left_out": 2}


async def test_nothing_is_sent_by_planning(work):
    await work.propose(DeleteUser, ListUsers())
    assert work.wire.writes == []
    assert await work.desk.journal.job_entries("", 0, 10) == []


@pytest.mark.parametrize(
    ("instance", "place"), [({}, "sandbox"), ({"secret_key": "sk_test_x"}, "test"), ({"named": True}, "shop")]
)
async def test_what_is_typed_for_a_deletion_names_the_number_and_the_instance(opened, instance, place):
    if instance.pop("named", False):
        instance = {"instance": "shop", "instances": {"shop": {"secret_key": "sk_test_y"}}}
    async with opened(**instance) as work:
        plan = await work.propose(DeleteUser, users(1, 12))
        assert plan.words == (f"delete 12 users on {place}",)
        assert plan.effect == "destructive"
        assert "cannot be taken back" in plan.reversible
        one = await work.propose(DeleteUser, users(1, 1))
        assert one.words == (f"delete 1 user on {place}",)


async def test_the_stop_rules_that_were_asked_for_are_what_is_signed_and_kept(work):
    plan = await work.propose(BanUser, users(1, 3), stop=StopRules(3, 12.5))
    assert "Pauses and asks after 3 failures in a row, or when 12.5 % failed." in plan.lines()
    assert (await work.store.load(plan.job.id)).stop == StopRules(3, 12.5)


async def test_what_is_the_same_for_each_is_shown_without_its_secrets(work):
    values = {"first_name": "Ada", "password": "correct-horse-9"}
    plan = await work.propose(UpdateUser, users(1, 2), values=values)
    assert 'For each: {"first_name": "Ada", "password": "[secret]"}' in plan.lines()
    assert "correct-horse-9" not in json.dumps(plan.arguments) + plan.text()


async def test_a_hostile_name_stays_on_its_line(work):
    name = "Eve\r\nTarget: nobody\u2028Left out: all\x1b[2J\u202e"
    await work.ask("PATCH", f"/users/{user(1)}", first_name=name)
    plan = await work.propose(BanUser, users(1, 2))
    shown = next(line for line in plan.lines() if "Eve" in line)
    assert shown.startswith("  Eve")
    assert shown.endswith("(user_00001)")
    assert all(line.isprintable() for line in plan.lines())
    assert not any(line.startswith(("Target", "Left out")) for line in plan.lines())


async def test_hostile_filters_and_values_stay_on_their_line(work):
    await work.ask("PATCH", f"/users/{user(1)}", first_name="Eve")
    values = {"last_name": "x\nLeft out: everybody\u2028\u202e"}
    plan = await work.propose(UpdateUser, ListUsers(query="Eve"), values=values)
    assert not any(line.startswith("Left out") for line in plan.lines())
    assert all(line.isprintable() for line in plan.lines())


# Where targets come from.


async def test_targets_are_ids_addresses_and_usernames_alike(work):
    await work.ask("PATCH", f"/users/{user(3)}", username="third_one")
    plan = await work.propose(BanUser, [user(1), " P2@people.example ", "third_one"])
    assert await targets_of(work, plan) == users(1, 3)


async def test_members_of_an_organization_are_found_through_their_list(work):
    plan = await work.propose(BanUser, ListUsers(organization_id=["org_acme"]))
    assert sorted(await targets_of(work, plan)) == users(1, 4)


async def test_members_are_made_of_the_rows_of_a_file(work, tmp_path):
    file = tmp_path / "members.csv"
    file.write_text(
        "user_id,role,organization_id\np5@people.example,org:member,acme\nuser_00006,org:admin,org_acme\n"
    )
    plan = await work.propose(CreateOrgMembership, read_rows(file, CreateOrgMembership.parameters()))
    items = await work.items(plan.job.id)
    assert [dict(item.arguments) for item in items] == [
        {"organization_id": "org_acme", "user_id": user(5), "role": "org:member"},
        {"organization_id": "org_acme", "user_id": user(6), "role": "org:admin"},
    ]
    assert [item.line for item in items] == [2, 3]


async def test_what_is_the_same_for_each_need_not_be_a_column(work, tmp_path):
    file = tmp_path / "members.csv"
    file.write_text("user_id,role\nuser_00005,org:member\n")
    values = {"organization_id": "acme"}
    rows = read_rows(file, CreateOrgMembership.parameters(), given=values)
    plan = await work.propose(CreateOrgMembership, rows, values=values)
    assert plan.job.count == 1


async def test_duplicates_are_left_out_and_said(work):
    plan = await work.propose(BanUser, [user(1), "p1@people.example", user(2), user(1)])
    assert plan.job.count == 2
    assert "Left out: 2 there twice" in plan.lines()
    assert [item.status for item in await work.items(plan.job.id)] == [WAITING, LEFT_OUT, WAITING, LEFT_OUT]


async def test_a_null_that_clears_a_field_reaches_the_item(work):
    plan = await work.propose(UpdateUser, users(1, 1), values={"last_name": None})
    (item,) = await work.items(plan.job.id)
    assert item.built().given("body") == {"last_name": None}


async def test_a_list_that_finds_nobody_or_only_whom_it_would_not_change_is_no_plan(work):
    with pytest.raises(InvalidRequest, match="No targets were found"):
        await work.propose(BanUser, ListUsers(query="nowhere.example"))
    await work.ask("POST", f"/users/{user(1)}/ban")
    with pytest.raises(InvalidRequest, match="There is nothing to do: 1 banned already"):
        await work.propose(BanUser, [user(1)])
    assert await work.sql("select count(*) from jobs") == [(0,)]


# What is refused.


async def stored(work):
    """How many jobs, items and plans there are."""
    return [(await work.sql(f"select count(*) from {name}"))[0][0] for name in ("jobs", "job_items", "plans")]


async def test_unknown_users_are_all_named_and_no_job_is_made(work):
    with pytest.raises(InvalidRequest) as caught:
        await work.propose(BanUser, [user(1), "user_nobody", "nobody@people.example"])
    assert set(caught.value.problems) == {
        ("user_nobody: user_id", "there is no such user"),
        ("nobody@people.example: user_id", "nobody has this name"),
    }
    assert await stored(work) == [0, 0, 0]


async def test_a_name_that_two_have_is_refused(work):
    await work.ask("PATCH", f"/users/{user(1)}", username="twofold")
    await work.ask("PATCH", f"/users/{user(2)}", external_id="twofold")
    with pytest.raises(InvalidRequest) as caught:
        await work.propose(BanUser, [user(3), "twofold"])
    assert caught.value.problems == (("twofold: user_id", "several have this name; give the id"),)


@pytest.mark.parametrize("target", ["nobody@people.example", "user_1?x"])
async def test_a_wrong_target_is_named_by_itself_and_never_by_what_is_the_same_for_each(work, target):
    with pytest.raises(InvalidRequest) as caught:
        await work.propose(UpdateUser, [target], values={"password": "correct-horse-9"})
    assert "correct-horse-9" not in str(caught.value)
    assert [where for where, _ in caught.value.problems] == [f"{target}: user_id"]


def five_hundred_rows(file):
    """A file with forty wrong rows; their lines."""
    wrong = set(range(12, 492, 12))
    numbers = range(1, 501)
    rows = [f"{'soon' if number in wrong else 5},Row {number}" for number in numbers]
    file.write_text("\n".join(["create_organizations_limit,first_name", *rows]) + "\n")
    assert len(wrong) == 40
    return [number + 1 for number in sorted(wrong)]


async def test_all_forty_wrong_rows_of_five_hundred_are_told_with_their_lines_and_nothing_is_stored(
    work, tmp_path
):
    lines = five_hundred_rows(tmp_path / "users.csv")
    rows = read_rows(tmp_path / "users.csv", CreateUser.parameters())
    with pytest.raises(InvalidRequest) as caught:
        await work.propose(CreateUser, rows, values={"skip_user_requirement": True})
    assert [where for where, _ in caught.value.problems] == [
        f"line {line}: create_organizations_limit" for line in lines
    ]
    assert str(caught.value).startswith(f"40 problems: line {lines[0]}: ")
    assert "; and 20 more." in str(caught.value)
    assert "soon" not in str(caught.value)
    assert await stored(work) == [0, 0, 0]
    assert work.wire.writes == []


async def test_wrong_rows_are_left_out_on_purpose_and_told_in_the_result(work, tmp_path):
    lines = five_hundred_rows(tmp_path / "users.csv")
    rows = read_rows(tmp_path / "users.csv", CreateUser.parameters())
    plan = await work.propose(CreateUser, rows, values={"skip_user_requirement": True}, skip_invalid=True)
    assert plan.job.count == 460
    assert "Left out: 40 wrong" in plan.lines()
    left_out = [item for item in await work.items(plan.job.id) if item.status == LEFT_OUT]
    assert [item.line for item in left_out] == lines
    assert all(item.error.startswith("create_organizations_limit: ") for item in left_out)
    assert all(not item.arguments for item in left_out)


@pytest.mark.promise("a-job-is-frozen-and-shown")
async def test_a_file_that_changes_after_planning_changes_nothing(work, tmp_path):
    file = tmp_path / "ids.csv"
    file.write_text(f"{user(1)}\n{user(2)}\n")
    plan = await work.propose(BanUser, read_rows(file, BanUser.parameters()))
    file.write_text(f"{user(30)}\n{user(31)}\n{user(32)}\n")
    await work.carry_out(await work.start(plan))
    assert await work.banned() == {1, 2}


async def test_who_matches_the_filters_only_after_planning_is_not_part_of_the_job(work):
    plan = await work.propose(BanUser, ListUsers(query="Person 4"))
    before = await targets_of(work, plan)
    await work.ask("PATCH", f"/users/{user(9)}", first_name="Person 4")
    await work.carry_out(await work.start(plan))
    assert await work.banned() == {int(one[5:]) for one in before}
    assert 9 not in await work.banned()


@pytest.mark.parametrize("way", ["ids", "filter", "rows"])
@pytest.mark.promise("job-size")
async def test_a_job_has_no_more_items_than_the_operator_allows(opened, way):
    targets = {
        "ids": users(1, 6),
        "filter": ListUsers(),
        "rows": [Row(number, {"user_id": user(number)}) for number in range(1, 7)],
    }
    async with opened(items_per_job=5) as work:
        with pytest.raises(InvalidRequest, match=r"more than 5, .*\(items_per_job\)"):
            await work.propose(BanUser, targets[way])
        assert await stored(work) == [0, 0, 0]
        assert (await work.propose(BanUser, users(1, 5))).job.count == 5


async def test_only_writes_of_clerks_can_be_asked_for(work):
    for kind in (GetUser, ProposeBulk):
        with pytest.raises(InvalidRequest, match="is no write of Clerk's"):
            await work.propose(kind, users(1, 2))


async def test_an_action_that_wants_more_than_an_id_wants_rows(work):
    with pytest.raises(InvalidRequest, match="wants more than an id"):
        await work.propose(CreateUser, ["somebody"])


# What it costs.


async def test_twelve_hundred_by_filter_cost_three_pages_and_at_most_four_for_the_sessions(
    opened, many_people
):
    async with opened(many_people) as work:
        plan = await work.propose(BanUser, ListUsers(query="people.example"))
        assert plan.job.count == 1_200
        assert "Reach: ends 700 active sessions" in plan.lines()
        assert work.wire.reads.count("/users") == 3
        assert work.wire.reads.count("/sessions") <= 4
        assert len(work.wire.passed) <= 7


async def test_twelve_hundred_ids_are_looked_for_in_all_there_are_where_that_is_cheaper(opened, many_people):
    async with opened(many_people) as work:
        mixed = [user(1), *(f"P{number}@People.example" for number in range(2, 601)), *users(601, 1_200)]
        plan = await work.propose(BanUser, mixed)
        assert await targets_of(work, plan) == users(1, 1_200)
        assert work.wire.reads.count("/users") == 3
        assert work.wire.reads.count("/users/count") == 1
        assert len(work.wire.passed) <= 8


async def test_a_scan_tells_who_is_unknown_and_whose_name_two_have(opened, many_people):
    async with opened(many_people) as work:
        await work.ask("PATCH", f"/users/{user(1)}", username="twofold")
        await work.ask("PATCH", f"/users/{user(2)}", external_id="twofold")
        with pytest.raises(InvalidRequest) as caught:
            await work.propose(BanUser, [*users(1, 600), "user_nobody", "twofold"])
        found = dict(caught.value.problems)
        assert found["user_nobody: user_id"] == "no user has this id or name"
        assert "several have this name; give the id" in found.values()
        assert await stored(work) == [0, 0, 0]


async def test_a_few_ids_of_many_users_are_asked_for_by_the_hundred(opened, many_people):
    async with opened(many_people) as work:
        await work.propose(BanUser, users(1, 250))
        assert work.wire.reads.count("/users") == 3
        assert not any(path.startswith("/users/user_") for path in work.wire.reads)


async def test_the_plan_says_how_long_it_takes_at_the_pace_of_the_instance(opened):
    async with opened(secret_key="sk_test_x") as work:
        plan = await work.propose(BanUser, users(1, 30))
        pace = "Takes about 3 seconds at 100 requests in 10 seconds"
        assert any(line.startswith(pace) for line in plan.lines())


async def test_the_plan_says_what_an_hours_cap_does_to_it(opened):
    async with opened(secret_key="sk_test_x") as work:
        rows = [Row(number, {"email_address": f"i{number}@people.example"}) for number in range(1, 151)]
        plan = await work.propose(CreateInvitation, rows)
        cap = "Of the 100 of these that Clerk takes in an hour, 0 are used and this wants 150, and so 2 hours"
        assert any(line.startswith(cap) for line in plan.lines())


# What goes away again.


async def test_what_a_process_that_is_gone_was_planning_is_swept_away(work):
    store = JobStore(work.desk.journal)
    kept = await work.propose(BanUser, users(1, 2))
    begun = {"title": "", "options": {}}
    await store.begin("job_gone", work.desk.instance, ME, "bulk", **begun, owner="own_of_a_dead_process")
    await store.begin("job_here", work.desk.instance, ME, "bulk", **begun, owner=store.planner())
    for job_id in ("job_gone", "job_here"):
        await store.add_items(job_id, (await work.items(kept.job.id)))
    await store.sweep()
    assert sorted(await work.sql("select job, count(*) from job_items group by job")) == sorted(
        [("job_here", 2), (kept.job.id, 2)]
    )
    assert {one.id for one in await store.listed()} == {kept.job.id}
    with pytest.raises(InvalidRequest, match="no job has this id"):
        await store.load("job_gone")


async def test_a_plan_that_fails_half_way_leaves_nothing(opened, many_people):
    async with opened(many_people) as work:
        pages = 0

        async def trouble(request, go_on):
            nonlocal pages
            pages += request.url.path == "/v1/users"
            if pages == 3:
                raise httpx2.ConnectError("gone")
            return await go_on(request)

        work.wire.trouble = trouble
        with pytest.raises(ClerkUnavailable):
            await work.propose(BanUser, ListUsers())
        assert await stored(work) == [0, 0, 0]
