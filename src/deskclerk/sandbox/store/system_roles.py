"""The roles and permissions that every instance begins with, as rows."""

from collections.abc import Iterator, Mapping
from typing import Any

from sqlalchemy import Table

from deskclerk.sandbox.ids import new_id
from deskclerk.sandbox.store.organizations import (
    organization_permissions,
    organization_roles,
    role_permissions,
)

ADMIN, MEMBER = "org:admin", "org:member"
PERMISSIONS: Mapping[str, str] = {
    "org:sys_profile:manage": "Manage organization",
    "org:sys_profile:delete": "Delete organization",
    "org:sys_memberships:read": "Read members",
    "org:sys_memberships:manage": "Manage members",
    "org:sys_domains:read": "Read domains",
    "org:sys_domains:manage": "Manage domains",
    "org:sys_billing:read": "Read billing",
    "org:sys_billing:manage": "Manage billing",
}
"""Clerk's system permissions by key, with their names."""

ROLES: Mapping[str, tuple[str, tuple[str, ...]]] = {
    ADMIN: ("Admin", tuple(PERMISSIONS)),
    MEMBER: ("Member", ("org:sys_memberships:read", "org:sys_billing:read")),
}
"""The two first roles by key: name and permissions."""


def system_rows(instance_id: str, now: int) -> Iterator[tuple[Table, list[dict[str, Any]]]]:
    """The rows of a new instance, table by table in the order in which they can be inserted."""
    common = {"instance_id": instance_id, "created_at": now, "updated_at": now}
    permissions = {key: new_id("perm", now) for key in PERMISSIONS}
    roles = {key: new_id("role", now) for key in ROLES}
    yield (
        organization_permissions,
        [
            {"id": permissions[key], "key": key, "name": name, "description": "", "type": "system", **common}
            for key, name in PERMISSIONS.items()
        ],
    )
    yield (
        organization_roles,
        [
            {"id": roles[key], "key": key, "name": name, "description": None, **common}
            for key, (name, _) in ROLES.items()
        ],
    )
    yield (
        role_permissions,
        [
            {"role_id": roles[role], "permission_id": permissions[key]}
            for role, (_, keys) in ROLES.items()
            for key in keys
        ],
    )
