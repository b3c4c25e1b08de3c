"""Plans on disk: stored when proposed, signed by a person, used up once by whichever process asks first.

Every step is one UPDATE that names the state it starts from, so that of several processes one takes it.
"""

import functools
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any

from deskclerk.catalogue import EVERY_BY_NAME, Effect
from deskclerk.desk.caller import Caller
from deskclerk.desk.consequences.changes import Change
from deskclerk.desk.instances.instance import Instance
from deskclerk.desk.journal.journal import Journal
from deskclerk.desk.misses import missed
from deskclerk.desk.observing import PROPOSED, Observer
from deskclerk.desk.plans.plan import JobPreview, Plan, Step, TakesBack
from deskclerk.desk.time_and_ids import new_id, now
from deskclerk.desk.waking import PLANS
from deskclerk.errors import ApprovalRefused

if TYPE_CHECKING:
    from deskclerk.database import Connection, Statement

WAITING, SIGNED, USED, DECLINED, DISMISSED, EXPIRED = (
    "waiting",
    "signed",
    "used",
    "declined",
    "dismissed",
    "expired",
)
PARTLY_SIGNED = "partly signed"
"""What the journal says of a signature to which another has to come; its plan goes on waiting."""
_OPEN = (WAITING, SIGNED)
# Secrets were marks before they came here; heading and summary of a single write follow from its action.
_KEPT = ("arguments", "target", "changes", "instance", "reach", "reversible", "words", "takes_back", "job")
_OF_A_JOB = ("heading", "summary", "effect")
_AGAIN = "Nothing was sent. Ask again; a new signature is needed."
_REASONS = {
    USED: "This signature has been used already.",
    DECLINED: "The person declined this plan already; declined is final.",
    DISMISSED: "This plan is closed already: what it showed is no longer so.",
    EXPIRED: "The signature came too late: the plan has expired.",
}


@dataclass(frozen=True, slots=True)
class StoredPlan:
    """A plan as it stands on disk: whose it is, how far it has come, and who or what decided it."""

    plan: Plan
    request: str
    instance: str
    caller: Caller
    created_at: int
    status: str
    how: str | None

    def as_dict(self) -> dict[str, Any]:
        """The plan as data, for the command line and the console."""
        plan = self.plan
        asked = {"face": self.caller.face, "client": self.caller.client, "token": self.caller.token}
        preview = asdict(plan) | {"effect": str(plan.effect), "preview": plan.lines()}
        hidden = ("digest", "summary")
        return {key: value for key, value in preview.items() if key not in hidden} | {
            "status": self.status,
            "created_at": self.created_at,
            "asked_by": {key: value for key, value in asked.items() if value},
        }

    def asked_by(self, caller: Caller) -> bool:
        """Whether it was this caller who asked: what narrows one is not kept, and makes it no other."""
        return self.caller == replace(caller, rules=())

    def check_open(self) -> None:
        """ApprovalRefused with the reason if the plan can neither be signed nor used any more."""
        if self.status not in _OPEN:
            raise ApprovalRefused(_REASONS[self.status], next_step=_AGAIN)


@dataclass(frozen=True, slots=True)
class Snapshot:
    """How far things have come: pages that follow along look again only where it differs.

    `waiting` has the plans that wait, by id, the newest first, with the digest of what each shows; `journal`
    is its last line's number.
    """

    waiting: Mapping[str, str]
    journal: int


class PlanStore:
    """The plans in the desk's database."""

    def __init__(self, journal: Journal, observer: Observer | None = None) -> None:
        self._journal = journal
        self._observer = observer

    def tell(self, became: str) -> None:
        """Tell of what has become of a plan, once the transaction that says so has ended."""
        if self._observer:
            self._observer.plan(became)

    def new_id(self) -> str:
        """An id for a plan that is about to be made."""
        return new_id("plan")

    async def store(self, plan: Plan, request: str, instance: Instance, caller: Caller) -> None:
        """Keep a new plan, waiting; `request` is its digest without the target."""
        async with self._journal.writing(PLANS) as connection:
            await self.store_with(connection, plan, request, instance, caller)
        self.tell(PROPOSED)

    async def store_with(
        self, connection: "Connection", plan: Plan, request: str, instance: Instance, caller: Caller
    ) -> None:
        """Keep a new plan in the transaction of what it is for, after which whoever began it tells of it."""
        row = {
            "id": plan.id,
            "created_at": now(),
            "expires_at": plan.expires_at,
            "instance": instance.id,
            "face": caller.face,
            "client": caller.client,
            "token": caller.token,
            "person": caller.person,
            "action": plan.action,
            "digest": plan.digest,
            "request": request,
            "preview": _preview(plan),
            "status": WAITING,
            "how": None,
            "decided_at": None,
        }
        await self._journal.bounds.plan(connection)
        await connection.apply_last((_changes()["store"], [row]))

    async def replace(self, connection: "Connection", plan: Plan) -> bool:
        """Put a plan in the place of the waiting one of its id: a step was struck out. Whether it was."""
        from deskclerk.desk.journal.tables import plans  # noqa: PLC0415

        waiting = plans.update().where(plans.c.id == plan.id, plans.c.status == WAITING)
        # The request stays: the call that asked is known by it still.
        values = {"digest": plan.digest, "preview": _preview(plan)}
        return (await connection.execute(waiting.values(values))).rowcount == 1

    async def load(self, plan_id: str) -> StoredPlan:
        """A plan, whatever has become of it; ApprovalRefused if there is none."""
        return self._one(plan_id, await self._ask("load", plan_id=plan_id))

    def _one(self, plan_id: str, found: Sequence[StoredPlan]) -> StoredPlan:
        if not found:
            missed(plan_id)
            raise self.no_such_plan()
        return found[0]

    def no_such_plan(self) -> ApprovalRefused:
        """There is none, or none for whoever asks: in the same words."""
        where = self._journal.where("pending", "Waiting for you")
        return ApprovalRefused("There is no such plan.", next_step=f"{where} shows those that wait.")

    async def targets(self, plan_ids: Sequence[str]) -> dict[str, str]:
        """By plan: what it is about, in words; what is no plan of this database is left out."""
        if not plan_ids:
            return {}
        from sqlalchemy import select  # noqa: PLC0415 - opened when needed

        from deskclerk.desk.journal.tables import plans  # noqa: PLC0415

        query = select(plans.c.id, plans.c.preview).where(plans.c.id.in_(plan_ids))
        async with (await self._journal.database()).reading() as connection:
            return {row.id: row.preview["target"] for row in await connection.execute(query)}

    async def alike(self, request: str) -> list[StoredPlan]:
        """The unexpired plans for the same action, arguments and instance, the newest first."""
        # By the request and not by the digest: a signed plan whose target has changed since must be found, to
        # be refused.
        return await self._ask("alike", request=request, now=now())

    async def waiting(self) -> list[StoredPlan]:
        """The plans that wait for a person, of every instance, the newest first."""
        return await self._ask("waiting", now=now())

    async def snapshot(self) -> Snapshot:
        """What waits, and how far the journal has come: two small reads, cheap enough for each second."""
        from sqlalchemy import select  # noqa: PLC0415 - opened when needed

        from deskclerk.desk.journal.tables import heads, plans  # noqa: PLC0415

        waiting = select(plans.c.id, plans.c.digest).where(
            plans.c.status == WAITING, plans.c.expires_at > now()
        )
        database = await self._journal.database()
        async with database.reading() as connection:
            rows = await connection.execute(waiting.order_by(plans.c.created_at.desc(), plans.c.id.desc()))
            found = {row.id: row.digest for row in rows}
            line = (await connection.execute(select(heads.c.seq))).scalar_one()
        return Snapshot(found, int(line))

    async def sign(self, connection: "Connection", plan: Plan, how: str) -> None:
        """A person's yes, in the transaction that notes it; `tell` comes after that.

        ApprovalRefused with the reason if the plan no longer waits.
        """
        if not await _step(connection, plan, (WAITING,), SIGNED, how):
            stored = self._one(plan.id, await _rows(connection, plan.id))
            stored.check_open()
            stored.plan.check_shown(plan.digest)
            raise ApprovalRefused("This plan is signed already.", next_step="Call the tool again.")

    async def decline(self, connection: "Connection", plan: Plan, how: str) -> None:
        """A person's no, which also takes back a signature not yet used; in a transaction as a yes is."""
        # A second no to the same plan is no error; a no to one that was used already is.
        if not await _step(connection, plan, _OPEN, DECLINED, how, as_shown=False):
            self._one(plan.id, await _rows(connection, plan.id)).check_open()

    async def dismiss(self, plan: Plan, how: str) -> None:
        """Close a plan that shows what is no longer so."""
        async with self._journal.writing(PLANS) as connection:
            taken = await _step(connection, plan, _OPEN, DISMISSED, how, as_shown=False)
        if taken:
            self.tell(DISMISSED)

    async def use(self, connection: "Connection", plan: Plan, how: str | None = None) -> None:
        """Use a signature up, in the transaction of what it is used for.

        `how` is one that was just given, None one that is on disk; `tell_of_use` comes after the
        transaction. ApprovalRefused if another call was first, it was declined meanwhile, or it expired.
        """
        # A signature given in this very call goes from waiting to used in one step: nothing can take it in
        # between.
        if not await _step(connection, plan, (SIGNED,) if how is None else _OPEN, USED, how):
            stored = self._one(plan.id, await _rows(connection, plan.id))
            stored.check_open()
            stored.plan.check_shown(plan.digest)
            raise ApprovalRefused("This plan is not signed.", next_step=_AGAIN)

    def tell_of_use(self, *, given: bool) -> None:
        """Tell that a signature was used up; `given` that it was given in the same step."""
        if given:
            self.tell(SIGNED)
        self.tell(USED)

    async def _ask(self, which: str, **values: Any) -> list[StoredPlan]:
        """The plans of one of `_queries`, the newest first: one statement, and no transaction around it."""
        database = await self._journal.database()
        names, statements = _queries()
        rows = await database.ask(statements[which], **values)
        return [_stored(dict(zip(names, row, strict=True))) for row in rows]


@functools.cache
def _queries() -> "tuple[list[str], dict[str, Statement]]":
    """The columns of a plan, and the statements that find some."""
    from sqlalchemy import bindparam  # noqa: PLC0415 - opened when needed

    from deskclerk.database import Statement  # noqa: PLC0415
    from deskclerk.desk.journal.tables import plans  # noqa: PLC0415

    unexpired = plans.c.expires_at > bindparam("now")
    conditions = {
        "load": (plans.c.id == bindparam("plan_id"),),
        "alike": (plans.c.request == bindparam("request"), unexpired),
        "waiting": (plans.c.status == WAITING, unexpired),
    }
    newest_first = plans.select().order_by(plans.c.created_at.desc(), plans.c.id.desc())
    return plans.c.keys(), {name: Statement(newest_first.where(*of)) for name, of in conditions.items()}


@functools.cache
def _changes() -> "dict[str, Statement]":
    """The statements that store a plan, and that take it a step further."""
    from sqlalchemy import bindparam, func  # noqa: PLC0415 - opened when needed

    from deskclerk.database import Statement  # noqa: PLC0415
    from deskclerk.desk.journal.tables import plans  # noqa: PLC0415

    # The condition holds the state, so that of two processes one changes the row. It holds the time
    # too: between a look at the plan and this statement the last second may have passed.
    step = plans.update().where(
        plans.c.id == bindparam("plan_id"),
        plans.c.status.in_([bindparam("one"), bindparam("other")]),
        plans.c.expires_at > bindparam("now"),
        # And what is signed: steps may be struck out in between too.
        plans.c.digest == func.coalesce(bindparam("shown"), plans.c.digest),
    )
    values: dict[str, Any] = {
        "status": bindparam("after"),
        "how": func.coalesce(bindparam("given"), plans.c.how),
        "decided_at": bindparam("now"),
    }
    return {"store": Statement(plans.insert()), "step": Statement(step.values(values))}


async def dismiss_all(connection: "Connection", instance: str, how: str) -> int:
    """Close what waits at an instance, in the transaction with which it goes; how many plans it was."""
    from deskclerk.desk.journal.tables import plans  # noqa: PLC0415

    mine = plans.update().where(
        plans.c.instance == instance, plans.c.status.in_(_OPEN), plans.c.expires_at > now()
    )
    closed = mine.values(status=DISMISSED, how=how, decided_at=now())
    return (await connection.execute(closed)).rowcount


async def _step(
    connection: "Connection",
    plan: Plan,
    before: Sequence[str],
    after: str,
    how: str | None,
    *,
    as_shown: bool = True,
) -> bool:
    """Whether the step was taken; `as_shown` only where the plan shows still what this one does."""
    values = {"one": before[0], "other": before[-1], "after": after, "given": how, "now": now()}
    shown = plan.digest if as_shown else None
    return await connection.apply(_changes()["step"], plan_id=plan.id, shown=shown, **values) == 1


async def _rows(connection: "Connection", plan_id: str) -> list[StoredPlan]:
    from deskclerk.desk.journal.tables import plans  # noqa: PLC0415

    rows = (await connection.execute(plans.select().where(plans.c.id == plan_id))).mappings()
    return [_stored(row) for row in rows]


def _stored(row: Mapping[Any, Any]) -> StoredPlan:
    # Looked up, not stored: a plan lives minutes, and its words are those of the running version.
    action = EVERY_BY_NAME[row["action"]]
    preview: dict[str, Any] = row["preview"]
    plan = Plan(
        id=row["id"],
        action=row["action"],
        heading=preview.get("heading", action.spec.heading),
        effect=Effect(preview.get("effect", action.spec.effect)),
        summary=preview.get("summary", action.summary()),
        instance=preview["instance"],
        arguments=preview["arguments"],
        target=preview["target"],
        changes=tuple(Change(**change) for change in preview["changes"]),
        digest=row["digest"],
        expires_at=row["expires_at"],
        reach=tuple(preview["reach"]),
        reversible=preview["reversible"],
        words=tuple(preview["words"]),
        takes_back=_takes_back(preview.get("takes_back")),
        job=_job_preview(preview.get("job")),
    )
    # Nobody writes `expired`: a plan is so by the clock, without a process that would have to look.
    late = row["status"] in _OPEN and now() >= row["expires_at"]
    caller = Caller(row["face"], row["client"], row["token"], row["person"])
    status = EXPIRED if late else row["status"]
    return StoredPlan(plan, row["request"], row["instance"], caller, row["created_at"], status, row["how"])


def _preview(plan: Plan) -> dict[str, Any]:
    whole = asdict(plan)
    return {key: whole[key] for key in (*_KEPT, *(_OF_A_JOB if plan.job else ()))}


def _job_preview(kept: Mapping[str, Any] | None) -> JobPreview | None:
    if not kept:
        return None
    steps = tuple(
        Step(
            step["number"],
            step["heading"],
            step["target"],
            tuple(Change(**change) for change in step["changes"]),
            tuple(step["reach"]),
            step["reversible"],
        )
        for step in kept["steps"]
    )
    return JobPreview(kept["id"], kept["count"], tuple(kept["lines"]), steps)


def _takes_back(kept: Mapping[str, Any] | None) -> TakesBack | None:
    return TakesBack(kept["entry"], tuple(kept["notes"])) if kept else None
