"""HashiCorp Vault's transit engine (or OpenBao's) as the vault key: it never leaves there."""

import asyncio
import base64
import threading
from typing import Any

import hvac  # type: ignore[import-untyped]
import requests
from pydantic import SecretStr

from deskclerk.errors import InvalidSettings, StorageUnavailable
from deskclerk.hosted.vault.key_wrapping import not_unwrapped
from deskclerk.settings import VaultAddress

_SECONDS = 10


class Transit:
    """A key of a transit engine, by its name; a wrapped key is `transit:` and what Vault calls a ciphertext.

    What a key is bound to travels as Vault's `associated_data`, so the key's type must be an AEAD one, such
    as `aes256-gcm96`, which is Vault's default.
    """

    name = "transit"

    def __init__(self, address: VaultAddress, token: SecretStr | None) -> None:
        if token is None:
            raise InvalidSettings(
                "DESKCLERK_VAULT names a transit engine, and there is no token for it.",
                next_step="Set DESKCLERK_VAULT_TOKEN to one that may encrypt and decrypt with that key.",
            )
        self._address = address
        self._token = token
        # The session that a client holds is not said to be for several threads at once.
        self._clients = threading.local()

    async def wrap(self, key: bytes, bound: str) -> str:
        """A key, wrapped with the newest version of the transit key."""
        given = {"plaintext": base64.b64encode(key).decode()}
        answer = await asyncio.to_thread(self._ask, "encrypt_data", bound, given)
        return f"{self.name}:{answer['ciphertext']}"

    async def unwrap(self, wrapped: str, bound: str) -> bytes:
        """The key, with the version of the transit key that its ciphertext names."""
        given = {"ciphertext": wrapped.partition(":")[2]}
        answer = await asyncio.to_thread(self._ask, "decrypt_data", bound, given)
        return base64.b64decode(answer["plaintext"])

    def _ask(self, method: str, bound: str, given: dict[str, str]) -> dict[str, Any]:
        associated = base64.b64encode(bound.encode()).decode()
        where = {"name": self._address.key, "mount_point": self._address.mount}
        try:
            call = getattr(self._client().secrets.transit, method)
            answer: dict[str, Any] = call(**where, **given, associated_data=associated)["data"]
        except (hvac.exceptions.Forbidden, hvac.exceptions.Unauthorized):
            raise self._refused(
                "the token is not accepted, or may not use this key",
                f"Give DESKCLERK_VAULT_TOKEN a policy with update on {self._address.mount}/encrypt/"
                f"{self._address.key} and {self._address.mount}/decrypt/{self._address.key}, or renew it.",
            ) from None
        except hvac.exceptions.InvalidRequest:
            # What it says may hold what it was sent, and so is not repeated.
            if "plaintext" in given:
                raise self._refused(
                    f"it does not encrypt with a key {self._address.key}",
                    "Make that key there, of type aes256-gcm96 and not derived.",
                ) from None
            raise not_unwrapped(
                "the transit engine does not take it: another key wrapped it, it was changed, or is another "
                "workspace's"
            ) from None
        except hvac.exceptions.InvalidPath:
            raise self._refused(
                f"it has no engine at {self._address.mount}/",
                "Enable the transit engine there, or correct DESKCLERK_VAULT.",
            ) from None
        except (hvac.exceptions.VaultError, requests.RequestException) as error:
            raise self._refused(
                f"it does not answer as it should ({type(error).__name__})",
                "Check that it runs, is unsealed and can be reached from here.",
            ) from None
        return answer

    def _client(self) -> Any:
        found = getattr(self._clients, "client", None)
        if found is None:
            found = self._clients.client = hvac.Client(
                url=self._address.origin,
                token=self._token.get_secret_value(),
                namespace=self._address.namespace,
                timeout=_SECONDS,
            )
        return found

    def _refused(self, reason: str, next_step: str) -> StorageUnavailable:
        return StorageUnavailable.of(f"The vault at {self._address.origin}", reason, next_step)
