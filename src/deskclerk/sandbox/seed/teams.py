"""The organizations of a generated company: many small ones, some large, most people in one of them."""

from typing import Any

from deskclerk.sandbox.seed.draft import DAY, TODAY, Draft
from deskclerk.sandbox.store.tables import memberships, organizations

_FIRST = (
    "Amber",
    "Cobalt",
    "Juniper",
    "Larch",
    "Meridian",
    "Northern",
    "Quartz",
    "Saffron",
    "Tidal",
    "Vesper",
)
_SECOND = ("Analytics", "Bakery", "Clinic", "Design", "Freight", "Games", "Labs", "Media", "Studio", "Works")
_SIZES = (1, 2, 3, 3, 4, 5, 6, 8, 12, 25, 60, 150)
_OF_ALL = 0.6
"""The share of people who belong to an organization."""


def add_teams(draft: Draft, people: list[dict[str, Any]]) -> dict[str, str]:
    """Teams of these people's rows; the organization's id by each member's user id."""
    joined = draft.chance.sample(people, int(len(people) * _OF_ALL))
    found: dict[str, str] = {}
    while joined:
        size = draft.chance.choice(_SIZES)
        members, joined = joined[:size], joined[size:]
        found |= dict.fromkeys((row["id"] for row in members), _add_team(draft, members))
    return found


def _add_team(draft: Draft, members: list[dict[str, Any]]) -> str:
    created = min(members[0]["created_at"] + 2 * DAY, TODAY)
    key, name = draft.id("org", created), f"{draft.chance.choice(_FIRST)} {draft.chance.choice(_SECOND)}"
    draft.add(
        organizations,
        id=key,
        name=name,
        name_folded=name.casefold(),
        slug=f"{name.casefold().replace(' ', '-')}-{draft.chance.randbytes(5).hex()}",
        created_by=members[0]["id"],
        max_allowed_memberships=0,
        admin_delete_enabled=True,
        public_metadata={"tier": draft.chance.choice(("free", "team", "business"))},
        private_metadata={},
        role_set_key="role_set:default",
        created_at=created,
    )
    for place, row in enumerate(members):
        draft.add(
            memberships,
            id=draft.id("orgmem", max(created, row["created_at"])),
            organization_id=key,
            user_id=row["id"],
            role="org:admin" if place == 0 or place % 20 == 0 else "org:member",
            public_metadata={},
            private_metadata={},
            created_at=max(created, row["created_at"]),
        )
    return key
