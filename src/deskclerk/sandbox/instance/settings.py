"""The settings of an instance, section by section: how they begin, and what they were changed to."""

import re
from collections.abc import Mapping
from typing import Any

from sqlalchemy import bindparam, select

from deskclerk.catalogue.route import GET, PATCH
from deskclerk.database import Statement
from deskclerk.sandbox.http.call import Call, Handler, Handlers
from deskclerk.sandbox.http.errors import ill_formed, refusal
from deskclerk.sandbox.store.tables import instance_settings

DEFAULTS: Mapping[str, Mapping[str, Any]] = {
    "instance": {
        "test_mode": True,
        "hibp": True,
        "support_email": None,
        "clerk_js_version": None,
        "development_origin": None,
        "allowed_origins": None,
        "cookieless_dev": False,
        "url_based_session_syncing": True,
        "preferred_sign_in_strategy_when_password_required": "password",
    },
    "restrictions": {
        "allowlist": False,
        "blocklist": False,
        "allowlist_blocklist_disabled_on_sign_in": False,
        "block_email_subaddresses": False,
        "block_disposable_email_domains": False,
    },
    "organizations": {
        "enabled": True,
        "max_allowed_memberships": 5,
        "admin_delete_enabled": True,
        "domains_enabled": True,
        "slug_disabled": False,
        "domains_enrollment_modes": ["automatic_invitation", "automatic_suggestion"],
    },
    "communication": {"blocked_country_codes": []},
    "oauth_applications": {
        "dynamic_oauth_client_registration": False,
        "default_scopes": None,
        "oauth_jwt_access_tokens": False,
        "client_id_metadata_documents_advertised": False,
        "client_id_metadata_documents_only_allow_pre_registered_clients": False,
        "client_id_metadata_documents_block_implicitly_allowed_clients": False,
    },
    "emails": {"from_email_address": "noreply", "progressive_sign_up": True},
    "protect": {"rules_enabled": False, "specter_enabled": False, "checks_bypassed": False},
}
"""How every instance begins. A sandbox has organization domains on, so that they can be tried at once."""
_CHANGED = Statement(
    select(instance_settings.c.changed).where(
        instance_settings.c.instance_id == bindparam("instance"),
        instance_settings.c.section == bindparam("section"),
    )
)
_COUNTRY = re.compile(r"[A-Z]{2}")


async def read_settings(call: Call, section: str) -> dict[str, Any]:
    """One section of the settings of the call's instance."""
    # Only what was changed is stored: a new default counts for older instances too.
    return {**DEFAULTS[section], **await _changed(call, section)}


async def change_settings(call: Call, section: str, values: Mapping[str, Any]) -> dict[str, Any]:
    """The section after these values are set."""
    table = instance_settings
    before = await _changed(call, section)
    after = {**before, **values}
    mine = (table.c.instance_id == call.instance.id, table.c.section == section)
    if before:
        await call.connection.execute(table.update().where(*mine).values(changed=after))
    elif after:
        row = {"instance_id": call.instance.id, "section": section, "changed": after}
        await call.connection.execute(table.insert().values(row))
    return {**DEFAULTS[section], **after}


async def _changed(call: Call, section: str) -> Mapping[str, Any]:
    rows = await call.connection.fetch(_CHANGED, instance=call.instance.id, section=section)
    return rows[0][0] if rows else {}


def given(call: Call) -> dict[str, Any]:
    """What the body sets; null changes nothing."""
    return {name: value for name, value in call.body.items() if value is not None}


def where_organizations_are_on(handlers: Handlers) -> Handlers:
    """The same handlers; each refuses first where the settings have organizations off."""
    return {key: _guarded(item) if callable(item) else item for key, item in handlers.items()}


def _guarded(handler: Handler) -> Handler:
    async def guarded(call: Call) -> object:
        # Asked with each request: the setting may change while the sandbox runs.
        if not (await read_settings(call, "organizations"))["enabled"]:
            text = "Organizations are off in the settings of this instance."
            raise refusal("organization_not_enabled_in_instance", "organizations are off", text)
        return await handler(call)

    return guarded


async def get_communication(call: Call) -> dict[str, Any]:
    """Where no SMS goes."""
    return {"object": "instance_communication", **await read_settings(call, "communication")}


async def update_communication(call: Call) -> dict[str, Any]:
    """Replace the list of countries."""
    values = given(call)
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
    values = given(call)
    if "default_scopes" in call.body:
        scopes = call.body["default_scopes"]
        values["default_scopes"] = scopes and list(dict.fromkeys(scopes))  # a set, in the order given
    changed = await change_settings(call, "oauth_applications", values)
    return {"object": "oauth_application_settings", **changed}


async def get_protect(call: Call) -> dict[str, Any]:
    """Which defences against attackers are on."""
    return {"object": "instance_protect", **await read_settings(call, "protect")}


async def update_protect(call: Call) -> dict[str, Any]:
    """Turn defences on or off."""
    return {"object": "instance_protect", **await change_settings(call, "protect", given(call))}


HANDLERS: Handlers = {
    GET("/instance/communication"): get_communication,
    PATCH("/instance/communication"): update_communication,
    GET("/instance/oauth_application_settings"): get_oauth_settings,
    PATCH("/instance/oauth_application_settings"): update_oauth_settings,
    GET("/instance/protect"): get_protect,
    PATCH("/instance/protect"): update_protect,
}
