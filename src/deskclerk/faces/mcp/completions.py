"""Completions: what an argument of a prompt or of a resource's address can be, as the instance knows it.

Each is a read of the desk's, with its policy and its line in the journal; few come, and cleaned.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import mcp_types as types

from deskclerk.catalogue import Action, GetJob, ListClients, ListJobs, ListOrganizations, ListUsers
from deskclerk.desk import Caller, Desk
from deskclerk.desk.view.cleaning import line_of
from deskclerk.errors import InvalidRequest
from deskclerk.faces.mcp.prompts import Argument, Kind

_OF_A_USER = ("email_addresses.email_address", "username", "phone_numbers.phone_number", "id")
_OF_AN_ORGANIZATION = ("slug", "id")
_OF_AN_APPLICATION = ("name", "id")
"""What a thing is named by: the first of these that it has."""
_MOST = 10
_LONGEST = 100
"""Characters of one value; a longer name is given by its id."""
_PART_OF_A_URL = frozenset("/?#%\\")
"""Signs that no name holds by which a user or an organization is looked up."""


class Completions:
    """Finds values in one instance."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    async def of_argument(self, argument: Argument, text: str, caller: Caller) -> types.Completion:
        """What an argument of a prompt can be."""
        if argument.choices:
            return _beginning(argument.words(self._desk.actions(caller)), text)
        return await self.of_kind(argument.kind, text, caller)

    async def of_kind(self, kind: Kind, text: str, caller: Caller) -> types.Completion:
        """What names a thing of this kind; nothing for what the instance does not know."""
        if kind is Kind.USER:
            return await self._listed(ListUsers, {"query": text}, _OF_A_USER, caller)
        if kind is Kind.ORGANIZATION:
            return await self._listed(ListOrganizations, {"query": text}, _OF_AN_ORGANIZATION, caller)
        if kind is Kind.APPLICATION:
            return await self._listed(ListClients, {"name_query": text}, _OF_AN_APPLICATION, caller)
        return types.Completion(values=[], total=0, has_more=False)

    async def of_action(self, text: str, caller: Caller) -> types.Completion:
        """The names of the actions that the caller is offered; a part of one is enough."""
        names = [action.spec.name for action in self._desk.actions(caller)]
        return _few([name for name in names if text in name])

    async def of_plan(self, text: str, caller: Caller) -> types.Completion:
        """The plans that wait."""
        waiting = await self._desk.disclosure.waiting(caller)
        return _beginning([stored.plan.id for stored in waiting], text)

    async def of_job(self, text: str, caller: Caller) -> types.Completion:
        """The newest jobs."""
        self._desk.policy.check(GetJob, caller)
        found = (await self._desk.perform(ListJobs(limit=50), caller=caller)).value
        return _beginning([item["id"] for item in found["items"]], text)

    async def _listed(
        self, kind: type[Action], search: Mapping[str, str], fields: Sequence[str], caller: Caller
    ) -> types.Completion:
        # No name is that long, and Clerk would refuse it.
        if any(len(text) > _LONGEST for text in search.values()):
            raise InvalidRequest(
                f"No name is longer than {_LONGEST} characters.", next_step="Type fewer, or give an id."
            )
        given = {key: text for key, text in search.items() if text.strip()}
        arguments = given | {"limit": _MOST, "fields": list(fields)}
        action = await self._desk.action(kind, arguments, caller)
        found = (await self._desk.perform(action, caller=caller)).value
        items = found["items"]
        values = [_usable(_name(item, fields), item["id"]) for item in items]
        # Of two with one name the name says neither.
        values = [
            item["id"] if values.count(value) > 1 else value
            for value, item in zip(values, items, strict=True)
        ]
        return types.Completion(values=values, total=found["total"], has_more=found["next"] is not None)


def _name(item: Mapping[str, Any], fields: Iterable[str]) -> Any:
    """What the first of the fields says that says anything."""
    for field in fields:
        key, _, inner = field.partition(".")
        value = item.get(key)
        if inner:
            value = next((part.get(inner) for part in value or () if isinstance(part, Mapping)), None)
        if value:
            return value
    return None


def _usable(name: Any, its_id: str) -> str:
    """The name where it leads back to the thing, else the id: a long one, or one of two lines, does not."""
    if not isinstance(name, str) or _PART_OF_A_URL & set(name):
        return its_id
    return name if name and line_of(name, _LONGEST) == name else its_id


def _beginning(words: Iterable[str], text: str) -> types.Completion:
    return _few([word for word in words if word.startswith(text)])


def _few(values: list[str]) -> types.Completion:
    return types.Completion(values=values[:_MOST], total=len(values), has_more=len(values) > _MOST)
