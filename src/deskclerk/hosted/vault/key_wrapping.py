"""The vault key: who has it, and how it wraps the data keys of workspaces.

A wrapped key is a text that begins with its wrapper's name. Every wrapping is bound to a text that says
whose key it is: one that was moved to another workspace does not unwrap.
"""

import base64
import binascii
import hashlib
import secrets
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from deskclerk.errors import InvalidSettings, StorageUnavailable
from deskclerk.settings import Settings, VaultAddress, vault_keys

NONCE_BYTES = 12
_ID_DIGITS = 16
_MAKE_ONE = (
    "Make one with `openssl rand -base64 32`, and set DESKCLERK_VAULT_KEY or DESKCLERK_VAULT_KEY_FILE."
)


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


class KeyRing:
    """Several wrappers: the first wraps, and each unwraps what it wrapped, so that keys can move house."""

    def __init__(self, wrappers: Sequence[KeyWrapper]) -> None:
        self.name = wrappers[0].name
        self._wrappers = {wrapper.name: wrapper for wrapper in wrappers}

    async def wrap(self, key: bytes, bound: str) -> str:
        """A key, wrapped by the first."""
        return await self._wrappers[self.name].wrap(key, bound)

    async def unwrap(self, wrapped: str, bound: str) -> bytes:
        """The key, by whichever wrapped it."""
        name = wrapped.partition(":")[0]
        wrapper = self._wrappers.get(name)
        if wrapper is None:
            setting = "DESKCLERK_VAULT_KEY" if name == LocalKeys.name else "DESKCLERK_VAULT"
            raise not_unwrapped(
                f"it was wrapped by {name}, which is not set",
                f"Set {setting} as it was, until `deskclerk hosted rotate-keys --vault-key` is through.",
            )
        return await wrapper.unwrap(wrapped, bound)


def key_id(key: bytes) -> str:
    """What tells a vault key from others, and gives it away to nobody."""
    return hashlib.sha256(b"deskclerk vault key " + key).hexdigest()[:_ID_DIGITS]


def not_unwrapped(reason: str, next_step: str = "") -> StorageUnavailable:
    """The error of a data key that the vault key does not open."""
    step = (
        next_step or "Put a backup of the database in its place, or set the vault key that it was made with."
    )
    return StorageUnavailable.of("A workspace's data key", reason, step)


def open_wrapper(settings: Settings) -> KeyWrapper:
    """What wraps by the settings: a vault elsewhere where one is named, else keys that this process has.

    Where both are set the vault wraps, and the keys still open what they wrapped before.

    Raises:
        InvalidSettings: no vault key at all, a file that is none, a library that is not installed.
    """
    wrappers = [_elsewhere(settings.vault, settings)] if settings.vault else []
    keys = vault_keys(settings.vault_key.get_secret_value()) if settings.vault_key else ()
    if settings.vault_key_file:
        keys += _in_file(settings.vault_key_file)
    if keys:
        wrappers.append(LocalKeys(keys))
    if not wrappers:
        raise InvalidSettings("A hosted desk needs a vault key, and none is set.", next_step=_MAKE_ONE)
    return KeyRing(wrappers)


def _elsewhere(address: VaultAddress, settings: Settings) -> KeyWrapper:
    """A vault of another system's; its client is loaded only where one is named."""
    try:
        if address.kind == "transit":
            from deskclerk.hosted.vault.transit import Transit  # noqa: PLC0415

            return Transit(address, settings.vault_token)
        from deskclerk.hosted.vault.kms import Kms  # noqa: PLC0415

        return Kms(address)
    except ImportError:
        extra = "vault" if address.kind == "transit" else "aws"
        raise InvalidSettings(
            "The client of the vault that DESKCLERK_VAULT names is not installed.",
            next_step=f"Install it with: pip install 'deskclerk[{extra}]'.",
        ) from None


def _in_file(path: Path) -> tuple[bytes, ...]:
    """The keys of a file, one a line."""
    try:
        text = path.expanduser().read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is not text"
        raise InvalidSettings(
            f"DESKCLERK_VAULT_KEY_FILE ({path}) cannot be read: {reason}.", next_step=_MAKE_ONE
        ) from None
    try:
        return vault_keys(text)
    except ValueError as error:
        raise InvalidSettings(f"DESKCLERK_VAULT_KEY_FILE ({path}): {error}.", next_step=_MAKE_ONE) from None
