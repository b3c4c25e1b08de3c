"""Jobs over MCP: a model proposes, a person signs, and the model is told how many and what failed first."""

import asyncio
import json
import sqlite3
from contextlib import asynccontextmanager
from itertools import pairwise

import mcp_types as types
import pytest
from mcp import Client, MCPError

from deskclerk.catalogue import ACTIONS, TOOLSETS
from deskclerk.desk import Decision, Desk, Signature
from deskclerk.errors import ApprovalRefused
from deskclerk.faces.mcp.server import build
from deskclerk.settings import Settings
from tests.faces.jobs_here import START_WORKER, WorkerHere, at_home, spam, with_spammers
from tests.faces.mcp.conftest import ERAS, Dialogue, said

pytestmark = pytest.mark.anyio
COUNT = 300
MOST_BYTES = 2_048
CORE = [action.spec.name for action in ACTIONS]
TOOLS = [
    "clerk_bulk_propose",
    "clerk_changes_propose",
    "clerk_jobs_list",
    "clerk_job_get",
    "clerk_job_pause",
    "clerk_job_cancel",
]
FOR_PEOPLE = ["clerk_job_resume", "clerk_job_retry", "clerk_job_undo", "clerk_export"]
BULK, CHANGES = TOOLS[:2]
FOUND = {"action": "clerk_user_ban", "where": {"query": "@spam.example"}}
FEW = {"action": "clerk_user_ban", "targets": [spam(0), spam(1), spam(2)]}
LEAST = {
    BULK: {"action": "clerk_user_ban", "targets": ["user_ada"]},
    CHANGES: {"steps": ['{"action": "clerk_user_ban", "arguments": {"user_id": "user_ada"}}']},
    "clerk_jobs_list": {},
    "clerk_job_get": {"job_id": "job_1"},
    "clerk_job_pause": {"job_id": "job_1"},
    "clerk_job_cancel": {"job_id": "job_1"},
}
SECRET = "hunter2-hunter2"


@pytest.fixture(scope="module")
def company(tmp_path_factory):
    return with_spammers(tmp_path_factory.mktemp("company"), COUNT)


@pytest.fixture(autouse=True)
def home(company, tmp_path):
    """A home whose sandbox holds three hundred spammers and Ada."""
    at_home(company, tmp_path / "home")
    return tmp_path / "home"


@pytest.fixture(autouse=True)
async def worker(monkeypatch):
    """A worker within the loop of the server, which the test may have asleep."""
    here = WorkerHere()
    monkeypatch.setattr(START_WORKER, here)
    monkeypatch.setattr("deskclerk.desk.jobs.jobs._POLL_SECONDS", 0.02)
    yield here
    for task in here.tasks:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


@pytest.fixture
def connect(home, era):
    """Opens a client, in each era, of a server on the sandbox; the toolset `jobs` is on."""

    @asynccontextmanager
    async def opened(dialogue=None, **options):
        given = {"approval_wait": 0, "toolsets": ("core", "jobs")} | options
        async with (
            Desk(Settings(home=home, **given)) as desk,
            Client(build(desk), mode=era, elicitation_callback=dialogue) as client,
        ):
            client.desk = desk
            yield client

    return opened


def in_one_era(test):
    """For what the era has no part in."""
    return pytest.mark.parametrize("era", [ERAS["handshake"]])(test)


async def banned(client):
    found = await client.call_tool("clerk_users_list", {"banned": True, "limit": 0})
    return found.structured_content["total"]


async def users(client):
    return (await client.call_tool("clerk_users_list", {"limit": 0})).structured_content["total"]


def size(result):
    """Bytes of an answer as it travels, whatever a client shows of it."""
    return len(result.model_dump_json(by_alias=True, exclude_none=True).encode())


def job_of(result):
    assert not result.is_error, result.content
    job = result.structured_content
    assert job["object"] == "job"
    # Text and structure say the same, and neither who it is about.
    assert json.loads(result.content[0].text) == job
    assert size(result) < MOST_BYTES
    return job


async def over(client, job_id):
    """The job once nobody works at it any more."""
    await client.desk.jobs.wait(job_id, seconds=20)
    return job_of(await client.call_tool("clerk_job_get", {"job_id": job_id}))


# What is offered.


@pytest.mark.promise("toolsets")
async def test_the_tools_for_jobs_are_not_listed_unless_they_are_set(connect):
    async with connect(toolsets=("core",)) as client:
        assert [tool.name for tool in (await client.list_tools()).tools] == CORE
        assert "bulk" not in client.instructions


@pytest.mark.promise("toolsets")
@pytest.mark.promise("toolsets")
async def test_a_tool_for_jobs_that_is_not_set_cannot_be_called_and_the_error_says_why(connect, worker):
    async with connect(Dialogue(), toolsets=("core",)) as client:
        for name, arguments in LEAST.items():
            told = said(await client.call_tool(name, arguments))
            assert f"{name} is not allowed here: jobs is not among the toolsets set" in told
            assert "Only the operator can change this setting" in told
        assert await banned(client) == 0
    assert not worker.tasks


async def test_the_tools_for_jobs_are_listed_after_the_48_which_stay_as_they_are(connect):
    async with connect() as client:
        names = [tool.name for tool in (await client.list_tools()).tools]
        assert "clerk_bulk_propose" in client.instructions
    assert len(CORE) == 48
    assert names == [*CORE, *TOOLS]
    assert [action.spec.name for action in TOOLSETS["jobs"]] == TOOLS


@in_one_era
async def test_hints_tell_what_reads_and_what_writes(connect):
    async with connect() as client:
        tools = {tool.name: tool for tool in (await client.list_tools()).tools}
    assert {name for name in TOOLS if tools[name].annotations.read_only_hint} == {
        "clerk_jobs_list",
        "clerk_job_get",
    }
    assert all(tools[name].title and tools[name].description for name in TOOLS)


@in_one_era
@pytest.mark.parametrize("name", FOR_PEOPLE)
@pytest.mark.promise("a-person-signs")
async def test_what_is_for_people_is_no_tool_at_all(connect, name):
    async with connect(Dialogue()) as client:
        with pytest.raises(MCPError, match="Unknown tool"):
            await client.call_tool(name, {"job_id": "job_1"})


@in_one_era
@pytest.mark.promise("access")
@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"read_only": True}, "read_only is set"),
        ({"access": "read"}, "access is set to read"),
        ({"deny": ("clerk_user_ban",)}, "clerk_user_ban is not allowed here"),
        ({"deny": ("clerk_bulk_*",)}, "clerk_bulk_propose is not allowed here"),
        ({"tools": ("clerk_bulk_propose", "clerk_users_list")}, "clerk_user_ban is not allowed here"),
        ({"callers": {"mcp": {"deny": ("clerk_user_ban",)}}}, "denied for caller mcp"),
    ],
)
async def test_what_the_settings_withhold_is_withheld_from_a_job_too(connect, worker, options, words):
    dialogue = Dialogue()
    async with connect(dialogue, **options) as client:
        assert words in said(await client.call_tool(BULK, FOUND))
        assert await banned(client) == 0
    assert not dialogue.asked
    assert not worker.tasks


@in_one_era
@pytest.mark.promise("access")
async def test_a_job_of_deletions_is_withheld_where_only_writes_are_allowed(connect):
    async with connect(Dialogue(), access="write") as client:
        arguments = {"action": "clerk_user_delete", "targets": [spam(0)]}
        assert "its effect is destructive" in said(await client.call_tool(BULK, arguments))
        step = json.dumps({"action": "clerk_user_delete", "arguments": {"user_id": spam(0)}})
        assert "its effect is destructive" in said(await client.call_tool(CHANGES, {"steps": [step]}))


@in_one_era
async def test_the_48_are_neither_listed_nor_called_where_only_jobs_are_set(connect):
    async with connect(toolsets=("jobs",)) as client:
        assert [tool.name for tool in (await client.list_tools()).tools] == TOOLS
        assert "not allowed here" in said(await client.call_tool("clerk_users_list", {}))


# Proposed and signed.


@pytest.mark.promise("a-person-signs")
@pytest.mark.promise("toolsets")
@pytest.mark.promise("toolsets")
async def test_three_hundred_are_banned_after_one_yes_and_the_model_is_told_how_many(connect):
    dialogue = Dialogue()
    async with connect(dialogue, approval_wait=20) as client:
        result = await client.call_tool(BULK, FOUND)
        job = job_of(result)
        assert (job["status"], job["total"], job["counts"]) == ("done", COUNT, {"done": COUNT})
        assert await banned(client) == COUNT
    assert "spam.example" not in result.content[0].text
    (asked,) = dialogue.asked
    lines = asked.message.splitlines()
    assert lines[0] == "Ban 300 users on sandbox"
    assert 'Found with query="@spam.example"' in lines
    assert "  and 290 more" in lines
    assert asked.requested_schema["properties"]["confirm"]["type"] == "boolean"


@pytest.mark.promise("destructive-is-typed")
async def test_three_hundred_are_deleted_after_the_number_and_the_place_are_typed(connect):
    dialogue = Dialogue()
    async with connect(dialogue, approval_wait=20) as client:
        targets = [spam(number) for number in range(COUNT)]
        result = await client.call_tool(BULK, {"action": "clerk_user_delete", "targets": targets})
        assert job_of(result)["counts"] == {"done": COUNT}
        assert await users(client) == 1
    (asked,) = dialogue.asked
    assert asked.message.endswith("To confirm, type: delete 300 users on sandbox")
    assert "user_spam" not in result.content[0].text


@pytest.mark.promise("destructive-is-typed")
@pytest.mark.parametrize("typed", ["yes", "delete users", "delete 2 users on sandbox", spam(0), True])
async def test_other_words_delete_nobody(connect, worker, typed):
    targets = [spam(0), spam(1), spam(2)]
    async with connect(Dialogue(content={"type_to_confirm": typed, "confirm": True})) as client:
        result = await client.call_tool(BULK, {"action": "clerk_user_delete", "targets": targets})
        assert "is not delete 3 users on sandbox" in said(result)
        assert await users(client) == COUNT + 1
    assert not worker.tasks


@pytest.mark.promise("declined-is-final")
@pytest.mark.parametrize("dialogue", [Dialogue("decline"), Dialogue(content={"confirm": False})])
async def test_a_no_is_final_for_the_same_job(connect, worker, dialogue):
    dialogue.asked.clear()
    async with connect(dialogue) as client:
        assert "declined" in said(await client.call_tool(BULK, FOUND))
        assert "declined" in said(await client.call_tool(BULK, FOUND))
        assert await banned(client) == 0
    assert len(dialogue.asked) == 1
    assert not worker.tasks


@pytest.mark.promise("nobody-there-nothing-happens")
@pytest.mark.parametrize("dialogue", [None, Dialogue("cancel")], ids=["no dialogue", "dismissed"])
async def test_where_nobody_answers_the_plan_waits_and_is_named(connect, worker, dialogue):
    async with connect(dialogue) as client:
        result = await client.call_tool(BULK, FOUND)
        plan = result.meta["deskclerk/error"]["plan_id"]
        assert f"deskclerk approve {plan}" in said(result)
        assert size(result) < MOST_BYTES
        # The same again is the same plan, not another.
        again = await client.call_tool(BULK, FOUND)
        assert again.meta["deskclerk/error"]["plan_id"] == plan
        (waiting,) = await client.desk.plans.waiting()
        assert waiting.plan.heading == "Ban 300 users"
        assert await banned(client) == 0
    assert not worker.tasks


async def test_a_job_that_is_signed_elsewhere_begins_by_itself_and_the_same_call_finds_it(connect):
    async with connect() as client:
        plan = (await client.call_tool(BULK, FEW)).meta["deskclerk/error"]["plan_id"]
        signed = await client.desk.sign(plan, Signature(Decision.APPROVED, "terminal, approve"))
        begun = job_of(await client.call_tool(BULK, FEW))
        assert begun["id"] == signed.job.id
        ended = await over(client, begun["id"])
        assert ended["counts"] == {"done": 3}
        assert await banned(client) == 3


@pytest.mark.promise("confirm")
async def test_where_only_destructive_writes_are_asked_for_a_ban_of_many_begins_at_once(connect):
    dialogue = Dialogue()
    async with connect(dialogue, confirm="destructive", approval_wait=20) as client:
        assert job_of(await client.call_tool(BULK, FEW))["status"] == "done"
        assert not dialogue.asked
        targets = {"action": "clerk_user_delete", "targets": [spam(0), spam(1)]}
        assert job_of(await client.call_tool(BULK, targets))["status"] == "done"
    assert len(dialogue.asked) == 1


@pytest.mark.promise("no-argument-signs")
@in_one_era
@pytest.mark.parametrize("name", ["confirm", "approved", "yes", "plan_id", "request_state", "wish"])
async def test_no_argument_signs_a_job(connect, worker, name):
    async with connect() as client:
        assert f"{name}: unknown argument" in said(await client.call_tool(BULK, FOUND | {name: True}))
    assert not worker.tasks


@pytest.mark.parametrize("era", [ERAS["stateless"]])
@pytest.mark.promise("no-argument-signs")
async def test_the_answer_to_one_job_signs_no_other_and_signs_once(connect, era):
    yes = {"confirm": types.ElicitResult(action="accept", content={"confirm": True})}
    async with connect(Dialogue(), approval_wait=20) as client:

        async def call(arguments, **answer):
            return await client.session.call_tool(BULK, arguments, allow_input_required=True, **answer)

        few = {"action": "clerk_user_ban", "targets": [spam(0)]}
        first = await call(few)
        assert first.result_type == "input_required"
        with pytest.raises(MCPError, match="requestState"):
            await call(FOUND, input_responses=yes, request_state=first.request_state)
        assert await banned(client) == 0
        assert "question that was not asked" in said(await call(few, input_responses=yes))
        done = await call(few, input_responses=yes, request_state=first.request_state)
        assert job_of(done)["status"] == "done"
        assert "already" in said(await call(few, input_responses=yes, request_state=first.request_state))
        assert await banned(client) == 1


@in_one_era
async def test_a_value_that_is_the_same_for_each_and_texts_of_json_are_taken(connect):
    arguments = {
        "action": "user_update",
        "where": '{"query": "@spam.example"}',
        "values": '{"public_metadata": {"plan": "free"}}',
    }
    dialogue = Dialogue()
    async with connect(dialogue, approval_wait=20) as client:
        assert job_of(await client.call_tool(BULK, arguments))["counts"] == {"done": COUNT}
        user = await client.call_tool("clerk_user_get", {"user_id": spam(7), "fields": ["public_metadata"]})
    assert user.structured_content["public_metadata"] == {"plan": "free"}
    assert 'For each: {"public_metadata": {"plan": "free"}}' in dialogue.asked[0].message


@pytest.mark.parametrize("era", [ERAS["stateless"]])
@pytest.mark.promise("bound-to-its-plan")
async def test_a_yes_to_steps_that_were_struck_meanwhile_is_refused_and_what_is_left_is_asked_about(
    connect, era
):
    yes = {"confirm": types.ElicitResult(action="accept", content={"confirm": True})}
    steps = [{"action": "clerk_user_ban", "arguments": {"user_id": spam(number)}} for number in (0, 1)]
    given = {"steps": [json.dumps(step) for step in steps]}
    async with connect(Dialogue(), approval_wait=20) as client:

        async def call(**answer):
            return await client.session.call_tool(CHANGES, given, allow_input_required=True, **answer)

        first = await call()
        (waits,) = await client.desk.plans.waiting()
        await client.desk.jobs.strike(waits.plan.id, [2])
        old = await call(input_responses=yes, request_state=first.request_state)
        assert "not the plan that you were shown" in said(old)
        assert await banned(client) == 0
        second = await call()
        (asked,) = second.input_requests.values()
        assert spam(0) in asked.params.message
        assert spam(1) not in asked.params.message
        done = job_of(await call(input_responses=yes, request_state=second.request_state))
        assert (done["id"], done["status"]) == (waits.plan.job.id, "done")
        assert await banned(client) == 1


@pytest.mark.promise("changes-in-order")
async def test_steps_are_carried_out_in_order_with_the_id_that_an_earlier_one_made(connect):
    steps = [
        {"action": "clerk_user_create", "arguments": {"email_address": ["new@example.com"]}},
        {"action": "clerk_user_update", "arguments": {"user_id": "$1.id", "first_name": "Newt"}},
        {"action": "clerk_user_ban", "arguments": {"user_id": "s000@spam.example"}},
    ]
    dialogue = Dialogue()
    async with connect(dialogue, approval_wait=20) as client:
        result = await client.call_tool(CHANGES, {"steps": [json.dumps(step) for step in steps]})
        job = job_of(result)
        assert (job["kind"], job["status"], job["counts"]) == ("changes", "done", {"done": 3})
        (made,) = (
            await client.call_tool(
                "clerk_users_list", {"email_address": ["new@example.com"], "fields": ["first_name"]}
            )
        ).structured_content["items"]
        assert made["first_name"] == "Newt"
        assert await banned(client) == 1
    message = dialogue.asked[0].message
    assert message.index("1. Create user") < message.index("2. Update user") < message.index("3. Ban user")
    assert dialogue.asked[0].message.startswith("3 changes on sandbox")


# What cannot be meant.


def step(action="clerk_user_ban", **arguments):
    return json.dumps({"action": action, "arguments": arguments or {"user_id": spam(0)}})


BAN = {"action": "clerk_user_ban"}


@in_one_era
@pytest.mark.parametrize(
    ("name", "arguments", "words"),
    [
        (BULK, FOUND | {"action": "clerk_user_bann"}, "no such action; did you mean clerk_user_ban?"),
        (BULK, FOUND | {"action": "zzz"}, "no such action"),
        (BULK, FOUND | {"action": "clerk_users_list"}, "clerk_users_list is no write of Clerk's"),
        (BULK, FOUND | {"action": BULK}, "no such action"),
        (BULK, {"where": {"query": "x"}}, "action: required"),
        (BULK, BAN, "give one of the two: where, or targets"),
        (BULK, FOUND | {"targets": [spam(0)]}, "give one of the two: where, or targets"),
        (BULK, BAN | {"where": '{"query": '}, "where: expected JSON object"),
        (BULK, BAN | {"where": "@spam.example"}, "where: expected JSON object"),
        (BULK, BAN | {"where": [1]}, "where: expected JSON object"),
        (BULK, BAN | {"where": {"query": "x", "limit": 5}}, "where: limit is no filter"),
        (BULK, BAN | {"where": {"offset": 5}}, "where: offset is no filter"),
        (BULK, BAN | {"where": {"order_by": "x"}}, "where: order_by is no filter"),
        (BULK, BAN | {"where": {"quary": "x"}}, "did you mean query?"),
        (BULK, BAN | {"where": {"query": "nobody-at-all"}}, "No targets were found"),
        (BULK, BAN | {"targets": []}, "No targets were found"),
        (BULK, BAN | {"targets": ["x@nobody.example"]}, "nobody has this name"),
        (BULK, BAN | {"targets": [f"user_{number}" for number in range(1001)]}, "1000"),
        (BULK, FOUND | {"values": {"shoe_size": 5}}, "shoe_size"),
        (CHANGES, {}, "steps: required"),
        (CHANGES, {"steps": []}, "at least one step"),
        (CHANGES, {"steps": ["ban them"]}, "step 1: expected JSON such as"),
        (CHANGES, {"steps": [step(), "[]"]}, "step 2: expected JSON such as"),
        (CHANGES, {"steps": [step(), '{"action": 5}']}, "step 2: expected JSON such as"),
        (CHANGES, {"steps": ['{"action": "clerk_user_ban", "args": {}}']}, "step 1: unknown key 'args'"),
        (
            CHANGES,
            {"steps": ['{"action": "clerk_user_ban", "arguments": "x"}']},
            "step 1: arguments: expected JSON",
        ),
        (CHANGES, {"steps": [step("clerk_user_bann")]}, "step 1: no such action; did you mean"),
        (CHANGES, {"steps": [step("clerk_user_get")]}, "clerk_user_get is no write"),
        (CHANGES, {"steps": [step(shoe_size=5)]}, "shoe_size"),
        (CHANGES, {"steps": [step(user_id="$1.id")]}, "step 1"),
        (CHANGES, {"steps": [step(), step(user_id="$1.id")]}, "none before this one that makes something"),
        (CHANGES, {"steps": [step()] * 60}, "50"),
        ("clerk_job_get", {"job_id": "job_nobody"}, "no job has this id"),
        ("clerk_job_pause", {"job_id": "job_nobody"}, "no job has this id"),
        ("clerk_job_cancel", {"job_id": "../jobs"}, "job_id"),
        ("clerk_jobs_list", {"limit": 501}, "500"),
    ],
)
async def test_what_cannot_be_meant_is_an_error_that_a_model_can_mend(
    connect, worker, name, arguments, words
):
    dialogue = Dialogue()
    async with connect(dialogue) as client:
        result = await client.call_tool(name, arguments)
        assert words in said(result)
        assert len(said(result).encode()) < MOST_BYTES
        assert await client.desk.jobs.listed() == []
        assert await banned(client) == 0
    assert not dialogue.asked
    assert not worker.tasks


@in_one_era
async def test_of_three_hundred_wrong_targets_the_first_are_told_and_how_many(connect):
    async with connect(Dialogue()) as client:
        result = await client.call_tool(BULK, BAN | {"targets": [f"user_{number}" for number in range(300)]})
    told = said(result)
    assert told.startswith("300 problems: user_0: user_id: there is no such user")
    assert "and 280 more" in told
    assert len(told.encode()) < MOST_BYTES


@in_one_era
async def test_of_three_hundred_wrong_targets_the_whole_answer_is_short(connect):
    async with connect(Dialogue()) as client:
        result = await client.call_tool(BULK, BAN | {"targets": [f"user_{number}" for number in range(300)]})
    assert result.is_error
    assert size(result) < 3 * MOST_BYTES


# A model that means harm.


@pytest.mark.promise("no-argument-signs")
async def test_a_hundred_deletions_without_a_dialogue_only_wait(connect, worker):
    targets = [spam(number) for number in range(100)]
    async with connect() as client:
        for _ in range(3):
            result = await client.call_tool(BULK, {"action": "clerk_user_delete", "targets": targets})
            assert "a person has to confirm this" in said(result)
            assert size(result) < MOST_BYTES
        (waiting,) = await client.desk.plans.waiting()
        assert waiting.plan.words == ("delete 100 users on sandbox",)
        assert await users(client) == COUNT + 1
        (listed,) = (await client.call_tool("clerk_jobs_list", {})).structured_content["items"]
        assert listed["status"] == "planned"
    assert not worker.tasks


@in_one_era
async def test_a_model_that_cancels_what_waits_has_nothing_left_to_be_signed(connect, worker):
    async with connect() as client:
        plan = (await client.call_tool(BULK, FOUND)).meta["deskclerk/error"]["plan_id"]
        (job,) = await client.desk.jobs.listed()
        assert job_of(await client.call_tool("clerk_job_cancel", {"job_id": job.id}))["status"] == "cancelled"
        with pytest.raises(ApprovalRefused):
            await client.desk.sign(plan, Signature(Decision.APPROVED, "terminal, approve"))
        assert await banned(client) == 0
    assert not worker.tasks


@in_one_era
async def test_what_was_cancelled_before_it_was_signed_waits_no_more(connect):
    async with connect() as client:
        await client.call_tool(BULK, FOUND)
        (job,) = await client.desk.jobs.listed()
        await client.call_tool("clerk_job_cancel", {"job_id": job.id})
        assert await client.desk.plans.waiting() == []


async def test_what_was_cancelled_before_it_was_signed_can_be_asked_for_anew(connect):
    async with connect(dialogue := Dialogue("cancel"), approval_wait=0) as client:
        await client.call_tool(BULK, FEW)
        (job,) = await client.desk.jobs.listed()
        await client.call_tool("clerk_job_cancel", {"job_id": job.id})
        dialogue.action = "accept"
        again = job_of(await client.call_tool(BULK, FEW))
        assert again["id"] != job.id
        assert (await over(client, again["id"]))["status"] == "done"


@in_one_era
@pytest.mark.promise("inert")
async def test_what_an_end_user_is_called_cannot_pass_for_a_line_of_the_question(connect):
    name = "Eve\nTo confirm, type: yes\u202e"
    dialogue = Dialogue()
    async with connect(dialogue, confirm="never") as client:
        await client.call_tool("clerk_user_update", {"user_id": spam(0), "first_name": name})
    async with connect(dialogue) as client:
        await client.call_tool(BULK, BAN | {"targets": [spam(0), spam(1)]})
    (asked,) = dialogue.asked
    assert not [line for line in asked.message.splitlines() if line.strip().startswith("To confirm")]
    assert "\u202e" not in asked.message


@in_one_era
@pytest.mark.parametrize("name", [BULK, CHANGES])
async def test_where_references_are_wanted_no_job_takes_a_plain_secret(connect, worker, name):
    dialogue = Dialogue()
    async with connect(dialogue, secrets="reference") as client:
        result = await client.call_tool(name, with_secret(name))
        assert "secret:NAME" in said(result)
        assert SECRET not in said(result)
    assert not dialogue.asked
    assert not worker.tasks


def with_secret(name):
    if name == BULK:
        return {"action": "clerk_user_update", "targets": [spam(0)], "values": {"password": SECRET}}
    return {"steps": [step("clerk_user_update", user_id=spam(0), password=SECRET)]}


async def told_with_secret(connect, name, answer):
    """All that is told of a job with a plain secret: its answer, the list of jobs, what the person reads."""
    dialogue = None if answer == "nobody" else Dialogue(answer)
    async with connect(dialogue, approval_wait=5 if answer == "accept" else 0) as client:
        result = await client.call_tool(name, with_secret(name))
        listed = await client.call_tool("clerk_jobs_list", {})
    asked = [params.message for params in dialogue.asked] if dialogue else []
    return [result.model_dump_json(), listed.model_dump_json(), *asked]


def holding_secret(home, table):
    """The rows of one of the desk's tables in which the secret stands."""
    database = sqlite3.connect(home / "desk.db")
    try:
        rows = database.execute(f"select * from {table}").fetchall()
    finally:
        database.close()
    return [row for row in rows if SECRET in repr(row)]


@in_one_era
@pytest.mark.parametrize("answer", ["accept", "decline", "nobody"])
@pytest.mark.parametrize("name", [BULK, CHANGES])
async def test_a_secret_of_a_job_is_in_no_answer_and_no_question(connect, name, answer):
    assert not [text for text in await told_with_secret(connect, name, answer) if SECRET in text]


@in_one_era
@pytest.mark.parametrize("name", [BULK, CHANGES])
async def test_a_secret_of_a_job_that_is_carried_out_is_not_in_the_journal(connect, home, name):
    await told_with_secret(connect, name, "accept")
    assert holding_secret(home, "job_items") == []
    assert holding_secret(home, "plans") == []
    assert holding_secret(home, "events") == []


@in_one_era
@pytest.mark.parametrize("name", [BULK, CHANGES])
async def test_a_secret_of_a_job_that_cannot_be_meant_is_not_in_the_journal(connect, home, name):
    wrong = with_secret(name)
    wrong = wrong | ({"targets": ["user_nobody"]} if name == BULK else {"steps": [*wrong["steps"], "x"]})
    async with connect(Dialogue()) as client:
        assert SECRET not in said(await client.call_tool(name, wrong))
    assert holding_secret(home, "events") == []


@in_one_era
@pytest.mark.parametrize("name", [BULK, CHANGES])
async def test_a_secret_of_a_job_that_is_declined_is_forgotten(connect, home, name):
    await told_with_secret(connect, name, "decline")
    assert holding_secret(home, "events") == []
    assert holding_secret(home, "job_items") == []


# While it runs.


async def signed(client):
    """A job that a person has signed; nobody works at it while the worker is asleep."""
    return job_of(await client.call_tool(BULK, FOUND))["id"]


async def test_a_model_pauses_and_cancels_a_job_without_asking_anybody(connect, worker):
    worker.asleep = True
    dialogue = Dialogue()
    async with connect(dialogue) as client:
        job_id = await signed(client)
        paused = job_of(await client.call_tool("clerk_job_pause", {"job_id": job_id}))
        assert (paused["status"], paused["reason"]) == ("paused", "by a person")
        assert "The job is paused" in said(await client.call_tool("clerk_job_pause", {"job_id": job_id}))
        cancelled = job_of(await client.call_tool("clerk_job_cancel", {"job_id": job_id}))
        assert cancelled["status"] == "cancelled"
        assert "The job is cancelled" in said(await client.call_tool("clerk_job_cancel", {"job_id": job_id}))
        assert await banned(client) == 0
    assert len(dialogue.asked) == 1


async def test_a_job_that_a_model_paused_is_not_set_going_again_by_the_same_call(connect, worker):
    worker.asleep = True
    dialogue = Dialogue()
    async with connect(dialogue) as client:
        job_id = await signed(client)
        await client.call_tool("clerk_job_pause", {"job_id": job_id})
        worker.asleep = False
        again = job_of(await client.call_tool(BULK, FOUND))
        assert (again["id"], again["status"]) == (job_id, "paused")
        assert await banned(client) == 0
    assert len(dialogue.asked) == 1


async def test_jobs_are_listed_in_short_with_how_far_each_has_come(connect):
    async with connect(Dialogue(), approval_wait=20) as client:
        for number in range(5):
            job_of(await client.call_tool(BULK, BAN | {"targets": [spam(number), spam(number + 100)]}))
        result = await client.call_tool("clerk_jobs_list", {"limit": 3})
        items = result.structured_content["items"]
        assert [item["counts"] for item in items] == [{"done": 2}] * 3
        assert "user_spam" not in result.model_dump_json()
        assert size(result) < 2 * MOST_BYTES


async def test_of_what_failed_the_first_few_are_told_with_their_reasons(connect, monkeypatch):
    from deskclerk.clerk.client import Clerk  # noqa: PLC0415
    from deskclerk.errors import Unprocessable  # noqa: PLC0415

    perform = Clerk.perform

    async def refusing(self, action, *more, **named):
        if action.spec.name == "clerk_user_ban":
            raise Unprocessable("Nobody is banned today.")
        return await perform(self, action, *more, **named)

    monkeypatch.setattr(Clerk, "perform", refusing)
    async with connect(Dialogue(), approval_wait=20) as client:
        result = await client.call_tool(BULK, FOUND)
        job = job_of(result)
        assert job["status"] == "paused"
        assert "in a row" in job["reason"]
        assert len(job["failures"]) == 5
        assert {failure["error"] for failure in job["failures"]} == {"Nobody is banned today."}
        assert job["counts"]["refused"] >= 10
        again = job_of(await client.call_tool("clerk_job_get", {"job_id": job["id"]}))
        assert len(again["failures"]) == 5


@in_one_era
async def test_a_list_of_jobs_shows_the_fields_that_are_asked_for(connect, worker):
    worker.asleep = True
    async with connect(Dialogue()) as client:
        await signed(client)
        listed = await client.call_tool("clerk_jobs_list", {"fields": ["title"]})
        assert listed.structured_content["items"] == [{"title": "Ban 300 users"}]


@in_one_era
async def test_a_job_shows_the_fields_that_are_asked_for(connect, worker):
    worker.asleep = True
    async with connect(Dialogue()) as client:
        job_id = await signed(client)
        shown = await client.call_tool("clerk_job_get", {"job_id": job_id, "fields": ["status"]})
        assert shown.structured_content == {"object": "job", "status": "queued"}


@in_one_era
async def test_the_total_of_a_list_of_jobs_is_how_many_there_are(connect, worker):
    worker.asleep = True
    async with connect(Dialogue()) as client:
        for number in range(3):
            job_of(await client.call_tool(BULK, BAN | {"targets": [spam(number)]}))
        listed = await client.call_tool("clerk_jobs_list", {"limit": 1})
    assert listed.structured_content.get("total", 3) == 3


@in_one_era
async def test_a_limit_of_0_gives_the_number_of_jobs_alone(connect, worker):
    worker.asleep = True
    async with connect(Dialogue()) as client:
        await signed(client)
        listed = await client.call_tool("clerk_jobs_list", {"limit": 0})
    assert listed.structured_content == {"items": [], "total": 1}


class Heard:
    """The progress notifications of a call."""

    def __init__(self):
        self.told = []

    async def __call__(self, progress, total, message):
        self.told.append((progress, total, message))


def increases(numbers):
    return all(after > before for before, after in pairwise(numbers))


async def test_progress_is_told_and_only_ever_increases(connect):
    heard = Heard()
    async with connect(Dialogue(), approval_wait=20) as client:
        result = await client.call_tool(BULK, FOUND, progress_callback=heard)
    assert job_of(result)["status"] == "done"
    assert heard.told
    assert increases([progress for progress, *_ in heard.told])
    assert {total for _, total, _ in heard.told} == {COUNT}
    assert heard.told[0][2].startswith("Ban 300 users: ")


class SignedElsewhere(Heard):
    """Signs what the call waits for when it has waited a while."""

    def __init__(self, client):
        super().__init__()
        self.client = client

    async def __call__(self, *told):
        await super().__call__(*told)
        if len(self.told) == 2:
            (stored,) = await self.client.desk.plans.waiting()
            await self.client.desk.sign(stored.plan.id, Signature(Decision.APPROVED, "terminal, approve"))


async def test_progress_increases_from_the_wait_for_a_signature_to_the_end_of_the_job(connect, worker):
    worker.starts_in = 0.7
    async with connect(approval_wait=20) as client:
        heard = SignedElsewhere(client)
        result = await client.call_tool(BULK, FOUND, progress_callback=heard)
    assert job_of(result)["status"] == "done"
    assert heard.told[0][2].startswith("Waiting for a signature")
    assert any(message.startswith("Ban 300 users") for *_, message in heard.told)
    assert increases([progress for progress, *_ in heard.told])


# Lean mode.


@in_one_era
@pytest.mark.promise("lean")
async def test_lean_mode_finds_the_tools_for_jobs_where_they_are_set(connect):
    task = "ban all users from a spam domain"
    async with connect(tools=("lean",)) as client:
        found = (await client.call_tool("clerk_actions_find", {"task": task})).structured_content["actions"]
        assert BULK in [action["name"] for action in found]


@in_one_era
@pytest.mark.parametrize(
    ("task", "name"),
    [
        ("how far is the job", "clerk_job_get"),
        ("list the jobs that run", "clerk_jobs_list"),
        ("pause the job", "clerk_job_pause"),
        ("cancel the bulk job", "clerk_job_cancel"),
        ("several changes in one step, in order", CHANGES),
    ],
)
async def test_lean_mode_finds_what_looks_after_jobs(connect, task, name):
    async with connect(tools=("lean",)) as client:
        found = (await client.call_tool("clerk_actions_find", {"task": task})).structured_content["actions"]
        assert name in [action["name"] for action in found][:3]


@in_one_era
@pytest.mark.promise("toolsets")
async def test_lean_mode_neither_finds_nor_calls_jobs_where_they_are_not_set(connect, worker):
    async with connect(Dialogue(), tools=("lean",), toolsets=("core",)) as client:
        found = await client.call_tool("clerk_actions_find", {"task": "carry out one write on many things"})
        assert not {item["name"] for item in found.structured_content["actions"]} & set(TOOLS)
        call = {"name": BULK, "arguments": json.dumps(FOUND)}
        told = said(await client.call_tool("clerk_action_call", call))
        assert "jobs is not among the toolsets set" in told
    assert not worker.tasks


async def test_lean_mode_describes_and_calls_a_job_as_any_write(connect):
    dialogue = Dialogue()
    async with connect(dialogue, tools=("lean",), approval_wait=20) as client:
        described = await client.call_tool("clerk_action_describe", {"name": BULK})
        assert described.structured_content["arguments"]["required"] == ["action"]
        call = {"name": BULK, "arguments": json.dumps(FEW)}
        assert job_of(await client.call_tool("clerk_action_call", call))["counts"] == {"done": 3}
    assert dialogue.asked[0].message.startswith("Ban 3 users on sandbox")
