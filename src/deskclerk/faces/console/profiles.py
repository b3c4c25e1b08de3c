"""Users and organizations as a page shows them: what Clerk answered, in the words of a reader."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from deskclerk.catalogue import CORE, DESTRUCTIVE, READ, Action
from deskclerk.desk import Caller, Desk
from deskclerk.desk.consequences.lookup import consequences_of
from deskclerk.desk.view.cleaning import line_of
from deskclerk.faces.console.plan_card import ago, iso_time

_LONGEST_NAME = 80
_METADATA = ("public_metadata", "private_metadata", "unsafe_metadata")


@dataclass(frozen=True, slots=True)
class Timestamp:
    """A iso_time in words and as ISO 8601."""

    age: str
    at: str


@dataclass(frozen=True, slots=True)
class Address:
    """An e-mail address, phone number or wallet, with what is said of it."""

    value: str
    kind: str
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Step:
    """An action that applies, as a link to its form shows it; `core` is what most people come for."""

    name: str
    heading: str
    destructive: bool
    core: bool


class Loose(dict[str, Any]):
    """An answer whose missing keys are None: Clerk leaves some out, and older versions know fewer."""

    def __missing__(self, key: str) -> None:
        return None


def loose(value: Any) -> Any:
    """A JSON value whose objects are Loose."""
    if isinstance(value, list):
        return [loose(item) for item in value]
    return Loose({key: loose(item) for key, item in value.items()}) if isinstance(value, Mapping) else value


def device_of(session: Mapping[str, Any]) -> str:
    """Where a session is, as far as Clerk knows."""
    known = session.get("latest_activity") or {}
    parts = (known.get(name) for name in ("browser_name", "device_type", "city", "country"))
    return ", ".join(str(part) for part in parts if part) or "Session"


def when(at: object) -> Timestamp | None:
    """A iso_time that Clerk told in milliseconds; None for anything else."""
    return Timestamp(ago(at), iso_time(at)) if isinstance(at, int) and 0 < at < 10**13 else None


def full_name(user: Mapping[str, Any]) -> str:
    """What a user is called: the name, else the username, an address or the id."""
    full = " ".join(str(part) for part in (user.get("first_name"), user.get("last_name")) if part)
    for found in (full, user.get("username"), first_address(user), user.get("identifier"), user.get("id")):
        if found and (line := line_of(str(found), _LONGEST_NAME).strip()):
            return line
    return "(no name)"


def first_address(user: Mapping[str, Any]) -> str:
    """The primary e-mail address or phone number, else the first; empty if there is none."""
    for plural, one in (("email_addresses", "email_address"), ("phone_numbers", "phone_number")):
        items = _objects(user.get(plural))
        primary = [item for item in items if item.get("id") == user.get(f"primary_{one}_id")]
        for item in primary or items:
            return str(item.get(one, ""))
    return ""


def addresses(user: Mapping[str, Any]) -> list[Address]:
    """Every address of a user, the primary one of its kind marked."""
    found = []
    for plural, one in (
        ("email_addresses", "email_address"),
        ("phone_numbers", "phone_number"),
        ("web3_wallets", "web3_wallet"),
    ):
        for item in _objects(user.get(plural)):
            status = (item.get("verification") or {}).get("status")
            notes: tuple[str, ...] = ("primary",) if item.get("id") == user.get(f"primary_{one}_id") else ()
            notes += ("verified" if status == "verified" else "not verified",)
            found.append(Address(str(item.get(one, "")), one.replace("_", " "), notes))
    return found


def accounts(user: Mapping[str, Any]) -> list[Address]:
    """The accounts elsewhere that a user signs in with."""
    items = _objects(user.get("external_accounts"))
    return [
        Address(str(item.get("email_address") or ""), str(item.get("provider") or "account"), ())
        for item in items
    ]


def metadata(item: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Each kind of metadata that holds something, as indented JSON."""
    return [
        (name.partition("_")[0], json.dumps(item[name], ensure_ascii=False, indent=2))
        for name in _METADATA
        if item.get(name)
    ]


def steps(
    desk: Desk, caller: Caller, names: tuple[str, ...], item: Mapping[str, Any] | None = None
) -> list[Step]:
    """The writes that are offered here and want just these ids, without those that would change nothing."""
    return [
        Step(
            action.spec.name,
            action.spec.heading,
            destructive=action.spec.effect is DESTRUCTIVE,
            core=action.spec.toolset == CORE,
        )
        for action in desk.actions(caller)
        if action.spec.effect is not READ and action.spec.route.names == names
        if not _is_so(action, item or {})
    ]


def _is_so(action: type[Action], item: Mapping[str, Any]) -> bool:
    """Whether an action would switch what is switched already; an answer may leave out what is false."""
    switches = consequences_of(action).switches
    return switches is not None and bool(item.get(switches[0])) is switches[1]


def _objects(value: object) -> list[Mapping[str, Any]]:
    return [item for item in value if isinstance(item, Mapping)] if isinstance(value, list) else []
