"""Sign-in tokens: tickets that sign a user in."""

from typing import Annotated, Any

from annotated_types import Ge, Le
from sqlalchemy import RowMapping

from deskclerk.catalogue.fields import Nullable
from deskclerk.catalogue.route import POST
from deskclerk.sandbox.call import Call, Handlers
from deskclerk.sandbox.ids import new_id
from deskclerk.sandbox.operation import Operation
from deskclerk.sandbox.organization_claims import active_organization
from deskclerk.sandbox.refusals import refusal
from deskclerk.sandbox.rows import get, insert
from deskclerk.sandbox.sign_in_tickets import LONGEST, SAME, pending, revoke, shown_once
from deskclerk.sandbox.store.tables import organizations, users
from deskclerk.sandbox.store.tables import sign_in_tokens as table

KIND = "sign_in_token"
DEFAULT_SECONDS = 30 * 24 * 60 * 60


class CreateSignInToken(Operation, route=POST("/sign_in_tokens")):
    """For whom, with which organization active, for how many seconds."""

    user_id: str
    org_id: Nullable[str] = None
    expires_in_seconds: Nullable[Annotated[int, Ge(1), Le(LONGEST)]] = None


class RevokeSignInToken(Operation, route=POST("/sign_in_tokens/{sign_in_token_id}/revoke")):
    """Takes nothing."""


async def create_sign_in_token(call: Call) -> dict[str, Any]:
    """A new ticket, answered here and never again."""
    user = await get(call, users, call.body["user_id"], "user")
    organization_id = call.body.get("org_id")
    if organization_id is not None:
        await get(call, organizations, organization_id, "organization")
        if not await active_organization(call, user["id"], organization_id):
            text = f"The user {user['id']} is no member of the organization {organization_id}."
            raise refusal("not_a_member_in_organization", "not a member", text)
    key, seconds = new_id("sit", call.now), call.body.get("expires_in_seconds") or DEFAULT_SECONDS
    await insert(
        call, table, id=key, user_id=user["id"], organization_id=organization_id, **pending(call, seconds)
    )
    row = await get(call, table, key, "sign-in token")
    return {**_answer(row), **await shown_once(call, KIND, row)}


async def revoke_sign_in_token(call: Call) -> dict[str, Any]:
    """Revoke a pending ticket."""
    return _answer(await revoke(call, table, KIND))


def _answer(row: RowMapping) -> dict[str, Any]:
    return {"object": KIND, **{name: row[name] for name in SAME}}


HANDLERS: Handlers = {
    CreateSignInToken: create_sign_in_token,
    RevokeSignInToken: revoke_sign_in_token,
}
