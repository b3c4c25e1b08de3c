"""Invitations to join an organization."""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Select, exists, select

from deskclerk.catalogue.route import GET, POST
from deskclerk.sandbox.access.invitations import (
    check_size,
    end_expired,
    link_of,
    pending_values,
    status_at,
    status_of,
)
from deskclerk.sandbox.http.call import Call, Handlers
from deskclerk.sandbox.http.errors import not_found, refusal
from deskclerk.sandbox.http.metadata import checked_metadata
from deskclerk.sandbox.http.rows import (
    RowMapping,
    change,
    find,
    get,
    insert,
    ordered,
    page,
    split_order,
    unique_or,
)
from deskclerk.sandbox.ids import new_id
from deskclerk.sandbox.instance.settings import where_organizations_are_on
from deskclerk.sandbox.organizations.answers import (
    check_places,
    person_columns,
    public_inviter_data,
    public_organizations,
)
from deskclerk.sandbox.organizations.memberships import already_a_member
from deskclerk.sandbox.organizations.offered_roles import check_role
from deskclerk.sandbox.organizations.permissions import MANAGE_MEMBERS, may, read_roles
from deskclerk.sandbox.store.tables import (
    email_addresses,
    memberships,
    organization_invitations,
    organizations,
    users,
)
from deskclerk.sandbox.users.identifications import NORMAL, normal

MOST_AT_ONCE = 10
_table = organization_invitations
_PLACE = "/organizations/{organization_id}/invitations"


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


async def list_pending(call: Call) -> Any:
    """Those of an organization that can still be accepted, newest first."""
    organization = await get(call, organizations, call.path["organization_id"], "organization")
    query = _of(call, organization["id"]).where(status_at(_table, call.now) == "pending")
    return await page(call, ordered(query, _table.c.created_at, _table.c.id, descends=True), present)


async def list_all_invitations(call: Call) -> Any:
    """The invitations to all organizations, newest first by default, each with its organization."""
    query = _all(call)
    if status := call.query.get("status"):
        query = query.where(status_at(_table, call.now) == status)
    if text := call.query.get("query", "").strip():
        query = query.where(_table.c.email_address.contains(text.lower(), autoescape=True))
    name, descends = split_order(call.query.get("order_by", "-created_at"))
    query = ordered(query, _table.c[name], _table.c.id, descends=descends)
    return await page(call, query, present_with_organizations)


async def get_organization_invitation(call: Call) -> dict[str, Any]:
    """One invitation to an organization."""
    organization = await get(call, organizations, call.path["organization_id"], "organization")
    row = await _invitation(call, organization["id"])
    return await _answer(call, organization["id"], row["id"])


async def create_organization_invitation(call: Call) -> dict[str, Any]:
    """Invite an address that is neither a member's nor invited; open invitations count as members."""
    organization = await get(call, organizations, call.path["organization_id"], "organization")
    return await _invite(call, organization, call.body)


async def create_organization_invitations(call: Call) -> dict[str, Any]:
    """Invite several at once, or nobody when one of them cannot be."""
    organization = await get(call, organizations, call.path["organization_id"], "organization")
    check_size(call.items, MOST_AT_ONCE)
    # All in the call's one transaction: a refusal takes back those before it, and what webhooks hear.
    answers = [await _invite(call, organization, item) for item in call.items]
    return {"data": answers, "total_count": len(answers)}


async def _invite(call: Call, organization: RowMapping, body: Mapping[str, Any]) -> dict[str, Any]:
    key, email_address = organization["id"], normal("email_address", body["email_address"])
    # Clerk checks a named inviter; with the secret key alone nobody need be named.
    await _check_admin(call, key, body.get("inviter_user_id"))
    role = await check_role(call, body["role"], organization)
    if await _is_member(call, key, email_address):
        raise already_a_member(email_address)
    mine = (_table.c.organization_id == key, _table.c.email_address == email_address)
    # An expired one still stands as pending in the table, and in the way of the unique index.
    await end_expired(call, _table, *mine)
    text = f"There is a pending invitation for {email_address} to this organization already."
    not_unique = refusal("organization_invitation_not_unique", "invited already", text)
    if await find(call, _table, organization_id=key, email_address=email_address, status="pending"):
        raise not_unique
    # Last: who is invited already hears of that, however full the organization is.
    await check_places(call, organization)
    values = {"public_metadata": {}, "private_metadata": {}} | checked_metadata(body)
    invitation_id = new_id("orginv", call.now)
    with unique_or(not_unique):
        await insert(
            call,
            _table,
            id=invitation_id,
            organization_id=key,
            inviter_id=body.get("inviter_user_id"),
            email_address=email_address,
            role=role,
            **values | pending_values(call, body),
        )
    return await _told(call, "created", key, invitation_id)


async def revoke_organization_invitation(call: Call) -> dict[str, Any]:
    """Revoke a pending invitation."""
    organization = await get(call, organizations, call.path["organization_id"], "organization")
    key = organization["id"]
    row = await _invitation(call, key)
    await _check_admin(call, key, call.body.get("requesting_user_id"))
    # By the clock: unlike one to the application, an expired invitation cannot be revoked here.
    status = status_of(row, call.now)
    if status != "pending":
        text = f"Only a pending invitation can be revoked; this one is {status}."
        raise refusal("organization_invitation_not_pending", "not pending", text)
    await change(call, _table, row["id"], status="revoked", updated_at=call.now)
    return await _told(call, "revoked", key, row["id"])


async def _invitation(call: Call, organization_id: str) -> RowMapping:
    key = call.path["invitation_id"]
    row = await find(call, _table, organization_id=organization_id, id=key)
    if row is None:
        raise not_found("organization invitation", key)
    return row


async def _check_admin(call: Call, organization_id: str, user_id: str | None) -> None:
    """Refuse a user, if one is named, who is no admin of the organization."""
    if user_id is None:
        return
    await get(call, users, user_id, "user")
    member = await find(call, memberships, organization_id=organization_id, user_id=user_id)
    if member is None:
        text = f"The user {user_id} is no member of the organization."
        raise refusal("not_a_member_in_organization", "not a member", text)
    if not await may(call, member["role"], [MANAGE_MEMBERS]):
        text = f"The user {user_id} may not manage members of the organization."
        raise refusal("missing_organization_permission", "missing permission", text)


async def _is_member(call: Call, organization_id: str, email_address: str) -> bool:
    theirs = email_addresses.c.user_id == memberships.c.user_id
    same = (
        email_addresses.c.email_address == email_address,
        memberships.c.organization_id == organization_id,
    )
    return bool((await call.connection.execute(select(exists().where(theirs, *same)))).scalar_one())


def _all(call: Call) -> Select[Any]:
    """The invitations of the instance, each with what it shows of its inviter."""
    # Outer: many name no inviter, and a deleted one is forgotten.
    query = select(_table, *person_columns()).outerjoin(users, users.c.id == _table.c.inviter_id)
    return query.where(_table.c.instance_id == call.instance.id)


def _of(call: Call, organization_id: str) -> Select[Any]:
    """Those of one organization."""
    return _all(call).where(_table.c.organization_id == organization_id)


async def _told(call: Call, event: str, organization_id: str, invitation_id: str) -> dict[str, Any]:
    answer = await _answer(call, organization_id, invitation_id)
    call.emit(f"organizationInvitation.{event}", answer)
    return answer


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
    roles = await read_roles(call.connection, call.instance.id, {row["role"] for row in rows})
    return [
        {
            "object": "organization_invitation",
            **{name: row[name] for name in same},
            "role_name": roles[row["role"]].name,
            "public_inviter_data": public_inviter_data(call, row) if row["inviter_id"] else None,
            "status": status_of(row, call.now),
            "url": link_of(call, row),
        }
        for row in rows
    ]


async def present_with_organizations(call: Call, rows: Sequence[RowMapping]) -> list[dict[str, Any]]:
    """As `present`, each with what others may see of its organization."""
    answers = await present(call, rows)
    parents = await public_organizations(call, {row["organization_id"] for row in rows})
    return [answer | {"public_organization_data": parents[answer["organization_id"]]} for answer in answers]


HANDLERS: Handlers = where_organizations_are_on(
    {
        GET(_PLACE): list_organization_invitations,
        POST(_PLACE): create_organization_invitation,
        POST(f"{_PLACE}/{{invitation_id}}/revoke"): revoke_organization_invitation,
        GET(f"{_PLACE}/{{invitation_id}}"): get_organization_invitation,
        GET(f"{_PLACE}/pending"): list_pending,
        GET("/organization_invitations"): list_all_invitations,
        POST(f"{_PLACE}/bulk"): create_organization_invitations,
    }
)
