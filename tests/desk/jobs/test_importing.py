"""Imports: who is there already is known again, and what a file says is what is made."""

import asyncio
import json

import httpx2
import pytest
from tests.desk.jobs.conftest import ME, refusing, user

from deskclerk.catalogue import ListUsers
from deskclerk.desk.jobs import importing
from deskclerk.desk.jobs.job import DONE, LEFT_OUT, SKIPPED, StopRules
from deskclerk.desk.jobs.planning import Wish
from deskclerk.desk.jobs.store import JobStore
from deskclerk.errors import InvalidRequest, NotAllowed

pytestmark = pytest.mark.anyio

# Of "correct-horse-9-Zx", made for this test.
BCRYPT = "$2b$10$CwTycUXWue0Thq9StjUM0uJ8.9Ct4SZ9uBjUvDz1uV1n2S3gO9c7W"


@pytest.fixture
def table(tmp_path):
    def written(*lines, name="users.csv"):
        file = tmp_path / name
        file.write_text("\n".join(lines) + "\n", encoding="utf-8")
        return file

    return written


@pytest.fixture
def documents(tmp_path):
    def written(*records, name="organizations.ndjson"):
        file = tmp_path / name
        file.write_text("".join(json.dumps(record) + "\n" for record in records), encoding="utf-8")
        return file

    return written


async def import_users(work, file, **more):
    return await work.desk.jobs.propose_import("users", file, ME, **more)


async def import_organizations(work, file, **wish):
    return await work.desk.jobs.propose_import("organizations", file, ME, wish=Wish(**wish))


async def found(work, **filters):
    return (await work.desk.perform(ListUsers(**filters))).value["items"]


# Users.


async def test_users_of_a_file_are_made_and_those_who_are_there_are_left_out(work, table):
    file = table(
        "external_id,email_address,first_name,skip_password_requirement",
        "old-1,p1@people.example,Other,true",
        "old-2,P2@People.Example,Other,true",
        "old-3,new3@people.example,New,true",
        "old-4,new4@people.example,New,true",
    )
    plan = await import_users(work, file)
    lines = plan.lines()
    assert lines[0] == "Import users on sandbox"
    assert "From users.csv, read as csv" in lines
    assert "Left out: 2 there already" in lines
    assert plan.words == ("create 2 users on sandbox",)
    assert [(item.line, item.status, item.error) for item in await work.items(plan.job.id)] == [
        (2, LEFT_OUT, "there already"),
        (3, LEFT_OUT, "there already"),
        (4, "waiting", None),
        (5, "waiting", None),
    ]
    job = await work.carry_out(await work.start(plan))
    assert (job.status, job.counts) == (DONE, {"done": 2, "left_out": 2})
    assert (await work.user(1))["first_name"] == "Person"
    assert len(await work.ask("GET", "/users?query=new&limit=10")) == 2
    # Once more: there is nobody left to make.
    with pytest.raises(InvalidRequest, match="There is nothing to do: 4 there already"):
        await import_users(work, file)


async def test_who_is_there_is_brought_to_what_the_file_says_but_for_addresses_and_passwords(work, table):
    await work.ask("PATCH", f"/users/{user(3)}", external_id="old-3")
    file = table(
        "external_id,email_address,first_name,password,skip_password_checks,public_metadata",
        "old-1,p1@people.example,Ada,correct-horse-9-Zx,true,",
        'old-3,elsewhere@people.example,Grace,,true,"{""plan"": ""pro""}"',
        "old-5,new5@people.example,New,correct-horse-9-Zx,true,",
    )
    plan = await import_users(work, file, update_existing=True)
    assert plan.words == ("3 changes on sandbox",)
    assert plan.job.count == 3
    items = await work.items(plan.job.id)
    assert [item.action for item in items] == ["clerk_user_update", "clerk_user_update", "clerk_user_create"]
    assert dict(items[0].arguments) == {"user_id": user(1), "external_id": "old-1", "first_name": "Ada"}
    assert items[0].secrets is None
    job = await work.carry_out(await work.start(plan))
    assert (job.status, job.counts) == (DONE, {"done": 3})
    first, third = await work.user(1), await work.user(3)
    assert (first["first_name"], first["external_id"], first["password_enabled"]) == ("Ada", "old-1", False)
    assert (third["first_name"], third["public_metadata"]) == ("Grace", {"plan": "pro"})
    assert [one["email_address"] for one in third["email_addresses"]] == ["p3@people.example"]
    # Once more: it is so already.
    with pytest.raises(InvalidRequest, match="There is nothing to do: 3 would not change"):
        await import_users(work, file, update_existing=True)


@pytest.mark.parametrize("asked", ["all at once", "for each hundred"])
async def test_somebody_is_known_again_by_any_identifier(work, table, monkeypatch, asked):
    monkeypatch.setattr(importing, "_FEW_PAGES", 10 if asked == "all at once" else 0)
    await work.ask("PATCH", f"/users/{user(2)}", username="second_one")
    await work.ask("PATCH", f"/users/{user(3)}", external_id="Old-3")
    await work.ask("POST", "/phone_numbers", user_id=user(4), phone_number="+12025550123", verified=True)
    file = table(
        "external_id,email_address,username,phone_number",
        ",P1@people.example,,",
        ",,SECOND_ONE,",
        "Old-3,,,",
        ",,,+1 (202) 555-0123",
        # An external id is somebody else's text, capitals and all.
        "old-3,,,",
        ",nobody@people.example,,",
    )
    work.wire.passed.clear()
    plan = await import_users(work, file)
    left_out = [item.line for item in await work.items(plan.job.id) if item.status == LEFT_OUT]
    assert left_out == [2, 3, 4, 5]
    assert plan.job.count == 2
    lists = work.wire.reads.count("/users")
    assert lists == (1 if asked == "all at once" else 4)


async def test_a_row_that_names_two_who_are_there_is_wrong(work, table):
    await work.ask("PATCH", f"/users/{user(3)}", username="third_one")
    file = table("email_address,username", "p1@people.example,third_one", "new@people.example,new_one")
    with pytest.raises(InvalidRequest) as caught:
        await import_users(work, file, update_existing=True)
    assert caught.value.problems == (("line 2", f"names 2 users that are there: {user(1)}, {user(3)}"),)


async def test_the_same_person_twice_in_a_file_is_told_with_both_lines(work, table):
    file = table(
        "email_address,username",
        "ada@people.example,ada_one",
        "grace@people.example,grace_one",
        "ADA@people.example,ada_two",
        "other@people.example,GRACE_ONE",
    )
    with pytest.raises(InvalidRequest) as caught:
        await import_users(work, file)
    assert caught.value.problems == (
        ("line 4: email_address", "line 2 has the same"),
        ("line 5: username", "line 3 has the same"),
    )
    assert await work.sql("select count(*) from jobs") == [(0,)]
    plan = await import_users(work, file, wish=Wish(skip_invalid=True))
    assert plan.job.count == 2
    assert "Left out: 2 wrong" in plan.lines()


async def test_the_same_person_twice_is_found_over_hundreds_of_lines(work, table):
    rows = [f"new{number}@people.example" for number in range(1_100)]
    file = table("email_address,first_name", *(f"{row},x" for row in rows), "new3@people.example,y")
    with pytest.raises(InvalidRequest) as caught:
        await import_users(work, file)
    assert caught.value.problems == (("line 1102: email_address", "line 5 has the same"),)


async def test_digests_come_along_and_are_seen_by_nobody(work, table):
    file = table("email_address,password_digest,password_hasher", f"new1@people.example,{BCRYPT},bcrypt")
    bodies = []

    async def listen(request, go_on):
        bodies.append(request.content.decode())
        return await go_on(request)

    work.wire.trouble = listen
    plan = await import_users(work, file)
    assert BCRYPT not in json.dumps(plan.arguments) + plan.text()
    job = await work.carry_out(await work.start(plan))
    assert job.counts == {"done": 1}
    assert any(BCRYPT in body for body in bodies)
    assert BCRYPT not in await work.all_that_is_stored()
    (made,) = await work.ask("GET", "/users?email_address=new1@people.example")
    assert made["password_enabled"] is True


async def test_columns_with_names_of_their_own_are_mapped(work, table):
    file = table("Mail;Vorname;Notiz", "new1@people.example;Neu;x")
    mapping = {"Mail": "email_address", "Vorname": "first_name", "Notiz": ""}
    plan = await import_users(work, file, form="csv", mapping=mapping)
    (item,) = await work.items(plan.job.id)
    assert item.arguments["email_address"] == ["new1@people.example"]
    assert item.arguments["first_name"] == "Neu"


async def test_a_file_of_another_provider_is_told_from_its_form(work, documents):
    file = documents(
        {"_id": {"$oid": "5f1"}, "email": "new1@people.example", "email_verified": True, "tenant": "t"},
        name="auth0.json",
    )
    plan = await import_users(work, file)
    assert any(line.startswith("From auth0.json, read as auth0") for line in plan.lines())


@pytest.mark.parametrize("denied", ["clerk_user_create", "clerk_user_update", "clerk_bulk_propose"])
async def test_an_import_is_for_those_who_may_make_and_change(opened, table, denied):
    file = table("email_address,first_name", "p1@people.example,Ada", "new1@people.example,New")
    async with opened(deny=(denied,)) as work:
        with pytest.raises(NotAllowed):
            await import_users(work, file, update_existing=True)


async def test_an_import_is_taken_back_the_made_are_deleted_and_the_changed_restored(work, table):
    file = table(
        "email_address,first_name,skip_password_requirement",
        "p1@people.example,Ada,true",
        "new1@people.example,New,true",
    )
    job = await work.carry_out(await work.start(await import_users(work, file, update_existing=True)))
    assert job.counts == {"done": 2}
    plan = await work.desk.jobs.propose_undo(job.id, ME)
    assert plan.effect == "destructive"
    assert plan.words == ("2 changes on sandbox",)
    undo = await work.carry_out(await work.start(plan))
    assert undo.counts == {"done": 2}
    assert (await work.user(1))["first_name"] == "Person"
    assert await work.ask("GET", "/users?email_address=new1@people.example") == []


async def test_the_name_of_a_file_stays_on_its_line(work, table):
    file = table("email_address", "new1@people.example", name="users\nLeft out: all\u202e.csv")
    plan = await import_users(work, file, form="csv")
    assert not any(line.startswith("Left out") for text in plan.lines() for line in text.splitlines())
    assert all(line.isprintable() for line in plan.lines())


# Organizations.


async def test_organizations_come_with_their_members_each_with_a_role(work, documents):
    file = documents(
        {"name": "One", "created_by": user(1), "members": ["p2@people.example", "user_00003:org:admin"]},
        {"name": "Two", "slug": "two", "public_metadata": {"plan": "pro"}},
        {"name": "Three", "created_by": "p4@people.example", "members": ["user_00001"]},
    )
    plan = await import_organizations(work, file)
    assert plan.lines()[0] == "Import organizations on sandbox"
    assert plan.job.count == 6
    items = await work.items(plan.job.id)
    assert [item.arguments.get("organization_id") for item in items] == [None] * 3 + [
        "$1.id",
        "$1.id",
        "$3.id",
    ]
    job = await work.carry_out(await work.start(plan))
    assert (job.status, job.counts) == (DONE, {"done": 6})
    made = {one["name"]: one["id"] for one in (await work.ask("GET", "/organizations?limit=10"))["data"]}
    assert set(made) == {"Acme", "One", "Two", "Three"}

    async def roles(name):
        answer = await work.ask("GET", f"/organizations/{made[name]}/memberships")
        return {(one["public_user_data"]["user_id"], one["role"]) for one in answer["data"]}

    assert await roles("One") == {
        (user(1), "org:admin"),
        (user(2), "org:member"),
        (user(3), "org:admin"),
    }
    assert await roles("Two") == set()
    assert await roles("Three") == {(user(4), "org:admin"), (user(1), "org:member")}


async def test_more_organizations_than_are_looked_at_together_come_before_their_members(work, documents):
    file = documents(*({"name": f"O {number}", "members": [user(1 + number % 40)]} for number in range(120)))
    job = await work.carry_out(await work.start(await import_organizations(work, file)))
    assert (job.status, job.counts) == (DONE, {"done": 240})
    items = await work.items(job.id)
    assert [item.arguments["organization_id"] for item in items[120:]] == [
        f"${number}.id" for number in range(1, 121)
    ]
    paths = [path for _, path in work.wire.writes]
    assert set(paths[:120]) == {"/organizations"}
    assert len(set(paths[120:])) == 120


async def test_a_member_who_is_not_there_or_is_none_is_told_with_its_line(work, documents):
    file = documents(
        {"name": "One", "members": ["nobody@people.example"]},
        {"name": "Two", "members": ["user_nobody"]},
        {"name": "Three", "members": ["user_00001", ""]},
    )
    with pytest.raises(InvalidRequest) as caught:
        await import_organizations(work, file)
    assert {where.partition(":")[0] for where, _ in caught.value.problems} == {"line 1", "line 2", "line 3"}
    assert ("line 1: user_id", "nobody has this name") in caught.value.problems
    assert await work.sql("select count(*) from jobs") == [(0,)]


async def test_members_of_an_organization_that_was_refused_are_skipped(work, documents):
    file = documents(
        {"name": "Refused", "members": [user(1), user(2)]}, {"name": "Made", "members": [user(3)]}
    )

    async def trouble(request, go_on):
        if b"Refused" in request.content:
            return httpx2.Response(422, json={"errors": [{"message": "no", "code": "x"}]})
        return await go_on(request)

    work.wire.trouble = trouble
    job = await work.carry_out(await work.start(await import_organizations(work, file)))
    assert (job.status, job.counts) == (DONE, {"done": 2, "refused": 1, "skipped": 2})
    skipped = [item for item in await work.items(job.id) if item.status == SKIPPED]
    assert {item.error for item in skipped} == {"what it is about was not made"}


async def test_members_wait_for_an_organization_that_clerk_refuses_for_the_moment(work, documents):
    file = documents({"name": "One", "members": [user(1)]}, {"name": "Two", "members": [user(2)]})
    refused = []

    async def too_many(request, go_on):
        if request.method == "POST" and not refused:
            refused.append(request)
            body = {"errors": [{"message": "slow down", "code": "rate_limited"}]}
            return httpx2.Response(429, json=body, headers={"retry-after": "0.05"})
        return await go_on(request)

    work.wire.trouble = too_many
    job = await work.carry_out(await work.start(await import_organizations(work, file)))
    assert (job.status, job.counts) == (DONE, {"done": 4})


async def test_an_import_that_is_paused_and_resumed_still_knows_what_was_made(work, documents, monkeypatch):
    monkeypatch.setattr("deskclerk.desk.jobs.running._SIDE_BY_SIDE", 1)
    file = documents(*({"name": f"O {number}", "members": [user(number)]} for number in range(1, 5)))
    plan = await import_organizations(work, file, stop=StopRules(1, 100))
    work.wire.trouble = refusing(422, "memberships")
    job = await work.carry_out(await work.start(plan))
    assert job.status == "paused"
    refused = job.counts["refused"]
    work.wire.trouble = None
    job = await work.carry_out(await work.desk.jobs.resume(job.id, ME), "run_2")
    assert (job.status, job.counts) == (DONE, {"done": 8 - refused, "refused": refused})


async def test_a_retry_makes_a_member_of_the_organization_that_was_meant(work, documents):
    file = documents({"name": "One", "members": [user(1)]}, {"name": "Two"})

    async def trouble(request, go_on):
        if request.method == "POST" and (b"Two" in request.content or b"user_00001" in request.content):
            return httpx2.Response(422, json={"errors": [{"message": "no", "code": "x"}]})
        return await go_on(request)

    work.wire.trouble = trouble
    job = await work.carry_out(await work.start(await import_organizations(work, file)))
    assert job.counts == {"done": 1, "refused": 2}
    work.wire.trouble = None
    plan = await work.desk.jobs.propose_retry(job.id, ME)
    again = await work.carry_out(await work.start(plan))
    assert (again.status, again.counts) == (DONE, {"done": 2})
    made = {one["name"]: one["id"] for one in (await work.ask("GET", "/organizations?limit=10"))["data"]}
    assert (await work.ask("GET", f"/organizations/{made['One']}/memberships"))["total_count"] == 1
    assert (await work.ask("GET", f"/organizations/{made['Two']}/memberships"))["total_count"] == 0


async def test_a_member_whose_organization_is_made_while_it_is_looked_for_is_not_skipped(
    work, documents, monkeypatch
):
    any_open = JobStore.any_open

    async def slowly_asked(store, job_id, numbers):
        await asyncio.sleep(0.1)
        return await any_open(store, job_id, numbers)

    async def slowly(request, go_on):
        if request.method == "POST":
            await asyncio.sleep(0.05)
        return await go_on(request)

    monkeypatch.setattr(JobStore, "any_open", slowly_asked)
    work.wire.trouble = slowly
    file = documents({"name": "One", "members": [user(1)]})
    job = await work.carry_out(await work.start(await import_organizations(work, file)))
    assert (job.status, job.counts) == (DONE, {"done": 2})
