"""What a write is about: found in Clerk by the resource's own `get` or `list`, and named for a person."""

import functools
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from deskclerk.catalogue import EVERY_ACTION, Action, sibling
from deskclerk.clerk.client import Clerk
from deskclerk.clerk.paging import MOST, every_page, page_of
from deskclerk.desk.view.cleaning import line_of
from deskclerk.errors import NotFound

Values = Mapping[str, Any]


def display_name(item: Values | None) -> str:
    """How a person knows a thing: name, address, id."""
    if not item:
        return ""
    person = " ".join(str(item[key]) for key in ("first_name", "last_name") if item.get(key))
    address = next((str(mail["email_address"]) for mail in item.get("email_addresses") or ()), "")
    data = item.get("public_user_data")
    member = display_name(data | {"id": data.get("user_id")}) if isinstance(data, dict) else ""
    organization = item.get("organization")
    within = f"in {organization.get('name')}" if isinstance(organization, dict) else ""
    known = (
        item.get("name"),
        person,
        item.get("email_address")
        or item.get("identifier")
        or address
        or item.get("username")
        or item.get("phone_number")
        or next((value for key, value in item.items() if key.endswith("display_name")), None),
        # Of other things the URL may be a ticket, which is nobody's to read.
        item.get("url") if item.get("object") == "redirect_url" else None,
    )
    # A membership is named by its person and its organization; its own id says nothing.
    own = [f"({item['id']})"] if item.get("id") else []
    words = [member, within, *(str(part) for part in known if part), *own]
    return line_of(" ".join(part for part in words if part), 300)


async def parties(action: Action, clerk: Clerk) -> list[dict[str, Any]]:
    """What a creation names and what must be there: the user and the organization of a membership."""
    return [
        await clerk.perform(reader.parse({id_parameter(reader): one})) for reader, one in parties_of(action)
    ]


def parties_of(action: Action) -> Iterator[tuple[type[Action], str]]:
    """The ids of what a creation is about, each with the action that reads it."""
    for name, reader in _readers().items():
        if one := getattr(action, name, None):
            yield reader, one


_BY_PREFIX = {"user_": "user_id", "org_": "organization_id", "mch_": "machine_id"}


async def named(one: Any, clerk: Clerk) -> str:
    """A user, organization or machine of this id as a person knows it; the id alone where it is not there."""
    found = next((name for prefix, name in _BY_PREFIX.items() if str(one).startswith(prefix)), "")
    if not found:
        return line_of(one)
    try:
        return display_name(await read(_readers()[found], {found: one}, clerk))
    except NotFound:
        return line_of(one)


def names_of_things(intent: Values) -> set[str]:
    """The ids of everything that a journalled write names, whether in its path or beside it."""
    named = {intent["arguments"].get(name) for name in _readers()}
    return {name for name in (*named, *(intent["target"] or "").split("/")) if name}


async def target_of(action: Action, clerk: Clerk) -> list[dict[str, Any]]:
    """What a write is about to touch; empty if it is not among the newest five hundred of a mere list.

    A target beyond them is left to Clerk, which knows.

    Raises:
        NotFound: it is not there, so that nobody need be asked.
    """
    reader = sibling(type(action), "get")
    if reader:
        return [await read(reader, {name: getattr(action, name) for name in _required(reader)}, clerk)]
    if lister_by_path(type(action)) is None:
        # Some things Clerk lets nobody read, such as a sign-in token: the plan shows what is asked alone.
        return []
    path = {name: getattr(action, name) for name in action.spec.route.names}
    item, _ = await _in_list(type(action), path, clerk, ({},))
    return [item] if item else []


async def target_now(
    kind: type[Action], arguments: Values, clerk: Clerk
) -> tuple[dict[str, Any] | None, bool]:
    """The target of a journalled write as it is now or None, and whether all there is was looked through."""
    reader = sibling(kind, "get")
    if reader:
        try:
            return await read(reader, {name: arguments[name] for name in _required(reader)}, clerk), True
        except NotFound:
            return None, True
    lister = lister_by_path(kind)
    if lister is None:
        return None, False
    # Clerk leaves revoked ones out unless they are asked for.
    states: tuple[Values, ...] = ({"status": "revoked"}, {}) if "status" in lister.parameters() else ({},)
    return await _in_list(kind, arguments, clerk, states)


async def _in_list(
    kind: type[Action], arguments: Values, clerk: Clerk, states: tuple[Values, ...]
) -> tuple[dict[str, Any] | None, bool]:
    """The target from its resource's list, where Clerk has no route for a single one."""
    lister = lister_of(kind)
    given: dict[str, Any] = {name: arguments[name] for name in lister.spec.route.names}
    given |= {"limit": MOST} if "limit" in lister.parameters() else {}
    wanted = arguments[kind.spec.route.names[-1]]
    whole = True
    for state in states:
        page = page_of(await clerk.perform(lister.parse(given | dict(state))))
        whole = whole and len(page.items) < MOST
        for item in page.items:
            if item.get("id") == wanted:
                return item, True
    return None, whole


async def read(reader: type[Action], arguments: Values, clerk: Clerk) -> dict[str, Any]:
    """What a reading action answers; NotFound if there is no such thing."""
    answer: dict[str, Any] = await clerk.perform(reader.parse(arguments))
    return answer


async def first_that(lister: Action, clerk: Clerk, fits: Callable[[Values], bool]) -> dict[str, Any] | None:
    """The first thing of a list that fits, through all its pages; None if none does."""
    async for page in every_page(lister, clerk.perform):
        for item in page.items:
            if fits(item):
                return dict(item)
    return None


def lister_by_path(kind: type[Action]) -> type[Action] | None:
    """The list of a thing's resource where the ids in its path are all that the list wants; None without."""
    names = kind.spec.route.names
    lister = sibling(kind, "list") if names else None
    return lister if lister and {*_required(lister)} <= {*names} else None


def lister_of(kind: type[Action]) -> type[Action]:
    """The list of an action's resource; LookupError if it has none."""
    lister = sibling(kind, "list")
    if lister is None:
        raise LookupError(f"{kind.spec.name}: its resource has neither get nor list")
    return lister


def wants(reader: type[Action]) -> list[str]:
    """What a list or a `get` cannot do without, in the order of its path."""
    return _required(reader)


def id_parameter(reader: type[Action]) -> str:
    """The parameter by which a thing is read."""
    return _required(reader)[0]


def reader_of_id(name: str) -> type[Action] | None:
    """The action that reads the thing which an id of this name is of; None if none reads it alone."""
    return _readers().get(name)


def _required(reader: type[Action]) -> list[str]:
    return [item.name for item in reader.parameters().values() if item.required]


@functools.cache
def _readers() -> dict[str, type[Action]]:
    """By the name of an id: the action that reads the thing with it alone."""
    found: dict[str, type[Action]] = {}
    for action in EVERY_ACTION:
        if action.spec.reads_one and len(_required(action)) == 1:
            # The first resource with an id of that name is what the id means everywhere.
            found.setdefault(_required(action)[0], action)
    return found
