"""Imports: rows of other people's exports, compared with who is there already.

What makes an import repeatable is that somebody is known again: by the external id, which holds the id that
the other provider gave, else by any address or name, which Clerk keeps unique.
"""

from collections.abc import AsyncIterator, Iterable, Iterator, Mapping, Sequence
from typing import Any

from deskclerk.catalogue import (
    Action,
    CreateOrganization,
    CreateOrgMembership,
    CreateUser,
    ListUsers,
    Parameter,
    UpdateUser,
)
from deskclerk.clerk.client import Clerk
from deskclerk.clerk.paging import MOST, count, every_page, page_of
from deskclerk.desk.jobs.rows import Row
from deskclerk.desk.naming import folded_name

_AT_ONCE = 100
"""Values that one filter may hold; Clerk's bound."""
_FEW_PAGES = 10
"""Pages of users that are rather read once than asked about for every row."""
_NAMED_BY = (
    ("external_id", ListUsers),
    ("email_address", ListUsers),
    ("phone_number", ListUsers),
    ("username", ListUsers),
)
_MEMBERS = "members"
_ROLE = "org:member"
_UPDATED = (
    "external_id",
    "first_name",
    "last_name",
    "username",
    "locale",
    "public_metadata",
    "private_metadata",
    "unsafe_metadata",
)
"""What an import puts right of somebody who is there: neither addresses nor passwords, which are theirs."""


class Existing:
    """Who of those that rows name is there already."""

    def __init__(self, clerk: Clerk) -> None:
        self._clerk = clerk
        self._all: dict[tuple[str, str], str] | None = None
        self._asked = False

    async def find(self, rows: Sequence[Mapping[str, Any]]) -> list[set[str]]:
        """For each row the ids of the users that have one of its identifiers."""
        if not self._asked:
            self._asked = True
            total = await count(self._clerk, ListUsers())
            if isinstance(total, int) and total <= MOST * _FEW_PAGES:
                self._all = {}
                async for page in every_page(ListUsers(), self._clerk.perform):
                    self._all |= dict(_identifiers_of(page.items))
        known = self._all if self._all is not None else await self._ask(rows)
        return [{known[key] for key in _identifiers_in(row) if key in known} for row in rows]

    async def _ask(self, rows: Sequence[Mapping[str, Any]]) -> dict[tuple[str, str], str]:
        found: dict[tuple[str, str], str] = {}
        for name, lister in _NAMED_BY:
            values = [value for row in rows for key, value in _identifiers_in(row) if key == name]
            for start in range(0, len(values), _AT_ONCE):
                asked = lister.parse({name: values[start : start + _AT_ONCE], "limit": MOST})
                found |= dict(_identifiers_of(page_of(await self._clerk.perform(asked)).items))
        return found


def _identifiers_in(row: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for name, _ in _NAMED_BY:
        value = row.get(name)
        for text in value if isinstance(value, list) else [value]:
            if isinstance(text, str) and text:
                yield name, text if name == "external_id" else folded_name(text)


def _identifiers_of(items: Iterable[Mapping[str, Any]]) -> Iterator[tuple[tuple[str, str], str]]:
    for item in items:
        found = dict(item) | {
            "email_address": [mail.get("email_address") for mail in item.get("email_addresses") or ()],
            "phone_number": [phone.get("phone_number") for phone in item.get("phone_numbers") or ()],
        }
        for key in _identifiers_in(found):
            yield key, str(item.get("id"))


def twice_in_file(rows: Iterable[Row]) -> Iterator[Row]:
    """The rows, each of which names somebody that an earlier one names with that as its problem."""
    seen: dict[tuple[str, str], int] = {}
    for row in rows:
        keys = list(_identifiers_in(row.arguments))
        first = next(((key, seen[key]) for key in keys if key in seen), None)
        seen |= {key: row.line for key in keys if key not in seen}
        if first:
            problem = (first[0][0], f"line {first[1]} has the same")
            yield Row(row.line, row.arguments, (*row.problems, problem), row.notes)
        else:
            yield row


def update_of(row: Mapping[str, Any], user_id: str) -> dict[str, Any]:
    """The arguments that bring somebody who is there to what a row says."""
    return {"user_id": user_id} | {
        name: row[name] for name in _UPDATED if row.get(name) not in (None, {}, "")
    }


async def compared(
    rows: Iterable[Row], existing: Existing, *, update: bool
) -> AsyncIterator[tuple[type[Action], Row, str]]:
    """Each row with the action that it becomes, and why it is left out where it is; not one by one."""
    batch: list[Row] = []
    for row in twice_in_file(rows):
        batch.append(row)
        if len(batch) == MOST:
            async for ready in _compared(batch, existing, update=update):
                yield ready
            batch = []
    async for ready in _compared(batch, existing, update=update):
        yield ready


async def _compared(
    batch: list[Row], existing: Existing, *, update: bool
) -> AsyncIterator[tuple[type[Action], Row, str]]:
    found = await existing.find([row.arguments for row in batch])
    for row, ids in zip(batch, found, strict=True):
        if not row.arguments and not row.problems:
            why = row.notes[0].removeprefix("not imported: ") if row.notes else "empty"
            yield CreateUser, row, why
        elif len(ids) > 1:
            problem = ("", f"names {len(ids)} users that are there: {', '.join(sorted(ids))}")
            yield CreateUser, Row(row.line, row.arguments, (*row.problems, problem)), ""
        elif not ids or row.problems:
            yield CreateUser, row, ""
        elif update:
            yield UpdateUser, Row(row.line, update_of(row.arguments, next(iter(ids))), (), row.notes), ""
        else:
            yield CreateUser, row, "there already"


async def organization_steps(rows: Iterable[Row]) -> AsyncIterator[tuple[type[Action], Row, str]]:
    """Organizations, and behind all of them their members: `$N.id` is the one that item N makes.

    A row has the parameters of an organization's creation, and `members`: users, each with a role behind a
    colon where it is another than org:member.
    """
    every = list(rows)
    for row in every:
        plain = {name: value for name, value in row.arguments.items() if name != _MEMBERS}
        yield CreateOrganization, Row(row.line, plain, row.problems, row.notes), ""
    for number, row in enumerate(every, 1):
        members = row.arguments.get(_MEMBERS) or []
        for member in members.split("|") if isinstance(members, str) else members:
            user, role, problems = _member(member)
            found = {"organization_id": f"${number}.id", "user_id": user, "role": role}
            yield CreateOrgMembership, Row(row.line, found, problems), ""


def _member(member: Any) -> tuple[str, str, tuple[tuple[str, str], ...]]:
    if isinstance(member, str) and member.strip():
        user, colon, role = member.strip().partition(":")
        return user, role if colon else _ROLE, ()
    return "", _ROLE, ((_MEMBERS, "expected a user, with a role behind a colon: ada@example.com:org:admin"),)


def members_parameter() -> Parameter:
    """What the column of members is, to whatever reads rows."""
    return Parameter(_MEMBERS, "local", {"type": "array", "items": {"type": "string"}}, False, "user:role, …")
