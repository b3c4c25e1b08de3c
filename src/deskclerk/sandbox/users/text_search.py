"""Text search in users: through an index where few are found, along the list where many are.

What few have is cheap to collect and dear to meet by chance; what many have is the other way round. So
an index is asked for at most `FEW` owners first. SQLite's index is a table of trigrams that triggers
keep (`search_index`), PostgreSQL's are on the columns themselves. A text that is shorter than a trigram
is sought along the list.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from sqlalchemy import (
    Column,
    ColumnElement,
    CompoundSelect,
    Select,
    Table,
    column,
    func,
    literal_column,
    or_,
    select,
    table,
    union_all,
)

from deskclerk.sandbox.http.call import Call
from deskclerk.sandbox.store.tables import users
from deskclerk.sandbox.users.identifications import TABLES

# Up to so many ids are cheaper in the query than looking at every user along the list.
FEW = 2_000
TRIGRAM = 3
_OWN: Mapping[str, Column[Any]] = {
    "name": users.c.name_folded,
    "username": users.c.username_folded,
    "user": users.c.id,
}
_MIXED_CASE = ("user", "web3_wallet")
"""What is not kept in lower case."""
_FIELDS: Mapping[str, tuple[str, ...]] = {
    "email_address_query": ("email_address",),
    "phone_number_query": ("phone_number",),
    "username_query": ("username",),
    "name_query": ("name",),
    "query": (*_OWN, *TABLES),
}
"""What each parameter looks in; the names are those of the columns of `search_index`."""

_index = table("search_index", column("rowid"), column("search_index"))
_texts = table("search_texts", column("number"), column("user_id"), column("indexed"))

Condition = ColumnElement[bool]


def texts(call: Call) -> Iterator[tuple[tuple[str, ...], str]]:
    """The fields to look in, and the text, case-folded."""
    for name, fields in _FIELDS.items():
        text = call.query.get(name, "").strip().casefold()
        if text:
            yield fields, text


def contains(call: Call, fields: tuple[str, ...], text: str) -> Condition:
    """Whether one of a user's fields contains the text, told from that user's rows alone."""
    return or_(*(_has(call, name, text) for name in fields))


async def owners_of(call: Call, fields: tuple[str, ...], text: str, *, whole: bool) -> Condition:
    """As `contains`, in the form that costs least for a page, or for the `whole`."""
    # An index of three letters cannot find two.
    if len(text) < TRIGRAM or "\0" in text:
        return contains(call, fields, text)
    found = _owners(call, fields, text)
    if whole:
        return users.c.id.in_(found)
    if await _many_indexed(call, fields, text):
        return contains(call, fields, text)
    few = await _few(call, found)
    return contains(call, fields, text) if few is None else users.c.id.in_(few)


async def rare_or_all(call: Call, limited: Column[Any], condition: Condition) -> Condition:
    """The condition on an indexed column; as ids where few rows meet it."""
    few = await _few(call, select(users.c.id).where(*_mine(call, users), condition).order_by(limited))
    return condition if few is None else users.c.id.in_(few)


async def _few(call: Call, found: Select[Any] | CompoundSelect[Any]) -> list[str] | None:
    """The ids that a query finds, None if they are more than FEW."""
    ids = (await call.connection.execute(found.limit(FEW + 1))).scalars().all()
    return sorted(set(ids)) if len(ids) <= FEW else None


async def _many_indexed(call: Call, fields: tuple[str, ...], text: str) -> bool:
    """Whether SQLite's index alone tells that more than FEW have the text: without looking up whose it is."""
    if call.connection.dialect.name != "sqlite":
        return False
    hits = select(_index.c.rowid).where(_matches(fields, text)).limit(FEW + 1).subquery()
    counted = select(func.count()).select_from(hits)
    return int((await call.connection.execute(counted)).scalar_one()) > FEW


def _matches(fields: tuple[str, ...], text: str) -> Condition:
    # Inside quotes FTS5 takes everything as text, its own operators too.
    quoted = text.replace('"', '""')
    return _index.c.search_index.op("MATCH")(f'{{{" ".join(fields)}}} : "{quoted}"')


def _has(call: Call, name: str, text: str) -> Condition:
    if name in _OWN:
        return _part(_OWN[name], name, text)
    owned = TABLES[name]
    mine = select(owned.c.id).where(owned.c.user_id == users.c.id, _part(owned.c[name], name, text))
    return mine.correlate(users).exists()


def _owners(call: Call, fields: tuple[str, ...], text: str) -> Select[Any] | CompoundSelect[Any]:
    """The ids of the users with the text, straight from the index; one may come more than once."""
    if call.connection.dialect.name == "sqlite":
        indexed = select(_texts.c.user_id).join_from(_index, _texts, _texts.c.number == _index.c.rowid)
        # The newest few rows wait to be indexed: their owners are looked at one by one.
        waiting = select(users.c.id).join_from(_texts, users, users.c.id == _texts.c.user_id)
        return union_all(
            indexed.where(_matches(fields, text)),
            waiting.where(_texts.c.indexed == literal_column("0"), contains(call, fields, text)),
        )
    own = [name for name in fields if name in _OWN]
    parts = [select(users.c.id).where(*_mine(call, users), _part(_OWN[name], name, text)) for name in own]
    for name in (name for name in fields if name not in _OWN):
        owned = TABLES[name]
        parts.append(select(owned.c.user_id).where(*_mine(call, owned), _part(owned.c[name], name, text)))
    return union_all(*parts) if len(parts) > 1 else parts[0]


def _part(value: Column[Any], name: str, text: str) -> Condition:
    if name in _MIXED_CASE:
        # Ids and wallets keep their capitals; everything else is stored folded, and needs no folding here.
        return value.icontains(text, autoescape=True)
    return value.contains(text, autoescape=True)


def _mine(call: Call, owned: Table) -> list[Condition]:
    return [owned.c.instance_id == call.instance.id]
