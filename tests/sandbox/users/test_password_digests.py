"""Digests of other systems, made here by other means than the sandbox's own, or known from elsewhere."""

import base64
import hashlib

import bcrypt
import pytest
from argon2 import PasswordHasher
from argon2.low_level import Type

from deskclerk.sandbox.users.password_digests import HASHERS, is_digest, verifies

PASSWORD = "correct horse battery"
RAW = PASSWORD.encode()


def b64(raw):
    return base64.b64encode(raw).decode()


def pbkdf2(name, salt, length=None):
    return hashlib.pbkdf2_hmac(name, RAW, salt, 1000, length)


def argon2(kind):
    return PasswordHasher(time_cost=1, memory_cost=64, parallelism=1, type=kind).hash(PASSWORD)


def symfony():
    salted = RAW + b"{abc}"
    made = hashlib.sha512(salted).digest()
    for _ in range(9):
        made = hashlib.sha512(made + salted).digest()
    return f"sha512_symfony$10$abc${b64(made)}"


WERKZEUG = hashlib.scrypt(RAW, salt=b"NaCl", n=1024, r=8, p=1).hex()
DIGESTS = {
    "argon2i": [argon2(Type.I)],
    "argon2id": [argon2(Type.ID)],
    "bcrypt": [bcrypt.hashpw(RAW, bcrypt.gensalt(4)).decode()],
    "bcrypt_sha256_django": [
        "bcrypt_sha256$" + bcrypt.hashpw(hashlib.sha256(RAW).hexdigest().encode(), bcrypt.gensalt(4)).decode()
    ],
    "ldap_ssha": ["{SSHA}" + b64(hashlib.sha1(RAW + b"salt").digest() + b"salt")],
    "md5": [hashlib.md5(RAW).hexdigest()],
    "pbkdf2_sha1": [
        f"pbkdf2_sha1$1000$cafe${pbkdf2('sha1', bytes.fromhex('cafe'), 32).hex()}",
        f"pbkdf2_sha1$1000$no hex${pbkdf2('sha1', b'no hex').hex()}",
        f"pbkdf2_sha1$1000$cafe${pbkdf2('sha1', bytes.fromhex('cafe'), 16).hex()}$16",
    ],
    "pbkdf2_sha256": [f"pbkdf2_sha256$1000${b64(b'salt!')}${b64(pbkdf2('sha256', b'salt!'))}"],
    "pbkdf2_sha256_django": [f"pbkdf2_sha256$1000$salt!${b64(pbkdf2('sha256', b'salt!'))}"],
    "pbkdf2_sha512": [f"pbkdf2_sha512$1000$salt!${pbkdf2('sha512', b'salt!').hex()}"],
    "pbkdf2_sha512_hex": [f"pbkdf2_sha512_hex$1000$cafe${pbkdf2('sha512', bytes.fromhex('cafe')).hex()}"],
    "scrypt_werkzeug": [f"scrypt:1024:8:1$NaCl${WERKZEUG}"],
    "sha256": [hashlib.sha256(RAW).hexdigest()],
    "sha512_symfony": [symfony()],
}
KNOWN = {
    # phpass's own test vector
    "phpass": ("test12345", "$P$9IQRaTwmfeRo7ud9Fh4E2PdI0S3r.L0"),
    # that of Firebase's scrypt tool
    "scrypt_firebase": (
        "user1password",
        (
            "lSrfV15cpx95/sZS2W9c9Kp6i/LVgQNDNC/qzrCnh1SAyZvqmZqAjTdn3aoItz+VHjoZilo78198JAdRuid5lQ==$42xEC+ixf3L2lw==$"
            "jxspr8Ki0RYycVU8zykbdLGjFQ3McFUH0uiiTvC8pVMXAn210wjLNmdZJzxUECKbm0QsEmYUSDzZvpjeJ9WmXA==$Bw==$8$14"
        ),
    ),
}
ODD = {
    "argon2i": [
        "$argon2id$v=19$m=64,t=4,p=8$Z2liZXJyaXNo$iGXEpMBTDYQ8",
        "$argon2i$v=16$m=64,t=1,p=1$c2FsdHNhbHQ$aGFzaA",
    ],
    "argon2id": ["$argon2id$v=19$m=8,t=4,p=8$Z2liZXJyaXNo$iGXEpMBTDYQ8", "$argon2id$anything"],
    "bcrypt": ["$2b$12$short", "$2b$03$" + "a" * 53, "$3b$12$" + "a" * 53, "$2b$12$" + "a" * 53 + "\n"],
    "bcrypt_sha256_django": ["$2b$12$" + "a" * 53, "bcrypt_sha256$x"],
    "ldap_ssha": ["{SSHA}" + b64(b"x" * 20), "{SHA}" + b64(b"x" * 30), "{SSHA}?"],
    "md5": ["g" * 32, "a" * 31, "salt$" + "a" * 32],
    "md5_phpass": ["$P$4" + "a" * 30, "$H$9" + "a" * 30, "$P$9" + "a" * 29],
    "pbkdf2_sha1": ["pbkdf2_sha1$0$s$ab", "pbkdf2_sha1$1$s$abc", "pbkdf2_sha1$1$s$abcd$3", "sha1$1$s$ab"],
    "pbkdf2_sha256": ["pbkdf2_sha256$1$not base64$YQ==", "pbkdf2_sha256$1$YQ==$Y", "a$b"],
    "pbkdf2_sha256_django": [
        "pbkdf2_sha1$1$salt$YQ==",
        "pbkdf2_sha256$1$salt$Y",
        "pbkdf2_sha256$x$salt$YQ==",
    ],
    "pbkdf2_sha512": ["pbkdf2_sha512$1$salt$YQ==", "pbkdf2_sha512$1$$ab"],
    "pbkdf2_sha512_hex": ["pbkdf2_sha512$1$ab$ab", "pbkdf2_sha512_hex$1$salt$ab"],
    "phpass": ["$P$4" + "a" * 30, "$H$9" + "a" * 30, "$P$9" + "a" * 29 + "!"],
    "scrypt_firebase": ["a$b", "YQ==$YQ==$YQ==$YQ==$9$14", "YQ==$YQ==$YQ==$YQ==$8$15"],
    "scrypt_werkzeug": [f"scrypt:1000:8:1$NaCl${WERKZEUG}", "scrypt:1024:8:1$NaCl$ab", "scrypt:"],
    "sha256": ["a" * 63, "z" * 64],
    "sha512_symfony": ["sha512_symfony$0$s$" + b64(b"x" * 64), "sha512_symfony$1$s$" + b64(b"x" * 63), "x"],
}
PAIRS = [(hasher, PASSWORD, digest) for hasher, digests in DIGESTS.items() for digest in digests]
PAIRS += [(hasher, *pair) for hasher, pair in KNOWN.items()]


@pytest.mark.parametrize(
    ("hasher", "password", "digest"), PAIRS, ids=[f"{name}-{place}" for place, (name, *_) in enumerate(PAIRS)]
)
def test_a_digest_is_its_passwords_and_no_others(hasher, password, digest):
    assert is_digest(hasher, digest)
    assert verifies(hasher, digest, password)
    assert not verifies(hasher, digest, password + "!")


def test_phpass_over_md5_takes_the_old_digest_for_the_password():
    password, digest = KNOWN["phpass"]
    old = hashlib.md5(password.encode()).hexdigest()
    assert verifies("md5_phpass", digest, password) is False
    assert verifies("phpass", MD5_PHPASS, old)
    assert verifies("md5_phpass", MD5_PHPASS, password)


def phpass(password, count="5", salt="saltsalt"):
    letters = "./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
    made = hashlib.md5(salt.encode() + password).digest()
    for _ in range(2 ** letters.index(count)):
        made = hashlib.md5(made + password).digest()
    bits = int.from_bytes(made, "little")
    text = ""
    for start, size in [(3 * n, 3) for n in range(5)] + [(15, 1)]:
        part = bits >> 8 * start & (1 << 8 * size) - 1
        text += "".join(letters[part >> 6 * place & 63] for place in range(size + 1))
    return f"$P${count}{salt}{text}"


MD5_PHPASS = phpass(hashlib.md5(b"test12345").hexdigest().encode())


@pytest.mark.parametrize(
    ("hasher", "digest"), [(name, text) for name, texts in ODD.items() for text in texts]
)
def test_what_only_looks_like_a_digest_is_refused(hasher, digest):
    assert not is_digest(hasher, digest)


def test_every_hasher_is_tried_both_ways():
    assert HASHERS.keys() == ODD.keys() == DIGESTS.keys() | KNOWN.keys() | {"md5_phpass"}


def test_bcrypt_counts_the_first_72_bytes_of_a_password_and_no_spare_bits():
    long = "x" * 100
    digest = bcrypt.hashpw(b"x" * 72, bcrypt.gensalt(4)).decode()
    assert verifies("bcrypt", digest, long)
    assert verifies("bcrypt", digest.replace("$2b$", "$2y$"), long)
    assert not verifies("bcrypt", "$2b$04$" + "a" * 53, long)
