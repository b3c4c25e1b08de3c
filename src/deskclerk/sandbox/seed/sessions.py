"""The sessions: where people are signed in, and where they were."""

from typing import Any

from deskclerk.sandbox.seed.draft import DAY, HOUR, Draft
from deskclerk.sandbox.seed.people import BANNED, Person
from deskclerk.sandbox.store.tables import sessions

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
_PLACES = (
    ("203.0.113", "Lisbon", "PT"),
    ("203.0.113", "Lagos", "NG"),
    ("198.51.100", "Toronto", "CA"),
    ("198.51.100", "Osaka", "JP"),
    ("192.0.2", "Malmö", "SE"),
    ("192.0.2", "Austin", "US"),
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
