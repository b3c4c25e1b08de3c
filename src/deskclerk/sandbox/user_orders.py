"""Pages of users in the orders that their list takes, each read off an index."""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import RowMapping, Select, and_

from deskclerk.sandbox.call import Call
from deskclerk.sandbox.identifiers import TABLES
from deskclerk.sandbox.paging import DEFAULT_LIMIT, count, page, split_order
from deskclerk.sandbox.store.tables import users
from deskclerk.sandbox.user_answers import present_users
from deskclerk.sandbox.user_filters import in_order

_BY_ADDRESS: Mapping[str, str] = {
    "email_address": "email_address",
    "phone_number": "phone_number",
    "web3wallet": "web3_wallet",
}


async def page_of_users(call: Call, query: Select[Any]) -> Any:
    """The page that the call asks for of the users that its filters let through."""
    name, descends = split_order(call.query.get("order_by", "-created_at"))
    if name in _BY_ADDRESS:
        return await present_users(call, await _by_address(call, query, _BY_ADDRESS[name], descends=descends))
    return await page(call, in_order(call, query), present_users)


async def _by_address(call: Call, query: Select[Any], kind: str, *, descends: bool) -> Sequence[RowMapping]:
    """Those with a primary address in the order of its table's index, then those without, by id."""
    owned, primary = TABLES[kind], users.c[f"primary_{kind}_id"]
    limit, offset = call.query.get("limit", DEFAULT_LIMIT), call.query.get("offset", 0)
    value, tie = (item.desc() if descends else item.asc() for item in (owned.c[kind], users.c.id))
    theirs = and_(owned.c.user_id == users.c.id, owned.c.id == primary)
    having = query.join(owned, theirs).where(owned.c.instance_id == call.instance.id)
    rows = await _rows(call, having.order_by(value), limit, offset)
    if len(rows) == limit:
        return rows
    before = 0 if rows else offset - await count(call, having)
    lacking = query.where(primary.is_(None)).order_by(tie)
    return [*rows, *await _rows(call, lacking, limit - len(rows), max(before, 0))]


async def _rows(call: Call, query: Select[Any], limit: int, offset: int) -> Sequence[RowMapping]:
    cut = query.limit(limit).offset(offset)
    found: Sequence[RowMapping] = (await call.connection.execute(cut)).mappings().all()
    return found
