"""Users and organizations as people name them: by an e-mail address, a phone number, a username, a slug.

What an action takes is an id. Whatever else stands in its place is looked up before the action is made, by
an exact match; the id is what is shown, signed and sent.
"""

import re
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from typing import Any

from deskclerk.catalogue import Action, ListOrganizations, ListUsers
from deskclerk.clerk.client import Clerk
from deskclerk.clerk.paging import MOST, page_of
from deskclerk.desk.caller import Caller
from deskclerk.desk.instances.instance import Instance
from deskclerk.desk.journal.journal import Journal
from deskclerk.desk.journal.records import DONE
from deskclerk.desk.view.cleaning import line_of
from deskclerk.errors import ClerkError, InvalidRequest, NotAllowed

_Find = Callable[[Action], Awaitable[list[dict[str, Any]]]]
"""What looks a list up; the items that have an id."""

_USERS = frozenset({"user_id", "created_by", "inviter_user_id", "requesting_user_id"})
_ORGANIZATIONS = frozenset({"organization_id"})
"""Parameters that want a user or an organization; in filters, which are lists, each of them does."""
_USER_ID = re.compile(r"[+-]?user_\w+|[+-]?[a-z]+_[A-Za-z0-9]{27}", re.ASCII)
_ORGANIZATION_ID = re.compile(r"[+-]?org_\w+|[+-]?[a-z]+_[A-Za-z0-9]{27}", re.ASCII)
"""What is an id, and be it of another kind of thing: Clerk says so, and nothing is looked up."""
_NAME = re.compile(r"[^\x00-\x1f/?#%\\]+")
"""What can be a name: nothing that a URL gives a meaning to, which is no id either, and is refused as one."""
_PHONE = re.compile(r"\+[0-9][0-9 ()./-]{4,}")
_MOST_NAMES = 10
"""Names that one call may hold: each is a read."""
_AT_ONCE = 100
"""Names that one list request may hold; Clerk's bound."""
_LONGEST = 320
"""Characters; no address is longer."""
_CANDIDATES = 5
_AGAIN = "Nothing was sent. Call again with an id."


class Names:
    """Finds the ids of one instance's users and organizations."""

    def __init__(self, instance: Instance, journal: Journal, clerk: Callable[[], Awaitable[Clerk]]) -> None:
        self._instance = instance
        self._journal = journal
        self._clerk = clerk

    async def arguments(
        self,
        kind: type[Action],
        given: Mapping[str, Any],
        caller: Caller,
        may: Callable[[type[Action]], None],
    ) -> dict[str, Any]:
        """The arguments with ids in the place of names; a look-up is a read, and journalled as one.

        `may` raises NotAllowed for a list that the caller may not read. InvalidRequest where nobody, or
        more than one, has the name; it lists who comes near.
        """
        found = kind.coerced(given)
        named = [
            (name, value) for name, value in found.items() if _lookup(kind, name) and _names_in(name, value)
        ]
        if not named:
            return found
        if sum(len(_names_in(name, value)) for name, value in named) > _MOST_NAMES:
            problem = f"more than {_MOST_NAMES} names in one call; pass ids, or ask in several calls"
            raise _problem(kind, named[0][0], problem)
        # What else is wrong is told first: nobody need be looked up for a call that cannot be made.
        kind.parse(found | {name: _made_up(name, value) for name, value in named})
        clerk = await self._clerk()

        async def find(search: Action) -> list[dict[str, Any]]:
            try:
                items = page_of(await clerk.perform(search)).items
            except ClerkError as error:
                await self._journal.read(self._instance, caller, search, error.kind, error)
                raise
            await self._journal.read(self._instance, caller, search, DONE)
            return [item for item in items if isinstance(item.get("id"), str)]

        for name, value in named:
            if isinstance(value, list):
                found[name] = [await self._id(kind, name, item, may, find) for item in value]
            else:
                found[name] = await self._id(kind, name, value, may, find)
        return found

    async def of_many(self, name: str, values: Sequence[str]) -> dict[str, list[dict[str, Any]]]:
        """Who or what has each of these names, for the parameter `name`; what is an id already is left out.

        Asked a hundred names at a time; a name with no or more than one entry is for the caller to refuse.
        """
        clerk = await self._clerk()
        names = [value for value in dict.fromkeys(values) if _names_in(name, value)]
        found: dict[str, list[dict[str, Any]]] = {value: [] for value in names}

        async def find(search: Action) -> list[dict[str, Any]]:
            return page_of(await clerk.perform(search)).items

        if name not in _USERS:
            for value in names:
                found[value] = await _organizations(find, value)
            return found
        for start in range(0, len(names), _AT_ONCE):
            part = names[start : start + _AT_ONCE]
            emails = [value for value in part if "@" in value]
            phones = [value for value in part if _PHONE.fullmatch(value) and "@" not in value]
            others = [value for value in part if value not in emails and value not in phones]
            items: list[dict[str, Any]] = []
            if emails:
                items += await find(ListUsers(email_address=emails, limit=MOST))
            if phones:
                items += await find(ListUsers(phone_number=[plain_phone(one) for one in phones], limit=MOST))
            if others:
                items += await find(ListUsers(username=others, limit=MOST))
                items += await find(ListUsers(external_id=others, limit=MOST))
            by_name: dict[str, dict[Any, dict[str, Any]]] = {}
            for item in items:
                for known in names_of_user(item):
                    by_name.setdefault(known, {})[item.get("id")] = item
            for value in part:
                found[value] = list(by_name.get(folded_name(value), {}).values())
        return found

    @staticmethod
    async def _id(
        kind: type[Action], name: str, value: Any, may: Callable[[type[Action]], None], find: _Find
    ) -> Any:
        if not _names_in(name, value):
            return value
        # In a filter a minus excludes what it names, and a plus, which a number begins with too, includes it.
        signed = value.startswith("-") or (value.startswith("+") and not _PHONE.fullmatch(value))
        sign, plain = (value[0], value[1:]) if signed else ("", value)
        users = name in _USERS
        try:
            may(ListUsers if users else ListOrganizations)
        except NotAllowed:
            what = "user_…" if users else "org_…"
            raise _problem(kind, name, f"not an id ({what}), and names may not be looked up here") from None
        matches = await (_users(find, plain) if users else _organizations(find, plain))
        if len(matches) == 1:
            return sign + matches[0]["id"]
        if matches:
            raise _problem(kind, name, f"several have it: {_listed(matches)}")
        near = await _near(find, plain, users=users)
        one = "user" if users else "organization"
        hint = f"; near: {_listed(near)}" if near else ""
        raise _problem(kind, name, f"no {one} is called {line_of(plain, 80)}{hint}")


def is_name(name: str, value: str) -> bool:
    """Whether a value of a parameter is the name of somebody or something, and no id."""
    return (name in _USERS | _ORGANIZATIONS) and bool(_names_in(name, value))


def names_of_user(item: Mapping[str, Any]) -> Iterator[str]:
    """What a user can be named by, folded."""
    for plural, key in (("email_addresses", "email_address"), ("phone_numbers", "phone_number")):
        for one in item.get(plural) or ():
            if isinstance(one, Mapping) and one.get(key):
                yield folded_name(str(one[key]))
    for key in ("username", "external_id"):
        if item.get(key):
            yield folded_name(str(item[key]))


def folded_name(name: str) -> str:
    """A name as it is compared: capitals and the punctuation of a phone number aside."""
    return plain_phone(name) if _PHONE.fullmatch(name) and "@" not in name else name.casefold()


def plain_phone(number: str) -> str:
    """A phone number without what people put between its digits."""
    return re.sub(r"[^0-9+]", "", number)


def _lookup(kind: type[Action], name: str) -> bool:
    """Whether a parameter wants a user or an organization, and Clerk does not look names up itself."""
    if name in _ORGANIZATIONS and kind.spec.reads_one and kind.spec.route.path.endswith("{organization_id}"):
        return False  # Clerk takes a slug there
    return name in _USERS | _ORGANIZATIONS and name in kind.parameters()


def _names_in(name: str, value: Any) -> list[str]:
    """What of a value is a name and no id."""
    pattern = _USER_ID if name in _USERS else _ORGANIZATION_ID
    values = value if isinstance(value, list) else [value]
    texts = [item for item in values if isinstance(item, str)]
    return [item for item in texts if _NAME.fullmatch(item) and not pattern.fullmatch(item)]


def _made_up(name: str, value: Any) -> Any:
    """Ids in the place of names, for a call that is only looked at."""
    one = "user_0" if name in _USERS else "org_0"
    if not isinstance(value, list):
        return one
    return [one if _names_in(name, item) else item for item in value]


async def _users(find: _Find, name: str) -> list[dict[str, Any]]:
    """The users who have exactly this address, number, username or external id."""
    if len(name) > _LONGEST:
        return []
    if "@" in name:
        return await find(ListUsers(email_address=[name], limit=2))
    if _PHONE.fullmatch(name):
        return await find(ListUsers(phone_number=[plain_phone(name)], limit=2))
    found: dict[str, dict[str, Any]] = {}
    for search in (ListUsers(username=[name], limit=2), ListUsers(external_id=[name], limit=2)):
        found |= {item["id"]: item for item in await find(search)}
    return list(found.values())


async def _organizations(find: _Find, name: str) -> list[dict[str, Any]]:
    """The organizations with exactly this slug."""
    if len(name) > _LONGEST:
        return []
    found = await find(ListOrganizations(query=name, limit=20))
    return [item for item in found if item.get("slug") == name]


async def _near(find: _Find, name: str, *, users: bool) -> list[dict[str, Any]]:
    if len(name) > _LONGEST:
        return []
    search = ListUsers if users else ListOrganizations
    return await find(search.parse({"query": name, "limit": _CANDIDATES}))


def _listed(items: list[dict[str, Any]]) -> str:
    return ", ".join(f"{_words(item)} ({line_of(item['id'], 60)})" for item in items[:_CANDIDATES])


def _words(item: Mapping[str, Any]) -> str:
    """Who it is, in a few words; what people wrote stays on its line."""
    names = [item.get(key) for key in ("first_name", "last_name")] if "first_name" in item else []
    addresses = item.get("email_addresses") or [{}]
    first = addresses[0].get("email_address") if isinstance(addresses[0], Mapping) else None
    said = [*names, item.get("name"), item.get("slug"), item.get("username"), first]
    return line_of(" ".join(str(word) for word in said if word) or "without a name", 80)


def _problem(kind: type[Action], name: str, problem: str) -> InvalidRequest:
    return InvalidRequest(
        f"{kind.spec.name}: {name}: {problem}.", problems=[(name, problem)], next_step=_AGAIN
    )
