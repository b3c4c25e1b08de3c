"""The instance itself: which one a secret key opens, and its settings."""

import re
from typing import Any

from starlette.responses import Response

from deskclerk.catalogue.route import GET, PATCH, POST, PUT
from deskclerk.sandbox.http.call import Call, Handlers
from deskclerk.sandbox.http.errors import Refusal, ill_formed, refusal
from deskclerk.sandbox.instance.settings import change_settings, given, read_settings
from deskclerk.sandbox.users.identifications import normal

_NO_CONTENT = 204
_ORIGIN = re.compile(r"[a-zA-Z][a-zA-Z0-9+.-]*://[^\s/?#]+")
_LOCAL_PART = re.compile(r"[A-Za-z0-9]{1,64}")


async def get_instance(call: Call) -> dict[str, Any]:
    """The instance of the key; one of a sandbox has no owner."""
    settings = await read_settings(call, "instance")
    return {
        "object": "instance",
        "id": call.instance.id,
        "environment_type": "production" if call.instance.is_live else "development",
        "allowed_origins": settings["allowed_origins"],
        "workspace_id": None,
    }


async def update_instance(call: Call) -> Response:
    """Change what is given; Clerk answers nothing."""
    values = given(call)
    if values.get("support_email"):
        _check_email(values["support_email"])
    # An empty development_origin takes it back; a stand-in passes for it here.
    for origin in (*values.get("allowed_origins", ()), values.get("development_origin") or "any://origin"):
        if not _ORIGIN.fullmatch(origin):
            raise refusal("form_invalid_origin", "is no origin", f"{origin} is no origin.")
    await change_settings(call, "instance", values)
    return Response(status_code=_NO_CONTENT)


async def update_restrictions(call: Call) -> dict[str, Any]:
    """Change which restrictions are on."""
    values = given(call)
    return {"object": "instance_restrictions", **await change_settings(call, "restrictions", values)}


async def update_beta_settings(call: Call) -> dict[str, Any]:
    """Change settings under their older names."""
    values = given(call)
    if not _LOCAL_PART.fullmatch(values.get("from_email_address", "noreply")):
        raise ill_formed("from_email_address", "from_email_address must have letters and digits only.")
    # Its settings belong to three sections; what is not taken out here goes to the last, `emails`.
    if "test_mode" in values:
        await change_settings(call, "instance", {"test_mode": values.pop("test_mode")})
    allowlist = (
        {"allowlist": values.pop("restricted_to_allowlist")} if "restricted_to_allowlist" in values else {}
    )
    restrictions = await change_settings(call, "restrictions", allowlist)
    return {
        "object": "instance_settings",
        "id": call.instance.id,
        "restricted_to_allowlist": restrictions["allowlist"],
        **await change_settings(call, "emails", values),
        "enhanced_email_deliverability": False,
    }


async def change_domain(_call: Call) -> dict[str, Any]:
    """A development instance has no domain to change, and a live one of a sandbox has no DNS."""
    text = "An instance of the sandbox keeps its domain; Clerk changes that of a production instance."
    raise refusal("request_invalid_for_environment", "Invalid request for environment", text)


def _check_email(text: str) -> None:
    try:
        normal("email_address", text)
    # The first refusal names `email_address`, which the request does not have.
    except Refusal:
        raise ill_formed("support_email", "support_email must be a valid email address.") from None


HANDLERS: Handlers = {
    GET("/instance"): get_instance,
    PATCH("/instance"): update_instance,
    PATCH("/instance/restrictions"): update_restrictions,
    PATCH("/beta_features/instance_settings"): update_beta_settings,
    POST("/instance/change_domain"): change_domain,
    PUT("/beta_features/domain"): change_domain,
}
