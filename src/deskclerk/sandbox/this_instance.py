"""The instance itself: which one a secret key opens, and its settings."""

import re
from collections.abc import Iterable
from typing import Annotated, Any, Literal

from annotated_types import Ge, MaxLen
from starlette.responses import Response

from deskclerk.catalogue.fields import Nullable
from deskclerk.catalogue.route import GET, PATCH, POST, PUT
from deskclerk.sandbox.call import Call, Handlers
from deskclerk.sandbox.identifiers import normal
from deskclerk.sandbox.instance_settings import change_settings, read_settings
from deskclerk.sandbox.operation import Operation
from deskclerk.sandbox.organization_domains import MOST_DOMAINS
from deskclerk.sandbox.organization_roles import MOST_ROLES, creator_needs
from deskclerk.sandbox.organizations import ROLE_SET
from deskclerk.sandbox.refusals import Refusal, ill_formed, invalid, refusal
from deskclerk.sandbox.roles import MINIMUM, may
from deskclerk.sandbox.rows import get
from deskclerk.sandbox.store.tables import organization_roles

CHOSEN_MODES = ("automatic_invitation", "automatic_suggestion")
_NO_CONTENT = 204
_ORIGIN = re.compile(r"[a-zA-Z][a-zA-Z0-9+.-]*://[^\s/?#]+")
_COUNTRY = re.compile(r"[A-Z]{2}")
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
    cookieless_dev: Nullable[bool] = None
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


class ReadOrganizationSettings(Operation, route=GET("/instance/organization_settings")):
    """Takes nothing."""


class UpdateOrganizationSettings(Operation, route=PATCH("/instance/organization_settings")):
    """What is given changes; roles are named by their ids."""

    enabled: Nullable[bool] = None
    max_allowed_memberships: Nullable[Annotated[int, Ge(0)]] = None
    admin_delete_enabled: Nullable[bool] = None
    domains_enabled: Nullable[bool] = None
    slug_disabled: Nullable[bool] = None
    domains_enrollment_modes: list[str] | None = None
    creator_role_id: Nullable[str] = None
    domains_default_role_id: Nullable[str] = None


class ReadCommunication(Operation, route=GET("/instance/communication")):
    """Takes nothing."""


class UpdateCommunication(Operation, route=PATCH("/instance/communication")):
    """The whole list."""

    blocked_country_codes: Nullable[Annotated[list[str], MaxLen(250)]] = None


class ReadOAuthSettings(Operation, route=GET("/instance/oauth_application_settings")):
    """Takes nothing."""


class UpdateOAuthSettings(Operation, route=PATCH("/instance/oauth_application_settings")):
    """What is given changes; null scopes are Clerk's."""

    dynamic_oauth_client_registration: Nullable[bool] = None
    default_scopes: Nullable[list[str]] = None
    oauth_jwt_access_tokens: Nullable[bool] = None
    client_id_metadata_documents_advertised: Nullable[bool] = None
    client_id_metadata_documents_only_allow_pre_registered_clients: Nullable[bool] = None
    client_id_metadata_documents_block_implicitly_allowed_clients: Nullable[bool] = None


class ChangeDomain(Operation, route=POST("/instance/change_domain")):
    """A production instance's new home."""

    home_url: str | None = None
    is_secondary: bool | None = None


class ChangeDomainBeta(Operation, route=PUT("/beta_features/domain")):
    """As ChangeDomain, under its old name."""

    home_url: str | None = None
    is_secondary: bool | None = None


async def get_instance(call: Call) -> dict[str, Any]:
    """The instance of the key; a sandbox is a development instance without an owner."""
    settings = await read_settings(call, "instance")
    return {
        "object": "instance",
        "id": call.instance.id,
        "environment_type": "development",
        "allowed_origins": settings["allowed_origins"],
        "workspace_id": None,
    }


async def update_instance(call: Call) -> Response:
    """Change what is given; Clerk answers nothing."""
    values = _given(call, UpdateInstance.model_fields)
    if values.get("support_email"):
        _check_email(values["support_email"])
    for origin in (*values.get("allowed_origins", ()), values.get("development_origin") or "any://origin"):
        if not _ORIGIN.fullmatch(origin):
            raise refusal("form_invalid_origin", "is no origin", f"{origin} is no origin.")
    await change_settings(call, "instance", values)
    return Response(status_code=_NO_CONTENT)


async def update_restrictions(call: Call) -> dict[str, Any]:
    """Change which restrictions are on."""
    values = _given(call, UpdateRestrictions.model_fields)
    return {"object": "instance_restrictions", **await change_settings(call, "restrictions", values)}


async def update_beta_settings(call: Call) -> dict[str, Any]:
    """Change settings under their older names."""
    values = _given(call, UpdateBetaSettings.model_fields)
    if not _LOCAL_PART.fullmatch(values.get("from_email_address", "noreply")):
        raise ill_formed("from_email_address", "from_email_address must have letters and digits only.")
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


async def get_organization_settings(call: Call) -> dict[str, Any]:
    """How organizations are set up."""
    return _organization_answer(await read_settings(call, "organizations"))


async def update_organization_settings(call: Call) -> dict[str, Any]:
    """Change how organizations are set up."""
    values = _given(call, UpdateOrganizationSettings.model_fields)
    for name in ("creator_role", "domains_default_role"):
        if key := values.pop(f"{name}_id", None):
            values[name] = (await get(call, organization_roles, key, "role"))["key"]
    if "creator_role" in values and not await may(call, values["creator_role"], MINIMUM):
        raise creator_needs(values["creator_role"])
    if set(values.get("domains_enrollment_modes", ())) - set(CHOSEN_MODES):
        text = f"domains_enrollment_modes takes {', '.join(CHOSEN_MODES)}."
        raise invalid("domains_enrollment_modes", text)
    return _organization_answer(await change_settings(call, "organizations", values))


def _organization_answer(settings: dict[str, Any]) -> dict[str, Any]:
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


async def get_communication(call: Call) -> dict[str, Any]:
    """Where no SMS goes."""
    return {"object": "instance_communication", **await read_settings(call, "communication")}


async def update_communication(call: Call) -> dict[str, Any]:
    """Replace the list of countries."""
    values = _given(call, UpdateCommunication.model_fields)
    codes = values.get("blocked_country_codes", [])
    if not all(_COUNTRY.fullmatch(code) for code in codes):
        raise ill_formed("blocked_country_codes", "blocked_country_codes must be two capital letters each.")
    if len(set(codes)) < len(codes):
        text = "blocked_country_codes has a value twice."
        raise refusal("form_param_duplicate", "is given twice", text, param="blocked_country_codes")
    return {"object": "instance_communication", **await change_settings(call, "communication", values)}


async def get_oauth_settings(call: Call) -> dict[str, Any]:
    """What holds for OAuth applications."""
    return {"object": "oauth_application_settings", **await read_settings(call, "oauth_applications")}


async def update_oauth_settings(call: Call) -> dict[str, Any]:
    """Change what holds for OAuth applications."""
    values = _given(call, UpdateOAuthSettings.model_fields)
    if "default_scopes" in call.body:
        values["default_scopes"] = call.body["default_scopes"]
    changed = await change_settings(call, "oauth_applications", values)
    return {"object": "oauth_application_settings", **changed}


async def change_domain(_call: Call) -> dict[str, Any]:
    """Only a production instance has a domain to change."""
    text = "Only a production instance's domain can be changed; the sandbox is a development instance."
    raise refusal("request_invalid_for_environment", "Invalid request for environment", text)


def _given(call: Call, names: Iterable[str]) -> dict[str, Any]:
    """What the body sets; null changes nothing."""
    return {name: call.body[name] for name in names if call.body.get(name) is not None}


def _check_email(text: str) -> None:
    try:
        normal("email_address", text)
    except Refusal:
        raise ill_formed("support_email", "support_email must be a valid email address.") from None


HANDLERS: Handlers = {
    ReadInstance: get_instance,
    UpdateInstance: update_instance,
    UpdateRestrictions: update_restrictions,
    UpdateBetaSettings: update_beta_settings,
    ReadOrganizationSettings: get_organization_settings,
    UpdateOrganizationSettings: update_organization_settings,
    ReadCommunication: get_communication,
    UpdateCommunication: update_communication,
    ReadOAuthSettings: get_oauth_settings,
    UpdateOAuthSettings: update_oauth_settings,
    ChangeDomain: change_domain,
    ChangeDomainBeta: change_domain,
}
