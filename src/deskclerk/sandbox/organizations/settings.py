"""How the organizations of an instance are set up."""

from collections.abc import Mapping
from typing import Any

from deskclerk.catalogue.route import GET, PATCH
from deskclerk.sandbox.http.call import Call, Handlers
from deskclerk.sandbox.http.errors import invalid
from deskclerk.sandbox.http.rows import change, get
from deskclerk.sandbox.instance.settings import change_settings, given, read_settings
from deskclerk.sandbox.organizations.domains import MOST_DOMAINS
from deskclerk.sandbox.organizations.offered_roles import check_creator, initial_set, roles_of
from deskclerk.sandbox.organizations.role_sets import MOST_ROLE_SETS
from deskclerk.sandbox.organizations.roles import MOST_ROLES
from deskclerk.sandbox.store.tables import organization_roles, role_sets

_IN_SET = {"creator_role_id": "creator_role_id", "domains_default_role_id": "default_role_id"}
CHOSEN_MODES = ("automatic_invitation", "automatic_suggestion")


async def get_organization_settings(call: Call) -> dict[str, Any]:
    """How organizations are set up."""
    return await _answer(call, await read_settings(call, "organizations"))


async def update_organization_settings(call: Call) -> dict[str, Any]:
    """Change how organizations are set up."""
    values = given(call)
    # The settings name the roles that the initial role set gives to newcomers: there they are kept.
    if chosen := {name: values.pop(name) for name in _IN_SET if name in values}:
        await _choose(call, chosen)
    if set(values.get("domains_enrollment_modes", ())) - set(CHOSEN_MODES):
        text = f"domains_enrollment_modes takes {', '.join(CHOSEN_MODES)}."
        raise invalid("domains_enrollment_modes", text)
    return await _answer(call, await change_settings(call, "organizations", values))


async def _choose(call: Call, chosen: Mapping[str, str]) -> None:
    row = await initial_set(call)
    offered = await roles_of(call, row["id"])
    for name, key in chosen.items():
        role = await get(call, organization_roles, key, "role")
        if role["key"] not in offered:
            text = f"{role['key']} is not in the initial role set, {row['key']}."
            raise invalid(name, text)
        if name == "creator_role_id":
            await check_creator(call, role["key"])
    new = {_IN_SET[name]: key for name, key in chosen.items()}
    await change(call, role_sets, row["id"], **new, updated_at=call.now)


async def _answer(call: Call, settings: dict[str, Any]) -> dict[str, Any]:
    row = await initial_set(call)
    keys = {role["id"]: key for key, role in (await roles_of(call, row["id"])).items()}
    # Nobody chooses it: where domains are on, people can always be invited by hand.
    modes = ["manual_invitation", *settings["domains_enrollment_modes"]]
    return {
        "object": "organization_settings",
        **settings,
        "domains_enrollment_modes": modes if settings["domains_enabled"] else [],
        "max_allowed_roles": MOST_ROLES,
        "max_role_sets_allowed": MOST_ROLE_SETS,
        "max_allowed_domains": MOST_DOMAINS,
        "creator_role": keys[row["creator_role_id"]],
        "domains_default_role": keys[row["default_role_id"]],
        "initial_role_set_key": row["key"],
    }


HANDLERS: Handlers = {
    GET("/instance/organization_settings"): get_organization_settings,
    PATCH("/instance/organization_settings"): update_organization_settings,
}
