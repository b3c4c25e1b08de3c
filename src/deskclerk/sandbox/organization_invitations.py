"""Invitations to join an organization."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import RowMapping, Select, exists, select

from deskclerk.catalogue.route import GET, POST
from deskclerk.sandbox.call import Call, Handlers
from deskclerk.sandbox.identifiers import NORMAL, normal
from deskclerk.sandbox.ids import new_id
from deskclerk.sandbox.memberships import already_a_member
from deskclerk.sandbox.merging import checked_metadata
from deskclerk.sandbox.organization_counts import check_places
from deskclerk.sandbox.paging import ordered, page, split_order
from deskclerk.sandbox.public_data import person_columns, public_inviter_data
from deskclerk.sandbox.refusals import not_found, refusal
from deskclerk.sandbox.roles import ADMIN, ROLES, check_role
from deskclerk.sandbox.rows import change, find, get, insert
from deskclerk.sandbox.store.tables import (
    email_addresses,
    memberships,
    organization_invitations,
    organizations,
    users,
)
from deskclerk.sandbox.tickets import end_expired, link_of, pending_values, status_at, status_of
from deskclerk.sandbox.unique import unique_or

_table = organization_invitations


async def list_organization_invitations(call: Call) -> Any:
    """The invitations of an organization, newest first by default."""
    organization = await get(call, organizations, call.path["organization_id"], "organization")
    query = _of(call, organization["id"])
    if "status" in call.query:
        query = query.where(status_at(_table, call.now).in_(call.query["status"]))
    if "email_address" in call.query:
        query = query.where(_table.c.email_address == NORMAL["email_address"](call.query["email_address"]))
    name, descends = split_order(call.query.get("order_by", "-created_at"))
    return await page(call, ordered(query, _table.c[name], _table.c.id, descends=descends), present)


async def create_organization_invitation(call: Call) -> dict[str, Any]:
    """Invite an address that is neither a member's nor invited; open invitations count as members."""
    organization = await get(call, organizations, call.path["organization_id"], "organization")
    key, email_address = organization["id"], normal("email_address", call.body["email_address"])
    await _check_admin(call, key, call.body.get("inviter_user_id"))
    role = check_role(call.body["role"])
    if await _is_member(call, key, email_address):
        raise already_a_member(email_address)
    mine = (_table.c.organization_id == key, _table.c.email_address == email_address)
    await end_expired(call, _table, *mine)
    text = f"There is a pending invitation for {email_address} to this organization already."
    not_unique = refusal("organization_invitation_not_unique", "invited already", text)
    if await find(call, _table, organization_id=key, email_address=email_address, status="pending"):
        raise not_unique
    await check_places(call, organization)
    values = {"public_metadata": {}, "private_metadata": {}} | checked_metadata(call.body)
    invitation_id = new_id("orginv", call.now)
    with unique_or(not_unique):
        await insert(
            call,
            _table,
            id=invitation_id,
            organization_id=key,
            inviter_id=call.body.get("inviter_user_id"),
            email_address=email_address,
            role=role,
            **values | pending_values(call, call.body),
        )
    return await _answer(call, key, invitation_id)


async def revoke_organization_invitation(call: Call) -> dict[str, Any]:
    """Revoke a pending invitation."""
    organization = await get(call, organizations, call.path["organization_id"], "organization")
    key, invitation_id = organization["id"], call.path["invitation_id"]
    row = await find(call, _table, organization_id=key, id=invitation_id)
    if row is None:
        raise not_found("organization invitation", invitation_id)
    await _check_admin(call, key, call.body.get("requesting_user_id"))
    status = status_of(row, call.now)
    if status != "pending":
        text = f"Only a pending invitation can be revoked; this one is {status}."
        raise refusal("organization_invitation_not_pending", "not pending", text)
    await change(call, _table, invitation_id, status="revoked", updated_at=call.now)
    return await _answer(call, key, invitation_id)


async def _check_admin(call: Call, organization_id: str, user_id: str | None) -> None:
    """Refuse a user, if one is named, who is no admin of the organization."""
    if user_id is None:
        return
    await get(call, users, user_id, "user")
    member = await find(call, memberships, organization_id=organization_id, user_id=user_id)
    if member is None:
        text = f"The user {user_id} is no member of the organization."
        raise refusal("not_a_member_in_organization", "not a member", text)
    if member["role"] != ADMIN:
        text = f"The user {user_id} is no admin of the organization."
        raise refusal("missing_organization_permission", "missing permission", text)


async def _is_member(call: Call, organization_id: str, email_address: str) -> bool:
    theirs = email_addresses.c.user_id == memberships.c.user_id
    same = (
        email_addresses.c.email_address == email_address,
        memberships.c.organization_id == organization_id,
    )
    return bool((await call.connection.execute(select(exists().where(theirs, *same)))).scalar_one())


def _of(call: Call, organization_id: str) -> Select[Any]:
    """An organization's invitations, each with what it shows of its inviter."""
    query = select(_table, *person_columns()).outerjoin(users, users.c.id == _table.c.inviter_id)
    return query.where(_table.c.instance_id == call.instance.id, _table.c.organization_id == organization_id)


async def _answer(call: Call, organization_id: str, invitation_id: str) -> dict[str, Any]:
    query = _of(call, organization_id).where(_table.c.id == invitation_id)
    (answer,) = await present(call, (await call.connection.execute(query)).mappings().all())
    return answer


async def present(call: Call, rows: Sequence[RowMapping]) -> list[dict[str, Any]]:
    """The answers for rows of `_of`."""
    same = (
        "id",
        "email_address",
        "role",
        "organization_id",
        "inviter_id",
        "public_metadata",
        "private_metadata",
        "expires_at",
        "created_at",
        "updated_at",
    )
    return [
        {
            "object": "organization_invitation",
            **{name: row[name] for name in same},
            "role_name": ROLES[row["role"]].name,
            "public_inviter_data": public_inviter_data(call, row) if row["inviter_id"] else None,
            "status": status_of(row, call.now),
            "url": link_of(call, row),
        }
        for row in rows
    ]


HANDLERS: Handlers = {
    GET("/organizations/{organization_id}/invitations"): list_organization_invitations,
    POST("/organizations/{organization_id}/invitations"): create_organization_invitation,
    POST(
        "/organizations/{organization_id}/invitations/{invitation_id}/revoke"
    ): revoke_organization_invitation,
}
