"""The vault keys that the settings name: in this process, in HashiCorp Vault, in AWS KMS."""

from collections.abc import Sequence
from pathlib import Path

from deskclerk.errors import InvalidSettings
from deskclerk.hosted.vault.key_wrapping import KeyWrapper, LocalKeys, not_unwrapped
from deskclerk.settings import Settings, VaultAddress, vault_keys

_MAKE_ONE = (
    "Make one with `openssl rand -base64 32`, and set DESKCLERK_VAULT_KEY or DESKCLERK_VAULT_KEY_FILE."
)


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
