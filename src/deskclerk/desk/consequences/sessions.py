"""What the writes to sessions do beyond their declaration."""

from typing import Any

from deskclerk.catalogue import Action, GetUser, RevokeSession
from deskclerk.clerk.client import Clerk
from deskclerk.desk.consequences.default import Removal, Values
from deskclerk.desk.consequences.inverse import Event, Inverse, nothing
from deskclerk.desk.consequences.targets import display_name
from deskclerk.desk.view.cleaning import line_of


async def who_is_signed_out(action: Action, target: Values, clerk: Clerk) -> list[str]:
    """Whose session it is, and on which device: ids tell a person nothing."""
    del action
    user = await clerk.perform(GetUser(user_id=str(target.get("user_id"))))
    where = target.get("latest_activity") or {}
    place = [where.get(key) for key in ("browser_name", "device_type", "city", "country")]
    on = line_of(", ".join(str(part) for part in place if part))
    return [f"signs out {display_name(user)}" + (f" on {on}" if on else "")]


class RevokeSessionConsequences(Removal, of=RevokeSession):
    """A session does not come back; its user can sign in again."""

    switches = ("status", "revoked")
    lost = "The person can sign in again."
    reach = (("whose session it is", who_is_signed_out),)

    def inverse(
        self, intent: Event, outcome: Event, current: dict[str, Any] | None, given: Values
    ) -> Inverse:
        """No inverse."""
        del intent, outcome, current, given
        return nothing(
            "A session that was ended stays ended.", nearest="The user signs in again on that device."
        )
