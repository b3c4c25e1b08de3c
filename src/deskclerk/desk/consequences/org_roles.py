"""What it means to change a role, a permission or a set of roles: how many members are touched."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from deskclerk.catalogue import (
    Action,
    AssignRolePermission,
    DeleteOrgPermission,
    DeleteOrgRole,
    ListAllMemberships,
    ListOrgRoles,
    Parameter,
    RemoveRolePermission,
    ReplaceRoleSet,
    ReplaceRoleSetRole,
    UpdateOrgPermission,
    UpdateOrgRole,
)
from deskclerk.clerk.client import Clerk
from deskclerk.clerk.paging import MOST, every_page
from deskclerk.desk.consequences.changes import Change
from deskclerk.desk.consequences.default import Consequences, Removal, Update, Values
from deskclerk.desk.consequences.restoring import Restoring
from deskclerk.desk.consequences.targets import id_parameter, read
from deskclerk.desk.view.cleaning import clean, line_of

_MOST_PAGES = 5
"""Pages of memberships that a preview may cost: Clerk has no count of them by role."""


async def members_with(roles: frozenset[str], clerk: Clerk) -> str:
    """How many memberships have one of these roles, counted in the first pages; said where there are more."""
    found = seen = 0
    async for page in every_page(ListAllMemberships(limit=MOST), clerk.perform):
        found += sum(item.get("role") in roles for item in page.items)
        seen += 1
        if seen == _MOST_PAGES and (page.total or 0) > seen * MOST:
            return f"{found:,} members or more"
    return f"{found:,} {'member' if found == 1 else 'members'}"


async def members_of_role(action: Action, target: Values, clerk: Clerk) -> list[str]:
    """Everybody who has the role."""
    del action
    key = str(target.get("key"))
    return [f"{await members_with(frozenset({key}), clerk)} of all organizations have {line_of(key)}"]


async def permissions_that_go(action: Action, target: Values, clerk: Clerk) -> list[str]:
    """Which permissions the members gain and lose: the list that is given replaces what the role has."""
    del clerk
    given = getattr(action, "permissions", None)
    if given is None:
        return []
    old = {str(item.get("id")): str(item.get("key")) for item in _permissions(target)}
    lost = [key for one, key in old.items() if one not in given and key not in given]
    gained = [one for one in given if one not in old and one not in old.values()]
    return [
        *([f"they lose {', '.join(map(line_of, lost))}"] if lost else []),
        *([f"they gain {', '.join(map(line_of, gained))}"] if gained else []),
    ]


async def roles_with_permission(action: Action, target: Values, clerk: Clerk) -> list[str]:
    """The roles that hold a permission, and their members."""
    del action
    holding: dict[str, str] = {}
    async for page in every_page(ListOrgRoles(), clerk.perform):
        for role in page.items:
            if any(item.get("id") == target.get("id") for item in _permissions(role)):
                holding[str(role.get("key"))] = line_of(role.get("name"))
    if not holding:
        return ["no role holds it"]
    members = await members_with(frozenset(holding), clerk)
    return [f"held by {', '.join(holding.values())}: {members}"]


async def permission_of_role(action: Action, target: Values, clerk: Clerk) -> list[str]:
    """What the one permission is that is given or taken."""
    from deskclerk.catalogue import GetOrgPermission  # noqa: PLC0415 - only for these two

    found = await read(
        GetOrgPermission, {id_parameter(GetOrgPermission): getattr(action, "permission_id", "")}, clerk
    )
    del target
    return [f"the permission is {line_of(found.get('key'))}"]


def _permissions(role: Values) -> list[Mapping[str, object]]:
    return [item for item in role.get("permissions") or () if isinstance(item, Mapping)]


class UpdateOrgRoleConsequences(Update, of=UpdateOrgRole):
    """What a role can do, everybody who has it can do."""

    reach = (("members", members_of_role), ("permissions", permissions_that_go))

    def changes(self, action: Action, seen: Sequence[Values]) -> tuple[Change, ...]:
        """Old permissions by their keys: what Clerk answers of each would fill the page."""
        had = [str(item.get("key")) for item in _permissions(seen[0] if seen else {})]
        return tuple(
            replace(change, old=clean(had)) if change.field == "permissions" else change
            for change in super().changes(action, seen)
        )

    def restore(self, work: Restoring, item: Parameter) -> None:
        """Permissions are answered whole, and given by their ids."""
        super().restore(work, item)
        if "permissions" in work.values:
            work.values["permissions"] = [part["id"] for part in work.values["permissions"]]


class DeleteOrgRoleConsequences(Removal, of=DeleteOrgRole):
    """Clerk refuses it while somebody has the role."""

    lost = "A role made anew has another id."
    reach = (("members", members_of_role),)


class AssignRolePermissionConsequences(Consequences, of=AssignRolePermission):
    """Everybody with the role gains the permission."""

    undone_by = RemoveRolePermission
    reach = (("members", members_of_role), ("permission", permission_of_role))


class RemoveRolePermissionConsequences(Consequences, of=RemoveRolePermission):
    """Everybody with the role loses the permission."""

    undone_by = AssignRolePermission
    reach = (("members", members_of_role), ("permission", permission_of_role))


class UpdateOrgPermissionConsequences(Update, of=UpdateOrgPermission):
    """An application asks for a permission by its key."""

    reach = (("roles", roles_with_permission),)


class DeleteOrgPermissionConsequences(Removal, of=DeleteOrgPermission):
    """Every role that holds it loses it."""

    lost = "A permission made anew has another id, and no role holds it."
    reach = (("roles", roles_with_permission),)


async def _role_changes_hands(action: Action, target: Values, clerk: Clerk) -> list[str]:
    del target
    old, new = getattr(action, "role_key", ""), getattr(action, "to_role_key", "")
    members = await members_with(frozenset({str(old)}), clerk)
    return [f"{members} of all organizations have {line_of(old)}; those in this set get {line_of(new)}"]


class ReplaceRoleSetRoleConsequences(Consequences, of=ReplaceRoleSetRole):
    """Who had the one role has the other."""

    lost = "Who had which role before is not kept."
    reach = (("members", _role_changes_hands),)


async def _set_goes(action: Action, target: Values, clerk: Clerk) -> list[str]:
    del clerk
    new = line_of(getattr(action, "dest_role_set_key", ""))
    roles = ", ".join(line_of(item.get("key")) for item in target.get("roles") or ())
    return [f"every organization of this set gets {new}", f"its roles are {roles or 'none'}"]


class ReplaceRoleSetConsequences(Consequences, of=ReplaceRoleSet):
    """The set is deleted, and its organizations have another."""

    lost = "The set is deleted, and which organizations had it is not kept."
    reach = (("organizations", _set_goes),)
