"""What the writes to users do beyond their declaration."""

import asyncio
from collections.abc import Mapping
from typing import Any

from deskclerk.catalogue import (
    Action,
    BanUser,
    CreateUser,
    DeleteUser,
    ListOrganizations,
    ListSessions,
    ListUsers,
    LockUser,
    Parameter,
    ReplaceUserMetadata,
    UnbanUser,
    UnlockUser,
    UpdateUser,
)
from deskclerk.clerk.client import Clerk
from deskclerk.clerk.paging import MOST, every_page, page_of
from deskclerk.desk.consequences.default import (
    Creation,
    Removal,
    Search,
    StateSwitch,
    Update,
    Values,
    count_of,
)
from deskclerk.desk.consequences.inverse import METADATA, Event, Inverse, known, offer, seen_before
from deskclerk.desk.consequences.org_memberships import is_only_admin
from deskclerk.desk.consequences.restoring import Restoring
from deskclerk.desk.view.cleaning import line_of

_MOST_ORGANIZATIONS = 10
"""For each of them the admins are read: a preview may cost so many requests and no more."""
_GONE = "A deleted user's id, password, sessions, memberships and connected accounts are gone for good."
_IDENTIFIERS = ("email_address", "phone_number", "web3_wallet", "username", "external_id")


async def _active_sessions(action: Action, clerk: Clerk) -> str:
    # One item is enough: the page's total is what is asked for.
    listing = ListSessions(user_id=action.user_id, status="active", limit=1)  # type: ignore[attr-defined]
    return count_of(page_of(await clerk.perform(listing)), "active session", "active sessions")


async def sessions_end(action: Action, target: Values, clerk: Clerk) -> list[str]:
    """Clerk ends every session of a user who is banned or deleted."""
    del target
    return [f"ends {await _active_sessions(action, clerk)}"]


async def sessions_stay(action: Action, target: Values, clerk: Clerk) -> list[str]:
    """A lock refuses new sign-ins and ends no session."""
    del target
    return [f"{await _active_sessions(action, clerk)} not ended by this"]


async def sessions_end_in_sum(ids: frozenset[str], clerk: Clerk, requests: int) -> list[str]:
    """How many active sessions all of these users have: counted where the requests suffice, else bounded."""
    if len(ids) <= requests:
        pages = await asyncio.gather(
            *(clerk.perform(ListSessions(user_id=user, status="active", limit=1)) for user in sorted(ids))
        )
        ended = sum(page.total or 0 for page in map(page_of, pages))
        return [f"ends {ended:,} active {'session' if ended == 1 else 'sessions'}"]
    ended, left = 0, requests
    async for page in every_page(ListSessions(status="active"), clerk.perform):
        left -= 1
        if page.total is not None and page.total > MOST * requests:
            return [f"ends at most {page.total:,} active sessions, which are all that the instance has"]
        ended += sum(item.get("user_id") in ids for item in page.items)
        if left == 0 and len(page.items) == MOST:
            return [f"ends {ended:,} active sessions or more"]
    return [f"ends {ended:,} active {'session' if ended == 1 else 'sessions'}"]


async def organizations(action: Action, target: Values, clerk: Clerk) -> list[str]:
    """The organizations that the user belongs to, and those of which nobody else is an admin."""
    del target
    user = action.user_id  # type: ignore[attr-defined]
    page = page_of(await clerk.perform(ListOrganizations(user_id=[user], limit=_MOST_ORGANIZATIONS)))
    if not page.items:
        return ["member of no organization"]
    alone = await asyncio.gather(*(is_only_admin(item["id"], user, clerk) for item in page.items))
    names = ", ".join(line_of(item.get("name") or item.get("id")) for item in page.items)
    total = page.total or len(page.items)
    # Said, not hidden: whoever is the last admin somewhere among them is not known.
    more = f" and {total - len(page.items)} more (not looked at)" if total > len(page.items) else ""
    last = [line_of(item.get("name")) for item, only in zip(page.items, alone, strict=True) if only]
    return [f"member of {names}{more}", *([f"last admin of {', '.join(last)}"] if last else [])]


class CreateUserConsequences(Creation, of=CreateUser):
    """Clerk keeps identifiers unique, and finds a user by them exactly."""

    remains = "The id is never used again."

    def search(self, asked: Values) -> Search | None:
        """A user is looked for by the first identifier that was given."""
        for key in _IDENTIFIERS:
            value = asked.get(key)
            if value:
                values = value if isinstance(value, list) else [value]
                return Search(ListUsers, {key: values}, lambda _: True)
        return None

    def come_of_it(self, asked: Values, current: Values) -> list[str]:
        """Somebody may have begun to use it."""
        del asked
        return ["The user has signed in since."] if current.get("last_sign_in_at") else []


class UpdateUserConsequences(Update, of=UpdateUser):
    """Fields of a user, of which a null clears some; metadata is merged."""

    clearable = frozenset(
        {
            "external_id",
            "first_name",
            "last_name",
            "locale",
            "username",
            "create_organizations_limit",
            "legal_accepted_at",
            "primary_email_address_id",
            "primary_phone_number_id",
            "primary_web3_wallet_id",
        }
    )
    instructions = frozenset(
        {
            "notify_primary_email_address_changed",
            "skip_password_checks",
            "skip_legal_checks",
            "password_hasher",
        }
    )

    def restore(self, work: Restoring, item: Parameter) -> None:
        """A profile image is answered as an address, never as the id that set it."""
        if item.name != "profile_image_id":
            super().restore(work, item)
        elif item.name in work.asked and work.before.get("has_image"):
            work.cannot.append("profile_image_id: Clerk does not tell which image it was.")
        elif item.name in work.asked:
            work.values["profile_image_id"] = None

    def restore_rest(self, work: Restoring) -> None:
        """A changed password may have signed out the user's other devices."""
        if work.asked.get("sign_out_of_other_sessions"):
            work.notes.append("Sessions that it signed out stay ended.")
        super().restore_rest(work)


class ReplaceUserMetadataConsequences(Update, of=ReplaceUserMetadata):
    """An update whose fields are whole: the old object comes back by replacing it again."""

    undone_by = ReplaceUserMetadata


class BanConsequences(StateSwitch, of=BanUser):
    """A ban ends sessions, and an unban brings none back."""

    switches = ("banned", True)
    undone_by = UnbanUser
    keeps = "ended sessions stay ended"
    undo_note = "Sessions that the ban ended stay ended: the user signs in again."
    reach = (("active sessions", sessions_end), ("organizations", organizations))
    reach_in_sum = (("active sessions", sessions_end_in_sum),)


class UnbanConsequences(StateSwitch, of=UnbanUser):
    """Taken back, it ends what the user began meanwhile."""

    switches = ("banned", False)
    undone_by = BanUser
    undo_note = "Sessions that the user began since then end."


class LockConsequences(StateSwitch, of=LockUser):
    """A lock leaves sessions alone and ends by itself."""

    switches = ("locked", True)
    undone_by = UnlockUser
    reach = (("active sessions", sessions_stay),)


class UnlockConsequences(StateSwitch, of=UnlockUser):
    """What was left of the old lock is not kept."""

    switches = ("locked", False)
    undone_by = LockUser
    undo_note = "The new lock lasts as long as a lock does here, not what was left of the old one."


class DeleteUserConsequences(Removal, of=DeleteUser):
    """A new user can have the same addresses, names and metadata, and nothing else."""

    lost = "The user's id and password are gone for good."
    reach = (("active sessions", sessions_end), ("organizations", organizations))
    reach_in_sum = (("active sessions", sessions_end_in_sum),)

    def inverse(
        self, intent: Event, outcome: Event, current: dict[str, Any] | None, given: Values
    ) -> Inverse:
        """No inverse; the creation of a user who is as alike as can be is offered."""
        del outcome, current, given
        before = seen_before(intent)
        return Inverse(
            None,
            cannot=(_GONE,),
            offer=offer(CreateUser, _alike(before)) if before else None,
            nearest="Create a new user, with a new id, from what the journal knows.",
        )


def _alike(before: Mapping[str, Any]) -> dict[str, Any]:
    """The arguments that make a user like the one that was seen; Clerk makes the first address primary."""
    found = known(before, "first_name", "last_name", "username", "external_id", "locale", *METADATA)
    for name, plural in (
        ("email_address", "email_addresses"),
        ("phone_number", "phone_numbers"),
        ("web3_wallet", "web3_wallets"),
    ):
        first = before.get(f"primary_{name}_id")
        items = sorted(before.get(plural) or (), key=lambda item, first=first: item.get("id") != first)
        found |= {name: [item[name] for item in items if item.get(name)]} if items else {}
    identified = found.keys() & {"email_address", "phone_number", "web3_wallet", "username"}
    return (
        found | {"skip_password_requirement": True} | ({} if identified else {"skip_user_requirement": True})
    )
