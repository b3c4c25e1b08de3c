"""Looks at what a write is about to touch, so that a person can be shown it."""

from collections.abc import Mapping
from typing import Any

from deskclerk.catalogue import ACTIONS, BY_NAME, Action, GetOrganization, GetUser
from deskclerk.clerk.client import Clerk
from deskclerk.clerk.paging import MOST, page_of

_PARTIES: Mapping[str, type[Action]] = {"user_id": GetUser, "organization_id": GetOrganization}
"""Who a creation may be about, and how each is read."""


async def look(action: Action, clerk: Clerk) -> list[dict[str, Any]]:
    """What exists of the things that a write names, the target first; empty for a plain creation.

    Raises:
        NotFound: the target is not there, so that nobody need be asked.
    """
    if action.spec.verb == "create":
        return [
            await clerk.perform(reader.parse({name: getattr(action, name)}))
            for name, reader in _PARTIES.items()
            if getattr(action, name, None)
        ]
    getter = action.spec.resource.get
    if getter:
        reader = BY_NAME[getter]
        names = [item.name for item in reader.parameters().values() if item.required]
        return [await clerk.perform(reader.parse({name: getattr(action, name) for name in names}))]
    return await _in_list(action, clerk)


async def _in_list(action: Action, clerk: Clerk) -> list[dict[str, Any]]:
    """The target from its resource's list, where Clerk has no route for a single one.

    Only the newest five hundred are looked through; a target beyond them is left to Clerk.
    """
    lister = next(
        item for item in ACTIONS if item.spec.resource is action.spec.resource and item.spec.is_list
    )
    arguments = {name: getattr(action, name) for name in lister.spec.route.names}
    wanted = getattr(action, action.spec.route.names[-1])
    page = page_of(await clerk.perform(lister.parse(arguments | {"limit": MOST})))
    return [item for item in page.items if item.get("id") == wanted]
