"""Handlers that answer only while the instance has organizations on."""

from deskclerk.sandbox.call import Call, Handler, Handlers, Prepared
from deskclerk.sandbox.instance_settings import read_settings
from deskclerk.sandbox.refusals import refusal


def where_organizations_are_on(handlers: Handlers) -> Handlers:
    """The same handlers; each refuses first where the settings have organizations off."""
    return {key: item if isinstance(item, Prepared) else _guarded(item) for key, item in handlers.items()}


def _guarded(handler: Handler) -> Handler:
    async def guarded(call: Call) -> object:
        if not (await read_settings(call, "organizations"))["enabled"]:
            text = "Organizations are off in the settings of this instance."
            raise refusal("organization_not_enabled_in_instance", "organizations are off", text)
        return await handler(call)

    return guarded
