"""What a developer set up: token templates, a domain, OAuth applications, who may sign up."""

import hashlib
import string

from deskclerk.sandbox.seed.draft import DAY, TODAY, Draft
from deskclerk.sandbox.seed.people import Person
from deskclerk.sandbox.store.tables import (
    allowlist_identifiers,
    blocklist_identifiers,
    domains,
    invitations,
    jwt_templates,
    oauth_applications,
)

_TEMPLATES = (
    (
        "backend",
        {
            "email": "{{user.primary_email_address}}",
            "name": "{{user.full_name || 'someone'}}",
            "plan": "{{user.public_metadata.plan}}",
        },
        60,
    ),
    (
        "hasura",
        {
            "https://hasura.io/jwt/claims": {
                "x-hasura-user-id": "{{user.id}}",
                "x-hasura-default-role": "user",
                "x-hasura-allowed-roles": ["user"],
                "x-hasura-org-id": "{{org.id}}",
            }
        },
        300,
    ),
)
_APPLICATIONS = (
    ("Larkspur Desktop", "profile email", ["http://127.0.0.1:7421/callback"], True),
    (
        "Warehouse Sync",
        "profile email public_metadata",
        ["https://warehouse.example.com/oauth/callback"],
        False,
    ),
    ("Partner Portal", "profile email", ["https://partners.example.com/auth/callback"], False),
)
"""Name, scopes, redirect addresses, and whether it is public."""
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


def add_configuration(draft: Draft) -> None:
    """Two JWT templates, one satellite domain, three OAuth applications."""
    for place, (name, claims, lifetime) in enumerate(_TEMPLATES):
        at = TODAY - (400 - 100 * place) * DAY
        draft.add(
            jwt_templates,
            id=draft.id("jtmp", at),
            name=name,
            claims=claims,
            lifetime=lifetime,
            allowed_clock_skew=5,
            custom_signing_key=False,
            signing_algorithm="RS256",
            signing_key=None,
            created_at=at,
        )
    at = TODAY - 120 * DAY
    draft.add(domains, id=draft.id("dmn", at), name="shop.example.com", is_satellite=True, created_at=at)
    for place, (name, scopes, addresses, public) in enumerate(_APPLICATIONS):
        _add_application(draft, name, scopes, addresses, public=public, at=TODAY - (350 - 90 * place) * DAY)


def _add_application(
    draft: Draft, name: str, scopes: str, addresses: list[str], *, public: bool, at: int
) -> None:
    letters = string.ascii_letters + string.digits
    secret = draft.chance.randbytes(16)
    draft.add(
        oauth_applications,
        id=draft.id("oa", at),
        name=name,
        name_folded=name.casefold(),
        client_id="".join(draft.chance.choices(letters, k=16)),
        client_secret_digest=None if public else hashlib.sha256(secret).hexdigest(),
        redirect_uris=addresses,
        scopes=scopes,
        consent_screen_enabled=True,
        pkce_required=public,
        public=public,
        created_at=at,
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
