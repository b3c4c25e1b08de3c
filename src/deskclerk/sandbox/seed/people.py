"""The people of the seed: a hundred users with their addresses, and where they are signed in."""

from dataclasses import dataclass
from typing import Any

from deskclerk.sandbox.seed.draft import DAY, HOUR, TODAY, Draft
from deskclerk.sandbox.seed.names import NAMES, plain
from deskclerk.sandbox.store.tables import (
    email_addresses,
    external_accounts,
    phone_numbers,
    sessions,
    users,
    web3_wallets,
)

BANNED = (23, 47, 68, 91)
LOCKED = (17, 55, 82)
NEVER_SIGNED_IN = (33, 61, 77, 88, 95, 97, 98, 99)
STAFF = 14
_GOOGLE = range(3, 100, 8)
_WALLETS = (12, 45, 78)
_TWO_ADDRESSES = range(2, 100, 9)
_WITHOUT_PASSWORD = range(3, 100, 5)
_NOT_ONBOARDED = range(4, 100, 5)
_PHONES = range(1, 100, 3)
_LOCALES = ("en-US", "en-GB", "fr-FR", "de-DE", "es-ES", "pt-BR", "ja-JP", None)
_THEMES = ("light", "dark", "system")
_DIGEST = "$2b$12$K3JqhmAbjI1g/DGmQdR5yOqv8gxuLOrEc7mkJ0y0UTn1Jc1uIV0/m"
"""Stands for a password that nobody knows."""
ACTIVE, ENDED, REVOKED, EXPIRED = 34, 10, 4, 8
"""How many of each; the banned have revoked ones besides."""
_DEVICES = (
    ("Macintosh", False, "Chrome", "141.0.0.0"),
    ("Macintosh", False, "Safari", "26.0"),
    ("Windows", False, "Edge", "141.0.0.0"),
    ("Linux", False, "Firefox", "144.0"),
    ("iPhone", True, "Safari", "26.0"),
    ("Android", True, "Chrome", "141.0.0.0"),
)
# Networks that are reserved for documentation: these addresses are nobody's.
_PLACES = (
    ("203.0.113", "Lisbon", "PT"),
    ("203.0.113", "Lagos", "NG"),
    ("198.51.100", "Toronto", "CA"),
    ("198.51.100", "Osaka", "JP"),
    ("192.0.2", "Malmö", "SE"),
    ("192.0.2", "Austin", "US"),
)


@dataclass(frozen=True, slots=True)
class Person:
    """A user's row, and the address that the user goes by."""

    number: int
    row: dict[str, Any]
    email: str

    @property
    def id(self) -> str:
        """The user's id."""
        return str(self.row["id"])

    @property
    def signs_in(self) -> bool:
        """Whether this person ever signed in, and still may."""
        return self.number not in (*BANNED, *NEVER_SIGNED_IN)


def add_people(draft: Draft) -> list[Person]:
    """All hundred, the first of them two years before the fixed day."""
    return [_add_person(draft, number, *name) for number, name in enumerate(NAMES)]


def _add_person(draft: Draft, number: int, first: str, last: str) -> Person:
    # A week apart, and up to five days on top: in the order of the names, the last before the fixed day.
    created = TODAY - 730 * DAY + number * 7 * DAY + draft.chance.randrange(5 * DAY)
    user_id = draft.id("user", created)
    email = f"{plain(first)}.{plain(last)}@example.com"
    seen = None if number in NEVER_SIGNED_IN else created + draft.chance.randrange(TODAY - created)
    row = draft.add(
        users,
        id=user_id,
        first_name=first,
        last_name=last,
        name_folded=f"{first} {last}".casefold(),
        **_profile(draft, number, first, last),
        **_state(draft, number, created),
        primary_email_address_id=_add_email(draft, user_id, 0, email, created),
        primary_phone_number_id=_add_phone(draft, user_id, number, created) if number in _PHONES else None,
        primary_web3_wallet_id=_add_wallet(draft, user_id, created) if number in _WALLETS else None,
        last_sign_in_at=seen,
        last_active_at=seen and min(seen + draft.chance.randrange(6 * HOUR), TODAY),
        created_at=created,
    )
    if number in _TWO_ADDRESSES:
        _add_email(draft, user_id, 1, f"{plain(first)}@example.org", created)
    if number in _GOOGLE:
        add_google(draft, row, email)
    return Person(number, row, email)


def _profile(draft: Draft, number: int, first: str, last: str) -> dict[str, Any]:
    username = f"{plain(first)}_{plain(last)[:1]}{number}" if number % 2 == 0 else None
    staff = number < STAFF
    plan = "staff" if staff else draft.chance.choice(("free", "team", "business"))
    return {
        "username": username,
        "username_folded": username,
        "external_id": f"crm-{1000 + number}" if number % 4 == 0 else None,
        "locale": draft.chance.choice(_LOCALES),
        "profile_image_id": None,
        "public_metadata": {"plan": plan, "onboarded": number not in _NOT_ONBOARDED},
        "private_metadata": {}
        if staff
        else {"billing": {"customer": f"cus_{draft.chance.randbytes(7).hex()}"}},
        "unsafe_metadata": {"theme": draft.chance.choice(_THEMES)} if number % 3 == 0 else {},
        "create_organizations_limit": None,
        "legal_accepted_at": None,
        "delete_self_enabled": not staff,
        "create_organization_enabled": True,
        "bypass_client_trust": False,
    }


def _state(draft: Draft, number: int, created: int) -> dict[str, Any]:
    password, second_factor = number not in _WITHOUT_PASSWORD, number % 10 == 0
    return {
        "banned": number in BANNED,
        "lockout_expires_at": draft.now + (7 + number % 5) * DAY if number in LOCKED else None,
        "password_digest": _DIGEST if password else None,
        "password_hasher": "bcrypt" if password else None,
        "password_last_updated_at": created if password else None,
        "totp_secret": "JBSWY3DPEHPK3PXP" if second_factor else None,
        "backup_codes": None,
        "mfa_enabled_at": created + DAY if second_factor else None,
        "mfa_disabled_at": None,
    }


def _add_email(draft: Draft, user_id: str, position: int, email: str, created: int) -> str:
    row = draft.add(
        email_addresses,
        id=draft.id("idn", created),
        user_id=user_id,
        position=position,
        email_address=email,
        verified=True,
        created_at=created,
    )
    return str(row["id"])


def _add_phone(draft: Draft, user_id: str, number: int, created: int) -> str:
    row = draft.add(
        phone_numbers,
        id=draft.id("idn", created),
        user_id=user_id,
        position=0,
        phone_number=f"+1555010{1000 + number * 37}",
        verified=True,
        reserved_for_second_factor=False,
        created_at=created,
    )
    return str(row["id"])


def _add_wallet(draft: Draft, user_id: str, created: int) -> str:
    row = draft.add(
        web3_wallets,
        id=draft.id("idn", created),
        user_id=user_id,
        position=0,
        web3_wallet=f"0x{draft.chance.randbytes(20).hex()}",
        verified=True,
        created_at=created,
    )
    return str(row["id"])


def add_google(draft: Draft, user: dict[str, Any], email: str) -> None:
    """The Google account that a user signs in with."""
    draft.add(
        external_accounts,
        id=draft.id("eac", user["created_at"]),
        user_id=user["id"],
        identification_id=draft.id("idn", user["created_at"]),
        provider="oauth_google",
        provider_user_id=str(draft.chance.randrange(10**20, 10**21)),
        approved_scopes="email https://www.googleapis.com/auth/userinfo.email openid profile",
        email_address=email,
        first_name=user["first_name"],
        last_name=user["last_name"],
        username=None,
        public_metadata={},
        created_at=user["created_at"],
    )


def add_sessions(draft: Draft, people: list[Person], teams: dict[str, str]) -> None:
    """Sessions that are active now, and some that are over, told from the time of seeding."""
    signed_in = [person for person in people if person.signs_in]
    for person in draft.chance.sample(signed_in, ACTIVE):
        times = {
            "created_at": draft.now - draft.chance.randrange(HOUR, 20 * DAY),
            "last_active_at": draft.now - draft.chance.randrange(60_000, HOUR),
            "expire_at": draft.now + draft.chance.randrange(60, 120) * DAY,
        }
        _add(draft, person, teams, "active", **times)
    # An active one whose time is over has expired.
    for status, number in (("ended", ENDED), ("revoked", REVOKED), ("active", EXPIRED)):
        for person in draft.chance.sample(signed_in, number):
            _add(draft, person, teams, status, **_past(draft, person))
    for number in BANNED:
        _add(draft, people[number], teams, "revoked", **_past(draft, people[number]))


def _past(draft: Draft, person: Person) -> dict[str, int]:
    created = max(draft.now - draft.chance.randrange(30, 60) * DAY, person.row["created_at"] + HOUR)
    return {
        "created_at": created,
        "last_active_at": created + draft.chance.randrange(HOUR, 3 * DAY),
        "expire_at": created + 7 * DAY,
    }


def _add(draft: Draft, person: Person, teams: dict[str, str], status: str, **times: int) -> None:
    draft.add(
        sessions,
        id=draft.id("sess"),
        user_id=person.id,
        client_id=draft.id("client"),
        status=status,
        last_active_organization_id=teams.get(person.id),
        latest_activity=activity(draft),
        actor=None,
        abandon_at=times["expire_at"] + 30 * DAY,
        updated_at=times["last_active_at"],
        **times,
    )
    # The users are not inserted yet: a session may be later than what was drawn for them.
    for seen, began in (("last_sign_in_at", "created_at"), ("last_active_at", "last_active_at")):
        person.row[seen] = max(person.row[seen], times[began])


def activity(draft: Draft) -> dict[str, Any]:
    """From where a session was used last: a made-up device in a made-up place."""
    device, mobile, browser, version = draft.chance.choice(_DEVICES)
    network, city, country = draft.chance.choice(_PLACES)
    return {
        "object": "session_activity",
        "id": draft.id("sess_activity"),
        "device_type": device,
        "is_mobile": mobile,
        "browser_name": browser,
        "browser_version": version,
        "ip_address": f"{network}.{draft.chance.randrange(1, 255)}",
        "city": city,
        "country": country,
    }
