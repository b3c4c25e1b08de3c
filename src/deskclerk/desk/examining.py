"""Is a key good, whose instance does it open, and what may be asked of it: found out with one cheap read."""

from typing import Any

from deskclerk.catalogue import Action, ListDomains
from deskclerk.desk.caller import Caller
from deskclerk.desk.desk import Desk


async def first_read(desk: Desk, caller: Caller | None = None) -> dict[str, Any] | None:
    """What the instance says of itself: `{"domain": …}`; None if no read is offered."""
    probe = _cheapest_read(desk)
    if probe is None:
        return None
    items = (await desk.perform(probe, caller=caller)).value.get("items") or [{}]
    return {"domain": items[0].get("frontend_api_url") and items[0].get("name")}


def _cheapest_read(desk: Desk) -> Action | None:
    """A read that asks for little and needs no id: the domains, which also say whose instance it is."""
    offered = [action for action in desk.actions() if action.spec.is_list]
    free = [action for action in offered if not any(item.required for item in action.parameters().values())]
    kind = ListDomains if ListDomains in free else next(iter(free), None)
    return kind.parse({"limit": 1}) if kind else None


def allowed(desk: Desk) -> dict[str, Any]:
    """What the settings in force let through, and how much of it waits for a signature."""
    offered = desk.actions()
    return {
        "access": desk.settings.access,
        "confirm": desk.settings.confirm,
        "actions": len(offered),
        "waiting_for_a_signature": sum(desk.policy.asks(action.spec.effect) for action in offered),
    }
