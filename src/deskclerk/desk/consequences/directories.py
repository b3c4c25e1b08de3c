"""What it means to change a directory: it keeps users up to date, and gives roles by groups."""

from typing import Any

from deskclerk.catalogue import (
    Action,
    DeleteDirectory,
    DeleteScimDirectory,
    ListDirectoryGroupRoles,
    ListScimGroupRoles,
    ReplaceDirectoryGroupRoles,
    ReplaceScimGroupRoles,
    RotateDirectoryKey,
    RotateScimDirectoryKey,
)
from deskclerk.clerk.client import Clerk
from deskclerk.clerk.paging import page_of
from deskclerk.desk.consequences.default import Consequences, Removal, Values, count_of, says
from deskclerk.desk.consequences.targets import parties

_KEY = (
    ("the key", says("the identity provider updates nobody until it has the new key")),
    ("handing over", says("the new key goes to a person, not to the model")),
)
_NOBODY = says("users and groups are kept up to date no longer: who leaves the company stays a user")


class RotateDirectoryKeyConsequences(Consequences, of=RotateDirectoryKey):
    """The old key is worthless."""

    lost = "The old key never works again."
    reach = _KEY


class RotateScimDirectoryKeyConsequences(Consequences, of=RotateScimDirectoryKey):
    """The old key is worthless."""

    lost = "The old key never works again."
    reach = _KEY


class DeleteDirectoryConsequences(Removal, of=DeleteDirectory):
    """The identity provider has to be connected anew."""

    lost = "The directory can be connected anew, with another id and another key."
    reach = (("users", _NOBODY),)


class DeleteScimDirectoryConsequences(Removal, of=DeleteScimDirectory):
    """The identity provider has to be connected anew."""

    lost = "The directory can be connected anew, with another id and another key."
    reach = (("users", _NOBODY),)


async def _roles_that_go(action: Action, target: Values, clerk: Clerk) -> list[str]:
    del target
    lister: Action
    if isinstance(action, ReplaceDirectoryGroupRoles):
        lister = ListDirectoryGroupRoles(directory_id=action.directory_id)
    else:
        lister = ListScimGroupRoles(scim_directory_id=action.scim_directory_id)  # type: ignore[attr-defined]
    old = count_of(page_of(await clerk.perform(lister)), "role of a group", "roles of groups")
    new = len(getattr(action, "mappings", ()))
    return [f"{old} now, {new} afterwards: members get the roles of their groups anew"]


class _ReplacedRoles(Consequences):
    """All that were there go."""

    lost = "The old ones are not kept."
    reach = (("roles", _roles_that_go),)

    async def targets(self, action: Action, clerk: Clerk) -> list[dict[str, Any]]:
        """The directory."""
        return await parties(action, clerk)


class ReplaceDirectoryGroupRolesConsequences(_ReplacedRoles, of=ReplaceDirectoryGroupRoles):
    """Of a directory."""


class ReplaceScimGroupRolesConsequences(_ReplacedRoles, of=ReplaceScimGroupRoles):
    """Of a SCIM directory."""
