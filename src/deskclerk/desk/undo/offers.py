"""What cannot come back: the reasons, and a call that comes nearest, made of what the journal knows."""

from collections.abc import Callable, Mapping
from typing import Any

from deskclerk.catalogue import Action, CreateClient, CreateOrganization, CreateUser
from deskclerk.desk.undo.found import Inverse, has_mark, nothing

_METADATA = ("public_metadata", "private_metadata", "unsafe_metadata")


def _known(before: Mapping[str, Any], *names: str) -> dict[str, Any]:
    """What the journal has of these, without what is empty or was cut."""
    return {name: before[name] for name in names if before.get(name) not in (None, [], {}, "")}


def _offer(kind: type[Action], arguments: dict[str, Any]) -> Action:
    whole = {name: value for name, value in arguments.items() if not has_mark(value)}
    return kind.parse(whole)


def user(before: Mapping[str, Any]) -> Inverse:
    """A deleted user: a new one with the same addresses, names and metadata can be created."""
    known = _known(before, "first_name", "last_name", "username", "external_id", "locale", *_METADATA)
    for name, plural in (
        ("email_address", "email_addresses"),
        ("phone_number", "phone_numbers"),
        ("web3_wallet", "web3_wallets"),
    ):
        first = before.get(f"primary_{name}_id")
        found = sorted(before.get(plural) or (), key=lambda item, first=first: item.get("id") != first)
        known |= {name: [item[name] for item in found if item.get(name)]} if found else {}
    identified = known.keys() & {"email_address", "phone_number", "web3_wallet", "username"}
    known |= {"skip_password_requirement": True} | ({} if identified else {"skip_user_requirement": True})
    return Inverse(
        None,
        cannot=(
            "A deleted user's id, password, sessions, memberships and connected accounts are gone for good.",
        ),
        offer=_offer(CreateUser, known) if before else None,
        nearest="Create a new user, with a new id, from what the journal knows.",
    )


def organization(before: Mapping[str, Any]) -> Inverse:
    """A deleted organization: an empty one of the same name can be created."""
    names = ("name", "slug", "max_allowed_memberships", "created_by", *_METADATA[:2])
    return Inverse(
        None,
        cannot=("A deleted organization's id, memberships and invitations are gone for good.",),
        offer=_offer(CreateOrganization, _known(before, *names)) if before else None,
        nearest="Create a new organization, with a new id, and add its members again.",
    )


def client(before: Mapping[str, Any]) -> Inverse:
    """A deleted OAuth application: another one, with other credentials, can be created."""
    names = ("name", "redirect_uris", "scopes", "consent_screen_enabled", "pkce_required", "public")
    return Inverse(
        None,
        cannot=("A deleted OAuth application's client_id and client secret are gone for good.",),
        offer=_offer(CreateClient, _known(before, *names)) if before else None,
        nearest="Create a new OAuth application and give its new client_id and secret to whoever used it.",
    )


def session(_before: Mapping[str, Any]) -> Inverse:
    """A revoked session."""
    return nothing("A session that was ended stays ended.", nearest="The user signs in again on that device.")


OFFERS: dict[str, Callable[[Mapping[str, Any]], Inverse]] = {
    "clerk_user_delete": user,
    "clerk_organization_delete": organization,
    "clerk_client_delete": client,
    "clerk_session_revoke": session,
}
"""By action: what is said of it, given what the desk saw before."""
