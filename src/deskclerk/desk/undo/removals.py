"""Deletions and revocations: created again where that brings back what counts, refused where not."""

import time
from collections.abc import Callable, Mapping
from typing import Any

from deskclerk.catalogue import BY_NAME
from deskclerk.desk.undo.found import Event, Inverse, has_mark, kind_of, nothing, seen_before
from deskclerk.desk.undo.offers import OFFERS

_DAY = 24 * 60 * 60 * 1000
_MOST_DAYS = 365
_METADATA = ("public_metadata", "private_metadata")
_SILENT = (
    "No e-mail is sent, because one cannot be unsent: the link in the old e-mail stays dead. "
    "--notify sends a new one."
)
_REDIRECT = "A redirect_url, if it had one: Clerk does not tell it."

Rebuilt = tuple[dict[str, Any], list[str], list[str]]
"""Arguments of the creation, notes, and what does not come back."""


class _LostForGoodError(Exception):
    """What is needed to create the thing again is not there; the text says why."""


def inverse_of_removal(intent: Event, current: dict[str, Any] | None, given: Mapping[str, Any]) -> Inverse:
    """The action that creates what was removed, or a refusal with what comes nearest."""
    spec = kind_of(intent).spec
    before = seen_before(intent)
    if spec.name in OFFERS:
        return OFFERS[spec.name](before)
    one = spec.resource.one
    if not before:
        return nothing(f"The journal does not know what the {one} was.")
    if current is not None:
        return nothing(f"There is such a {one} again ({current.get('id')}): there is nothing to undo.")
    try:
        arguments, notes, cannot = _BUILDERS[spec.name](intent, before, given)
    except _LostForGoodError as error:
        return nothing(str(error))
    if has_mark({name: value for name, value in arguments.items() if name not in given}):
        return nothing(f"The journal keeps the {one} without its secret parts: create it by hand.")
    notes.append("It gets a new id.")
    return Inverse(BY_NAME[spec.undo or ""].parse(arguments), tuple(notes), tuple(cannot))


def _metadata(before: Mapping[str, Any]) -> dict[str, Any]:
    return {name: before[name] for name in _METADATA if before.get(name)}


def _membership(intent: Event, before: Mapping[str, Any], _given: Mapping[str, Any]) -> Rebuilt:
    ids = {name: intent["arguments"][name] for name in ("organization_id", "user_id")}
    notes = ["The user's sessions do not have the organization active again by themselves."]
    return ids | {"role": before["role"]} | _metadata(before), notes, []


def _invitation(_intent: Event, before: Mapping[str, Any], given: Mapping[str, Any]) -> Rebuilt:
    if before.get("status") == "expired":
        raise _LostForGoodError("The invitation had expired when it was revoked: there is nothing to undo.")
    notify = bool(given.get("notify"))
    arguments = {"email_address": before["email_address"], "notify": notify} | _days(before)
    if before.get("public_metadata"):
        arguments["public_metadata"] = before["public_metadata"]
    return arguments, ["A new e-mail goes out." if notify else _SILENT], [_REDIRECT]


def _org_invitation(intent: Event, before: Mapping[str, Any], given: Mapping[str, Any]) -> Rebuilt:
    arguments, notes, cannot = _invitation(intent, before, given)
    arguments |= {"organization_id": intent["arguments"]["organization_id"], "role": before["role"]}
    if before.get("inviter_id"):
        arguments["inviter_user_id"] = before["inviter_id"]
    return arguments | _metadata(before), notes, cannot


def _days(before: Mapping[str, Any]) -> dict[str, int]:
    """The days that were left, rounded up."""
    end = before.get("expires_at")
    if not isinstance(end, int):
        return {}
    left = -(-(end - time.time_ns() // 1_000_000) // _DAY)
    return {"expires_in_days": max(1, min(_MOST_DAYS, left))}


def _allowed(_intent: Event, before: Mapping[str, Any], given: Mapping[str, Any]) -> Rebuilt:
    notify = bool(given.get("notify"))
    return {"identifier": before["identifier"], "notify": notify}, [], []


def _blocked(_intent: Event, before: Mapping[str, Any], _given: Mapping[str, Any]) -> Rebuilt:
    return {"identifier": before["identifier"]}, [], []


def _template(_intent: Event, before: Mapping[str, Any], given: Mapping[str, Any]) -> Rebuilt:
    arguments = {name: before[name] for name in ("name", "claims", "lifetime", "allowed_clock_skew")}
    if not before.get("custom_signing_key"):
        return arguments, [], []
    if "signing_key" not in given:
        raise _LostForGoodError(
            "The template had a signing key of its own, which Clerk tells nobody: without it the tokens "
            "would be others. Give it with --signing-key secret:NAME."
        )
    arguments |= {name: before[name] for name in ("custom_signing_key", "signing_algorithm")}
    return arguments | {"signing_key": given["signing_key"]}, [], []


def _domain(_intent: Event, before: Mapping[str, Any], _given: Mapping[str, Any]) -> Rebuilt:
    proxy = {"proxy_url": before["proxy_url"]} if before.get("proxy_url") else {}
    notes = ["A live domain has to prove its DNS records again."]
    return {"name": before["name"], "is_satellite": True} | proxy, notes, []


_BUILDERS: dict[str, Callable[[Event, Mapping[str, Any], Mapping[str, Any]], Rebuilt]] = {
    "clerk_org_membership_delete": _membership,
    "clerk_org_invitation_revoke": _org_invitation,
    "clerk_invitation_revoke": _invitation,
    "clerk_allowlist_delete": _allowed,
    "clerk_blocklist_delete": _blocked,
    "clerk_jwt_template_delete": _template,
    "clerk_domain_delete": _domain,
}
