"""Credits of payers: every grant and every deduction is kept, and their sum is the balance."""

import datetime as dt
from typing import Any

from sqlalchemy import func, select

from deskclerk.catalogue.route import GET, POST
from deskclerk.sandbox.billing.money import CURRENCY, check_currency, money
from deskclerk.sandbox.billing.payers import Kind, Payer, payer_of
from deskclerk.sandbox.http.call import Call, Handler, Handlers
from deskclerk.sandbox.http.errors import missing, refusal
from deskclerk.sandbox.http.rows import RowMapping, find, get, insert
from deskclerk.sandbox.ids import new_id
from deskclerk.sandbox.instance.settings import where_organizations_are_on
from deskclerk.sandbox.store.tables import billing_credits

MOST = 10**12
"""Cents that a balance holds at most: far above what anybody grants, far below what a sum overflows at."""
_SIGNS = {"increase": 1, "decrease": -1}
_OWNER = {"user": "user_id", "org": "organization_id"}


def reading(kind: Kind) -> Handler:
    """The handler that tells the balance of payers of this kind."""

    async def read(call: Call) -> dict[str, Any]:
        cents = await _balance(call, await payer_of(call, kind))
        return {"object": "commerce_credit_balance", "balance": None if cents is None else money(cents)}

    return read


def adjusting(kind: Kind) -> Handler:
    """The handler that changes the balance of payers of this kind."""

    async def adjust(call: Call) -> dict[str, Any]:
        return await _adjust(call, await payer_of(call, kind))

    return adjust


async def _adjust(call: Call, payer: Payer) -> dict[str, Any]:
    body, owner = call.body, {_OWNER[payer.kind]: payer.row["id"]}
    cents = _signed(body["amount"], body["action"])
    check_currency(body.get("currency", CURRENCY))
    if not body["idempotency_key"]:
        raise missing("idempotency_key")
    # Whoever asks again, not knowing whether it was done, learns that it was; it is done once.
    if known := await find(call, billing_credits, **owner, idempotency_key=body["idempotency_key"]):
        return _answer(payer, known)
    after = (await _balance(call, payer) or 0) + cents
    if after < 0:
        text = "The balance is smaller than what is taken from it."
        raise refusal("insufficient_credit_balance", "balance is too small", text, param="amount")
    if after > MOST:
        raise refusal(
            "invalid_credit_amount", "is invalid", "The balance would be too large.", param="amount"
        )
    key = new_id("ccred", call.now)
    await insert(
        call,
        billing_credits,
        id=key,
        **owner,
        source_id=new_id("cgrant", call.now),
        amount=cents,
        idempotency_key=body["idempotency_key"],
        note=body.get("note"),
        created_at=call.now,
    )
    return _answer(payer, await get(call, billing_credits, key, "credit"))


def _signed(amount: int, action: str) -> int:
    if action not in _SIGNS:
        text = f"action must be one of {', '.join(_SIGNS)}."
        raise refusal("invalid_credit_action", "is invalid", text, param="action")
    if amount <= 0:
        text = "amount must be greater than zero; action says whether it is given or taken."
        raise refusal("invalid_credit_amount", "is invalid", text, param="amount")
    return _SIGNS[action] * amount


async def _balance(call: Call, payer: Payer) -> int | None:
    """Cents; None of a payer who never had any."""
    columns = billing_credits.c
    mine = columns[_OWNER[payer.kind]] == payer.row["id"]
    query = select(func.sum(columns.amount)).where(columns.instance_id == call.instance.id, mine)
    found = (await call.connection.execute(query)).scalar_one()
    # A sum of PostgreSQL's is no integer.
    return None if found is None else int(found)


def _answer(payer: Payer, row: RowMapping) -> dict[str, Any]:
    made = dt.datetime.fromtimestamp(row["created_at"] / 1000, dt.UTC)
    return {
        "object": "commerce_credit_ledger",
        "id": row["id"],
        "payer_id": payer.id("cpayer"),
        "amount": money(row["amount"]),
        "source_type": "grant",
        "source_id": row["source_id"],
        "note": row["note"],
        "created_at": made.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
    }


HANDLERS: Handlers = {
    GET("/users/{user_id}/billing/credits"): reading("user"),
    POST("/users/{user_id}/billing/credits"): adjusting("user"),
    **where_organizations_are_on(
        {
            GET("/organizations/{organization_id}/billing/credits"): reading("org"),
            POST("/organizations/{organization_id}/billing/credits"): adjusting("org"),
        }
    ),
}
