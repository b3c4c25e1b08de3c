"""Who is invited to the application, who may sign up, who may not."""

from deskclerk.sandbox.seed.draft import DAY, TODAY, Draft
from deskclerk.sandbox.seed.people import Person
from deskclerk.sandbox.store.tables import allowlist_identifiers, blocklist_identifiers, invitations

_INVITED = (
    ("sasha.lowe@example.com", "pending"),
    ("iris.hartmann@example.com", "pending"),
    ("press@example.org", "pending"),
    ("beta.tester@example.org", "pending"),
    (34, "accepted"),
    (52, "accepted"),
    (74, "accepted"),
    ("wrong.address@example.org", "revoked"),
    ("former.partner@example.org", "revoked"),
    ("late.reply@example.org", "expired"),
)
_ALLOWED = (
    ("*@example.com", "email_address"),
    ("press@example.org", "email_address"),
    ("+15550109000", "phone_number"),
)
_BLOCKED = (
    ("*@example.net", "email_address"),
    ("trial.abuse@example.org", "email_address"),
    ("+15550106666", "phone_number"),
    ("0x000000000000000000000000000000000000dead", "web3_wallet"),
)


def add_invitations(draft: Draft, people: list[Person]) -> None:
    """Invitations to the application: waiting, answered, withdrawn, and one that ran out."""
    for who, status in _INVITED:
        age = draft.chance.randrange(1, 6) * DAY
        created = draft.now - age if status == "pending" else TODAY - 200 * DAY - age
        draft.add(
            invitations,
            id=draft.id("inv", TODAY - age),
            beside_others=False,
            email_address=people[who].email if isinstance(who, int) else who,
            # An expired one is a pending one whose time is over.
            status="pending" if status == "expired" else status,
            ticket=draft.chance.randbytes(24).hex(),
            redirect_url="https://app.example.com/welcome",
            public_metadata={"source": "team"},
            expires_at=created + (30 if status == "expired" else 180) * DAY,
            created_at=created,
            updated_at=created if status == "pending" else created + DAY,
        )


def add_restrictions(draft: Draft) -> None:
    """Entries of the allow-list and the block-list."""
    for place, (identifier, kind) in enumerate(_ALLOWED):
        at = TODAY - (300 - 20 * place) * DAY
        draft.add(
            allowlist_identifiers,
            id=draft.id("alid", at),
            identifier=identifier,
            identifier_type=kind,
            invitation_id=None,
            created_at=at,
        )
    for place, (identifier, kind) in enumerate(_BLOCKED):
        at = TODAY - (250 - 20 * place) * DAY
        draft.add(
            blocklist_identifiers,
            id=draft.id("blid", at),
            identifier=identifier,
            identifier_type=kind,
            created_at=at,
        )
