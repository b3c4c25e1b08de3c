"""What stands for the company's people elsewhere: passkeys, trusted devices, tokens of OAuth."""

from dataclasses import dataclass
from typing import Any

from deskclerk.sandbox.applications.oauth_applications import digest
from deskclerk.sandbox.seed.draft import DAY, HOUR, TODAY, Draft
from deskclerk.sandbox.seed.people import Person
from deskclerk.sandbox.store.tables import (
    external_account_tokens,
    external_accounts,
    oauth_applications,
    oauth_tokens,
    passkeys,
    trusted_devices,
)

_PASSKEYS = ((1, "Laptop"), (1, "Phone"), (6, "Security key"), (9, "Laptop"))
_DEVICES: tuple[tuple[int, str, str, str | None, str], ...] = (
    (2, "ios", "com.example.larkspur", "Phone", "active"),
    (2, "android", "com.example.larkspur", None, "active"),
    (2, "ios", "com.example.larkspur", "Old phone", "revoked"),
    (8, "android", "com.example.warehouse", "Scanner", "active"),
)


@dataclass(frozen=True, slots=True)
class _Token:
    """An access token of an application for a person, how long it is good from now, why it is revoked."""

    application: int
    person: int
    name: str
    left: int | None = None
    reason: str | None = None


_TOKENS = (
    _Token(0, 1, "good", left=365 * DAY),
    _Token(0, 1, "expired", left=-HOUR),
    _Token(1, 4, "lasting"),
    _Token(2, 5, "revoked", left=365 * DAY, reason="Revoked by user"),
)
"""Their texts are told by the names, such as `oat_company_good` and its refresh token `ort_company_good`."""


def add_credentials(draft: Draft, people: list[Person]) -> None:
    """Some of each; last of the company, as one more draw would change all ids after it."""
    for number, name in _PASSKEYS:
        _add(draft, passkeys, "idn", people[number], name=name, last_used_at=TODAY - number * DAY)
    for number, platform, app, device, status in _DEVICES:
        _add(
            draft,
            trusted_devices,
            "tdev",
            people[number],
            platform=platform,
            app_identifier=app,
            name=device,
            status=status,
            last_used_at=TODAY - number * DAY,
            revoked_at=TODAY if status == "revoked" else None,
        )
    for place, account in enumerate(draft.rows[external_accounts.name]):
        _add_google_token(draft, account, place)
    for place, token in enumerate(_TOKENS):
        _add_token(draft, people[token.person], token, TODAY - (20 - place) * DAY)


def _add(draft: Draft, table: Any, prefix: str, person: Person, **values: Any) -> None:
    made = TODAY - 90 * DAY
    draft.add(table, id=draft.id(prefix, made), user_id=person.id, **values, created_at=made)


def _add_google_token(draft: Draft, account: dict[str, Any], place: int) -> None:
    # Of the first two the time is over: one could be refreshed if there were a Google, one could not.
    left = -HOUR if place < 2 else 365 * DAY  # noqa: PLR2004 - as said
    row = draft.add(
        external_account_tokens,
        external_account_id=account["id"],
        token=f"ya29.{draft.chance.randbytes(24).hex()}",
        token_secret=None,
        id_token=None,
        label=None,
        scopes=account["approved_scopes"].split(),
        can_refresh=place == 0,
        expires_at=draft.now + left,
        updated_at=None,
        created_at=None,
    )
    del row["created_at"], row["updated_at"]


def _add_token(draft: Draft, person: Person, token: _Token, made: int) -> None:
    application = draft.rows[oauth_applications.name][token.application]
    key = f"oat_{draft.chance.randbytes(16).hex()}"
    draft.add(
        oauth_tokens,
        id=key,
        oauth_application_id=application["id"],
        user_id=person.id,
        grant_id=key,
        digest=digest(f"oat_company_{token.name}"),
        refresh_digest=digest(f"ort_company_{token.name}"),
        scopes=application["scopes"].split(),
        expires_at=None if token.left is None else draft.now + token.left,
        revocation_reason=token.reason,
        created_at=made,
    )
