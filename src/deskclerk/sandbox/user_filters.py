"""Which users a list or a count means, and in which order: all of it in SQL."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from sqlalchemy import ColumnElement, Select, Table, and_, or_, select, tuple_

from deskclerk.sandbox.call import Call
from deskclerk.sandbox.identifiers import NORMAL
from deskclerk.sandbox.paging import ordered, split_order, split_signs
from deskclerk.sandbox.refusals import invalid, refusal
from deskclerk.sandbox.rows import all_of, find
from deskclerk.sandbox.store.tables import (
    email_addresses,
    external_accounts,
    memberships,
    phone_numbers,
    users,
    web3_wallets,
)

Condition = ColumnElement[bool]
ADDRESSES = {
    "email_address": email_addresses,
    "phone_number": phone_numbers,
    "web3_wallet": web3_wallets,
}
_TIMES: Mapping[str, Callable[[ColumnElement[int], int], Condition]] = {
    "before": lambda column, moment: column < moment,
    "after": lambda column, moment: column > moment,
    "since": lambda column, moment: column >= moment,
}


def matching(call: Call) -> Select[Any]:
    """The users that all filters of the call let through."""
    return all_of(call, users).where(*conditions(call.query))


def in_order(call: Call, query: Select[Any]) -> Select[Any]:
    """The query in the call's order, newest first by default."""
    name, descends = split_order(call.query.get("order_by", "-created_at"))
    return ordered(query, order_column(name), users.c.id, descends=descends)


async def after_cursor(call: Call, query: Select[Any]) -> Select[Any]:
    """The query from behind the user that `starting_after` names, if it is given."""
    cursor = call.query.get("starting_after")
    if not cursor:
        return query
    name, descends = split_order(call.query.get("order_by", "-created_at"))
    if name != "created_at":
        raise invalid("starting_after", "starting_after can be used in the order of created_at only.")
    if call.query.get("offset"):
        raise invalid("starting_after", "starting_after cannot be used with an offset.")
    last = await find(call, users, id=cursor)
    if last is None:
        raise invalid("starting_after", f"No user has the id {cursor}.")
    place = tuple_(users.c.created_at, users.c.id)
    there = tuple_(last["created_at"], last["id"])
    return query.where(place < there if descends else place > there)


def conditions(query: Mapping[str, Any]) -> Iterator[Condition]:
    """What the filters that are given say of a row of `users`."""
    for name, table in ADDRESSES.items():
        if name in query:
            yield _owns(table, table.c[name].in_([NORMAL[name](value) for value in query[name]]))
    if "username" in query:
        yield users.c.username_folded.in_([value.casefold() for value in query["username"]])
    if "banned" in query:
        yield users.c.banned.is_(query["banned"])
    yield from _signed(query)
    yield from _texts(query)
    yield from _moments(query)
    yield from _accounts(query)


def _owns(table: Table, condition: Condition) -> Condition:
    owners = select(table.c.user_id).where(table.c.instance_id == users.c.instance_id, condition)
    return users.c.id.in_(owners.correlate(users))


def _signed(query: Mapping[str, Any]) -> Iterator[Condition]:
    for name, column in (("user_id", users.c.id), ("external_id", users.c.external_id)):
        wanted, unwanted = split_signs(query.get(name, ()))
        if wanted:
            yield column.in_(wanted)
        if unwanted:
            yield or_(column.is_(None), column.not_in(unwanted))
    wanted, unwanted = split_signs(query.get("organization_id", ()))
    if wanted:
        yield _owns(memberships, memberships.c.organization_id.in_(wanted))
    if unwanted:
        yield ~_owns(memberships, memberships.c.organization_id.in_(unwanted))


def _texts(query: Mapping[str, Any]) -> Iterator[Condition]:
    parts: dict[str, Callable[[str], Condition]] = {
        "email_address_query": lambda text: _owns_part("email_address", text),
        "phone_number_query": lambda text: _owns_part("phone_number", text),
        "username_query": lambda text: users.c.username_folded.contains(text, autoescape=True),
        "name_query": lambda text: users.c.name_folded.contains(text, autoescape=True),
        "query": _anywhere,
    }
    for name, condition in parts.items():
        text = query.get(name, "").strip().casefold()
        if text:
            yield condition(text)


def _owns_part(name: str, text: str) -> Condition:
    table = ADDRESSES[name]
    return _owns(table, table.c[name].icontains(text, autoescape=True))


def _anywhere(text: str) -> Condition:
    return or_(
        users.c.name_folded.contains(text, autoescape=True),
        users.c.username_folded.contains(text, autoescape=True),
        users.c.id.icontains(text, autoescape=True),
        *(_owns_part(name, text) for name in ADDRESSES),
    )


def _moments(query: Mapping[str, Any]) -> Iterator[Condition]:
    for column in ("last_active_at", "created_at", "last_sign_in_at"):
        for suffix, holds in _TIMES.items():
            moment = query.get(f"{column}_{suffix}")
            if moment is not None:
                yield holds(users.c[column], moment)


def _accounts(query: Mapping[str, Any]) -> Iterator[Condition]:
    pair = ("provider", "provider_user_id")
    given = [name for name in pair if query.get(name)]
    if len(given) == 1:
        (absent,) = set(pair) - set(given)
        text = f"{absent} must be included together with {given[0]}."
        raise refusal("form_conditional_param_missing", "is missing", text, param=absent)
    if given:
        account = and_(
            external_accounts.c.provider == query["provider"],
            external_accounts.c.provider_user_id.in_(query["provider_user_id"]),
        )
        yield _owns(external_accounts, account)


def order_column(name: str) -> ColumnElement[Any]:
    """What an `order_by` of users with this name sorts by."""
    match name:
        case "username":
            return users.c.username_folded
        case "email_address" | "phone_number":
            return _primary(name)
        case "web3wallet":
            return _primary("web3_wallet")
        case _:
            return users.c[name]


def _primary(name: str) -> ColumnElement[Any]:
    table = ADDRESSES[name]
    return select(table.c[name]).where(table.c.id == users.c[f"primary_{name}_id"]).scalar_subquery()
