"""How the organizations of an instance are set up."""

from typing import Any

from deskclerk.catalogue.route import GET, PATCH
from deskclerk.sandbox.http.call import Call, Handlers
from deskclerk.sandbox.http.errors import invalid
from deskclerk.sandbox.http.rows import get
from deskclerk.sandbox.instance.settings import change_settings, given, read_settings
from deskclerk.sandbox.organizations.domains import MOST_DOMAINS
from deskclerk.sandbox.organizations.organizations import ROLE_SET
from deskclerk.sandbox.organizations.permissions import MINIMUM, may
from deskclerk.sandbox.organizations.roles import MOST_ROLES, creator_needs
from deskclerk.sandbox.store.tables import organization_roles

CHOSEN_MODES = ("automatic_invitation", "automatic_suggestion")


async def get_organization_settings(call: Call) -> dict[str, Any]:
    """How organizations are set up."""
    return _organization_answer(await read_settings(call, "organizations"))


async def update_organization_settings(call: Call) -> dict[str, Any]:
    """Change how organizations are set up."""
    values = given(call)
    for name in ("creator_role", "domains_default_role"):
        # Asked for by id and kept by key, as members have their roles.
        if key := values.pop(f"{name}_id", None):
            values[name] = (await get(call, organization_roles, key, "role"))["key"]
    if "creator_role" in values and not await may(call, values["creator_role"], MINIMUM):
        raise creator_needs(values["creator_role"])
    if set(values.get("domains_enrollment_modes", ())) - set(CHOSEN_MODES):
        text = f"domains_enrollment_modes takes {', '.join(CHOSEN_MODES)}."
        raise invalid("domains_enrollment_modes", text)
    return _organization_answer(await change_settings(call, "organizations", values))


def _organization_answer(settings: dict[str, Any]) -> dict[str, Any]:
    # Nobody chooses it: where domains are on, people can always be invited by hand.
    modes = ["manual_invitation", *settings["domains_enrollment_modes"]]
    return {
        "object": "organization_settings",
        **settings,
        "domains_enrollment_modes": modes if settings["domains_enabled"] else [],
        "max_allowed_roles": MOST_ROLES,
        "max_role_sets_allowed": 1,
        "max_allowed_domains": MOST_DOMAINS,
        "initial_role_set_key": ROLE_SET,
    }


HANDLERS: Handlers = {
    GET("/instance/organization_settings"): get_organization_settings,
    PATCH("/instance/organization_settings"): update_organization_settings,
}
