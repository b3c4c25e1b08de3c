"""The instance itself: which one a secret key opens."""

from typing import Any

from deskclerk.catalogue.route import GET
from deskclerk.sandbox.call import Call, Handlers
from deskclerk.sandbox.operation import Operation


class ReadInstance(Operation, route=GET("/instance")):
    """Takes nothing."""


async def get_instance(call: Call) -> dict[str, Any]:
    """The instance of the key; one of a sandbox has no owner."""
    return {
        "object": "instance",
        "id": call.instance.id,
        "environment_type": "production" if call.instance.is_live else "development",
        "allowed_origins": None,
        "workspace_id": None,
    }


HANDLERS: Handlers = {ReadInstance: get_instance}
