"""The hash functions below password digests, each told whether a password fits a digest's parts."""

import base64
import hashlib
import hmac
import re
from collections.abc import Callable, Mapping

Parts = re.Match[str]
Decode = tuple[Callable[[str], bytes], Callable[[str], bytes]]
"""How a digest's salt and its hash are written."""

_ALPHABET = "./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_BCRYPT_ALPHABET = "./ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
_BCRYPT_BYTES = 72
_ARGON2_MEMORY = 2**20
"""KiB: a digest that asks for more than a gigabyte is none that anybody made."""
_ARGON2_MEMORY_PER_LANE = 8
_SHA1_BYTES, _SHA512_BYTES = 20, 64


def is_possible(parts: Mapping[str, str | None]) -> bool:
    """Whether what the form cannot say holds: lengths behind base 64, powers of two, memory."""
    if text := parts.get("ssha"):
        return len(base64.b64decode(text, validate=True)) > _SHA1_BYTES
    if text := parts.get("sha512"):
        return len(base64.b64decode(text, validate=True)) == _SHA512_BYTES
    if text := parts.get("n"):
        return int(text) > 1 and int(text) & (int(text) - 1) == 0
    if text := parts.get("lanes"):
        memory = int(parts["memory"] or 0)
        return _ARGON2_MEMORY_PER_LANE * int(text) <= memory <= _ARGON2_MEMORY
    if text := parts.get("length"):
        return int(text) * 2 == len(parts["hash"] or "")
    return True


def argon2(password: bytes, parts: Parts) -> bool:
    """Argon2i and Argon2id, as the digest itself says."""
    from argon2 import PasswordHasher  # noqa: PLC0415 - needed once in most sandboxes' lives
    from argon2.exceptions import VerifyMismatchError  # noqa: PLC0415

    try:
        return PasswordHasher().verify(parts.string, password)
    except VerifyMismatchError:
        return False


def bcrypt(password: bytes, parts: Parts) -> bool:
    """Bcrypt of the first 72 bytes; bits of a salt or a hash that do not count are not looked at."""
    from bcrypt import hashpw  # noqa: PLC0415 - needed once in most sandboxes' lives

    salt = f"$2b${parts['cost']}${_masked(parts['salt'], 4)}"
    # Cut here, as the library refuses what bcrypt itself would not look at.
    made = hashpw(password[:_BCRYPT_BYTES], salt.encode()).decode()
    return _same(made[-31:].encode(), _masked(parts["hash"], 2).encode())


def _masked(text: str, bits: int) -> str:
    """Bcrypt's base 64 with the last character's spare bits cleared."""
    last = _BCRYPT_ALPHABET.index(text[-1]) >> bits << bits
    return text[:-1] + _BCRYPT_ALPHABET[last]


def bcrypt_sha256(password: bytes, parts: Parts) -> bool:
    """Django's: bcrypt of the password's SHA-256 in hexadecimal."""
    return bcrypt(hashlib.sha256(password).hexdigest().encode(), parts)


def pbkdf2(
    password: bytes, parts: Parts, digest: str, salt: Callable[[str], bytes], decode: Callable[[str], bytes]
) -> bool:
    """PBKDF2 with HMAC, as long as the hash is."""
    wanted = decode(parts["hash"])
    made = hashlib.pbkdf2_hmac(digest, password, salt(parts["salt"]), int(parts["rounds"]), len(wanted))
    return _same(made, wanted)


def scrypt_werkzeug(password: bytes, parts: Parts) -> bool:
    """Werkzeug's: the salt as it stands, the hash in hexadecimal."""
    n, r, p = (int(parts[name]) for name in "nrp")
    # OpenSSL allows 32 MiB unless it is told otherwise, which Werkzeug's usual cost exceeds.
    memory = 132 * n * r * p
    salt = parts["salt"].encode()
    made = hashlib.scrypt(password, salt=salt, n=n, r=r, p=p, maxmem=memory, dklen=64)
    return _same(made, bytes.fromhex(parts["hash"]))


def scrypt_firebase(password: bytes, parts: Parts) -> bool:
    """Firebase's: the project's signer key, encrypted with what scrypt makes of the password."""
    from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes  # noqa: PLC0415

    salt = _base64(parts["salt"]) + _base64(parts["separator"])
    # In Firebase's words: `memory` is the logarithm of scrypt's n, `rounds` is its r.
    n, r = 2 ** int(parts["memory"]), int(parts["rounds"])
    key = hashlib.scrypt(password, salt=salt, n=n, r=r, p=1, maxmem=132 * n * r, dklen=32)
    encryptor = Cipher(algorithms.AES(key), modes.CTR(bytes(16))).encryptor()
    return _same(encryptor.update(_base64(parts["signer"])), _base64(parts["hash"]))


def phpass(password: bytes, parts: Parts) -> bool:
    """Phpass's portable hash: MD5 again and again."""
    made = hashlib.md5(parts["salt"].encode() + password).digest()  # noqa: S324 - what the digest is made of
    for _ in range(1 << _ALPHABET.index(parts["count"])):
        made = hashlib.md5(made + password).digest()  # noqa: S324
    return _same(_phpass_text(made).encode(), parts["hash"].encode())


def md5_phpass(password: bytes, parts: Parts) -> bool:
    """Phpass's portable hash of an older MD5 digest in hexadecimal."""
    return phpass(hashlib.md5(password).hexdigest().encode(), parts)  # noqa: S324


def _phpass_text(raw: bytes) -> str:
    text = ""
    for start in range(0, len(raw), 3):
        part = raw[start : start + 3]
        number = int.from_bytes(part, "little")
        text += "".join(_ALPHABET[number >> 6 * place & 63] for place in range(len(part) + 1))
    return text


def symfony(password: bytes, parts: Parts) -> bool:
    """Symfony's message digest: SHA-512 again and again of the password with its salt in braces."""
    salted = password + (f"{{{parts['salt']}}}".encode() if parts["salt"] else b"")
    made = hashlib.sha512(salted).digest()
    for _ in range(1, int(parts["rounds"])):
        made = hashlib.sha512(made + salted).digest()
    return _same(made, _base64(parts["sha512"]))


def ssha(password: bytes, parts: Parts) -> bool:
    """LDAP's: SHA-1 of the password and the salt, which follows the hash."""
    raw = _base64(parts["ssha"])
    salt = raw[_SHA1_BYTES:]
    return _same(hashlib.sha1(password + salt).digest(), raw[:_SHA1_BYTES])  # noqa: S324


def md5(password: bytes, parts: Parts) -> bool:
    """Plain MD5."""
    return _same(hashlib.md5(password).digest(), bytes.fromhex(parts["md5"]))  # noqa: S324


def sha256(password: bytes, parts: Parts) -> bool:
    """Plain SHA-256."""
    return _same(hashlib.sha256(password).digest(), bytes.fromhex(parts["sha256"]))


def _base64(text: str) -> bytes:
    """Base 64 of either alphabet, with or without its padding."""
    plain = text.rstrip("=").replace("-", "+").replace("_", "/")
    return base64.b64decode(plain + "=" * (-len(plain) % 4))


def _same(one: bytes, other: bytes) -> bool:
    return hmac.compare_digest(one, other)
