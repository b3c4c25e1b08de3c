"""The instance itself: which one a secret key opens, and its settings."""

import re
from typing import Any, Literal

from starlette.responses import Response

from deskclerk.catalogue.fields import Nullable, about
from deskclerk.catalogue.route import GET, PATCH, POST, PUT
from deskclerk.sandbox.http.call import Call, Handlers, Operation
from deskclerk.sandbox.http.errors import Refusal, ill_formed, refusal
from deskclerk.sandbox.instance.settings import change_settings, given, read_settings
from deskclerk.sandbox.users.identifications import normal

_NO_CONTENT = 204
_ORIGIN = re.compile(r"[a-zA-Z][a-zA-Z0-9+.-]*://[^\s/?#]+")
_LOCAL_PART = re.compile(r"[A-Za-z0-9]{1,64}")


class ReadInstance(Operation, route=GET("/instance")):
    """Takes nothing."""


class UpdateInstance(Operation, route=PATCH("/instance")):
    """What is given changes."""

    test_mode: Nullable[bool] = None
    hibp: Nullable[bool] = None
    support_email: Nullable[str] = None
    clerk_js_version: Nullable[str] = None
    development_origin: Nullable[str] = None
    allowed_origins: list[str] | None = None
    cookieless_dev: Nullable[bool] = about("deprecated: use url_based_session_syncing")
    url_based_session_syncing: Nullable[bool] = None
    preferred_sign_in_strategy_when_password_required: Nullable[Literal["password", "otp", ""]] = None


class UpdateRestrictions(Operation, route=PATCH("/instance/restrictions")):
    """What is given changes."""

    allowlist: Nullable[bool] = None
    blocklist: Nullable[bool] = None
    allowlist_blocklist_disabled_on_sign_in: Nullable[bool] = None
    block_email_subaddresses: Nullable[bool] = None
    block_disposable_email_domains: Nullable[bool] = None


class UpdateBetaSettings(Operation, route=PATCH("/beta_features/instance_settings")):
    """What is given changes."""

    restricted_to_allowlist: Nullable[bool] = None
    from_email_address: Nullable[str] = None
    progressive_sign_up: Nullable[bool] = None
    test_mode: Nullable[bool] = None


class ChangeDomain(Operation, route=POST("/instance/change_domain")):
    """A production instance's new home."""

    home_url: str | None = None
    is_secondary: bool | None = None


class ChangeDomainBeta(Operation, route=PUT("/beta_features/domain")):
    """As ChangeDomain, under its old name."""

    home_url: str | None = None
    is_secondary: bool | None = None


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
    values = given(call, UpdateInstance.parameters())
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
    values = given(call, UpdateRestrictions.parameters())
    return {"object": "instance_restrictions", **await change_settings(call, "restrictions", values)}


async def update_beta_settings(call: Call) -> dict[str, Any]:
    """Change settings under their older names."""
    values = given(call, UpdateBetaSettings.parameters())
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
    ReadInstance: get_instance,
    UpdateInstance: update_instance,
    UpdateRestrictions: update_restrictions,
    UpdateBetaSettings: update_beta_settings,
    ChangeDomain: change_domain,
    ChangeDomainBeta: change_domain,
}
