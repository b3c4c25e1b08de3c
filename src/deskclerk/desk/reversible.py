"""Whether a write can be taken back, and how, in one sentence for whoever decides."""

from collections.abc import Mapping
from typing import Any

from deskclerk.catalogue import BY_NAME, DESTRUCTIVE, Action

_FINAL = "This cannot be taken back."
_SAID: Mapping[str, str] = {
    "clerk_user_delete": f"{_FINAL} The user's id and password are gone for good.",
    "clerk_organization_delete": f"{_FINAL} Its id, memberships and invitations are gone for good.",
    "clerk_session_revoke": f"{_FINAL} The person can sign in again.",
    "clerk_client_delete": f"{_FINAL} Its client id and secret are gone for good.",
    "clerk_user_ban": "Can be taken back with Unban user; ended sessions stay ended.",
    "clerk_user_create": "Can be taken back with Delete user.",
}
_MAILED = frozenset({"clerk_invitation_create", "clerk_org_invitation_create"})


def reversible_of(action: Action) -> str:
    """The sentence for one action with its arguments."""
    spec = action.spec
    if spec.name in _SAID:
        return _SAID[spec.name]
    back = BY_NAME[spec.undo].spec.heading if spec.undo else None
    if spec.effect is DESTRUCTIVE:
        return f"{_FINAL} {back} can make it anew, with another id." if back else _FINAL
    if spec.verb == "update":
        lost = [name for name, item in action.parameters().items() if item.secret and _given(action, name)]
        but = f", but not the old {', '.join(lost)}" if lost else ""
        return f"Can be taken back: the old values are in the journal{but}."
    if spec.name in _MAILED and getattr(action, "notify", None) is not False:
        return f"Can be taken back with {back}; an e-mail that was sent cannot."
    return f"Can be taken back with {back}." if back else "Can be taken back by hand."


def _given(action: Action, name: str) -> Any:
    return name in action.model_fields_set
