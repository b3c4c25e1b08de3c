"""The organizations of the seed: who belongs to which, who is invited; those of a generated company."""

from typing import Any, NamedTuple

from deskclerk.sandbox.seed.draft import DAY, TODAY, Draft
from deskclerk.sandbox.seed.people import Person
from deskclerk.sandbox.store.role_sets import FIRST_KEY
from deskclerk.sandbox.store.tables import memberships, organization_invitations, organizations

ADMIN, MEMBER = "org:admin", "org:member"
INVITED = (
    ("larkspur", "morgan.reyes@example.com", MEMBER, "pending"),
    ("harbour-finch", "ines.moreau@example.org", MEMBER, "pending"),
    ("harbour-finch", "paul.adler@example.org", ADMIN, "pending"),
    ("nimbus-freight", "dispatch@example.org", MEMBER, "pending"),
    ("tidewater-clinic", "reception@example.org", MEMBER, "pending"),
    ("nimbus-freight", 17, MEMBER, "accepted"),
    ("tidewater-clinic", 44, MEMBER, "accepted"),
    ("sable-coffee", 73, MEMBER, "accepted"),
    ("quillworks", "temp.designer@example.org", MEMBER, "revoked"),
    ("larkspur", "old.contractor@example.org", MEMBER, "revoked"),
)
"""Invitations to organizations: who (a number: one of the people), as what, and what became of it."""
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


class CompanyPlan(NamedTuple):
    """One organization as it is to be: who is in it (the first are its admins), and how many may be."""

    name: str
    slug: str
    members: tuple[int, ...]
    admins: int
    most: int
    metadata: dict[str, Any]


PLANS = (
    CompanyPlan("Larkspur Studio", "larkspur", tuple(range(14)), 3, 0, {"tier": "internal"}),
    CompanyPlan("Harbour & Finch", "harbour-finch", tuple(range(14, 33, 2)), 2, 25, {"tier": "business"}),
    CompanyPlan("Nimbus Freight", "nimbus-freight", (*range(15, 34, 2), 47), 1, 25, {"tier": "business"}),
    CompanyPlan(
        "Tidewater Clinic", "tidewater-clinic", (40, 41, 42, 44, 48, 50, 23), 2, 10, {"tier": "team"}
    ),
    CompanyPlan("Quillworks", "quillworks", (60, 62, 64, 66, 70), 1, 5, {"tier": "team"}),
    CompanyPlan("Sable Coffee Roasters", "sable-coffee", (72, 73, 5), 1, 5, {"tier": "free"}),
)
"""Quillworks is full; two people belong to two organizations, two are banned, one each of two."""


def add_organizations(draft: Draft, people: list[Person]) -> dict[str, str]:
    """All organizations; the id of one by each member's user id."""
    teams: dict[str, str] = {}
    by_slug = {plan.slug: _add_organization(draft, plan, people) for plan in PLANS}
    for plan in PLANS:
        for number in plan.members:
            teams.setdefault(people[number].id, by_slug[plan.slug][0])
    for slug, who, role, status in INVITED:
        _add_invitation(
            draft, by_slug[slug], people[who].email if isinstance(who, int) else who, role, status
        )
    return teams


def _add_organization(draft: Draft, plan: CompanyPlan, people: list[Person]) -> tuple[str, str]:
    """The ids of the organization and of its creator."""
    creator = people[plan.members[0]]
    created = creator.row["created_at"] + 2 * DAY
    key = draft.id("org", created)
    draft.add(
        organizations,
        id=key,
        name=plan.name,
        name_folded=plan.name.casefold(),
        slug=plan.slug,
        created_by=creator.id,
        max_allowed_memberships=plan.most,
        admin_delete_enabled=plan.slug != "larkspur",
        public_metadata=plan.metadata,
        private_metadata={},
        role_set_key=FIRST_KEY,
        created_at=created,
    )
    for place, number in enumerate(plan.members):
        joined = max(created, people[number].row["created_at"] + DAY)
        draft.add(
            memberships,
            id=draft.id("orgmem", joined),
            organization_id=key,
            user_id=people[number].id,
            role=ADMIN if place < plan.admins else MEMBER,
            public_metadata={},
            private_metadata={},
            created_at=joined,
        )
    return key, creator.id


def _add_invitation(draft: Draft, team: tuple[str, str], email: str, role: str, status: str) -> None:
    # One that still waits is fresh whenever the seed is made; the others lie in the past.
    age = draft.chance.randrange(1, 6) * DAY
    created = draft.now - age if status == "pending" else TODAY - 200 * DAY - age
    organization_id, inviter_id = team
    draft.add(
        organization_invitations,
        id=draft.id("orginv", TODAY - age),
        organization_id=organization_id,
        inviter_id=inviter_id,
        role=role,
        email_address=email,
        status=status,
        ticket=draft.chance.randbytes(24).hex(),
        redirect_url=None,
        public_metadata={},
        private_metadata={},
        expires_at=created + 180 * DAY,
        created_at=created,
        updated_at=created if status == "pending" else created + DAY,
    )


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
        # There are a hundred names, so the slug needs something of its own.
        slug=f"{name.casefold().replace(' ', '-')}-{draft.chance.randbytes(5).hex()}",
        created_by=members[0]["id"],
        max_allowed_memberships=0,
        admin_delete_enabled=True,
        public_metadata={"tier": draft.chance.choice(("free", "team", "business"))},
        private_metadata={},
        role_set_key=FIRST_KEY,
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
