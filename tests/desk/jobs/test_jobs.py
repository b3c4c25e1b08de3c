"""The door to jobs: what the policy lets through, how a job is signed, and several writes in order."""

import asyncio
import base64
import json
from dataclasses import replace

import httpx2
import pytest
from tests.desk.jobs.conftest import ME, MODEL, no, refusing, user, users, yes

from deskclerk.catalogue import (
    BanUser,
    CancelJob,
    CreateEnterpriseConnection,
    CreateOrganization,
    CreateOrgMembership,
    CreateUser,
    DeleteUser,
    GetJob,
    ListJobs,
    PauseJob,
    ProposeBulk,
    ProposeChanges,
    ResumeJob,
    RetryJob,
    SetUserProfileImage,
    UndoJob,
    UpdateUser,
)
from deskclerk.desk import Caller, Decision, Signature
from deskclerk.desk.caller import PlacedRules
from deskclerk.desk.jobs import jobs as door
from deskclerk.desk.jobs.drafts import item_of
from deskclerk.desk.jobs.job import (
    CANCELLED,
    DONE,
    PAUSED,
    PLANNED,
    QUEUED,
    REFUSED,
    STRUCK,
    WAITING,
)
from deskclerk.desk.jobs.jobs import Change
from deskclerk.desk.jobs.planning import Planner
from deskclerk.desk.plans.drafting import digest_of
from deskclerk.errors import (
    ApprovalNeeded,
    ApprovalRefused,
    InvalidRequest,
    NotAllowed,
    NotFound,
)
from deskclerk.settings import Rules

pytestmark = pytest.mark.anyio

JOBS_TOO = {"toolsets": ("core", "jobs")}
BAN = ProposeBulk(action="clerk_user_ban", targets=users(1, 3))
DELETE = ProposeBulk(action="clerk_user_delete", targets=users(1, 3))
SIGNED = Signature(Decision.APPROVED, "test")
DECLINED = Signature(Decision.DECLINED, "test")


class Person:
    """Somebody who signs, and remembers what was shown."""

    def __init__(self, decision=Decision.APPROVED):
        self.decision, self.shown = decision, []

    async def __call__(self, plan):
        self.shown.append(plan)
        return Signature(self.decision, "test")


def step(kind, **arguments):
    return json.dumps({"action": kind.spec.name, "arguments": arguments})


async def outcomes(work):
    return [(row["kind"], row["action"], row["outcome"]) for row in await work.desk.journal.recent(50)]


# What the policy lets through.


@pytest.mark.parametrize(
    ("settings", "action"),
    [
        ({"read_only": True}, BAN),
        ({"deny": ("clerk_bulk_propose",)}, BAN),
        ({"deny": ("clerk_user_delete",)}, DELETE),
        ({"access": "write"}, DELETE),
        ({"access": "read"}, BAN),
        ({"tools": ("clerk_users_*", "clerk_bulk_propose")}, BAN),
        ({"callers": {"mcp": {"deny": ("clerk_user_ban",)}}}, BAN),
        ({"deny": ("clerk_changes_propose",)}, ProposeChanges(steps=[step(BanUser, user_id=user(1))])),
        ({"access": "write"}, ProposeChanges(steps=[step(DeleteUser, user_id=user(1))])),
    ],
)
async def test_what_a_caller_may_not_do_once_it_may_not_do_often(opened, settings, action):
    async with opened(**JOBS_TOO, **settings) as work:
        person = Person()
        with pytest.raises(NotAllowed):
            await work.desk.perform(action, caller=MODEL, approver=person)
        with pytest.raises(NotAllowed):
            await work.desk.propose(action, MODEL)
        assert person.shown == []
        assert await work.sql("select count(*) from jobs") == [(0,)]
        assert {outcome for kind, _, outcome in await outcomes(work) if kind == "refused"} == {"not_allowed"}
        assert work.wire.writes == []


async def test_the_same_rules_hold_for_python_imports_undo_and_retries(opened, tmp_path):
    file = tmp_path / "users.csv"
    file.write_text("email_address\nnew@people.example\n")
    async with opened() as work:
        work.wire.trouble = refusing(422, user(2))
        job = await work.do(BanUser, users(1, 3))
        work.wire.trouble = None
    async with opened(deny=("clerk_user_unban", "clerk_user_create", "clerk_user_ban")) as work:
        for asked in (
            work.propose(BanUser, users(4, 5)),
            work.desk.jobs.propose_changes([Change(BanUser, {"user_id": user(4)})], ME),
            work.desk.jobs.propose_import("users", file, ME),
            work.desk.jobs.propose_undo(job.id, ME),
            work.desk.jobs.propose_retry(job.id, ME),
        ):
            with pytest.raises(NotAllowed):
                await asked
        assert await work.sql("select count(*) from jobs") == [(1,)]


async def test_a_model_has_jobs_only_where_the_toolset_is_set(opened):
    async with opened() as work:
        with pytest.raises(NotAllowed, match="jobs is not among the toolsets set"):
            await work.desk.perform(BAN, caller=MODEL, approver=yes)
        with pytest.raises(NotAllowed):
            await work.desk.perform(ListJobs(), caller=MODEL)
        assert not any(action.spec.by_desk for action in work.desk.actions(MODEL))
    async with opened(**JOBS_TOO) as work:
        assert sum(action.spec.by_desk for action in work.desk.actions(MODEL)) == 6
        answer = await work.desk.perform(BAN, caller=MODEL, approver=yes)
        assert answer.value["status"] == QUEUED


async def test_resuming_retrying_and_undoing_are_for_people(opened):
    async with opened(**JOBS_TOO) as work:
        job = await work.start(await work.propose(BanUser, users(1, 3)))
        await work.desk.perform(PauseJob(job_id=job.id), caller=MODEL)
        with pytest.raises(NotAllowed, match="A person lets a job go on"):
            await work.desk.perform(ResumeJob(job_id=job.id), caller=MODEL)
        assert (await work.store.load(job.id)).status == PAUSED


@pytest.mark.parametrize(
    "action",
    [
        ProposeBulk(action="clerk_user_update", values={"password": "correct-horse-9"}, targets=users(1, 2)),
        ProposeChanges(steps=[step(UpdateUser, user_id=user(1), password="correct-horse-9")]),
    ],
)
async def test_a_model_gives_secrets_by_reference_where_that_is_set(opened, action):
    async with opened(**JOBS_TOO, secrets="reference") as work:
        with pytest.raises(InvalidRequest, match="a secret is taken as a reference only"):
            await work.desk.propose(action, MODEL)


@pytest.mark.parametrize(
    "action",
    [
        ProposeBulk(action="clerk_user_update", values={"password": "correct-horse-9"}, targets=["user_no"]),
        ProposeChanges(steps=[step(UpdateUser, user_id="user_no", password="correct-horse-9")]),
    ],
)
async def test_a_secret_in_a_proposal_that_is_refused_is_nowhere_on_disk(opened, action):
    async with opened(**JOBS_TOO) as work:
        with pytest.raises((InvalidRequest, NotFound)):
            await work.desk.propose(action, MODEL)
        assert "correct-horse" not in await work.all_that_is_stored()


async def test_a_secret_in_a_proposal_that_was_carried_out_is_nowhere_on_disk(opened):
    values = {"password": "correct-horse-9", "skip_password_checks": True}
    asked = ProposeBulk(action="clerk_user_update", values=values, targets=users(1, 2))
    async with opened(**JOBS_TOO) as work:
        answer = await work.desk.perform(asked, caller=MODEL, approver=yes)
        job = await work.carry_out(await work.store.load(answer.value["id"]))
        assert job.counts == {"done": 2}
        assert "correct-horse" not in await work.all_that_is_stored()


@pytest.mark.promise("withheld-at-any-depth")
async def test_a_file_travels_with_its_step_and_is_kept_no_longer(opened):
    picture = base64.b64encode(b"\x89PNG\r\n\x1a\n" + bytes(200)).decode()
    steps = [step(SetUserProfileImage, user_id=user(number), file=picture) for number in (1, 2)]
    async with opened(toolsets=("core", "users-plus", "jobs")) as work:
        answer = await work.desk.perform(ProposeChanges(steps=steps), caller=MODEL, approver=yes)
        job = await work.carry_out(await work.store.load(answer.value["id"]))
        assert job.counts == {"done": 2}
        assert (await work.user(1))["has_image"] is True
        stored = await work.all_that_is_stored()
        assert "[image/png, 208 bytes, sha256 " in stored
        assert picture not in stored


def test_a_step_whose_secret_is_gone_is_not_sent_with_the_mark_in_its_place():
    oidc = {"client_id": "acme", "client_secret": "correct-horse-9"}
    action = CreateEnterpriseConnection.parse(
        {"name": "Acme", "provider": "oidc_custom", "domains": ["acme.test"], "oidc": oidc}
    )
    item = item_of(action, 1, "Acme", None)
    assert item.built() == action
    with pytest.raises(InvalidRequest, match=r"oidc\.client_secret: its value is not kept"):
        replace(item, secrets=None).built()


@pytest.mark.promise("withheld-at-any-depth")
def test_a_digest_binds_a_nested_secret_by_its_seal_alone():
    def digest(secret, seals):
        given = {"name": "Acme", "provider": "oidc_custom", "domains": ["acme.test"]}
        action = CreateEnterpriseConnection.parse(given | {"oidc": {"client_secret": secret}})
        return digest_of(action, "ins_1", None, seals)

    # A plain hash of it would give it away to whoever can guess.
    assert digest("one", {}) == digest("two", {})
    assert digest("one", {"oidc.client_secret": "a"}) != digest("one", {"oidc.client_secret": "b"})


async def test_a_job_is_for_the_pinned_instance_only(opened):
    async with opened(pin="ins_other") as work:
        for asked in (
            work.propose(BanUser, users(1, 2)),
            work.desk.jobs.propose_changes([Change(BanUser, {"user_id": user(1)})], ME),
        ):
            with pytest.raises(NotAllowed, match="pin is ins_other"):
                await asked
        assert await work.sql("select count(*) from jobs") == [(0,)]
    async with opened(pin="ins_2sandbox0000000000000000000") as work:
        assert (await work.propose(BanUser, users(1, 2))).job.count == 2


async def test_a_signed_number_of_deletions_is_beside_the_cap_of_single_ones(opened):
    async with opened(destructive_per_hour=1) as work:
        job = await work.do(DeleteUser, users(1, 3))
        assert job.counts == {"done": 3}
        await work.desk.perform(DeleteUser(user_id=user(4)), approver=yes)
        with pytest.raises(NotAllowed, match="destructive_per_hour is 1"):
            await work.desk.perform(DeleteUser(user_id=user(5)), approver=yes)
        assert len(work.wire.writes) == 4


@pytest.mark.parametrize(
    ("confirm", "kind", "asked"),
    [
        ("destructive", BanUser, 0),
        ("destructive", DeleteUser, 1),
        ("never", DeleteUser, 0),
        ("write", BanUser, 1),
    ],
)
async def test_the_policy_says_whether_a_job_is_signed(opened, confirm, kind, asked):
    person = Person()
    async with opened(confirm=confirm) as work:
        plan = await work.propose(kind, users(1, 2))
        job = await work.desk.jobs.run(plan, ME, approver=person)
        assert job.status == QUEUED
    assert len(person.shown) == asked


async def test_no_job_begins_where_only_reads_are_allowed(opened):
    async with opened() as work:
        plan = await work.propose(BanUser, users(1, 2))
    async with opened(read_only=True) as work:
        with pytest.raises(NotAllowed):
            await work.desk.sign(plan.id, SIGNED)
    async with opened() as work:
        # Nothing was kept of that yes; where it may begin, another sets it going.
        assert (await work.desk.plans.load(plan.id)).status == "waiting"
        await work.desk.sign(plan.id, SIGNED)
        assert (await work.store.load(plan.job.id)).status == QUEUED


@pytest.mark.parametrize("changes", [False, True])
async def test_a_signed_job_that_can_begin_no_more_is_closed_and_hides_no_other(opened, changes):
    async with opened() as work:
        plan, good = [await work.propose(BanUser, users(number, number)) for number in (1, 2)]
        # Whoever took the signature died before it had set the job going.
        async with work.desk.journal.writing() as connection:
            await work.desk.plans.sign(connection, plan, "cli")
        if changes:
            async with work.desk.journal.writing() as connection:
                await work.desk.plans.sign(connection, good, "cli")
            other = f"""update job_items set arguments = '{{"user_id": "{user(3)}"}}' """
            await work.sql(f"{other} where job = '{plan.job.id}'")
    async with opened(read_only=not changes) as work:
        await work.desk.jobs.look_after()
        stored = await work.desk.plans.load(plan.id)
        how = "changed" if changes else "This is not allowed here: read_only is set."
        assert (stored.status, stored.how) == ("dismissed", how)
        assert (await work.store.load(plan.job.id)).status == "cancelled"
        assert (await work.store.load(good.job.id)).status == (QUEUED if changes else PLANNED)
        refusal = "approval_refused" if changes else "not_allowed"
        assert ("refused", "clerk_bulk_propose", refusal) in await outcomes(work)


# Signed.


async def test_a_job_that_nobody_signed_waits_and_begins_when_somebody_does(opened):
    async with opened(**JOBS_TOO) as work:
        with pytest.raises(ApprovalNeeded) as caught:
            await work.desk.perform(BAN, caller=MODEL)
        plan = await work.desk.propose(BAN, MODEL)
        # It is the very plan that waits.
        assert plan.id == caught.value.plan_id
        assert (await work.store.load(plan.job.id)).status == PLANNED
        assert await work.store.with_status(QUEUED) == []
        await work.desk.sign(plan.id, SIGNED, caller=Caller("cli"))
        job = await work.store.load(plan.job.id)
        assert job.status == QUEUED
        assert job.caller == MODEL
        assert (await work.carry_out(job)).counts == {"done": 3}
        assert ("decided", "clerk_bulk_propose", "signed") in await outcomes(work)


async def test_a_job_that_is_signed_elsewhere_leaves_a_dialogue_that_nobody_answers(opened):
    shown, withdrawn = asyncio.Queue(), asyncio.Event()

    async def swallowed(plan):
        shown.put_nowait(plan)
        try:
            await asyncio.Event().wait()
        finally:
            withdrawn.set()

    async with opened() as work, asyncio.timeout(20):
        plan = await work.propose(BanUser, users(1, 2))
        asked = asyncio.ensure_future(work.desk.jobs.run(plan, ME, approver=swallowed))
        await shown.get()
        await work.desk.sign(plan.id, SIGNED, caller=ME)
        job = await asked
    assert withdrawn.is_set()
    assert (job.id, job.run) == (plan.job.id, 1)


async def test_a_signature_starts_a_worker_and_a_plan_does_not(opened, monkeypatch):
    started = []
    monkeypatch.setattr(door, "start_worker", lambda *which: started.append(which[2].id))
    async with opened() as work:
        await work.desk.jobs.look_after()
        plan = await work.propose(BanUser, users(1, 2))
        await work.desk.jobs.look_after()
        assert started == []
        await work.start(plan)
        assert started == [work.desk.instance.id]
        await work.desk.jobs.look_after()
        assert len(started) == 2
    async with opened(secret_key="sk_test_other") as work:
        # It is nobody's here.
        await work.desk.jobs.look_after()
        assert len(started) == 2


async def test_what_a_person_declined_is_not_asked_for_again(opened):
    person = Person(Decision.DECLINED)
    async with opened(**JOBS_TOO) as work:
        with pytest.raises(ApprovalRefused, match="the person declined"):
            await work.desk.perform(BAN, caller=MODEL, approver=person)
        for caller in (MODEL, Caller("mcp", "another client")):
            with pytest.raises(ApprovalRefused, match="the person declined"):
                await work.desk.perform(BAN, caller=caller, approver=person)
        assert len(person.shown) == 1
        # Other targets are another question.
        other = ProposeBulk(action="clerk_user_ban", targets=users(1, 4))
        assert (await work.desk.propose(other, MODEL)).job.count == 4
        assert work.wire.writes == []


async def test_a_no_from_elsewhere_counts_as_well_and_the_job_never_begins(opened):
    async with opened(**JOBS_TOO) as work:
        plan = await work.desk.propose(BAN, MODEL)
        await work.desk.sign(plan.id, DECLINED)
        with pytest.raises(ApprovalRefused, match="the person declined"):
            await work.desk.perform(BAN, caller=MODEL, approver=yes)
        with pytest.raises(ApprovalRefused, match="declined is final"):
            await work.desk.sign(plan.id, SIGNED)
        with pytest.raises(ApprovalRefused):
            await work.desk.jobs.run(plan, ME, approver=no)
        with pytest.raises(ApprovalRefused):
            await work.desk.jobs.run(plan, ME, approver=yes)
        assert (await work.store.load(plan.job.id)).status == CANCELLED


async def test_a_declined_job_keeps_no_secrets(work):
    values = {"password": "correct-horse-9"}
    plan = await work.propose(UpdateUser, users(1, 2), values=values)
    await work.desk.sign(plan.id, DECLINED)
    await work.store.sweep()
    assert "correct-horse" not in await work.all_that_is_stored()


async def test_a_signature_begins_one_run_of_one_job(work):
    plan = await work.propose(BanUser, users(1, 3))
    await work.desk.sign(plan.id, SIGNED)
    with pytest.raises(ApprovalRefused, match="used already"):
        await work.desk.sign(plan.id, SIGNED)
    # Whoever brings a yes along once more is told of the job that runs.
    assert (await work.start(plan)).run == 1
    await work.carry_out(await work.store.load(plan.job.id))
    assert (await work.start(plan)).status == DONE
    with pytest.raises(ApprovalRefused, match="used already"):
        await work.desk.sign(plan.id, SIGNED)
    assert len(work.wire.writes) == 3


async def test_two_signatures_at_the_same_time_set_it_going_once(work):
    plan = await work.propose(BanUser, users(1, 3))
    results = await asyncio.gather(
        *(work.desk.sign(plan.id, SIGNED) for _ in range(3)), work.start(plan), return_exceptions=True
    )
    assert sum(isinstance(one, ApprovalRefused) for one in results) >= 2
    assert (await work.store.load(plan.job.id)).run == 1
    assert (await work.carry_out(await work.store.load(plan.job.id))).counts == {"done": 3}
    assert len(work.wire.writes) == 3


async def test_a_call_that_waits_for_a_signature_is_told_of_the_job_and_the_signer_of_no_fault(
    opened, monkeypatch
):
    digest = Planner.digest

    async def slowly(planner, job_id):
        # As over a hundred thousand items.
        await asyncio.sleep(0.3)
        return await digest(planner, job_id)

    monkeypatch.setattr(Planner, "digest", slowly)
    monkeypatch.setattr("deskclerk.desk.approvals.signing._POLL_SECONDS", 0.05)
    async with opened(**JOBS_TOO, approval_wait=4) as work:
        call = asyncio.create_task(work.desk.perform(BAN, caller=MODEL))
        while not (waiting := await work.desk.plans.waiting()):  # noqa: ASYNC110 - nobody tells
            await asyncio.sleep(0.01)
        signed, told = await asyncio.gather(
            work.desk.sign(waiting[0].plan.id, SIGNED), call, return_exceptions=True
        )
        assert not isinstance(signed, Exception), signed
        assert not isinstance(told, Exception), told
        assert told.value["status"] == QUEUED


async def test_the_same_call_is_answered_with_its_plan_then_with_its_job_and_then_with_a_new_plan(opened):
    person = Person()
    async with opened(**JOBS_TOO) as work:
        plan = await work.desk.propose(BAN, MODEL)
        assert (await work.desk.propose(BAN, MODEL)).id == plan.id
        # Who waits is told of its own plan, not of another caller's.
        assert (await work.desk.propose(BAN, Caller("mcp", "another"))).id != plan.id
        await work.desk.sign(plan.id, SIGNED)
        job = await work.store.load(plan.job.id)
        assert await work.desk.propose(BAN, MODEL) is None
        answer = await work.desk.perform(BAN, caller=MODEL, approver=person)
        assert answer.value["id"] == job.id
        await work.desk.jobs.pause(job.id, ME)
        answer = await work.desk.perform(BAN, caller=MODEL, approver=person)
        assert (answer.value["id"], answer.value["status"]) == (job.id, PAUSED)
        assert person.shown == []
        await work.carry_out(await work.desk.jobs.resume(job.id, ME))
        await work.ask("POST", f"/users/{user(2)}/unban")
        again = await work.desk.propose(BAN, MODEL)
        assert again.id != plan.id
        assert again.job.count == 1


async def test_a_caller_whom_rules_narrow_asks_twice_for_the_same_and_one_plan_waits(opened):
    narrowed = replace(MODEL, rules=(PlacedRules(" for agent bot", Rules(access="destructive"), ""),))
    async with opened(**JOBS_TOO) as work:
        plan = await work.desk.propose(BAN, narrowed)
        with pytest.raises(ApprovalNeeded) as waits:
            await work.desk.perform(BAN, caller=narrowed)
        assert waits.value.plan_id == plan.id
        assert [stored.plan.id for stored in await work.desk.plans.waiting()] == [plan.id]
        # Somebody else's it is not.
        assert (await work.desk.propose(BAN, replace(narrowed, person="prs_2"))).id != plan.id


async def test_the_same_call_is_answered_with_its_job_however_long_that_runs(opened, monkeypatch):
    async with opened(**JOBS_TOO) as work:
        plan = await work.desk.propose(BAN, MODEL)
        await work.desk.sign(plan.id, SIGNED)
        await work.store.own(plan.job.id, "run_1")
        monkeypatch.setattr("deskclerk.desk.plans.store.now", lambda: plan.expires_at + 1)
        answer = await work.desk.perform(BAN, caller=MODEL, approver=yes)
        assert answer.value["id"] == plan.job.id


async def test_a_job_and_its_plan_are_for_one_instance(opened):
    async with opened() as work:
        plan = await work.propose(BanUser, users(1, 2))
        job = await work.start(await work.propose(BanUser, users(3, 4)))
    async with opened(secret_key="sk_test_other") as work:
        with pytest.raises(ApprovalRefused, match="for another instance"):
            await work.desk.sign(plan.id, SIGNED)
        with pytest.raises(ApprovalRefused):
            await work.desk.jobs.run(plan, ME, approver=yes)
        with pytest.raises(ApprovalRefused):
            await work.desk.jobs.strike(plan.id, [1])
        for change in (
            work.desk.jobs.pause,
            work.desk.jobs.cancel,
            work.desk.jobs.resume,
            work.desk.jobs.propose_retry,
            work.desk.jobs.propose_undo,
        ):
            with pytest.raises(NotAllowed, match="for another instance"):
                await change(job.id, ME)
        with pytest.raises(NotAllowed):
            await work.desk.perform(GetJob(job_id=job.id))
        assert await work.desk.jobs.listed() == []
        assert (await work.store.load(job.id)).status == QUEUED
        assert work.wire.passed == []


async def test_a_plan_that_has_expired_begins_nothing(work, monkeypatch):
    plan = await work.propose(BanUser, users(1, 2))
    monkeypatch.setattr("deskclerk.desk.plans.store.now", lambda: plan.expires_at + 1)
    with pytest.raises(ApprovalRefused, match="expired"):
        await work.desk.sign(plan.id, SIGNED)
    with pytest.raises(ApprovalRefused):
        await work.start(plan)
    assert (await work.store.load(plan.job.id)).status == CANCELLED


async def test_a_job_that_was_cancelled_before_it_was_signed_cannot_begin(work):
    plan = await work.propose(BanUser, users(1, 2))
    await work.desk.jobs.cancel(plan.job.id, ME)
    with pytest.raises(ApprovalRefused):
        await work.desk.sign(plan.id, SIGNED)
    with pytest.raises(ApprovalRefused, match="closed already"):
        await work.start(plan)
    assert (await work.store.load(plan.job.id)).status == CANCELLED


async def test_the_signers_pin_signs_a_job_too(work):
    await work.desk.signer.set("246810", ME)
    plan = await work.propose(BanUser, users(1, 2))
    with pytest.raises((ApprovalRefused, ApprovalNeeded, InvalidRequest)):
        await work.desk.sign(plan.id, SIGNED)
    assert (await work.store.load(plan.job.id)).status == PLANNED
    await work.desk.sign(plan.id, SIGNED, pin="246810")
    assert (await work.store.load(plan.job.id)).status == QUEUED


# Bound.


TAMPERING = {
    "another target": 'update job_items set arguments = \'{"user_id": "user_00030"}\' where number = 2',
    "another write": "update job_items set action = 'clerk_user_lock' where number = 2",
    "one more": "insert into job_items (job, number, action, arguments, name, status) "
    'select job, 99, action, \'{"user_id": "user_00030"}\', name, status from job_items where number = 1',
    "one that was left out": "update job_items set status = 'waiting' where number = 4",
    "one less": "delete from job_items where number = 1",
    "as an undo of something": "update job_items set undoes = 'ent_1' where number = 1",
    "for another target's state": "update job_items set target = 'x' where number = 1",
    "in another place": "update job_items set number = 50 where number = 2",
}


@pytest.mark.parametrize("how", TAMPERING)
@pytest.mark.parametrize("when", ["before the signature", "between the signature and the start"])
@pytest.mark.promise("a-job-is-frozen-and-shown")
async def test_what_was_changed_on_disk_since_it_was_planned_does_not_begin(work, how, when):
    await work.ask("POST", f"/users/{user(4)}/ban")
    plan = await work.propose(BanUser, users(1, 4))
    if when == "before the signature":
        await work.sql(TAMPERING[how])
        with pytest.raises(ApprovalRefused, match="not what is there now"):
            await work.desk.sign(plan.id, SIGNED)
    else:
        await work.desk.decisions.decide(plan.id, SIGNED, ME)
        await work.sql(TAMPERING[how])
        with pytest.raises(ApprovalRefused, match="not what is there now"):
            await work.desk.jobs.run(plan, ME)
    assert (await work.store.load(plan.job.id)).run == 0
    with pytest.raises(ApprovalRefused):
        await work.start(plan)
    assert work.wire.writes == []


async def test_another_secret_on_disk_does_not_begin(work):
    plan = await work.propose(UpdateUser, users(1, 2), values={"password": "correct-horse-9"})
    await work.sql('update job_items set secrets = \'{"password": "another-one-9"}\' where number = 1')
    with pytest.raises(ApprovalRefused, match="not what is there now"):
        await work.desk.sign(plan.id, SIGNED)


# What is told.


async def test_a_model_is_told_counts_and_the_first_failures_and_never_the_targets(opened):
    async with opened(**JOBS_TOO) as work:
        work.wire.trouble = refusing(422, *users(1, 9))
        job = await work.do(BanUser, users(1, 40))
        answer = (await work.desk.perform(GetJob(job_id=job.id), caller=MODEL)).value
        assert answer["counts"] == job.as_dict()["counts"]
        assert len(answer["failures"]) == 5
        text = json.dumps(answer)
        assert "p40@people.example" not in text
        listed = (await work.desk.perform(ListJobs(), caller=MODEL)).value
        assert [one["id"] for one in listed["items"]] == [job.id]
        assert "people.example" not in json.dumps(listed)


async def test_a_model_may_pause_and_cancel_and_that_is_journalled(opened):
    async with opened(**JOBS_TOO) as work:
        job = await work.start(await work.propose(BanUser, users(1, 3)))
        answer = await work.desk.perform(PauseJob(job_id=job.id), caller=MODEL)
        assert answer.value["status"] == PAUSED
        answer = await work.desk.perform(CancelJob(job_id=job.id), caller=MODEL)
        assert answer.value["status"] == CANCELLED
        found = await outcomes(work)
        assert ("decided", "clerk_job_pause", "paused") in found
        assert ("decided", "clerk_job_cancel", "cancelled") in found
        with pytest.raises(InvalidRequest, match="no job has this id"):
            await work.desk.perform(GetJob(job_id="job_nothing"), caller=MODEL)


async def test_people_take_back_and_try_again_by_the_same_calls(work):
    work.wire.trouble = refusing(422, user(2))
    job = await work.do(BanUser, users(1, 3))
    work.wire.trouble = None
    with pytest.raises(ApprovalNeeded):
        await work.desk.perform(RetryJob(job_id=job.id))
    answer = await work.desk.perform(RetryJob(job_id=job.id), approver=yes)
    assert (answer.value["retries"], answer.value["total"]) == (job.id, 1)
    answer = await work.desk.perform(UndoJob(job_id=job.id), approver=yes)
    assert (answer.value["undoes"], answer.value["total"]) == (job.id, 2)
    undo = await work.carry_out(await work.store.load(answer.value["id"]))
    assert undo.counts == {"done": 2}
    assert await work.banned() == set()


async def test_whoever_waits_is_told_how_far_it_has_come(work, monkeypatch):
    monkeypatch.setattr(door, "_POLL_SECONDS", 0.01)
    told = []

    async def progress(done, total, words):
        told.append((done, total, words))

    job = await work.start(await work.propose(BanUser, users(1, 3)))
    assert (await work.desk.jobs.wait(job.id, seconds=0)).status == QUEUED
    waiting = asyncio.create_task(work.desk.jobs.wait(job.id, progress=progress))
    while not told:  # noqa: ASYNC110 - nobody tells
        await asyncio.sleep(0.01)
    await work.carry_out(job)
    assert (await waiting).status == DONE
    assert told[0] == (0, 3, "Ban 3 users: 0 of 3")
    # Only what is new.
    assert len(told) == len(set(told))


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        ({"action": "clerk_user_ban"}, "give one of the two: where, or targets"),
        ({"action": "clerk_user_ban", "where": {}, "targets": []}, "give one of the two: where, or targets"),
        ({"action": "clerk_user_bann", "targets": ["user_1"]}, "did you mean clerk_user_ban?"),
        ({"action": "clerk_users_list", "targets": ["user_1"]}, "is no write of Clerk's"),
        ({"action": "clerk_user_ban", "where": {"limit": 5}}, "limit is no filter"),
        ({"action": "clerk_user_ban", "where": {"colour": "red"}}, "colour"),
    ],
)
async def test_a_wrong_proposal_is_refused_and_journalled(opened, arguments, problem):
    async with opened(**JOBS_TOO) as work:
        with pytest.raises(InvalidRequest) as caught:
            await work.desk.propose(ProposeBulk(**arguments), MODEL)
        assert problem in str(caught.value)
        assert ("refused", "clerk_bulk_propose", "invalid_request") in await outcomes(work)
        assert await work.sql("select count(*) from jobs") == [(0,)]


async def test_a_model_names_filters_or_targets_and_values(opened):
    async with opened(**JOBS_TOO) as work:
        found = await work.desk.propose(
            ProposeBulk(action="user_lock", where={"organization_id": ["acme"]}), MODEL
        )
        assert found.job.count == 4
        named = await work.desk.propose(
            ProposeBulk(
                action="clerk_user_update", targets=["p7@people.example"], values={"first_name": "New"}
            ),
            MODEL,
        )
        assert named.job.count == 1
        everybody = await work.desk.propose(ProposeBulk(action="clerk_user_ban", where={}), MODEL)
        assert everybody.job.count == 40
        assert "All users that there are" in everybody.lines()


# Several in order.


def rename(number, name):
    return Change(UpdateUser, {"user_id": user(number), "first_name": name})


async def changes(work, *steps):
    return await work.desk.jobs.propose_changes(steps, ME)


@pytest.mark.promise("changes-in-order")
async def test_steps_are_shown_in_full_and_carried_out_in_their_order(work):
    plan = await changes(
        work, rename(3, "C"), Change(BanUser, {"user_id": "p1@people.example"}), rename(2, "B")
    )
    assert plan.lines() == [
        "3 changes on sandbox",
        "In this order; the first that fails stops the rest.",
        "1. Update user: Person 3 p3@people.example (user_00003)",
        "  first_name: Person → C",
        "  Can be taken back: the old values are in the journal.",
        "2. Ban user: Person 1 p1@people.example (user_00001)",
        "  banned: false → true",
        "  Reach: ends 2 active sessions",
        "  Reach: member of Acme",
        "  Reach: last admin of Acme",
        "  Can be taken back with Unban user; ended sessions stay ended.",
        "3. Update user: Person 2 p2@people.example (user_00002)",
        "  first_name: Person → B",
        "  Can be taken back: the old values are in the journal.",
    ]
    assert plan.words == ("3 changes on sandbox",)
    job = await work.carry_out(await work.start(plan))
    assert (job.status, job.counts) == (DONE, {"done": 3})
    assert [path for _, path in work.wire.writes] == [
        f"/users/{user(3)}",
        f"/users/{user(1)}/ban",
        f"/users/{user(2)}",
    ]


async def test_a_step_uses_what_an_earlier_one_makes(work):
    plan = await changes(
        work,
        Change(CreateOrganization, {"name": "New", "created_by": user(1)}),
        Change(CreateOrgMembership, {"organization_id": "$1.id", "user_id": user(2), "role": "org:member"}),
        rename(3, "C"),
        Change(CreateUser, {"email_address": ["n@people.example"], "skip_password_requirement": True}),
        Change(CreateOrgMembership, {"organization_id": "$1.id", "user_id": "$4.id", "role": "org:admin"}),
    )
    assert plan.job.count == 5
    job = await work.carry_out(await work.start(plan))
    assert (job.status, job.counts) == (DONE, {"done": 5}), job.reason
    items = await work.items(job.id)
    members = await work.ask("GET", f"/organizations/{items[0].made}/memberships")
    assert {(one["public_user_data"]["user_id"], one["role"]) for one in members["data"]} == {
        (user(1), "org:admin"),
        (user(2), "org:member"),
        (items[3].made, "org:admin"),
    }


@pytest.mark.parametrize("reference", ["$2.id", "$3.id", "$9.id", "$1.id"])
async def test_a_step_can_only_name_an_earlier_one_that_makes_something(work, reference):
    with pytest.raises(InvalidRequest, match="step 2"):
        await changes(
            work,
            rename(1, "A"),
            Change(
                CreateOrgMembership, {"organization_id": reference, "user_id": user(1), "role": "org:member"}
            ),
            Change(CreateOrganization, {"name": "New", "created_by": user(1)}),
        )
    assert await work.sql("select count(*) from jobs") == [(0,)]


async def test_all_that_is_wrong_with_steps_is_told_and_nothing_is_stored(work):
    with pytest.raises(InvalidRequest) as caught:
        await changes(
            work,
            Change(UpdateUser, {"user_id": user(1)}),
            rename(2, "B"),
            Change(CreateOrganization, {"name": 5}),
        )
    assert {where.partition(":")[0] for where, _ in caught.value.problems} == {"step 1", "step 3"}
    with pytest.raises(InvalidRequest, match="give at least one step"):
        await changes(work)
    assert await work.sql("select count(*) from jobs") == [(0,)]
    assert await work.sql("select count(*) from job_items") == [(0,)]


@pytest.mark.promise("changes-in-order")
async def test_the_step_that_fails_stops_the_rest_and_is_tried_again_when_it_is_resumed(work):
    job = await work.start(await changes(work, rename(1, "A"), rename(2, "B"), rename(3, "C")))
    work.wire.trouble = refusing(422, user(2))
    job = await work.carry_out(job)
    assert job.status == PAUSED
    assert job.reason.startswith("step 2 was not done: ")
    assert [item.status for item in await work.items(job.id)] == ["done", REFUSED, WAITING]
    job = await work.carry_out(await work.desk.jobs.resume(job.id, ME), "run_2")
    assert job.status == PAUSED
    assert len(work.wire.writes) == 3
    work.wire.trouble = None
    job = await work.carry_out(await work.desk.jobs.resume(job.id, ME), "run_3")
    assert (job.status, job.counts) == (DONE, {"done": 3})
    assert [(await work.user(number))["first_name"] for number in (1, 2, 3)] == ["A", "B", "C"]


async def test_a_lost_step_stops_the_rest(work):
    job = await work.start(await changes(work, rename(1, "A"), rename(2, "B")))

    async def lose(request, go_on):
        if request.method == "GET":
            return await go_on(request)
        raise httpx2.ReadTimeout("gone")

    work.wire.trouble = lose
    job = await work.carry_out(job)
    assert job.status == PAUSED
    assert [item.status for item in await work.items(job.id)] == ["unknown", WAITING]


async def test_a_target_that_changed_between_the_signature_and_its_turn_stops_it(work):
    plan = await changes(work, rename(1, "A"), Change(BanUser, {"user_id": user(2)}), rename(3, "C"))
    job = await work.start(plan)
    await work.ask("PATCH", f"/users/{user(2)}", first_name="Eve")
    job = await work.carry_out(job)
    assert job.status == PAUSED
    assert "the target changed in between" in job.reason
    assert [item.status for item in await work.items(job.id)] == ["done", REFUSED, WAITING]
    assert await work.banned() == set()
    assert (await work.user(3))["first_name"] == "Person"


async def test_a_target_that_is_gone_stops_it(work):
    job = await work.start(await changes(work, rename(1, "A"), rename(2, "B")))
    await work.ask("DELETE", f"/users/{user(1)}")
    job = await work.carry_out(job)
    assert job.status == PAUSED
    assert "not there any more" in job.reason
    assert work.wire.writes == []


async def test_two_steps_may_change_one_and_the_same(work):
    plan = await changes(work, rename(1, "A"), Change(BanUser, {"user_id": user(1)}))
    job = await work.carry_out(await work.start(plan))
    assert (job.status, job.reason) == (DONE, None)
    assert await work.banned() == {1}


def slow_down_once(*those):
    told = []

    async def trouble(request, go_on):
        one = next((one for one in those if one in request.url.path), None)
        if request.method == "GET" or one is None or one in told:
            return await go_on(request)
        told.append(one)
        body = {"errors": [{"message": "slow down", "code": "rate_limited"}]}
        return httpx2.Response(429, json=body, headers={"retry-after": "0.05"})

    return trouble


async def test_a_step_that_clerk_refuses_for_the_moment_is_the_next_one_still(work):
    job = await work.start(await changes(work, rename(1, "A"), rename(2, "B"), rename(3, "C")))
    work.wire.trouble = slow_down_once(user(1))
    job = await work.carry_out(job)
    assert (job.status, job.counts) == (DONE, {"done": 3})
    assert [path for _, path in work.wire.writes] == [f"/users/{user(number)}" for number in (1, 1, 2, 3)]


async def test_what_needs_a_step_that_clerk_refuses_for_the_moment_waits_for_it(work):
    plan = await changes(
        work,
        Change(CreateOrganization, {"name": "New", "created_by": user(1)}),
        Change(CreateOrgMembership, {"organization_id": "$1.id", "user_id": user(2), "role": "org:member"}),
    )
    work.wire.trouble = slow_down_once("/organizations")
    job = await work.carry_out(await work.start(plan))
    assert (job.status, job.counts) == (DONE, {"done": 2})


# Struck out.


async def test_a_struck_step_is_not_done_and_the_signature_is_for_what_is_left(work):
    plan = await changes(work, rename(1, "A"), rename(2, "B"), rename(3, "C"))
    left = await work.desk.jobs.strike(plan.id, [2])
    assert left.id == plan.id
    assert left.digest != plan.digest
    assert left.expires_at == plan.expires_at
    assert [one.number for one in left.job.steps] == [1, 3]
    assert left.lines()[0] == "2 changes on sandbox"
    assert left.words == ("2 changes on sandbox",)
    stored = (await work.desk.plans.load(plan.id)).plan
    assert stored == left
    # Who was shown the whole of it has signed something else.
    with pytest.raises(ApprovalRefused):
        await work.desk.jobs.run(replace(plan), ME, approver=yes)
    plan = await changes(work, rename(1, "A"), rename(2, "B"), rename(3, "C"))
    left = await work.desk.jobs.strike(plan.id, [2])
    await work.desk.sign(left.id, SIGNED)
    job = await work.carry_out(await work.store.load(left.job.id))
    assert (job.status, job.total, job.counts) == (DONE, 2, {"done": 2, "struck": 1})
    assert (await work.user(2))["first_name"] == "Person"
    assert [item.status for item in await work.items(job.id)] == ["done", STRUCK, "done"]


@pytest.mark.promise("bound-to-its-plan")
async def test_a_yes_to_what_was_shown_before_steps_were_struck_signs_nothing(work):
    plan = await changes(work, rename(1, "A"), rename(2, "B"))
    shown = replace(SIGNED, shown=plan.digest)

    async def meanwhile(_plan):
        await work.desk.jobs.strike(plan.id, [2])
        return SIGNED

    with pytest.raises(ApprovalRefused, match="not the plan that you were shown"):
        await work.desk.jobs.run(plan, ME, approver=meanwhile)
    with pytest.raises(ApprovalRefused, match="not the plan that you were shown"):
        await work.desk.sign(plan.id, shown)
    left = await work.desk.plans.load(plan.id)
    assert (left.status, left.plan.job.count) == ("waiting", 1)
    assert (await work.store.load(plan.job.id)).status == PLANNED
    await work.desk.sign(plan.id, replace(SIGNED, shown=left.plan.digest))
    assert (await work.carry_out(await work.store.load(plan.job.id))).counts == {"done": 1, "struck": 1}


@pytest.mark.promise("bound-to-its-plan")
async def test_a_step_that_is_struck_while_a_yes_is_judged_leaves_the_plan_waiting(work, monkeypatch):
    plan = await changes(work, rename(1, "A"), rename(2, "B"))
    judge = work.desk.signing.rules.judge

    async def meanwhile(*given):
        await work.desk.jobs.strike(plan.id, [2])
        return await judge(*given)

    monkeypatch.setattr(work.desk.signing.rules, "judge", meanwhile)
    with pytest.raises(ApprovalRefused, match="not the plan that you were shown"):
        await work.desk.sign(plan.id, SIGNED)
    assert (await work.desk.plans.load(plan.id)).status == "waiting"
    assert (await work.store.load(plan.job.id)).status == PLANNED


async def test_a_no_holds_whatever_was_shown(work):
    plan = await changes(work, rename(1, "A"), rename(2, "B"))
    await work.desk.jobs.strike(plan.id, [2])
    await work.desk.sign(plan.id, replace(DECLINED, shown=plan.digest))
    assert (await work.store.load(plan.job.id)).status == CANCELLED


async def test_a_call_that_waits_while_steps_are_struck_and_the_rest_is_signed_sets_the_rest_going(opened):
    async with opened(approval_wait=20) as work:
        plan = await changes(work, rename(1, "A"), rename(2, "B"))
        waits = asyncio.create_task(work.desk.jobs.run(plan, MODEL))
        left = await work.desk.jobs.strike(plan.id, [2])
        # As where the process that signed ends before it has set the job going.
        async with work.desk.journal.writing() as connection:
            await work.desk.plans.sign(connection, left, "test")
        job = await work.carry_out(await waits)
        assert (job.status, job.counts) == (DONE, {"done": 1, "struck": 1})


async def test_a_step_that_a_later_one_needs_cannot_be_struck_but_with_it(work):
    plan = await changes(
        work,
        Change(CreateOrganization, {"name": "New", "created_by": user(1)}),
        Change(CreateOrgMembership, {"organization_id": "$1.id", "user_id": user(2), "role": "org:member"}),
        rename(3, "C"),
    )
    with pytest.raises(InvalidRequest, match="step 2 needs what step 1 makes"):
        await work.desk.jobs.strike(plan.id, [1])
    assert (await work.desk.plans.load(plan.id)).plan.digest == plan.digest
    left = await work.desk.jobs.strike(plan.id, [1, 2])
    assert [one.number for one in left.job.steps] == [3]
    assert left.words == ("1 change on sandbox",)


async def test_what_cannot_be_struck_is_refused_and_changes_nothing(work):
    plan = await changes(work, rename(1, "A"), rename(2, "B"))
    with pytest.raises(InvalidRequest, match=r"no step 3 \(steps: 1, 2\)"):
        await work.desk.jobs.strike(plan.id, [1, 3])
    with pytest.raises(InvalidRequest, match="Nothing would be left"):
        await work.desk.jobs.strike(plan.id, [1, 2])
    bulk = await work.propose(BanUser, users(1, 2))
    with pytest.raises(InvalidRequest, match="Only a plan of several steps"):
        await work.desk.jobs.strike(bulk.id, [1])
    assert (await work.desk.plans.load(plan.id)).plan == plan
    await work.desk.sign(plan.id, SIGNED)
    with pytest.raises(ApprovalRefused):
        await work.desk.jobs.strike(plan.id, [1])
    assert (await work.carry_out(await work.store.load(plan.job.id))).counts == {"done": 2}


async def test_the_secrets_of_a_struck_step_are_gone(work):
    plan = await changes(
        work, rename(1, "A"), Change(UpdateUser, {"user_id": user(2), "password": "correct-horse-9"})
    )
    assert "correct-horse" not in json.dumps(plan.arguments) + plan.text()
    await work.desk.jobs.strike(plan.id, [2])
    assert "correct-horse" not in await work.all_that_is_stored()


async def test_the_call_whose_steps_were_struck_is_answered_with_its_job_too(opened):
    asked = ProposeChanges(
        steps=[step(UpdateUser, user_id=user(number), first_name="New") for number in (1, 2)]
    )
    async with opened(**JOBS_TOO) as work:
        plan = await work.desk.propose(asked, MODEL)
        left = await work.desk.jobs.strike(plan.id, [2])
        await work.desk.sign(left.id, SIGNED)
        answer = await work.desk.perform(asked, caller=MODEL, approver=yes)
        assert answer.value["id"] == plan.job.id


async def test_a_change_set_is_taken_back_step_by_step(work):
    plan = await changes(
        work, rename(1, "A"), Change(UpdateUser, {"user_id": user(1), "last_name": "Changed"}), rename(2, "B")
    )
    job = await work.carry_out(await work.start(plan))
    assert job.status == DONE
    plan = await work.desk.jobs.propose_undo(job.id, ME)
    assert plan.job.count == 3
    await work.carry_out(await work.start(plan))
    first = await work.user(1)
    assert (first["first_name"], first["last_name"]) == ("Person", "1")


async def test_an_undo_of_a_change_set_takes_the_last_step_back_first(work):
    plan = await changes(
        work,
        Change(CreateOrganization, {"name": "New", "created_by": user(1)}),
        Change(CreateOrgMembership, {"organization_id": "$1.id", "user_id": user(2), "role": "org:member"}),
    )
    job = await work.carry_out(await work.start(plan))
    assert job.counts == {"done": 2}
    ended = []

    async def slowly(request, go_on):
        if request.method == "DELETE" and "memberships" in request.url.path:
            await asyncio.sleep(0.1)
        answer = await go_on(request)
        if request.method == "DELETE":
            ended.append(
                ("member" if "memberships" in request.url.path else "organization", answer.status_code)
            )
        return answer

    work.wire.trouble = slowly
    undo = await work.carry_out(await work.start(await work.desk.jobs.propose_undo(job.id, ME)))
    assert ended == [("member", 200), ("organization", 200)]
    assert undo.counts == {"done": 2}


async def test_steps_come_as_json_and_what_is_wrong_with_one_is_told(opened):
    async with opened(**JOBS_TOO) as work:
        plan = await work.desk.propose(
            ProposeChanges(
                steps=[
                    step(BanUser, user_id="p1@people.example"),
                    '{"action": "user_lock", "arguments": {"user_id": "user_00002"}}',
                ]
            ),
            MODEL,
        )
        assert plan.job.count == 2
        for wrong in (
            "{",
            "[]",
            '{"action": 5}',
            '{"action": "clerk_user_ban", "arguments": []}',
            '{"action": "clerk_user_ban", "args": {}}',
            '{"action": "clerk_user_bann", "arguments": {}}',
            "[" * 100_000,
        ):
            with pytest.raises(InvalidRequest) as caught:
                await work.desk.propose(ProposeChanges(steps=[step(BanUser, user_id=user(1)), wrong]), MODEL)
            assert caught.value.problems[0][0] == "steps[1]"
