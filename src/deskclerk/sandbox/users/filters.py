"""Which users a list or a count means, and in which order: all of it in SQL, each order read off an index."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cache
from typing import Any

from sqlalchemy import Column, ColumnElement, Integer, Select, Table, and_, bindparam, or_, select, tuple_

from deskclerk.database import Statement
from deskclerk.sandbox.http.answer import Ready
from deskclerk.sandbox.http.call import Call, Question
from deskclerk.sandbox.http.errors import invalid, refusal
from deskclerk.sandbox.http.rows import (
    DEFAULT_LIMIT,
    RowMapping,
    all_of,
    count,
    find,
    ordered,
    page,
    split_order,
    split_signs,
)
from deskclerk.sandbox.store.tables import (
    external_accounts,
    memberships,
    users,
)
from deskclerk.sandbox.users.answers import kept, present_users
from deskclerk.sandbox.users.documents import with_documents, with_revision
from deskclerk.sandbox.users.identifications import NORMAL, TABLES
from deskclerk.sandbox.users.text_search import contains, owners_of, rare_or_all, texts

Condition = ColumnElement[bool]
_TIMES: Mapping[str, Callable[[ColumnElement[int], int], Condition]] = {
    "before": lambda column, moment: column < moment,
    "after": lambda column, moment: column > moment,
    "since": lambda column, moment: column >= moment,
}
_PAGING = {"limit", "offset", "order_by"}
_BY_ADDRESS: Mapping[str, str] = {
    "email_address": "email_address",
    "phone_number": "phone_number",
    "web3wallet": "web3_wallet",
}


async def matching(call: Call, *, whole: bool = False) -> Select[Any]:
    """The users that all filters of the call let through: a page of them, or the `whole` to be counted."""
    narrow = [await owners_of(call, *part, whole=whole) for part in texts(call)]
    for column, condition in _moments(call):
        # A count has to look at all of them anyway.
        narrow.append(condition if whole else await rare_or_all(call, column, condition))
    return all_of(call, users).where(*_plain(call), *narrow)


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
    # Both together: users made in the same millisecond must not be skipped or shown twice.
    place = tuple_(users.c.created_at, users.c.id)
    there = tuple_(last["created_at"], last["id"])
    return query.where(place < there if descends else place > there)


def conditions(call: Call) -> Iterator[Condition]:
    """What the filters that are given say of a row of `users`, each row looked at by itself."""
    yield from _plain(call)
    yield from (contains(call, *part) for part in texts(call))
    yield from (condition for _, condition in _moments(call))


def _plain(call: Call) -> Iterator[Condition]:
    """The filters that name whom they mean."""
    query = call.query
    for name, table in TABLES.items():
        if name in query:
            yield _owns(call, table, table.c[name].in_([NORMAL[name](value) for value in query[name]]))
    if "username" in query:
        yield users.c.username_folded.in_([value.casefold() for value in query["username"]])
    if "banned" in query:
        yield users.c.banned.is_(query["banned"])
    yield from _signed(call)
    yield from _accounts(call)


def _owns(call: Call, table: Table, condition: Condition) -> Condition:
    # Nothing of the users' row is in the inner query: it is carried out once, not for every user.
    return users.c.id.in_(select(table.c.user_id).where(table.c.instance_id == call.instance.id, condition))


def _signed(call: Call) -> Iterator[Condition]:
    for name, column in (("user_id", users.c.id), ("external_id", users.c.external_id)):
        wanted, unwanted = split_signs(call.query.get(name, ()))
        if wanted:
            yield column.in_(wanted)
        if unwanted:
            # In SQL null is not among anything and not outside of it either.
            yield or_(column.is_(None), column.not_in(unwanted))
    wanted, unwanted = split_signs(call.query.get("organization_id", ()))
    if wanted:
        yield _owns(call, memberships, memberships.c.organization_id.in_(wanted))
    if unwanted:
        yield ~_owns(call, memberships, memberships.c.organization_id.in_(unwanted))


def _moments(call: Call) -> Iterator[tuple[Column[int], Condition]]:
    """Each limit in time, and the column that it is of."""
    for column in ("last_active_at", "created_at", "last_sign_in_at"):
        for suffix, holds in _TIMES.items():
            moment = call.query.get(f"{column}_{suffix}")
            if moment is not None:
                yield users.c[column], holds(users.c[column], moment)


def _accounts(call: Call) -> Iterator[Condition]:
    pair = ("provider", "provider_user_id")
    given = [name for name in pair if call.query.get(name)]
    if len(given) == 1:
        (absent,) = set(pair) - set(given)
        text = f"{absent} must be included together with {given[0]}."
        raise refusal("form_conditional_param_missing", "is missing", text, param=absent)
    if given:
        account = and_(
            external_accounts.c.provider == call.query["provider"],
            external_accounts.c.provider_user_id.in_(call.query["provider_user_id"]),
        )
        yield _owns(call, external_accounts, account)


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
    table = TABLES[name]
    return select(table.c[name]).where(table.c.id == users.c[f"primary_{name}_id"]).scalar_subquery()


async def kept_page(question: Question) -> tuple[list[Ready], int] | None:
    """A page without filters, if the texts of all on it are kept; and the revision of the state."""
    query = question.query
    if not _PAGING.issuperset(query):
        return None
    name, descends = split_order(query.get("order_by", "-created_at"))
    if name in _BY_ADDRESS:
        return None
    rows = await question.store.database.ask(
        _ordered_page(name, descends),
        instance=question.instance_id,
        limit=query.get("limit", DEFAULT_LIMIT),
        offset=query.get("offset", 0),
    )
    return kept(question, rows)


@cache
def _ordered_page(name: str, descends: bool) -> Statement:
    mine = select(users).where(users.c.instance_id == bindparam("instance"))
    whole = ordered(mine, order_column(name), users.c.id, descends=descends)
    cut = whole.limit(bindparam("limit", type_=Integer)).offset(bindparam("offset", type_=Integer))
    return Statement(with_revision(with_documents(cut)))


async def page_of_users(call: Call, query: Select[Any]) -> Any:
    """The page that the call asks for of the users that its filters let through."""
    name, descends = split_order(call.query.get("order_by", "-created_at"))
    if name in _BY_ADDRESS:
        return await present_users(call, await _by_address(call, query, _BY_ADDRESS[name], descends=descends))
    return await page(call, with_documents(in_order(call, query)), present_users)


async def _by_address(call: Call, query: Select[Any], kind: str, *, descends: bool) -> Sequence[RowMapping]:
    """Those with a primary address in the order of its table's index, then those without, by id."""
    owned, primary = TABLES[kind], users.c[f"primary_{kind}_id"]
    limit, offset = call.query.get("limit", DEFAULT_LIMIT), call.query.get("offset", 0)
    value, tie = (item.desc() if descends else item.asc() for item in (owned.c[kind], users.c.id))
    theirs = and_(owned.c.user_id == users.c.id, owned.c.id == primary)
    having = query.join(owned, theirs).where(owned.c.instance_id == call.instance.id)
    rows = await _rows(call, having.order_by(value), limit, offset)
    # A full page needs no look at those without an address, who stand behind all others.
    if len(rows) == limit:
        return rows
    # An empty page was behind all of them: their number comes off the offset.
    before = 0 if rows else offset - await count(call, having)
    lacking = query.where(primary.is_(None)).order_by(tie)
    return [*rows, *await _rows(call, lacking, limit - len(rows), max(before, 0))]


async def _rows(call: Call, query: Select[Any], limit: int, offset: int) -> Sequence[RowMapping]:
    cut = with_documents(query).limit(limit).offset(offset)
    found: Sequence[RowMapping] = (await call.connection.execute(cut)).mappings().all()
    return found
