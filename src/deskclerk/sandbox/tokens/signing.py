"""Signed tokens: made and read with an instance's key, which is made when first needed and never answered."""

import asyncio
import functools
import warnings
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from sqlalchemy import select

from deskclerk.catalogue.route import GET
from deskclerk.sandbox.http.call import Call, Handlers, Writing
from deskclerk.sandbox.http.rows import insert
from deskclerk.sandbox.store.tables import signing_keys

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
    from jwt.types import Options

ALGORITHM = "RS256"
SESSION = "cl_B7d4PD111AAA"
TEMPLATE = "cl_B7d4PD222AAA"
M2M = "cl_B7d4PD333AAA"
"""The categories in a token's header; Clerk's SDKs take one of a template for no session token."""
_KEY_BITS = 2048
# PyJWT goes by the machine's time and not by the sandbox's; and to refresh, an expired token is shown.
_TIMELESS: "Options" = {
    "verify_exp": False,
    "verify_nbf": False,
    "verify_iat": False,
    "verify_aud": False,
}


def new_private_key() -> str:
    """A new RSA key as PEM: some 100 ms of work."""
    from cryptography.hazmat.primitives import serialization  # noqa: PLC0415 - for those who sign
    from cryptography.hazmat.primitives.asymmetric import rsa  # noqa: PLC0415

    key = rsa.generate_private_key(public_exponent=65537, key_size=_KEY_BITS)
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ).decode()


@functools.lru_cache(maxsize=64)
def load(private_key: str) -> "RSAPrivateKey":
    """The key in a PEM that `new_private_key` made."""
    from cryptography.hazmat.primitives import serialization  # noqa: PLC0415 - as above
    from cryptography.hazmat.primitives.asymmetric import rsa  # noqa: PLC0415

    # Unchecked: validation takes longer than signing, and the key is the sandbox's own.
    key = serialization.load_pem_private_key(private_key.encode(), None, unsafe_skip_rsa_key_validation=True)
    assert isinstance(key, rsa.RSAPrivateKey)  # noqa: S101 - what the sandbox stored
    return key


def public_jwk(private_key: str, kid: str) -> dict[str, str]:
    """The public half as the JSON Web Key that Clerk answers."""
    from jwt.algorithms import RSAAlgorithm  # noqa: PLC0415 - 80 ms that most sandboxes never need

    numbers = RSAAlgorithm.to_jwk(load(private_key).public_key(), as_dict=True)
    return {
        "use": "sig",
        "kty": "RSA",
        "kid": kid,
        "alg": ALGORITHM,
        "n": str(numbers["n"]),
        "e": str(numbers["e"]),
    }


def sign(
    claims: Mapping[str, Any], private_key: str, kid: str, category: str | None = None, *, kind: str = "JWT"
) -> str:
    """A token signed with an instance's key, whose id is `kid`; `kind` is the header's `typ`."""
    import jwt  # noqa: PLC0415 - as above

    headers = {"kid": kid, "typ": kind} | ({"cat": category} if category else {})
    return jwt.encode(dict(claims), load(private_key), ALGORITHM, headers=headers)


def sign_with(claims: Mapping[str, Any], key: str, algorithm: str, kid: str) -> str:
    """A template's token signed with a key of its own: PEM, or the secret of an HS algorithm."""
    import jwt  # noqa: PLC0415 - as above

    with warnings.catch_warnings():  # a short key is its owner's choice, as it is at Clerk's
        warnings.simplefilter("ignore", jwt.InsecureKeyLengthWarning)
        return jwt.encode(dict(claims), key, algorithm, headers={"kid": kid, "cat": TEMPLATE})


def read(token: str, private_key: str, kind: str = "JWT") -> dict[str, Any] | None:
    """The claims of a token of this kind that this instance signed, expired or not; None if it did not."""
    import jwt  # noqa: PLC0415 - as above

    try:
        found = jwt.decode_complete(token, load(private_key).public_key(), [ALGORITHM], options=_TIMELESS)
    except jwt.InvalidTokenError:
        return None
    # Who signs for several uses has to tell them apart (RFC 8725, 3.11).
    payload: dict[str, Any] = found["payload"]
    return payload if found["header"].get("typ") == kind else None


async def get_jwks(call: Call) -> dict[str, Any]:
    """The public keys that tokens of the instance are verified with."""
    return {"keys": [public_jwk(await private_key(call), call.instance.id)]}


async def private_key(call: Call) -> str:
    """The instance's private key as PEM; only for calls that may write, as the first one makes it."""
    # Made when first needed: most sandboxes sign nothing, and 100 ms would be most of their start.
    return await kept_private_key(call) or await _make(call)


async def kept_private_key(call: Call) -> str | None:
    """The instance's private key, if one was needed before: without it nothing was signed yet."""
    query = select(signing_keys.c.private_key).where(signing_keys.c.instance_id == call.instance.id)
    key: str | None = (await call.connection.execute(query)).scalar_one_or_none()
    return key


async def _make(call: Call) -> str:
    """A new key, once in an instance's life; whoever writes holds the write lock, so no other is made."""
    made = await asyncio.to_thread(new_private_key)
    await insert(call, signing_keys, private_key=made, created_at=call.now)
    return made


# The first one who asks has the key made.
HANDLERS: Handlers = {GET("/jwks"): Writing(get_jwks)}
