"""How a vault key wraps the data keys of workspaces.

A wrapped key is a text that begins with its wrapper's name. Every wrapping is bound to a text that says
whose key it is: one that was moved to another workspace does not unwrap.
"""

import base64
import binascii
import hashlib
import secrets
from collections.abc import Sequence
from typing import Protocol

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from deskclerk.errors import StorageUnavailable

NONCE_BYTES = 12
_ID_DIGITS = 16


class KeyWrapper(Protocol):
    """Something that has a vault key, or asks for its work where it is kept."""

    @property
    def name(self) -> str:
        """What every key that it wrapped begins with, before a colon."""

    async def wrap(self, key: bytes, bound: str) -> str:
        """A key, wrapped for `bound`."""

    async def unwrap(self, wrapped: str, bound: str) -> bytes:
        """The key; StorageUnavailable if it was wrapped by another vault key, or for something else."""


class LocalKeys:
    """Vault keys in this process: the first wraps, all of them unwrap.

    A wrapped key is `local:KEY_ID:` and base64 of a nonce and AES-256-GCM's ciphertext.
    """

    name = "local"

    def __init__(self, keys: Sequence[bytes]) -> None:
        self._keys = {key_id(key): AESGCM(key) for key in keys}
        self._first = key_id(keys[0])

    async def wrap(self, key: bytes, bound: str) -> str:
        """A key, wrapped with the first vault key."""
        nonce = secrets.token_bytes(NONCE_BYTES)
        sealed = self._keys[self._first].encrypt(nonce, key, bound.encode())
        return f"{self.name}:{self._first}:{base64.b64encode(nonce + sealed).decode()}"

    async def unwrap(self, wrapped: str, bound: str) -> bytes:
        """The key, with whichever vault key it was wrapped."""
        _, named, text = wrapped.split(":", 2)
        if named not in self._keys:
            raise not_unwrapped(
                f"it was wrapped with the key {named}",
                f"Add that key behind the first of DESKCLERK_VAULT_KEY; those that are set: "
                f"{', '.join(self._keys)}.",
            )
        try:
            sealed = base64.b64decode(text, validate=True)
            return self._keys[named].decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], bound.encode())
        except (InvalidTag, ValueError, binascii.Error):
            raise not_unwrapped("it was changed, or is another workspace's") from None


def key_id(key: bytes) -> str:
    """What tells a vault key from others, and gives it away to nobody."""
    return hashlib.sha256(b"deskclerk vault key " + key).hexdigest()[:_ID_DIGITS]


def not_unwrapped(reason: str, next_step: str = "") -> StorageUnavailable:
    """The error of a data key that the vault key does not open."""
    step = (
        next_step or "Put a backup of the database in its place, or set the vault key that it was made with."
    )
    return StorageUnavailable.of("A workspace's data key", reason, step)
