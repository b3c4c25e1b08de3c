"""Logos of organizations: uploaded, kept and shown as the pictures of users are."""

from typing import Any

from deskclerk.catalogue.route import DELETE, PUT
from deskclerk.sandbox.call import Call, Handlers
from deskclerk.sandbox.enabled import where_organizations_are_on
from deskclerk.sandbox.images import drop_image, keep_image
from deskclerk.sandbox.operation import Operation
from deskclerk.sandbox.organizations import changed_organization
from deskclerk.sandbox.refusals import refusal
from deskclerk.sandbox.rows import get
from deskclerk.sandbox.store.tables import organizations

_PLACE = "/organizations/{organization_id}/logo"


class SetLogo(Operation, route=PUT(_PLACE), upload="file"):
    """Takes a form with a picture."""


class DeleteLogo(Operation, route=DELETE(_PLACE)):
    """Takes nothing."""


async def set_logo(call: Call) -> dict[str, Any]:
    """Show this picture of an organization from now on."""
    row = await get(call, organizations, call.path["organization_id"], "organization")
    assert call.upload is not None  # noqa: S101 - an operation with `upload` has one
    logo_id = await keep_image(call, call.upload)
    answer = await changed_organization(call, row["id"], {"logo_id": logo_id})
    await drop_image(call, row["logo_id"])
    return answer | {"logo_url": answer["image_url"]}


async def delete_logo(call: Call) -> dict[str, Any]:
    """Show no picture of an organization."""
    row = await get(call, organizations, call.path["organization_id"], "organization")
    if row["logo_id"] is None:
        raise refusal("image_not_found", "Image not found", "The organization has no logo.")
    answer = await changed_organization(call, row["id"], {"logo_id": None})
    await drop_image(call, row["logo_id"])
    return answer


HANDLERS: Handlers = where_organizations_are_on({SetLogo: set_logo, DeleteLogo: delete_logo})
