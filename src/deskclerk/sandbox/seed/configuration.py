"""What a developer set up: token templates, a satellite domain, OAuth applications."""

import hashlib
import string

from deskclerk.sandbox.seed.draft import DAY, TODAY, Draft
from deskclerk.sandbox.store.tables import domains, jwt_templates, oauth_applications

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
