"""A key of AWS KMS as the vault key: it never leaves there.

Credentials and region are found as boto3 finds them: a role of the machine, a profile, the environment.
"""

import asyncio
import base64
import logging
from typing import Any

import boto3  # type: ignore[import-untyped]
import botocore.config  # type: ignore[import-untyped]
import botocore.exceptions  # type: ignore[import-untyped]

from deskclerk.errors import InvalidSettings, StorageUnavailable
from deskclerk.hosted.vault.key_wrapping import not_unwrapped
from deskclerk.settings import VaultAddress

_SECONDS = 10
_TRIES = 3
_ANOTHERS = ("InvalidCiphertextException", "IncorrectKeyException")


class Kms:
    """A symmetric key of KMS, by its id, ARN or alias; a wrapped key is `kms:` and base64 of its ciphertext.

    What a key is bound to travels as KMS's encryption context, which is also in CloudTrail's log.
    """

    name = "kms"

    def __init__(self, address: VaultAddress) -> None:
        self._key = address.key
        # Whoever has everything logged would find requests and answers there, and in them unwrapped keys.
        logging.getLogger("botocore").setLevel(logging.INFO)
        config = botocore.config.Config(
            connect_timeout=_SECONDS,
            read_timeout=_SECONDS,
            retries={"total_max_attempts": _TRIES, "mode": "standard"},
        )
        try:
            # One client serves many threads; to make one takes a while.
            self._client: Any = boto3.client(
                "kms", region_name=address.region, endpoint_url=address.endpoint, config=config
            )
        except (botocore.exceptions.BotoCoreError, ValueError) as error:
            raise InvalidSettings(
                f"AWS KMS cannot be used: {error}", next_step="Add ?region=… to DESKCLERK_VAULT."
            ) from None

    async def wrap(self, key: bytes, bound: str) -> str:
        """A key, wrapped with the KMS key."""
        answer = await asyncio.to_thread(self._ask, "encrypt", bound, {"Plaintext": key})
        return f"{self.name}:{base64.b64encode(answer['CiphertextBlob']).decode()}"

    async def unwrap(self, wrapped: str, bound: str) -> bytes:
        """The key."""
        blob = base64.b64decode(wrapped.partition(":")[2])
        answer = await asyncio.to_thread(self._ask, "decrypt", bound, {"CiphertextBlob": blob})
        return bytes(answer["Plaintext"])

    def _ask(self, method: str, bound: str, given: dict[str, bytes]) -> dict[str, Any]:
        try:
            answer: dict[str, Any] = getattr(self._client, method)(
                KeyId=self._key, EncryptionContext={"deskclerk": bound}, **given
            )
        except botocore.exceptions.ClientError as error:
            code = str(error.response.get("Error", {}).get("Code", ""))
            if code in _ANOTHERS:
                raise not_unwrapped(
                    "KMS does not take it: another key wrapped it, it was changed, or is another workspace's"
                ) from None
            raise self._refused(
                f"KMS refused it ({code})",
                "Allow kms:Encrypt and kms:Decrypt on it to the role that deskclerk runs as.",
            ) from None
        except botocore.exceptions.BotoCoreError as error:
            raise self._refused(
                f"KMS does not answer ({type(error).__name__})",
                "Check the credentials, the region, and that KMS can be reached from here.",
            ) from None
        return answer

    def _refused(self, reason: str, next_step: str) -> StorageUnavailable:
        return StorageUnavailable.of(f"The vault key {self._key}", reason, next_step)
