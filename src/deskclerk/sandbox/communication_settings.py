"""Settings of text messages and of OAuth applications: kept, and read by nothing else here."""

import re
from typing import Annotated, Any

from annotated_types import MaxLen

from deskclerk.catalogue.fields import Nullable
from deskclerk.catalogue.route import GET, PATCH
from deskclerk.sandbox.call import Call, Handlers
from deskclerk.sandbox.instance_settings import change_settings, given, read_settings
from deskclerk.sandbox.operation import Operation
from deskclerk.sandbox.refusals import ill_formed, refusal

_COUNTRY = re.compile(r"[A-Z]{2}")


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


async def get_communication(call: Call) -> dict[str, Any]:
    """Where no SMS goes."""
    return {"object": "instance_communication", **await read_settings(call, "communication")}


async def update_communication(call: Call) -> dict[str, Any]:
    """Replace the list of countries."""
    values = given(call, UpdateCommunication.model_fields)
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
    values = given(call, UpdateOAuthSettings.model_fields)
    if "default_scopes" in call.body:
        scopes = call.body["default_scopes"]
        values["default_scopes"] = scopes and list(dict.fromkeys(scopes))  # a set, in the order given
    changed = await change_settings(call, "oauth_applications", values)
    return {"object": "oauth_application_settings", **changed}


HANDLERS: Handlers = {
    ReadCommunication: get_communication,
    UpdateCommunication: update_communication,
    ReadOAuthSettings: get_oauth_settings,
    UpdateOAuthSettings: update_oauth_settings,
}
