"""Svix's signature: HMAC-SHA256 over id, time and body, with a secret `whsec_<base64>`."""

import base64
import binascii
import hashlib
import hmac
import secrets

PREFIX = "whsec_"
_BYTES = 24


def new_secret() -> str:
    """A secret for a new endpoint."""
    return PREFIX + base64.b64encode(secrets.token_bytes(_BYTES)).decode()


def is_secret(text: str) -> bool:
    """Whether the text is a secret to sign with."""
    try:
        return text.startswith(PREFIX) and len(_key(text)) > 0
    except (binascii.Error, ValueError):
        return False


def signed_headers(secret: str, message_id: str, seconds: int, body: bytes) -> dict[str, str]:
    """The three headers of a delivery; `seconds` since the epoch."""
    content = f"{message_id}.{seconds}.".encode() + body
    digest = hmac.new(_key(secret), content, hashlib.sha256).digest()
    return {
        "svix-id": message_id,
        "svix-timestamp": str(seconds),
        "svix-signature": f"v1,{base64.b64encode(digest).decode()}",
    }


def _key(secret: str) -> bytes:
    return base64.b64decode(secret.removeprefix(PREFIX), validate=True)
