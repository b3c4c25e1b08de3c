"""Sealed values: AES-256-GCM with a workspace's data key, bound to the one place that they stand in.

A sealed value is a text, `dk1.VERSION.BASE64`: the format, the version of the data key, a nonce of 96 bits
and the ciphertext. What it is bound to is authenticated and not in it: moved to another workspace, instance
or row, it does not open.
"""

import base64
import binascii
import json
import secrets
from dataclasses import dataclass

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from deskclerk.errors import StorageUnavailable

NONCE_BYTES = 12
_FORMAT = "dk1"


class SealBroken(StorageUnavailable):
    """A sealed value does not open here: it was changed or moved, or its data key is not its workspace's."""


@dataclass(frozen=True, slots=True)
class Place:
    """The one place that a value is sealed for."""

    workspace: str
    instance: str
    """The instance of the workspace; empty for what belongs to the workspace as a whole."""
    purpose: str
    """What it is for, and which row it is of."""


@dataclass(frozen=True, slots=True, repr=False)
class DataKey:
    """One version of a workspace's data key; its repr shows nothing of it."""

    workspace: str
    version: int
    key: bytes

    def seal(self, place: Place, text: str) -> str:
        """A text, sealed for a place."""
        nonce = secrets.token_bytes(NONCE_BYTES)
        sealed = AESGCM(self.key).encrypt(nonce, text.encode(), _bound(place, self.version))
        return f"{beginning(self.version)}{base64.urlsafe_b64encode(nonce + sealed).decode()}"

    def open(self, place: Place, sealed: str) -> str:
        """The text; SealBroken if it was sealed for another place, or is not as it was sealed."""
        try:
            whole = base64.b64decode(sealed.rpartition(".")[2], altchars=b"-_", validate=True)
            bound = _bound(place, version_of(sealed))
            return AESGCM(self.key).decrypt(whole[:NONCE_BYTES], whole[NONCE_BYTES:], bound).decode()
        except (InvalidTag, ValueError, binascii.Error):
            raise _broken(place) from None


def beginning(version: int) -> str:
    """What every value begins with that is sealed with this version of a data key."""
    return f"{_FORMAT}.{version}."


def version_of(sealed: str) -> int:
    """The version of the data key that a value is sealed with; ValueError for what is no sealed value."""
    name, version, _ = sealed.split(".")
    if name != _FORMAT or not version.isdecimal():
        raise ValueError("not a sealed value")
    return int(version)


def version_at(place: Place, sealed: str) -> int:
    """As `version_of`, for what stands in a place: SealBroken for what is no sealed value."""
    try:
        return version_of(sealed)
    except ValueError:
        raise _broken(place) from None


def _bound(place: Place, version: int) -> bytes:
    # A list in JSON: no two places make the same text, whatever is in their names.
    return json.dumps([_FORMAT, version, place.workspace, place.instance, place.purpose]).encode()


def _broken(place: Place) -> SealBroken:
    what = place.purpose.partition(":")[0]
    return SealBroken(
        f"A sealed value ({what}) cannot be used: it was changed, or moved here from elsewhere.",
        next_step="Set it anew, or put a backup of the database in its place.",
        places=False,
    )
