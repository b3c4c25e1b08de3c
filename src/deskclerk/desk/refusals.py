"""What an asker is told when a write is not signed."""

from deskclerk.desk.plan import Plan
from deskclerk.errors import ApprovalNeeded, ApprovalRefused


def waits(plan: Plan, why: str = "", console: str | None = None) -> ApprovalNeeded:
    """Nobody signed so far; the plan waits, and can be signed in a terminal or at a console's address."""
    there = f", or at {console}" if console else ""
    return ApprovalNeeded(
        f"{plan.heading}: {why or 'a person has to confirm this, and none answered'}. "
        "Nothing was sent; the plan is waiting for a signature.",
        plan_id=plan.id,
        next_step=f"A person signs it in a terminal with `deskclerk approve {plan.id}` (`deskclerk "
        f"pending` lists what waits){there}. Then ask again with the same arguments: it happens once. "
        "No argument can confirm it.",
    )


def changed() -> ApprovalRefused:
    """The target is not what the person was shown."""
    return ApprovalRefused(
        "What was signed is not what is there now: the target changed in between.",
        next_step="Nothing was sent. Read the target and ask again; a new signature is needed.",
    )


def declined(plan: Plan, how: str | None = None) -> ApprovalRefused:
    """The person said no; `how` may hold the reason, behind a colon."""
    reason = (how or "").partition(": ")[2]
    return ApprovalRefused(
        f"{plan.heading}: the person declined{f' ({reason})' if reason else ''}. Nothing was sent.",
        next_step="Declined is final. Do not ask for it again unless the person wants it.",
    )
