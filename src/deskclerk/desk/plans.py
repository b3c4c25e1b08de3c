"""Plans on disk: stored when proposed, used up once, by whichever process asks first."""

from dataclasses import asdict
from typing import Any

from deskclerk.catalogue import BY_NAME
from deskclerk.desk.caller import Caller, Decision
from deskclerk.desk.instance import Instance
from deskclerk.desk.journal import Journal, new_id, now
from deskclerk.desk.plan import Change, Plan
from deskclerk.errors import ApprovalRefused

_AGAIN = "Nothing was sent. Ask again; a new signature is needed."


class Plans:
    """The plans in the desk's database."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal

    def new_id(self) -> str:
        """An id for a plan that is about to be made."""
        return new_id("plan")

    async def store(self, plan: Plan, instance: Instance, caller: Caller) -> None:
        """Keep a new plan, waiting."""
        from deskclerk.desk.store.tables import plans  # noqa: PLC0415 - opened when needed

        preview = asdict(plan)
        row = {
            "id": plan.id,
            "created_at": now(),
            "expires_at": plan.expires_at,
            "instance": instance.id,
            "face": caller.face,
            "client": caller.client,
            "action": plan.action,
            "digest": plan.digest,
            "preview": {key: preview[key] for key in ("arguments", "target", "changes", "instance")},
            "status": "waiting",
        }
        engine = await self._journal.engine()
        async with engine.begin() as connection:
            await connection.execute(plans.insert(), row)

    async def load(self, plan_id: str) -> Plan:
        """A plan that still waits; ApprovalRefused says why one does not."""
        from deskclerk.desk.store.tables import plans  # noqa: PLC0415

        engine = await self._journal.engine()
        async with engine.connect() as connection:
            row = (await connection.execute(plans.select().where(plans.c.id == plan_id))).one_or_none()
        if row is None:
            raise ApprovalRefused("There is no such plan.", next_step=_AGAIN)
        _check_waiting(row.status, row.expires_at)
        action = BY_NAME[row.action]
        preview: dict[str, Any] = row.preview
        return Plan(
            id=row.id,
            action=row.action,
            heading=action.spec.heading,
            effect=action.spec.effect,
            summary=action.summary(),
            instance=preview["instance"],
            arguments=preview["arguments"],
            target=preview["target"],
            changes=tuple(Change(**change) for change in preview["changes"]),
            digest=row.digest,
            expires_at=row.expires_at,
        )

    async def use(self, plan: Plan, how: str) -> None:
        """Use a signature up; ApprovalRefused if another call was first, or it expired."""
        if not await self._decide(plan, "used", how):
            raise ApprovalRefused("This signature has been used already.", next_step=_AGAIN)
        _check_waiting("waiting", plan.expires_at)

    async def close(self, plan: Plan, decision: Decision, how: str) -> None:
        """End a plan that was not signed."""
        await self._decide(plan, str(decision), how)

    async def _decide(self, plan: Plan, status: str, how: str) -> bool:
        """Whether this call was the one that ended the plan's waiting."""
        from deskclerk.desk.store.tables import plans  # noqa: PLC0415

        waiting = plans.update().where(plans.c.id == plan.id, plans.c.status == "waiting")
        engine = await self._journal.engine()
        async with engine.begin() as connection:
            result = await connection.execute(waiting.values(status=status, how=how, decided_at=now()))
        return result.rowcount == 1


def _check_waiting(status: str, expires_at: int) -> None:
    if status != "waiting":
        raise ApprovalRefused(f"This plan is {status} already.", next_step=_AGAIN)
    if now() > expires_at:
        raise ApprovalRefused("The signature came too late: the plan has expired.", next_step=_AGAIN)
