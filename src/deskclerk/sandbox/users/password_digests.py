"""Password digests of other systems: the form that each hasher's have, and whether a password fits one."""

import base64
import binascii
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from deskclerk.sandbox.users import digest_hashes as hashes

Fits = Callable[[bytes, re.Match[str]], bool]
"""Whether a password, as bytes, is that of a digest in its parts."""

_HEX = r"(?:[0-9a-fA-F]{2})+"
# Bounded, like all such numbers here: a digest says itself how much work it is to verify.
_ROUNDS = r"(?P<rounds>[1-9][0-9]{0,6})"
_BCRYPT = (
    r"\$(?P<version>2[abxy]?)\$(?P<cost>0[4-9]|[12][0-9]|3[01])"
    r"\$(?P<salt>[./A-Za-z0-9]{22})(?P<hash>[./A-Za-z0-9]{31})"
)
_ARGON2 = (
    r"\$v=19\$m=(?P<memory>[1-9][0-9]{0,6}),t=(?P<times>[1-9][0-9]{0,3}),p=(?P<lanes>[1-9][0-9]{0,2})"
    r"\$[A-Za-z0-9+/]{11,}\$[A-Za-z0-9+/]{6,}"
)
_PHPASS = r"\$P\$(?P<count>[5-9A-S])(?P<salt>[./0-9A-Za-z]{8})(?P<hash>[./0-9A-Za-z]{22})"
_WERKZEUG = (
    r"scrypt:(?P<n>[1-9][0-9]{0,6}):(?P<r>[1-9][0-9]?):(?P<p>[1-9][0-9]?)"
    r"\$(?P<salt>[^$]+)\$(?P<hash>[0-9a-fA-F]{128})"
)


def _base64_form(letter: str) -> str:
    return rf"(?={letter})(?:{letter}{{4}})*(?:{letter}{{2}}(?:==)?|{letter}{{3}}=?)?"


_B64, _B64_URL = _base64_form("[A-Za-z0-9+/]"), _base64_form("[A-Za-z0-9+/_-]")
_FIREBASE = (
    rf"(?P<hash>{_B64_URL})\$(?P<salt>{_B64_URL})\$(?P<signer>{_B64_URL})\$(?P<separator>{_B64_URL})"
    r"\$(?P<rounds>[1-8])\$(?P<memory>[1-9]|1[0-4])"
)


@dataclass(frozen=True, slots=True)
class Hasher:
    """How a hasher's digests look, and how a password is tried on one."""

    form: str
    fits: Fits

    def parts(self, digest: str) -> re.Match[str] | None:
        """The digest in its parts, or None if it is none of this hasher's."""
        found = re.fullmatch(self.form, digest)
        try:
            return found if found and hashes.is_possible(found.groupdict()) else None
        # Base 64 without its padding has the right form and cannot be decoded.
        except (ValueError, binascii.Error):
            return None


def _pbkdf2(name: str, forms: tuple[str, str], digest: str, decode: hashes.Decode, end: str = "") -> Hasher:
    salt, hash_form = forms
    form = rf"{name}\${_ROUNDS}\$(?P<salt>{salt})\$(?P<hash>{hash_form}){end}"
    return Hasher(form, lambda password, parts: hashes.pbkdf2(password, parts, digest, *decode))


def _raw(text: str) -> bytes:
    return text.encode()


def _hex_or_raw(text: str) -> bytes:
    return bytes.fromhex(text) if re.fullmatch(_HEX, text) else text.encode()


def _base64(text: str) -> bytes:
    return base64.b64decode(text + "=" * (-len(text) % 4), validate=True)


HASHERS: Mapping[str, Hasher] = {
    "argon2i": Hasher(r"\$argon2i" + _ARGON2, hashes.argon2),
    "argon2id": Hasher(r"\$argon2id" + _ARGON2, hashes.argon2),
    "bcrypt": Hasher(_BCRYPT, hashes.bcrypt),
    "bcrypt_sha256_django": Hasher(r"bcrypt_sha256\$" + _BCRYPT, hashes.bcrypt_sha256),
    "ldap_ssha": Hasher(rf"(?:\{{SSHA\}})?(?P<ssha>{_B64})", hashes.ssha),
    "md5": Hasher(r"(?P<md5>[0-9a-fA-F]{32})", hashes.md5),
    "md5_phpass": Hasher(_PHPASS, hashes.md5_phpass),
    "pbkdf2_sha1": _pbkdf2(
        "pbkdf2_sha1",
        (r"[^$]+", _HEX),
        "sha1",
        (_hex_or_raw, bytes.fromhex),
        end=r"(?:\$(?P<length>[1-9][0-9]{0,2}))?",
    ),
    "pbkdf2_sha256": _pbkdf2("pbkdf2_sha256", (_B64, _B64), "sha256", (_base64, _base64)),
    "pbkdf2_sha256_django": _pbkdf2("pbkdf2_sha256", (r"[^$]+", _B64), "sha256", (_raw, _base64)),
    "pbkdf2_sha512": _pbkdf2("pbkdf2_sha512", (r"[^$]+", _HEX), "sha512", (_raw, bytes.fromhex)),
    "pbkdf2_sha512_hex": _pbkdf2("pbkdf2_sha512_hex", (_HEX, _HEX), "sha512", (bytes.fromhex, bytes.fromhex)),
    "phpass": Hasher(_PHPASS, hashes.phpass),
    "scrypt_firebase": Hasher(_FIREBASE, hashes.scrypt_firebase),
    "scrypt_werkzeug": Hasher(_WERKZEUG, hashes.scrypt_werkzeug),
    "sha256": Hasher(r"(?P<sha256>[0-9a-fA-F]{64})", hashes.sha256),
    "sha512_symfony": Hasher(
        rf"sha512_symfony\${_ROUNDS}\$(?P<salt>[^$]*)\$(?P<sha512>{_B64})", hashes.symfony
    ),
}
"""Clerk's seventeen hashers; the forms are those of its reference for createUser."""


def is_digest(hasher: str, digest: str) -> bool:
    """Whether the digest has the form of this hasher's, and could be that of some password."""
    return HASHERS[hasher].parts(digest) is not None


def verifies(hasher: str, digest: str, password: str) -> bool:
    """Whether the digest is that of the password: slow on purpose, so not for the event loop."""
    parts = HASHERS[hasher].parts(digest)
    return parts is not None and HASHERS[hasher].fits(password.encode(), parts)
