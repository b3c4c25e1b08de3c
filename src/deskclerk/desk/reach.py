"""How far a write reaches beyond its target: sessions that end, members who lose a place.

Found by a few bounded reads. One that fails says so in the preview and keeps nobody from deciding.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

from deskclerk.catalogue import Action, GetUser, ListOrganizations, ListOrgInvitations, ListSessions
from deskclerk.catalogue.org_memberships import ListOrgMemberships
from deskclerk.clerk.client import Clerk
from deskclerk.clerk.paging import Page, page_of
from deskclerk.desk.plan import is_so_already, line_of, name_of
from deskclerk.errors import ClerkError

_SECONDS = 8.0
_MOST_ORGANIZATIONS = 10
_MOST_ADMINS = 2
_ADMIN = "org:admin"
Finder = Callable[[Action, Mapping[str, Any], Clerk], Awaitable[list[str]]]


async def reach_of(action: Action, seen: Sequence[Mapping[str, Any]], clerk: Clerk) -> tuple[str, ...]:
    """What else the write touches, one sentence each; empty where it touches its target alone."""
    finders = _FINDERS.get(action.spec.name, ())
    target = seen[0] if seen else {}
    already = ("it is so already: this changes nothing",) if is_so_already(action, target) else ()
    found = await asyncio.gather(*(_tried(what, find, action, target, clerk) for what, find in finders))
    return (*already, *(line for lines in found for line in lines))


async def _tried(
    what: str, find: Finder, action: Action, target: Mapping[str, Any], clerk: Clerk
) -> list[str]:
    try:
        async with asyncio.timeout(_SECONDS):
            return await find(action, target, clerk)
    except (ClerkError, TimeoutError, TypeError, AttributeError):
        # The last two: an answer of another shape than Clerk's documents say.
        return [f"{what}: could not be read"]


async def _page(clerk: Clerk, action: Action) -> Page:
    return page_of(await clerk.perform(action))


def _count(page: Page, one: str, many: str) -> str:
    number = page.total if page.total is not None else len(page.items)
    return f"{number} {one if number == 1 else many}"


async def _sessions(action: Action, clerk: Clerk) -> str:
    listing = ListSessions(user_id=action.user_id, status="active", limit=1)  # type: ignore[attr-defined]
    return _count(await _page(clerk, listing), "active session", "active sessions")


async def _sessions_end(action: Action, target: Mapping[str, Any], clerk: Clerk) -> list[str]:
    del target
    return [f"ends {await _sessions(action, clerk)}"]


async def _sessions_stay(action: Action, target: Mapping[str, Any], clerk: Clerk) -> list[str]:
    del target
    return [f"{await _sessions(action, clerk)} not ended by this"]


async def _organizations(action: Action, target: Mapping[str, Any], clerk: Clerk) -> list[str]:
    """The organizations that the user belongs to, and those of which nobody else is an admin."""
    del target
    user = action.user_id  # type: ignore[attr-defined]
    page = await _page(clerk, ListOrganizations(user_id=[user], limit=_MOST_ORGANIZATIONS))
    if not page.items:
        return ["member of no organization"]
    alone = await asyncio.gather(*(_only_admin(item["id"], user, clerk) for item in page.items))
    names = ", ".join(line_of(item.get("name") or item.get("id")) for item in page.items)
    total = page.total or len(page.items)
    more = f" and {total - len(page.items)} more (not looked at)" if total > len(page.items) else ""
    last = [line_of(item.get("name")) for item, only in zip(page.items, alone, strict=True) if only]
    return [f"member of {names}{more}", *([f"last admin of {', '.join(last)}"] if last else [])]


async def _only_admin(organization: str, user: str, clerk: Clerk) -> bool:
    listing = ListOrgMemberships(organization_id=organization, role=[_ADMIN], limit=_MOST_ADMINS)
    admins = (await _page(clerk, listing)).items
    return [(item.get("public_user_data") or {}).get("user_id") for item in admins] == [user]


async def _last_admin(action: Action, target: Mapping[str, Any], clerk: Clerk) -> list[str]:
    organization, user = action.organization_id, action.user_id  # type: ignore[attr-defined]
    if target.get("role") != _ADMIN or getattr(action, "role", None) == _ADMIN:
        return []
    name = line_of((target.get("organization") or {}).get("name") or organization)
    only = await _only_admin(organization, user, clerk)
    return [f"last admin of {name}"] if only else [f"{name} keeps other admins"]


async def _members(action: Action, target: Mapping[str, Any], clerk: Clerk) -> list[str]:
    del target
    organization = action.organization_id  # type: ignore[attr-defined]
    page = await _page(clerk, ListOrgMemberships(organization_id=organization, limit=1))
    return [f"removes {_count(page, 'member', 'members')}; the users remain"]


async def _pending(action: Action, target: Mapping[str, Any], clerk: Clerk) -> list[str]:
    del target
    organization = action.organization_id  # type: ignore[attr-defined]
    page = await _page(clerk, ListOrgInvitations(organization_id=organization, status="pending", limit=1))
    return [f"withdraws {_count(page, 'pending invitation', 'pending invitations')}"]


async def _signed_in(action: Action, target: Mapping[str, Any], clerk: Clerk) -> list[str]:
    del action
    user = await clerk.perform(GetUser(user_id=str(target.get("user_id"))))
    where = target.get("latest_activity") or {}
    place = [where.get(key) for key in ("browser_name", "device_type", "city", "country")]
    on = line_of(", ".join(str(part) for part in place if part))
    return [f"signs out {name_of(user)}" + (f" on {on}" if on else "")]


def _says(text: str) -> Finder:
    async def find(action: Action, target: Mapping[str, Any], clerk: Clerk) -> list[str]:
        del action, target, clerk
        return [text]

    return find


async def _of_client(action: Action, target: Mapping[str, Any], clerk: Clerk) -> list[str]:
    del action, clerk
    places = [line_of(uri) for uri in target.get("redirect_uris") or ()]
    return ["sign-ins through it stop" + (f", back to {', '.join(places[:5])} too" if places else "")]


_FINDERS: Mapping[str, tuple[tuple[str, Finder], ...]] = {
    "clerk_user_ban": (("active sessions", _sessions_end), ("organizations", _organizations)),
    "clerk_user_delete": (("active sessions", _sessions_end), ("organizations", _organizations)),
    "clerk_user_lock": (("active sessions", _sessions_stay),),
    "clerk_session_revoke": (("whose session it is", _signed_in),),
    "clerk_organization_delete": (("members", _members), ("pending invitations", _pending)),
    "clerk_org_membership_delete": (("admins", _last_admin),),
    "clerk_org_membership_update": (("admins", _last_admin),),
    "clerk_client_delete": (("redirects", _of_client),),
    "clerk_jwt_template_delete": (("use", _says("whoever asks for a token by this template gets none")),),
    "clerk_domain_delete": (("use", _says("sign-ins on this domain stop")),),
    "clerk_invitation_revoke": (("link", _says("the link that was sent stops working")),),
    "clerk_org_invitation_revoke": (("link", _says("the link that was sent stops working")),),
}
