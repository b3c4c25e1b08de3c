"""What the writes to invitations do beyond their declaration."""

import time
from typing import Any

from deskclerk.catalogue import Action, CreateInvitation, ListInvitations, RevokeInvitation
from deskclerk.clerk.client import Clerk
from deskclerk.desk.consequences.default import (
    Creation,
    LostForGoodError,
    Rebuilt,
    Removal,
    Search,
    Values,
    same_text,
    says,
)
from deskclerk.desk.consequences.inverse import Event, Inverse, nothing, seen_before
from deskclerk.desk.consequences.targets import first_that

_DAY = 24 * 60 * 60 * 1000
_MOST_DAYS = 365
_SILENT = (
    "No e-mail is sent, because one cannot be unsent: the link in the old e-mail stays dead. "
    "--notify sends a new one."
)
_REDIRECT = "A redirect_url, if it had one: Clerk does not tell it."


class InvitationCreation(Creation):
    """An invitation, to the application or to an organization: an e-mail goes out, and may be followed."""

    known_by = "email_address"

    def kept(self, action: Action) -> str:
        """An e-mail goes out unless it was asked not to."""
        silent = getattr(action, "notify", None) is False
        return "" if silent else "an e-mail that was sent cannot"

    def settled_already(self, current: Values) -> Inverse | None:
        """Only one that is pending can be revoked."""
        status = current.get("status")
        if status == "accepted":
            return nothing(
                "The invitation was accepted: it can no longer be revoked.",
                nearest="Remove the membership, or ban or delete the user who signed up.",
            )
        if status not in (None, "pending"):
            return nothing(
                f"The invitation is {status}: its link does not work, and there is nothing to undo."
            )
        return None

    def sent_with_it(self, asked: Values, made: Values) -> list[str]:
        """The e-mail, unless there was none."""
        del made
        if asked.get("notify") is False:
            return []
        return ["The e-mail cannot be unsent; its link stops working."]


class InvitationRevocation(Removal):
    """A revoked invitation can be made anew, with another link."""

    switches = ("status", "revoked")
    person_adds = ("notify",)
    reach = (("link", says("the link that was sent stops working")),)

    def rebuilt(self, intent: Event, before: Values, given: Values) -> Rebuilt:
        """For the same address and the days that were left; silently, unless a person asks for an e-mail."""
        del intent
        if before.get("status") == "expired":
            raise LostForGoodError(
                "The invitation had expired when it was revoked: there is nothing to undo."
            )
        # Silent unless a person says otherwise: an undo should not write to somebody by itself.
        notify = bool(given.get("notify"))
        arguments = {"email_address": before["email_address"], "notify": notify} | _days_left(before)
        if before.get("public_metadata"):
            arguments["public_metadata"] = before["public_metadata"]
        return arguments, ["A new e-mail goes out." if notify else _SILENT], [_REDIRECT]


class CreateInvitationConsequences(InvitationCreation, of=CreateInvitation):
    """To the application: found by its address among all."""

    undone_by = RevokeInvitation

    def search(self, asked: Values) -> Search | None:
        """By address, which Clerk can search for here."""
        email = asked["email_address"]
        return Search(ListInvitations, {"query": email}, same_text("email_address", email))

    async def made(self, made: str, asked: Values, clerk: Clerk) -> dict[str, Any] | None:
        """Revoked ones are listed only when they are asked for."""
        del asked
        for every in (ListInvitations(query=made), ListInvitations(query=made, status="revoked")):
            found = await first_that(every, clerk, lambda item: item.get("id") == made)
            if found:
                return found
        return None


class RevokeInvitationConsequences(InvitationRevocation, of=RevokeInvitation):
    """To the application."""

    undone_by = CreateInvitation

    async def current(self, intent: Event, outcome: Event, clerk: Clerk) -> dict[str, Any] | None:
        """A pending one for the same address."""
        del outcome
        address = seen_before(intent).get("email_address")
        if not address:
            return None
        every = ListInvitations(status="pending", query=address)
        return await first_that(every, clerk, lambda item: item.get("email_address") == address)


def _days_left(before: Values) -> dict[str, int]:
    """The days that were left, rounded up."""
    end = before.get("expires_at")
    if not isinstance(end, int):
        return {}
    left = -(-(end - time.time_ns() // 1_000_000) // _DAY)
    return {"expires_in_days": max(1, min(_MOST_DAYS, left))}
