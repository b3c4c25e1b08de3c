"""Tokens made from JWT templates."""

import functools

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from tests.sandbox.tokens.reading import ISSUER, STANDARD, TIMELESS, minted, signed_in

pytestmark = pytest.mark.anyio

RSA = rsa.generate_private_key(public_exponent=65537, key_size=2048)
SECRET = "a shared secret of sixty-four bytes at the least, for every HS algorithm"


def pem(key):
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ).decode()


@pytest.fixture(scope="module")
async def someone(shared):
    """A user, an organization and a session, in the module's sandbox."""
    return await signed_in(shared)


TEMPLATE = {
    "name": "orders",
    "claims": {
        "aud": "https://orders.example",
        "id": "{{user.id}}",
        "mail": "{{user.primary_email_address}}",
        "verified": ["{{user.email_verified}}", "{{user.phone_number_verified}}"],
        "name": "{{user.full_name}}",
        "phone": "{{user.primary_phone_number || 'none'}}",
        "since": "{{user.created_at}}",
        "likes": "{{user.public_metadata.profile.interests}}",
        "theme": "{{user.unsafe_metadata.theme}}",
        "private": "{{user.private_metadata.secret}}",
        "teams": "{{user.organizations}}",
        "team": "{{org.name}} as {{org.role}}",
        "tier": "{{org.public_metadata.tier}}",
        "member": "{{org_membership.public_metadata}}",
        "locked": "{{user.two_factor_enabled}}",
    },
    "lifetime": 300,
    "allowed_clock_skew": 30,
}


async def test_a_template_is_filled_in_with_the_user_and_the_organization(shared, someone):
    user, team, session = someone
    await shared.post("/jwt_templates", TEMPLATE)
    (instance,) = (await shared.sandbox.store.state()).by_key.values()
    token = (await shared.post(f"/sessions/{session['id']}/tokens/orders"))["jwt"]
    assert jwt.get_unverified_header(token) == {
        "alg": "RS256",
        "typ": "JWT",
        "kid": instance.id,
        "cat": "cl_B7d4PD222AAA",
    }
    claims = jwt.decode(token, options={"verify_signature": False})
    now = shared.sandbox.store.clock.now() // 1000
    assert (claims["exp"], claims["iat"], claims["nbf"]) == (now + 300, now, now - 30)
    assert set(claims) == STANDARD | set(TEMPLATE["claims"])
    assert {name: claims[name] for name in TEMPLATE["claims"]} == {
        "aud": "https://orders.example",
        "id": user["id"],
        "mail": "ada@example.com",
        "verified": [True, False],
        "name": "Ada",
        "phone": "none",
        "since": user["created_at"],
        "likes": ["reading"],
        "theme": "dark",
        "private": None,
        "teams": {team["id"]: "org:admin"},
        "team": "Team as org:admin",
        "tier": 1,
        "member": {},
        "locked": False,
    }


@pytest.mark.parametrize(
    ("algorithm", "key"),
    [
        *((f"HS{bits}", SECRET) for bits in (256, 384, 512)),
        *((f"RS{bits}", RSA) for bits in (256, 384, 512)),
        ("ES256", ec.generate_private_key(ec.SECP256R1())),
        ("ES384", ec.generate_private_key(ec.SECP384R1())),
        ("ES512", ec.generate_private_key(ec.SECP521R1())),
        ("HS256", "short"),
    ],
)
@pytest.mark.filterwarnings("ignore::jwt.InsecureKeyLengthWarning")
async def test_a_template_signs_with_a_key_of_its_own(shared, someone, algorithm, key):
    secret = key if isinstance(key, str) else pem(key)
    name = f"own-{algorithm}-{len(secret)}"
    own = {"custom_signing_key": True, "signing_algorithm": algorithm, "signing_key": secret}
    await shared.post("/jwt_templates", {"name": name, "claims": {"ok": True}, **own})
    token = (await shared.post(f"/sessions/{someone[2]['id']}/tokens/{name}"))["jwt"]
    public = key if isinstance(key, str) else key.public_key()
    claims = jwt.decode(token, public, [algorithm], options=TIMELESS)
    assert (claims["ok"], claims["iss"]) == (True, ISSUER)
    assert jwt.get_unverified_header(token)["cat"] == "cl_B7d4PD222AAA"


async def test_the_deepest_claims_that_are_taken_are_filled_in(shared, someone):
    claims = {"a": functools.reduce(lambda inner, _: [inner], range(98), ["{{user.id}}"])}
    await shared.post("/jwt_templates", {"name": "deep", "claims": claims})
    _, found = await minted(shared, someone[2], template="deep")
    assert str(found["a"]).strip("[]'") == someone[0]["id"]


async def test_an_elliptic_key_of_another_curve_is_refused(shared):
    own = {"custom_signing_key": True, "signing_algorithm": "ES384"}
    body = {"name": "curve", "claims": {}, **own, "signing_key": pem(ec.generate_private_key(ec.SECP256R1()))}
    refused = await shared.refused("POST", "/jwt_templates", json=body)
    assert refused == (422, "form_param_format_invalid", "signing_key")
