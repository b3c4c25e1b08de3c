"""What writes on several users at once touch."""

from collections.abc import Sequence
from typing import Any

from deskclerk.catalogue import (
    Action,
    BanUsers,
    DeleteUserProfileImage,
    ListUsers,
    SetUserProfileImage,
    UnbanUsers,
)
from deskclerk.clerk.client import Clerk
from deskclerk.clerk.paging import page_of
from deskclerk.desk.consequences.changes import Change
from deskclerk.desk.consequences.default import Consequences, Values
from deskclerk.desk.consequences.targets import display_name
from deskclerk.desk.consequences.users import sessions_end_in_sum

_MOST_REQUESTS = 20


class _OfSeveral(Consequences):
    """A switch of several users, each of whom is read and named."""

    switched = ("banned", True)

    async def targets(self, action: Action, clerk: Clerk) -> list[dict[str, Any]]:
        """Those of the users who are there."""
        ids: Sequence[str] = action.user_ids  # type: ignore[attr-defined]
        return list(page_of(await clerk.perform(ListUsers(user_id=list(ids), limit=max(1, len(ids))))).items)

    def changes(self, action: Action, seen: Sequence[Values]) -> tuple[Change, ...]:
        """One line for each user whose state changes."""
        del action
        field, value = self.switched
        changing = (item for item in seen if item.get(field) is not value)
        return tuple(Change(f"{display_name(item)} {field}", item.get(field), value) for item in changing)

    async def reaches(self, action: Action, seen: Sequence[Values], clerk: Clerk) -> tuple[str, ...]:
        """Who is not there, who is so already."""
        del clerk
        ids: Sequence[str] = action.user_ids  # type: ignore[attr-defined]
        known = {item.get("id") for item in seen}
        missing = [one for one in ids if one not in known]
        field, value = self.switched
        already = sum(item.get(field) is value for item in seen)
        word = field if value else f"not {field}"
        return (
            *((f"not found: {', '.join(missing)}",) if missing else ()),
            *((f"{already} of them are {word} already",) if already else ()),
        )


class BanUsersConsequences(_OfSeveral, of=BanUsers):
    """Every session of each ends."""

    keeps = "ended sessions stay ended"

    async def reaches(self, action: Action, seen: Sequence[Values], clerk: Clerk) -> tuple[str, ...]:
        """How many sessions end in sum."""
        ids = frozenset(str(item.get("id")) for item in seen)
        told = await sessions_end_in_sum(ids, clerk, _MOST_REQUESTS) if ids else []
        return (*told, *await super().reaches(action, seen, clerk))

    def way_back(self) -> type[Action]:
        """The same for all of them."""
        return UnbanUsers


class UnbanUsersConsequences(_OfSeveral, of=UnbanUsers):
    """New sign-ins are let in again."""

    switched = ("banned", False)

    def way_back(self) -> type[Action]:
        """The same for all of them."""
        return BanUsers


class SetUserProfileImageConsequences(Consequences, of=SetUserProfileImage):
    """The picture before is not kept."""

    lost = "The old picture is not kept."


class DeleteUserProfileImageConsequences(Consequences, of=DeleteUserProfileImage):
    """The picture is not kept."""

    lost = "The picture is not kept; a letter or a connected account's picture is shown."
