"""What the writes to OAuth applications do beyond their declaration."""

from typing import Any

from deskclerk.catalogue import (
    Action,
    CreateClient,
    DeleteClient,
    ListClients,
    Parameter,
    UpdateClient,
)
from deskclerk.clerk.client import Clerk
from deskclerk.desk.consequences.default import Creation, Removal, Search, Update, Values, same_text
from deskclerk.desk.consequences.inverse import Event, Inverse, known, offer, seen_before
from deskclerk.desk.consequences.restoring import Restoring
from deskclerk.desk.view.cleaning import line_of


async def sign_ins_stop(action: Action, target: Values, clerk: Clerk) -> list[str]:
    """Which places sign people in through it."""
    del action, clerk
    places = [line_of(uri) for uri in target.get("redirect_uris") or ()]
    return ["sign-ins through it stop" + (f", back to {', '.join(places[:5])} too" if places else "")]


class CreateClientConsequences(Creation, of=CreateClient):
    """Its secret is told once, in the answer."""

    undone_by = DeleteClient
    remains = "Its client_id and client secret stop working."
    lost_with_answer = "Its client secret was in the lost answer and cannot be read: have a new one made."

    def search(self, asked: Values) -> Search | None:
        """By name, which Clerk can search for here."""
        name = asked["name"]
        return Search(ListClients, {"name_query": name}, same_text("name", name))


class UpdateClientConsequences(Update, of=UpdateClient):
    """Fields as of any update; one that became public has lost its secret."""

    undone_by = UpdateClient

    def restore(self, work: Restoring, item: Parameter) -> None:
        """The deprecated `callback_url` is a part of `redirect_uris`, which is put back."""
        if item.name != "callback_url":
            super().restore(work, item)

    def restore_rest(self, work: Restoring) -> None:
        """Whoever is made public loses the secret, and gets none back by being made confidential."""
        super().restore_rest(work)
        if work.asked.get("public") is True and work.before.get("public") is False:
            work.cannot.append("The client secret is gone: make a new one in Clerk.")


class DeleteClientConsequences(Removal, of=DeleteClient):
    """Another application, with other credentials, can be made."""

    lost = "Its client id and secret are gone for good."
    reach = (("redirects", sign_ins_stop),)

    def inverse(
        self, intent: Event, outcome: Event, current: dict[str, Any] | None, given: Values
    ) -> Inverse:
        """No inverse; the creation of another one is offered."""
        del outcome, current, given
        before = seen_before(intent)
        names = ("name", "redirect_uris", "scopes", "consent_screen_enabled", "pkce_required", "public")
        return Inverse(
            None,
            cannot=("A deleted OAuth application's client_id and client secret are gone for good.",),
            offer=offer(CreateClient, known(before, *names)) if before else None,
            nearest="Create a new OAuth application and give its new client_id and secret to whoever used "
            "it.",
        )
