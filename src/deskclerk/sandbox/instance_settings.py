"""The settings of an instance, section by section: how they begin, and what they were changed to."""

from collections.abc import Iterable, Mapping
from typing import Any

from sqlalchemy import select

from deskclerk.sandbox.call import Call
from deskclerk.sandbox.store.system_roles import ADMIN, MEMBER
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
        "creator_role": ADMIN,
        "admin_delete_enabled": True,
        "domains_enabled": True,
        "slug_disabled": False,
        "domains_enrollment_modes": ["automatic_invitation", "automatic_suggestion"],
        "domains_default_role": MEMBER,
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
}
"""How every instance begins. A sandbox has organization domains on, so that they can be tried at once."""


async def read_settings(call: Call, section: str) -> dict[str, Any]:
    """One section of the settings of the call's instance."""
    return {**DEFAULTS[section], **await _changed(call, section)}


async def change_settings(call: Call, section: str, values: Mapping[str, Any]) -> dict[str, Any]:
    """The section after these values are set."""
    table = instance_settings
    before = await _changed(call, section, locks=True)
    after = {**before, **values}
    mine = (table.c.instance_id == call.instance.id, table.c.section == section)
    if before:
        await call.connection.execute(table.update().where(*mine).values(changed=after))
    elif after:
        row = {"instance_id": call.instance.id, "section": section, "changed": after}
        await call.connection.execute(table.insert().values(row))
    return {**DEFAULTS[section], **after}


async def _changed(call: Call, section: str, *, locks: bool = False) -> Mapping[str, Any]:
    table = instance_settings
    query = select(table.c.changed).where(table.c.instance_id == call.instance.id, table.c.section == section)
    if locks:
        query = query.with_for_update()  # SQLite holds its one write lock already
    return (await call.connection.execute(query)).scalar_one_or_none() or {}


def given(call: Call, names: Iterable[str]) -> dict[str, Any]:
    """What the body sets; null changes nothing."""
    return {name: call.body[name] for name in names if call.body.get(name) is not None}
