"""How the target of a journalled write is now."""

from collections.abc import Callable, Mapping
from typing import Any

from deskclerk.catalogue import (
    BY_NAME,
    Action,
    GetOrganization,
    GetOrgMembership,
    ListAllowlist,
    ListBlocklist,
    ListDomains,
    ListInvitations,
    ListJwtTemplates,
    ListOrgInvitations,
)
from deskclerk.clerk.client import Clerk
from deskclerk.clerk.paging import every_page
from deskclerk.desk.undo.found import Event, ids_of, kind_of, left_by, seen_before
from deskclerk.errors import NotFound

_LISTS: dict[str, tuple[type[Action], str]] = {
    "allowlists": (ListAllowlist, "identifier"),
    "blocklists": (ListBlocklist, "identifier"),
    "jwt-templates": (ListJwtTemplates, "name"),
    "domains": (ListDomains, "name"),
}
"""By resource: its list, and the key by which a thing created again is known."""


async def current_of(intent: Event, outcome: Event, clerk: Clerk) -> dict[str, Any] | None:
    """The target now; of a removed thing, the one that has taken its place. None if there is none."""
    spec = kind_of(intent).spec
    try:
        if spec.verb == "create":
            return await _created(intent, left_by(outcome), clerk)
        if spec.verb in ("delete", "revoke"):
            return await _successor(intent, seen_before(intent), clerk)
        return await _got(spec.resource.get or "", ids_of(intent), clerk)
    except NotFound:
        return None


async def _got(reader: str, ids: Mapping[str, Any], clerk: Clerk) -> dict[str, Any]:
    answer: dict[str, Any] = await clerk.perform(BY_NAME[reader].parse(ids))
    return answer


async def _created(intent: Event, made: Mapping[str, Any], clerk: Clerk) -> dict[str, Any] | None:
    resource, key, asked = kind_of(intent).spec.resource, made.get("id"), intent["arguments"]
    if not key:
        return None
    match resource.plural:
        case "organizations":
            ids = {"organization_id": key, "include_members_count": True}
            return await _got(GetOrganization.spec.name, ids, clerk)
        case "org-memberships":
            return await _membership(asked, clerk)
        case "org-invitations":
            every = ListOrgInvitations(organization_id=asked["organization_id"])
            return await _first(every, clerk, lambda item: item.get("id") == key)
        case "invitations":
            # Revoked ones are listed only when they are asked for.
            for lister in (ListInvitations(query=key), ListInvitations(query=key, status="revoked")):
                found = await _first(lister, clerk, lambda item: item.get("id") == key)
                if found:
                    return found
            return None
        case "allowlists" | "blocklists":
            return await _first(_LISTS[resource.plural][0](), clerk, lambda item: item.get("id") == key)
    reader = BY_NAME[resource.get or ""]
    name = next(item.name for item in reader.parameters().values() if item.required)
    return await _got(reader.spec.name, {name: key}, clerk)


async def _successor(intent: Event, before: Mapping[str, Any], clerk: Clerk) -> dict[str, Any] | None:
    plural = kind_of(intent).spec.resource.plural
    if plural == "org-memberships":
        return await _membership(intent["arguments"], clerk)
    if plural in _LISTS:
        lister, key = _LISTS[plural]
        return await _first(lister(), clerk, lambda item: item.get(key) == before.get(key))
    if not plural.endswith("invitations") or not before:
        return None
    address = before.get("email_address")
    every: Action = (
        ListInvitations(status="pending", query=address)
        if plural == "invitations"
        else ListOrgInvitations(
            organization_id=intent["arguments"]["organization_id"], status="pending", email_address=address
        )
    )
    return await _first(every, clerk, lambda item: item.get("email_address") == address)


async def _membership(asked: Mapping[str, Any], clerk: Clerk) -> dict[str, Any]:
    ids = {name: asked[name] for name in ("organization_id", "user_id")}
    return await _got(GetOrgMembership.spec.name, ids, clerk)


async def _first(
    lister: Action, clerk: Clerk, wanted: Callable[[Mapping[str, Any]], bool]
) -> dict[str, Any] | None:
    async for page in every_page(lister, clerk.perform):
        for item in page.items:
            if wanted(item):
                return dict(item)
    return None
