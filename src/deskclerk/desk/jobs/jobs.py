"""The door to jobs: proposed, signed, set going, looked at, stopped, taken back."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from deskclerk.catalogue import (
    EVERY_BY_NAME,
    READ,
    REDACTED,
    Action,
    CancelJob,
    CreateOrganization,
    CreateOrgMembership,
    CreateUser,
    ExportData,
    GetJob,
    ListJobs,
    PauseJob,
    ProposeBulk,
    ProposeChanges,
    ResumeJob,
    RetryJob,
    UndoJob,
    UpdateUser,
)
from deskclerk.clerk.client import Clerk
from deskclerk.desk.approvals.decisions import changed, declined, recorded
from deskclerk.desk.approvals.signatures import Approver
from deskclerk.desk.approvals.signing import Signing
from deskclerk.desk.caller import MODELS, Caller, Progress
from deskclerk.desk.execution.settling import Settling
from deskclerk.desk.instances.instance import Instance
from deskclerk.desk.jobs.drafts import Known, Wish
from deskclerk.desk.jobs.job import (
    CANCELLED,
    CHANGES,
    EXPORT,
    FAILURES,
    ITEM_DONE,
    OPEN,
    PAUSED,
    PLANNED,
    QUEUED,
    REFUSED,
    STRUCK,
    TO_COME,
    UNKNOWN,
    WAITING,
    Job,
    step_of,
)
from deskclerk.desk.jobs.planning import Planner
from deskclerk.desk.jobs.preview import OF_A_PAGE
from deskclerk.desk.jobs.requests import AGAIN, Change, change_of, kind_named, lister_for
from deskclerk.desk.jobs.results import result_line
from deskclerk.desk.jobs.rows import Targets
from deskclerk.desk.jobs.running import Tools
from deskclerk.desk.jobs.store import ItemSeal, JobStore
from deskclerk.desk.jobs.taking_back import inverses
from deskclerk.desk.jobs.worker import results_file, start_worker
from deskclerk.desk.journal.journal import Journal
from deskclerk.desk.journal.records import DONE
from deskclerk.desk.naming import Names
from deskclerk.desk.notifications.notifications import Teller
from deskclerk.desk.observing import Observer
from deskclerk.desk.plans.plan import Plan
from deskclerk.desk.plans.store import DECLINED, SIGNED, StoredPlan
from deskclerk.desk.plans.store import WAITING as PLAN_WAITS
from deskclerk.desk.policy.policy import Limits, Policy
from deskclerk.desk.rates.caps import RateCaps
from deskclerk.desk.secrets.handovers import Handovers
from deskclerk.desk.secrets.references import Secrets
from deskclerk.desk.time_and_ids import new_id
from deskclerk.desk.view.answers import Answer, show
from deskclerk.desk.view.cleaning import line_of
from deskclerk.desk.waking import JOBS, PLANS
from deskclerk.errors import ApprovalRefused, DeskclerkError, InvalidRequest, NotAllowed
from deskclerk.settings import Settings

if TYPE_CHECKING:
    from deskclerk.database import Connection

_POLL_SECONDS = 0.3
_PROGRESS_SECONDS = 1.0
_LOOK_AFTER_SECONDS = 3.0
_FEW = 5
"""Failures that an answer names."""


class Jobs:
    """The jobs of one instance."""

    def __init__(
        self,
        settings: Settings,
        instance: Instance,
        journal: Journal,
        clerk: Callable[[], Awaitable[Clerk]],
        *,
        policy: Policy,
        limits: Limits,
        signing: Signing,
        names: Names,
        settling: Settling,
        secrets: Secrets,
        handovers: Handovers,
        teller: Teller,
        observer: Observer | None,
        caller: Caller,
        approver: Approver | None,
        see_to_jobs: Callable[[Instance], bool] | None = None,
        item_secrets: ItemSeal | None = None,
    ) -> None:
        """`caller` and `approver` are those of who asks without naming another.

        `see_to_jobs` is told where somebody else starts the workers than this process.
        """
        self._see_to_jobs = see_to_jobs
        self._settings = settings
        self._instance = instance
        self._journal = journal
        self._clerk = clerk
        self._policy = policy
        self._limits = limits
        self._signing = signing
        self._names = names
        self._secrets = secrets
        self._caller = caller
        self._approver = approver
        self.store = JobStore(journal, item_secrets)
        caps = RateCaps(instance, journal)
        self.tools = Tools(
            instance, journal, clerk, settling, self.store, secrets, handovers, caps, teller, observer
        )
        self._planner = Planner(
            settings,
            instance,
            journal,
            clerk,
            plans=signing.plans,
            store=self.store,
            names=names,
            secrets=secrets,
            steps=policy.steps,
        )

    # Proposed: what comes out is a plan that waits for its signature.

    async def propose(
        self,
        kind: type[Action],
        targets: Targets,
        caller: Caller | None = None,
        *,
        wish: Wish | None = None,
        asked: str = "",
    ) -> Plan:
        """A plan for one write on many targets, which are frozen with it.

        `targets` is a list action with its filters, ids or names, or rows of arguments.

        Raises:
            InvalidRequest: what is wrong with any of the rows, all of it in `problems`.
            NotAllowed: the caller may not ask for jobs, or not for this write.
        """
        caller = caller or self._caller
        await self._check(ProposeBulk, caller, [kind])
        return await self._planner.bulk(
            kind, targets, caller, replace(wish or Wish(), asked=asked, face=caller.face)
        )

    async def propose_changes(
        self, steps: Sequence[Change], caller: Caller | None = None, *, asked: str = ""
    ) -> Plan:
        """A plan for different writes in order, of which the first that fails stops the rest."""
        caller = caller or self._caller
        await self._check(ProposeChanges, caller, [step.action for step in steps])
        if not steps:
            problem = "give at least one step"
            raise InvalidRequest(f"steps: {problem}.", problems=[("steps", problem)], next_step=AGAIN)
        found = []
        may = partial(self._policy.check, caller=caller)
        for step in steps:
            refs = {name: value for name, value in step.arguments.items() if step_of(value)}
            given = dict(step.arguments) | dict.fromkeys(refs, TO_COME)
            found.append((step.action, await self._names.arguments(step.action, given, caller, may) | refs))
        return await self._planner.changes(found, caller, asked)

    async def propose_import(
        self,
        what: str,
        file: Path,
        caller: Caller | None = None,
        *,
        form: str | None = None,
        mapping: Mapping[str, str] | None = None,
        update_existing: bool = False,
        firebase_hash: Mapping[str, Any] | None = None,
        wish: Wish | None = None,
    ) -> Plan:
        """A plan that makes `users`, or `organizations` with their members, from a file.

        Users that are there already are left out, or brought to what their row says.

        Raises:
            InvalidRequest: the file cannot be read as what it is, or what is wrong with any of its rows.
        """
        caller = caller or self._caller
        from deskclerk.desk.jobs import importing  # noqa: PLC0415 - few jobs are one
        from deskclerk.desk.jobs.import_formats import guess_format, read_rows, read_users  # noqa: PLC0415

        wish = wish or Wish()
        if what == "users":
            await self._check(ProposeBulk, caller, [CreateUser])
            if update_existing:
                await self._check(ProposeBulk, caller, [UpdateUser])
            chosen = form or guess_format(file)
            rows = read_users(file, chosen, mapping=mapping or None, firebase_hash=firebase_hash)
            known = importing.Existing(await self._clerk())
            steps = importing.compared(rows, known, update=update_existing)
            notes = (f"From {line_of(file.name, 100)}, read as {chosen}",)
        else:
            await self._check(ProposeBulk, caller, [CreateOrganization, CreateOrgMembership])
            parameters = dict(CreateOrganization.parameters()) | {"members": importing.members_parameter()}
            steps = importing.organization_steps(read_rows(file, parameters, mapping or None))
            notes = (f"From {line_of(file.name, 100)}",)
        kind: type[Action] = CreateUser if what == "users" else CreateOrganization
        return await self._planner.imported(steps, caller, replace(wish, notes=notes, face=caller.face), kind)

    async def propose_together(
        self, plan_ids: Sequence[str], caller: Caller | None = None, *, keep: bool = False
    ) -> Plan:
        """A plan of what several waiting plans were for, in this order; those are closed unless kept."""
        caller = caller or self._caller
        found: list[tuple[Plan, Change]] = []
        for plan_id in plan_ids:
            plan = (await self._signing.decisions.open(plan_id)).plan
            if plan.job or plan.takes_back or REDACTED in plan.arguments.values():
                why = "a job, an undo, or a write with a secret is signed by itself"
                raise InvalidRequest(f"{plan_id}: {why}.", problems=[("plan", f"{plan_id}: {why}")])
            found.append((plan, Change(EVERY_BY_NAME[plan.action], plan.arguments)))
        together = await self.propose_changes([change for _, change in found], caller)
        for plan, _ in found if not keep else ():
            await self._signing.plans.dismiss(plan, f"put together with others in {together.id}")
        return together

    async def strike(self, plan_id: str, numbers: Sequence[int]) -> Plan:
        """Take steps out of a plan of several that waits: what is signed is what is left."""
        stored = await self._signing.decisions.open(plan_id)
        preview = stored.plan.job
        if preview is None or not preview.steps:
            raise InvalidRequest("Only a plan of several steps has steps to strike out.")
        known = {step.number for step in preview.steps}
        if unknown := sorted(set(numbers) - known):
            problem = f"no step {unknown[0]} (steps: {', '.join(map(str, sorted(known)))})"
            raise InvalidRequest(f"without: {problem}.", problems=[("without", problem)])
        left = [step for step in preview.steps if step.number not in numbers]
        items = [item async for item in self.store.every_item(preview.id, (WAITING,))]
        kept = [item for item in items if item.number not in numbers]
        for item in kept:
            needed = {step_of(value) for value in item.arguments.values()} & set(numbers)
            if needed:
                problem = f"step {item.number} needs what step {min(needed)} makes"
                raise InvalidRequest(f"without: {problem}.", problems=[("without", problem)])
        if not left:
            raise InvalidRequest("Nothing would be left.", next_step="Decline the plan instead.")
        plan = replace(
            await self._planner.change_plan(preview.id, kept, left, plan_id),
            expires_at=stored.plan.expires_at,
        )
        async with self._journal.writing(PLANS) as connection:
            if not await self._signing.plans.replace(connection, plan):
                raise ApprovalRefused("The plan waits no more.", next_step="Ask again.")
            struck = [{"number": number, "status": STRUCK, "secrets": None} for number in numbers]
            await self.store.change_items(connection, preview.id, struck)
            await self.store.planned(
                connection, preview.id, plan=plan.id, digest=plan.digest, total=len(left), title=plan.heading
            )
        return plan

    async def propose_retry(self, job_id: str, caller: Caller | None = None) -> Plan:
        """A plan that tries again what failed in a job."""
        caller = caller or self._caller
        job = await self._mine(job_id)
        failed = [item async for item in self.store.every_item(job_id, (REFUSED,))]
        if not failed:
            unknown = job.counts.get("unknown", 0)
            more = f" Of {unknown} it is not known how they ended: read them." if unknown else ""
            raise InvalidRequest(
                f"Nothing failed in this job.{more}", problems=[("job_id", "nothing failed")]
            )
        await self._check(RetryJob, caller, {item.kind for item in failed}, job_id)

        done = self.store.every_item(job_id, (ITEM_DONE,))
        made = {item.number: item.made async for item in done if item.made}

        async def writes() -> AsyncIterator[Known]:
            for item in failed:
                marks = item.kind.model_construct(**item.arguments)
                if item.needs - made.keys():
                    yield Known(marks, left_out="about what was not made")
                    continue
                try:
                    yield Known(item.built(made), item.undoes)
                except InvalidRequest:
                    # Its secrets were forgotten when it was over.
                    yield Known(marks, left_out="without a secret that is not kept")

        title = f"Try again what failed: {job.title}"
        return await self._planner.writes(writes(), caller, title, Wish(stop=job.stop, retries=job_id))

    async def propose_undo(self, job_id: str, caller: Caller | None = None) -> Plan:
        """A plan that takes back what a job did, item by item; what cannot come back is left out."""
        caller = caller or self._caller
        job = await self._mine(job_id)
        if job.status in OPEN:
            raise InvalidRequest(
                "The job is not over.",
                problems=[("job_id", "not over")],
                next_step="Pause or cancel it first.",
            )
        title = f"Undo: {job.title}"
        if job.kind == EXPORT:
            raise InvalidRequest("An export changed nothing.", problems=[("job_id", "an export")])
        wish = Wish(stop=job.stop, undoes=job_id)
        await self._check(UndoJob, caller, [], job_id)
        may = partial(self._policy.check, caller=caller)
        found = inverses(job_id, self._journal, await self._clerk(), may)
        # What was done in order is taken back in order, and stops where a step fails.
        return await self._planner.writes(found, caller, title, wish, kind=job.kind)

    # Signed and set going.

    async def run(
        self,
        plan: Plan,
        caller: Caller | None = None,
        *,
        approver: Approver | None = None,
        progress: Progress | None = None,
    ) -> Job:
        """Have a plan signed, and its job set going; the job.

        ApprovalNeeded if nobody signed: once somebody does, the job begins by itself.
        """
        caller = caller or self._caller
        job_id = plan.job.id if plan.job else ""
        action = recorded(plan)
        async with self._journal.noting_refusals(self._instance, caller, action) as context:
            context.plan_id = plan.id
            if not self._policy.asks(plan.effect):
                await self._start(plan, f"confirm = {self._settings.confirm}", given=True)
                return await self.store.load(job_id)
            try:
                how, given = await self._signing.ask(plan, caller, approver or self._approver, progress)
                if not given:
                    # Whoever signed elsewhere may have struck steps out first.
                    plan = (await self._signing.plans.load(plan.id)).plan
                await self._start(plan, how, given=given, signer=caller if given else None)
            except ApprovalRefused:
                job = await self.store.load(job_id)
                # Signed elsewhere meanwhile, which has set it going.
                if job.run > 0:
                    return job
                await self._drop_if_closed(plan)
                raise
        return await self.store.load(job_id)

    async def _drop_if_closed(self, plan: Plan) -> None:
        """End the job of a plan that nobody can sign any more; with it go the secrets of its items."""
        stored = await self._signing.plans.load(plan.id)
        if plan.job and stored.status not in (PLAN_WAITS, SIGNED):
            async with self._journal.writing(JOBS) as connection:
                await self.store.cancel(connection, plan.job.id)

    async def decided(self, plan: Plan, *, signed: bool) -> None:
        """Set the job of a plan going that a person has signed elsewhere, or drop it after a no."""
        if not signed:
            await self._drop_if_closed(plan)
            return
        try:
            await self._start(plan, "", given=False)
        except ApprovalRefused:
            # The call that asked was waiting for the signature, and was faster.
            if plan.job and (await self.store.load(plan.job.id)).run > 0:
                return
            raise

    async def _start(self, plan: Plan, how: str, *, given: bool, signer: Caller | None = None) -> None:
        """Set a plan's job going; the yes of a `signer` in this very call is noted with it."""
        self._policy.check_effect(plan.effect)
        job_id = plan.job.id if plan.job else ""
        if await self._planner.digest(job_id) != plan.digest:
            await self._signing.plans.dismiss(plan, "changed")
            raise changed()

        async def step(connection: "Connection") -> str:
            await self._use_up(connection, plan, job_id, how if given else None)
            return SIGNED

        if signer:
            await self._journal.decided(
                self._instance, signer, recorded(plan), plan.id, how=how, step=step, topics=(PLANS, JOBS)
            )
        else:
            async with self._journal.writing(PLANS, JOBS) as connection:
                await step(connection)
        self._signing.plans.tell_of_use(given=given)
        self.see_to_it()

    async def _use_up(self, connection: "Connection", plan: Plan, job_id: str, how: str | None) -> None:
        # One transaction: a signature is never used up without its job, nor a job set going twice.
        await self._signing.plans.use(connection, plan, how)
        if not await self.store.start(connection, job_id):
            where = self._journal.where("jobs list", "Jobs")
            raise ApprovalRefused("This job was set going already.", next_step=f"{where} shows it.")

    def see_to_it(self) -> bool:
        """Start a worker for this instance unless there is one; whether it was started."""
        if self._see_to_jobs:
            return self._see_to_jobs(self._instance)
        return start_worker(self._settings, self._journal, self._instance)

    async def look_after(self) -> None:
        """Start a worker if there are open jobs of this instance and nobody sees to them."""
        found = await self.store.with_status(*OPEN, PLANNED)
        jobs = [job for job in found if job.instance == self._instance.id]
        for job in (job for job in jobs if job.status == PLANNED and job.plan):
            stored = await self._signing.plans.load(job.plan or "")
            if stored.status == SIGNED:
                # Whoever took the signature died before it had set the job going.
                await self._go_on(stored)
        if any(job.status != PLANNED for job in jobs):
            self.see_to_it()

    async def _go_on(self, stored: StoredPlan) -> None:
        """Set the job of a signed plan going, or close both for good: whoever looks would find them again."""
        plan = stored.plan
        try:
            await self.decided(plan, signed=True)
        except (ApprovalRefused, NotAllowed) as error:
            await self._signing.plans.dismiss(plan, line_of(error.message))
            await self._drop_if_closed(plan)
            await self._journal.refused(self._instance, stored.caller, recorded(plan), error, plan.id)

    # Looked at and stopped.

    async def wait(
        self, job_id: str, *, seconds: float | None = None, progress: Progress | None = None
    ) -> Job:
        """The job once it is over or pauses, or as it is after so many seconds."""
        loop = asyncio.get_running_loop()
        until, told = None if seconds is None else loop.time() + seconds, -1
        looked = loop.time()
        with self._journal.wakes.listening(JOBS) as bell:
            while True:
                job = await self.store.load(job_id)
                if loop.time() - looked > _LOOK_AFTER_SECONDS:
                    # Its worker may have died: whoever waits for it would wait for ever.
                    looked = loop.time()
                    await self.look_after()
                if job.status not in OPEN or (until is not None and loop.time() >= until):
                    return job
                # A client is told of progress, not that there is none.
                if progress and job.finished > told:
                    told = job.finished
                    total = job.all_of_it or 0
                    of_all = f" of {total}" if total else ""
                    await progress(job.finished, total, f"{job.title}: {job.finished}{of_all}")
                # Its items end without a wake, and are worth a look each second.
                most = _PROGRESS_SECONDS if until is None else min(_PROGRESS_SECONDS, until - loop.time())
                await bell.rings(_POLL_SECONDS, most)

    async def listed(self, limit: int = 20) -> list[Job]:
        """The newest jobs of this instance."""
        return await self.store.listed(self._instance.id, limit)

    async def pause(self, job_id: str, caller: Caller | None = None) -> Job:
        """Have a job pause: what is under way ends first."""
        caller = caller or self._caller
        return await self._decide(PauseJob, job_id, caller, "paused", self.store.pause)

    async def cancel(self, job_id: str, caller: Caller | None = None) -> Job:
        """End a job for good: what is under way ends first, what is done stays done."""
        caller = caller or self._caller
        job = await self._decide(CancelJob, job_id, caller, "cancelled", self.store.cancel)
        if job.plan and job.run == 0:
            # Never signed: nobody shall be asked to.
            await self._signing.plans.dismiss((await self._signing.plans.load(job.plan)).plan, "cancelled")
        if job.kind == EXPORT and job.status == CANCELLED:
            from deskclerk.desk.jobs.exporting import discard  # noqa: PLC0415 - few jobs are one

            discard(job)
        return job

    async def resume(self, job_id: str, caller: Caller | None = None) -> Job:
        """Let a paused job go on; a person has to want it."""
        caller = caller or self._caller
        if caller.face == MODELS:
            where = "`deskclerk jobs resume`, or the console" if self._journal.commands else "In the console"
            raise NotAllowed("A person lets a job go on.", next_step=f"{where}.")
        job = await self._mine(job_id)

        async def again(connection: "Connection", _: str) -> bool:
            if job.kind != CHANGES:
                return await self.store.resume(connection, job)
            # Of several steps the one that failed is the next one; one that nobody knows of stops it again.
            return await self.store.resume(connection, job, again=(REFUSED,), unsure=(UNKNOWN,))

        found = await self._decide(ResumeJob, job_id, caller, "resumed", again)
        self.see_to_it()
        return found

    async def _decide(
        self,
        kind: type[Action],
        job_id: str,
        caller: Caller,
        outcome: str,
        change: "Callable[[Connection, str], Awaitable[bool]]",
    ) -> Job:
        job = await self._mine(job_id)
        action = kind.parse({"job_id": job_id})
        self._policy.check(kind, caller)

        async def step(connection: "Connection") -> str:
            if not await change(connection, job_id):
                problem = f"the job is {job.state}"
                raise InvalidRequest(f"{problem[0].upper()}{problem[1:]}.", problems=[("job_id", problem)])
            return outcome

        await self._journal.decided(
            self._instance, caller, action, job.plan or "", how=caller.face, step=step, topics=(JOBS,)
        )
        return await self.store.load(job_id)

    async def failures(self, job_id: str, limit: int = _FEW) -> list[dict[str, Any]]:
        """The first items that failed, each with why."""
        items = await self.store.items(job_id, FAILURES, limit=limit)
        return [
            {"name": item.name, "line": item.line, "outcome": item.status, "error": item.error}
            for item in items
        ]

    def results(self, job_id: str) -> Path:
        """Where the result of a job is, once it pauses or is over."""
        return results_file(self._settings, job_id)

    async def result_lines(self, job_id: str) -> AsyncIterator[str]:
        """What has become of every item, a JSON line each, in their order."""
        async for item in self.store.every_item((await self._mine(job_id)).id):
            yield result_line(item)

    async def _mine(self, job_id: str) -> Job:
        job = await self.store.load(job_id)
        if job.instance != self._instance.id:
            raise NotAllowed(
                "The job is for another instance; the settings in force point to the "
                f"{self._instance.label}.",
                next_step="Nothing was changed. Use the settings that the job was made with.",
            )
        return job

    # Exports, which change nothing and need no signature.

    async def export(self, what: str, file: Path, caller: Caller | None = None, **options: Any) -> Job:
        """Set an export going, into a file of this absolute path; the job."""
        caller = caller or self._caller
        from deskclerk.desk.jobs.exporting import check_export  # noqa: PLC0415 - few ask for one

        where = options.get("where") or {}
        check_export(what, where, options.get("format", "ndjson"), options.get("fields"))
        self._policy.check(ExportData, caller)
        action = ExportData.parse({"what": what, "where": where or None})
        job_id = new_id("job")
        await self.store.begin(
            job_id,
            self._instance,
            caller,
            EXPORT,
            title=f"Export {what}",
            options={"what": what, "file": str(file), **options},
            owner=None,
            status=QUEUED,
        )
        await self._journal.read(self._instance, caller, action, DONE)
        self.see_to_it()
        return await self.store.load(job_id)

    # As any face asks for it.

    async def plan_to_sign(self, action: Action, caller: Caller) -> Plan | None:
        """The plan that a person is to be asked about; None where none need be."""
        made = await self.plan(action, caller)
        return made if isinstance(made, Plan) and self._policy.asks(made.effect) else None

    async def plan(self, action: Action, caller: Caller) -> Plan | Job | None:
        """The plan that a proposal makes, or the job that it has made already; None for what makes none."""
        if not isinstance(action, (ProposeBulk, ProposeChanges)):
            return None
        whole = [self._instance.id, action.spec.name, action.model_dump(exclude_unset=True)]
        asked = await self._secrets.seal(json.dumps(whole, sort_keys=True, default=str))
        async with self._journal.noting_refusals(self._instance, caller, action):
            if known := await self._known(asked, caller):
                return known
            if isinstance(action, ProposeBulk):
                kind = kind_named(action.action)
                targets = await self._targets(kind, action, caller)
                wish = Wish(values=action.values or {})
                return await self.propose(kind, targets, caller, wish=wish, asked=asked)
            steps = [change_of(number, text) for number, text in enumerate(action.steps, 1)]
            return await self.propose_changes(steps, caller, asked=asked)

    async def _known(self, asked: str, caller: Caller) -> Plan | Job | None:
        """What the very same call has led to already: a plan that waits, or a job that is not over."""
        for stored in await self._signing.plans.alike(asked):
            if stored.status == DECLINED:
                raise declined(stored.plan, stored.how)
            if stored.status == PLAN_WAITS and stored.asked_by(caller):
                return stored.plan
        # A job goes on when its plan has long expired.
        for job in await self.store.with_status(*OPEN, PAUSED):
            if job.options.get("asked") == asked:
                return await self.store.load(job.id)
        return None

    async def answer(
        self,
        action: Action,
        caller: Caller,
        *,
        approver: Approver | None,
        plan_id: str | None,
        progress: Progress | None,
    ) -> Answer:
        """Carry out one of the desk's own actions; what the asker is told."""
        await self.look_after()
        progress = _rising(progress)
        match action:
            case ListJobs():
                most = 20 if action.limit is None else action.limit
                jobs = await self.store.listed(self._instance.id, most, action.offset or 0)
                total = await self.store.count(self._instance.id)
                value = {"data": [job.as_dict() for job in jobs], "total_count": total}
                return await self._shown(action.model_copy(update={"limit": most or 1}), value, caller)
            case GetJob():
                return await self._told(action, await self._mine(action.job_id), caller)
            case PauseJob():
                return await self._told(action, await self.pause(action.job_id, caller), caller)
            case CancelJob():
                return await self._told(action, await self.cancel(action.job_id, caller), caller)
            case ResumeJob():
                return await self._told(action, await self.resume(action.job_id, caller), caller)
            case RetryJob():
                made: Plan | Job | None = await self.propose_retry(action.job_id, caller)
            case UndoJob():
                made = await self.propose_undo(action.job_id, caller)
            case _ if plan_id:
                made = (await self._signing.decisions.open(plan_id)).plan
            case _:
                made = await self.plan(action, caller)
        if made is None:
            raise NotAllowed(f"{action.spec.name} is for the command line and the console.")
        job = (
            made
            if isinstance(made, Job)
            else await self.run(made, caller, approver=approver, progress=progress)
        )
        # Of a few writes the asker wants to hear how they ended.
        job = await self.wait(job.id, seconds=self._settings.approval_wait, progress=progress)
        return await self._told(action, job, caller)

    async def _told(self, action: Action, job: Job, caller: Caller) -> Answer:
        """A job as it stands: counts and the first failures, never its targets."""
        value = job.as_dict()
        if failures := await self.failures(job.id):
            value["failures"] = failures
        return await self._shown(action, value, caller)

    async def _shown(self, action: Action, value: Any, caller: Caller) -> Answer:
        await self._journal.read(self._instance, caller, action, DONE)
        fields = getattr(action, "fields", None) or list(value)
        whole = action if action.spec.is_list else GetJob.parse({"job_id": value["id"], "fields": fields})
        return show(whole, value, self._settings.answer_characters, for_model=caller.face == MODELS)

    async def _targets(self, kind: type[Action], action: ProposeBulk, caller: Caller) -> Targets:
        if (action.where is None) == (action.targets is None):
            problem = "give one of the two: where, or targets"
            raise InvalidRequest(
                f"{action.spec.name}: {problem}.", problems=[("where", problem)], next_step=AGAIN
            )
        if action.targets is not None:
            return action.targets
        return await self.lister(kind, action.where or {}, action.values or {}, caller)

    async def lister(
        self, kind: type[Action], where: Mapping[str, Any], values: Mapping[str, Any], caller: Caller
    ) -> Action:
        """The list action that finds the targets of a write, with these filters."""
        lister = lister_for(kind, values)
        if lister is None:
            problem = f"{kind.spec.name} has no list whose items it could be about; give targets or a file"
            raise InvalidRequest(f"where: {problem}.", problems=[("where", problem)], next_step=AGAIN)
        if page := next((name for name in where if name in OF_A_PAGE), None):
            problem = f"{page} is no filter: a job is about all that the filters find"
            raise InvalidRequest(f"where: {problem}.", problems=[("where", problem)], next_step=AGAIN)
        self._policy.check(lister, caller)
        path = {name: values[name] for name in lister.spec.route.names if name in values}
        may = partial(self._policy.check, caller=caller)
        try:
            return lister.parse(await self._names.arguments(lister, {**path, **where}, caller, may))
        except InvalidRequest as error:
            error.problems = tuple(
                (f"where: {name}" if name else "where", text) for name, text in error.problems
            )
            raise

    async def _check(
        self,
        asked: type[Action],
        caller: Caller,
        kinds: Sequence[type[Action]] | set[type[Action]],
        job_id: str | None = None,
    ) -> None:
        """Whether the caller may ask for this job and for each of its writes; a refusal is journalled."""
        given: dict[str, Any] = {"job_id": job_id} if job_id else {}
        action = asked.model_construct(**given)
        try:
            self._policy.check(asked, caller)
            for kind in kinds:
                if kind.spec.effect is READ or kind.spec.by_desk:
                    problem = f"{kind.spec.name} is no write of Clerk's"
                    raise InvalidRequest(
                        f"action: {problem}.", problems=[("action", problem)], next_step=AGAIN
                    )
                self._policy.check(kind, caller)
            await self._limits.check_pin()
        except DeskclerkError as error:
            await self._journal.refused(self._instance, caller, action, error)
            raise


def _rising(progress: Progress | None) -> Progress | None:
    """Progress that only ever rises: first the seconds of a wait for a signature, then what is done."""
    if progress is None:
        return None
    reached, before, what = 0.0, 0.0, ""

    async def tell(done: float, total: float, text: str) -> None:
        nonlocal reached, before, what
        kind = text.partition(":")[0]
        if kind != what:
            before, what = reached, kind
        if before + done > reached or reached == 0:
            reached = before + done
            await progress(reached, before + total if total else 0, text)

    return tell
