"""Creations: what was created is deleted, or revoked."""

from typing import Any

from deskclerk.catalogue import BY_NAME
from deskclerk.desk.undo.found import Event, Inverse, kind_of, left_by, nothing, same

_NOT_CHANGES = frozenset(
    {
        "object",
        "updated_at",
        "last_active_at",
        "last_sign_in_at",
        "image_url",
        "profile_image_url",
        "lockout_expires_in_seconds",
        "verification_attempts_remaining",
        "members_count",
        "pending_invitations_count",
        "url",
        "public_user_data",
        "organization",
    }
)
_REMAINS = {
    "clerk_user_create": "The id is never used again.",
    "clerk_client_create": "Its client_id and client secret stop working.",
    "clerk_jwt_template_create": "Tokens minted from it stay valid until they expire.",
}


def inverse_of_creation(intent: Event, outcome: Event, current: dict[str, Any] | None) -> Inverse:
    """The action that removes what was created."""
    spec = kind_of(intent).spec
    one, made = spec.resource.one, left_by(outcome)
    if not made.get("id"):
        return nothing(
            f"The journal does not know the id of the {one}.",
            nearest="Find it with a list, and remove it if it is there.",
        )
    if current is None:
        return nothing(f"The {one} is gone already: there is nothing to undo.")
    status = current.get("status") if "invitation" in spec.name else None
    if status == "accepted":
        return nothing(
            "The invitation was accepted: it can no longer be revoked.",
            nearest="Remove the membership, or ban or delete the user who signed up.",
        )
    if status not in (None, "pending"):
        return nothing(f"The invitation is {status}: its link does not work, and there is nothing to undo.")
    remover = BY_NAME[spec.undo or "clerk_user_delete"]
    ids = {name: intent["arguments"].get(name, made["id"]) for name in remover.spec.route.names}
    return Inverse(remover.parse(ids), tuple(_notes(intent, made, current)))


def _notes(intent: Event, made: dict[str, Any], current: dict[str, Any]) -> list[str]:
    asked, name = intent["arguments"], intent["action"]
    notes = [_REMAINS[name]] if name in _REMAINS else []
    if "invitation" in name and asked.get("notify") is not False:
        notes.append("The e-mail cannot be unsent; its link stops working.")
    if made.get("invitation_id"):
        notes.append(
            f"The invitation {made['invitation_id']} that it sent stays: clerk_invitation_revoke ends it."
        )
    known = [key for key in made if key in current and key not in _NOT_CHANGES]
    changed = [key for key in known if not same(made[key], current[key])]
    if changed:
        notes.append(f"Changed since it was created: {', '.join(changed)}.")
    if current.get("last_sign_in_at"):
        notes.append("The user has signed in since.")
    members = current.get("members_count") or 0
    if members > (1 if asked.get("created_by") else 0):
        notes.append(f"It has {members} members by now, who lose it.")
    return notes
