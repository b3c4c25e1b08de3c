"""The two roles that every instance has, with Clerk's system permissions."""

from collections.abc import Mapping
from dataclasses import dataclass

from deskclerk.sandbox.refusals import refusal

ADMIN, MEMBER = "org:admin", "org:member"


@dataclass(frozen=True, slots=True)
class Role:
    """What a member of an organization may do."""

    name: str
    permissions: tuple[str, ...]


ROLES: Mapping[str, Role] = {
    ADMIN: Role(
        "Admin",
        (
            "org:sys_profile:manage",
            "org:sys_profile:delete",
            "org:sys_memberships:read",
            "org:sys_memberships:manage",
            "org:sys_domains:read",
            "org:sys_domains:manage",
            "org:sys_billing:read",
            "org:sys_billing:manage",
        ),
    ),
    MEMBER: Role("Member", ("org:sys_memberships:read", "org:sys_billing:read")),
}


def check_role(key: str) -> str:
    """The key itself if there is such a role; else a 404."""
    if key not in ROLES:
        text = f"No role {key} exists in this instance; it has {', '.join(ROLES)}."
        raise refusal("resource_not_found", "not found", text, param="role")
    return key
