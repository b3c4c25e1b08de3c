"""Values that open something: made at random, kept as a hash, and what else is derived from them."""

import hashlib
import hmac
import secrets
from base64 import urlsafe_b64encode


def new_value() -> str:
    """A value that nobody guesses: 32 random bytes."""
    return secrets.token_urlsafe(32)


def digest(value: str) -> str:
    """What is kept of a value, and what it is looked up by."""
    return hashlib.sha256(value.encode("utf-8", "replace")).hexdigest()


def derived(value: str, purpose: str) -> str:
    """A second value that only whoever has the first can have: nothing of it need be kept."""
    mac = hmac.digest(value.encode("utf-8", "replace"), purpose.encode(), "sha256")
    return urlsafe_b64encode(mac).decode().rstrip("=")
