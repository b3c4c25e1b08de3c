"""What it means to change a user's addresses: whose it is, which is primary, who can still sign in."""

from collections.abc import Sequence

from deskclerk.catalogue import (
    Action,
    CreateEmailAddress,
    DeleteEmailAddress,
    ListUsers,
    ReplaceUserEmailAddress,
    UpdateEmailAddress,
)
from deskclerk.clerk.client import Clerk
from deskclerk.clerk.paging import page_of
from deskclerk.desk.consequences.default import Consequences, Creation, FindReach, Removal, Update, Values
from deskclerk.desk.consequences.targets import display_name
from deskclerk.desk.consequences.user_factors import ways_left
from deskclerk.desk.view.cleaning import line_of


async def owner_of(target: Values, clerk: Clerk, key: str = "email_address") -> Values:
    """The user who has an address; empty if nobody is found by it."""
    value = target.get(key)
    if not value:
        return {}
    found = page_of(await clerk.perform(ListUsers.parse({key: [value], "limit": 1}))).items
    return found[0] if found else {}


def primary_of(user: Values, key: str = "email_address") -> str:
    """A user's primary address or number; empty without one."""
    wanted = user.get(f"primary_{key}_id")
    several = user.get("email_addresses" if key == "email_address" else "phone_numbers") or ()
    return next((line_of(item.get(key)) for item in several if item.get("id") == wanted), "")


def whose(key: str = "email_address", noun: str = "address", then: str = "") -> FindReach:
    """A reach that says whose it is, and which one is primary before and after, and what `then` holds."""

    async def find(action: Action, target: Values, clerk: Clerk) -> list[str]:
        user = await owner_of(target, clerk, key)
        if not user:
            return []
        lines = [f"belongs to {display_name(user)}"]
        if getattr(action, "primary", None):
            before, after = primary_of(user, key), line_of(target.get(key))
            lines.append(
                f"primary {noun}: {before or 'none'} → {after}{then}"
                if before != after
                else f"is the primary {noun} already"
            )
        return lines

    return find


def what_is_left(key: str = "email_address", noun: str = "address") -> FindReach:
    """A reach that says how its user can still sign in without it."""

    async def find(action: Action, target: Values, clerk: Clerk) -> list[str]:
        del action
        user = await owner_of(target, clerk, key)
        if not user:
            return []
        is_primary = primary_of(user, key) == line_of(target.get(key))
        return [
            f"belongs to {display_name(user)}",
            *([f"is the user's primary {noun}"] if is_primary else []),
            *(["is the user's second factor"] if target.get("reserved_for_second_factor") else []),
            ways_left(user, without=[str(target.get("id"))]),
        ]

    return find


class CreateEmailAddressConsequences(Creation, of=CreateEmailAddress):
    """An address more; a primary one takes the place of another."""

    known_by = "email_address"

    async def reaches(self, action: Action, seen: Sequence[Values], clerk: Clerk) -> tuple[str, ...]:
        """Which address stops being primary, and who may sign in with the new one."""
        user = seen[0] if seen else {}
        told = await super().reaches(action, seen, clerk)
        new = line_of(getattr(action, "email_address", ""))
        primary = (
            (f"primary address: {primary_of(user) or 'none'} → {new}",)
            if getattr(action, "primary", None)
            else ()
        )
        verified = (
            (f"whoever reads mail to {new} can sign in as this user",)
            if getattr(action, "verified", None)
            else ()
        )
        return (*primary, *verified, *told)


class UpdateEmailAddressConsequences(Update, of=UpdateEmailAddress):
    """Clerk answers neither `verified` nor `primary` as such, so that nothing can be put back from it."""

    instructions = frozenset({"notify_primary_email_address_changed"})
    reach = (("its user", whose(then="; mail of the application goes there")),)

    def reversible(self, action: Action) -> str:
        """What can be undone by the same action for another address."""
        del action
        return "deskclerk cannot take this back by itself: make the old address primary again."


class DeleteEmailAddressConsequences(Removal, of=DeleteEmailAddress):
    """The address can be given again, not verified by its reader."""

    lost = "The address can be added again, with another id."
    reach = (("its user", what_is_left()),)


async def _all_that_go(action: Action, target: Values, clerk: Clerk) -> list[str]:
    del clerk
    new = line_of(getattr(action, "email_address", ""))
    old = [line_of(item.get("email_address")) for item in target.get("email_addresses") or ()]
    gone = [address for address in old if address.casefold() != new.casefold()]
    status = getattr(action, "identification_status", None) or "verified"
    return [
        f"takes away {', '.join(gone)}" if gone else "takes away no other address",
        f"{new} becomes the primary address, {status}",
        *([f"whoever reads mail to {new} can sign in as this user"] if status == "verified" else []),
    ]


class ReplaceUserEmailAddressConsequences(Consequences, of=ReplaceUserEmailAddress):
    """All addresses but the new one go."""

    lost = "The old addresses can be added again one by one, with other ids."
    reach = (("addresses", _all_that_go),)
