"""What a token says of the organization that its session has active."""

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from sqlalchemy import select

from deskclerk.sandbox.call import Call
from deskclerk.sandbox.roles import read_roles
from deskclerk.sandbox.store.tables import memberships, organizations

_SYSTEM = "org:sys_"


class Active(NamedTuple):
    """The active organization and the user's part in it; `permissions` without Clerk's own."""

    id: str
    slug: str
    name: str
    role: str
    permissions: Sequence[str]
    public_metadata: Any
    membership_metadata: Any


async def active_organization(call: Call, user_id: str, organization_id: str | None) -> Active | None:
    """The organization, if one is active and the user is still a member."""
    if organization_id is None:
        return None
    columns = (
        organizations.c.id,
        organizations.c.slug,
        organizations.c.name,
        memberships.c.role,
        organizations.c.public_metadata,
        memberships.c.public_metadata.label("membership_metadata"),
    )
    query = (
        select(*columns)
        .join(memberships, memberships.c.organization_id == organizations.c.id)
        .where(organizations.c.instance_id == call.instance.id, organizations.c.id == organization_id)
        .where(memberships.c.user_id == user_id)
    )
    row = (await call.connection.execute(query)).mappings().one_or_none()
    return None if row is None else Active(**row, permissions=await _permissions(call, row["role"]))


async def _permissions(call: Call, role: str) -> Sequence[str]:
    """The permissions of a role that tokens carry: Clerk leaves its system permissions out."""
    found = await read_roles(call.connection, call.instance.id, [role])
    return [key for key in found[role].permissions if not key.startswith(_SYSTEM)]


class Packed(NamedTuple):
    """Permissions `org:<feature>:<action>` as version 2 tokens carry them, as lists with commas.

    `features` (claim `fea`), `actions` (`o.per`), and for each feature a number (`o.fpm`) whose bit n,
    the lowest first, says that the feature's nth action is allowed.
    """

    features: str
    actions: str
    map: str


def pack(permissions: Iterable[str]) -> Packed:
    """The permissions, packed."""
    pairs = {(feature, action) for _, feature, action in (key.split(":", 2) for key in permissions)}
    features, actions = (sorted({pair[place] for pair in pairs}) for place in (0, 1))
    masks = (
        sum(1 << bit for bit, action in enumerate(actions) if (feature, action) in pairs)
        for feature in features
    )
    return Packed(",".join(f"o:{name}" for name in features), ",".join(actions), ",".join(map(str, masks)))
