"""Secrets of machines and API keys: how they are made, found, and when they end.

Clerk shows all of these secrets again, and so they are kept; one that is presented is found by its digest.
"""

import hashlib
import hmac
import secrets
import string

from sqlalchemy import Table

from deskclerk.sandbox.http.call import Call
from deskclerk.sandbox.http.errors import invalid
from deskclerk.sandbox.http.rows import RowMapping, find

LONGEST_LIFE = 315_360_000
"""Seconds: ten years, the most that Clerk documents for any of them."""
_LETTERS = string.ascii_letters + string.digits
_LENGTH = 40


def new_secret(prefix: str) -> dict[str, str]:
    """The columns of a new secret such as `ak_…`."""
    secret = f"{prefix}_{''.join(secrets.choice(_LETTERS) for _ in range(_LENGTH))}"
    return {"secret": secret, "secret_digest": digest(secret)}


def new_hexadecimal_id(prefix: str) -> str:
    """An id such as `ak_3bee…`, which tells no time as others do."""
    return f"{prefix}_{secrets.token_hex(16)}"


def digest(secret: str) -> str:
    """What a secret is looked up by: how long that takes gives nothing away of the secret."""
    # A fast hash will do: secrets are random and long, no passwords that could be guessed.
    return hashlib.sha256(secret.encode()).hexdigest()


async def find_by_secret(call: Call, table: Table, secret: str) -> RowMapping | None:
    """The row whose secret this is, good or not."""
    row = await find(call, table, secret_digest=digest(secret))
    return row if row and hmac.compare_digest(row["secret"].encode(), secret.encode()) else None


def is_good(row: RowMapping, now: int) -> bool:
    """Whether a token or a key was not revoked and has not ended."""
    return not row["revoked"] and not has_ended(row, now)


def has_ended(row: RowMapping, now: int) -> bool:
    """Whether its time is over."""
    return row["expires_at"] is not None and bool(row["expires_at"] <= now)


def end_after(now: int, seconds: float) -> int:
    """The moment so many seconds from now."""
    if not 0 < seconds <= LONGEST_LIFE:
        text = f"seconds_until_expiration must be more than 0, and at most {LONGEST_LIFE}."
        raise invalid("seconds_until_expiration", text)
    return now + max(1, round(seconds * 1000))
