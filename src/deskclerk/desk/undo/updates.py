"""Updates: the old values of exactly the fields that the write changed."""

from collections.abc import Mapping
from typing import Any

from deskclerk.catalogue.parameter import Parameter
from deskclerk.desk.undo.found import (
    Event,
    Inverse,
    has_mark,
    ids_of,
    kind_of,
    left_by,
    nothing,
    same,
    seen_before,
)
from deskclerk.desk.undo.metadata import unmerge

_CLEARABLE = frozenset(
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
"""Fields of a user that a null clears; elsewhere null leaves a value as it is."""
_KEY = ("custom_signing_key", "signing_algorithm", "signing_key")
_HOW = frozenset(
    {"notify_primary_email_address_changed", "skip_password_checks", "skip_legal_checks", "password_hasher"}
)
"""Arguments that say how to change something, and change nothing themselves."""


class _Restoring:
    """Collects what can be written back, and what cannot."""

    def __init__(
        self, intent: Event, outcome: Event, current: dict[str, Any], given: Mapping[str, Any]
    ) -> None:
        self.asked = intent["arguments"]
        self.before = seen_before(intent)
        self.current = current
        self.left = left_by(outcome) or current
        self.given = given
        self.values: dict[str, Any] = {}
        self.notes: list[str] = []
        self.cannot: list[str] = []

    def field(self, name: str) -> None:
        """One field whose value Clerk answers."""
        if name not in self.before or same(self.before[name], self.left.get(name)):
            return
        old, now = self.before[name], self.current.get(name)
        if same(old, now):
            self.notes.append(f"{name} is what it was already.")
        elif has_mark(old):
            self.cannot.append(f"{name}: the journal keeps it without its secret part.")
        elif old is None and name not in _CLEARABLE:
            self.cannot.append(f"{name} was not set, and Clerk has no way to clear it.")
        else:
            self.values[name] = old
            self._changed_since(name, now, self.left.get(name))

    def metadata(self, name: str) -> None:
        """What a merge changed, by a merge."""
        before, current = self.before.get(name) or {}, self.current.get(name) or {}
        patch, lost = unmerge(before, self.asked[name] or {}, current)
        if has_mark(patch):
            self.cannot.append(f"{name}: the journal keeps it without its secret part.")
            return
        if patch:
            self.values[name] = patch
            self._changed_since(name, current, self.left.get(name) or {})
        self.cannot += [
            f"{name}.{path} was null, which a merge cannot write: it is left out." for path in lost
        ]

    def secret(self, item: Parameter) -> None:
        """A secret: only a person can give the old one."""
        if item.name in self.given:
            self.values[item.name] = self.given[item.name]
        else:
            self.cannot.append(f"{item.name}: the old one cannot come back, Clerk tells it nobody.")

    def signing_key(self) -> None:
        """A template's key: its own, which a person has to give, or the instance's."""
        touched = "signing_key" in self.asked or any(
            not same(self.before.get(name), self.left.get(name)) for name in _KEY[:2]
        )
        if not touched:
            return
        if not self.before.get("custom_signing_key"):
            self.values["custom_signing_key"] = False
        elif "signing_key" in self.given:
            self.values |= {name: self.before[name] for name in _KEY[:2]} | {
                "signing_key": self.given["signing_key"]
            }
        else:
            self.cannot.append(
                "The template's own signing key cannot come back, Clerk tells it nobody: "
                "give it with --signing-key secret:NAME."
            )

    def image(self) -> None:
        """A profile image: answered as an address, never as an id."""
        if self.before.get("has_image"):
            self.cannot.append("profile_image_id: Clerk does not tell which image it was.")
        else:
            self.values["profile_image_id"] = None

    def _changed_since(self, name: str, now: Any, left: Any) -> None:
        if not same(now, left):
            self.notes.append(f"{name} was changed again since then: that change goes too.")


def inverse_of_update(
    intent: Event, outcome: Event, current: dict[str, Any] | None, given: Mapping[str, Any]
) -> Inverse:
    """An update back to the values from before, as far as Clerk can be told them."""
    kind = kind_of(intent)
    if current is None:
        return nothing(f"The {kind.spec.resource.one} is gone: there is nothing to put values back into.")
    if not intent.get("before"):
        return nothing("The journal does not know what was there before.")
    work = _Restoring(intent, outcome, current, given)
    for item in kind.parameters().values():
        if item.where == "body":
            _restore(work, item)
    if kind.spec.resource.plural == "jwt-templates":
        work.signing_key()
    _side_effects(work)
    if work.values:
        action = kind.parse(ids_of(intent) | work.values)
        return Inverse(action, tuple(work.notes), tuple(work.cannot))
    why = work.cannot or ["The values are what they were before: there is nothing to undo."]
    return nothing(*why, notes=tuple(work.notes))


def _restore(work: _Restoring, item: Parameter) -> None:
    name = item.name
    if name in _KEY or name in _HOW or name == "callback_url":  # a part of redirect_uris
        return
    if name == "profile_image_id":
        if name in work.asked:
            work.image()
    elif item.secret:
        if name in work.asked:
            work.secret(item)
    elif item.metadata:
        if name in work.asked:
            work.metadata(name)
    else:
        work.field(name)


def _side_effects(work: _Restoring) -> None:
    asked = work.asked
    if asked.get("sign_out_of_other_sessions"):
        work.notes.append("Sessions that it signed out stay ended.")
    told = [name for name in asked if name in _HOW]
    if told:
        work.notes.append(f"{', '.join(told)}: said how to change, and left nothing to put back.")
    if asked.get("public") is True and work.before.get("public") is False:
        work.cannot.append("The client secret is gone: make a new one in Clerk.")
