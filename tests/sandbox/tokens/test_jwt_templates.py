"""JWT templates."""

import asyncio

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

pytestmark = pytest.mark.anyio

_KEY = ec.generate_private_key(ec.SECP256R1())
PRIVATE = _KEY.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
PUBLIC = _KEY.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
OWN_KEY = {"custom_signing_key": True, "signing_algorithm": "ES256", "signing_key": PRIVATE}


def nested(depth):
    """An empty list in as many lists."""
    return [nested(depth - 1)] if depth > 1 else []


def asking(**more):
    return {"name": "orders", "claims": {"mail": "{{user.primary_email_address}}"}, **more}


async def test_a_template_has_clerks_defaults_also_where_null_is_given(clerk, clock):
    made = await clerk.post("/jwt_templates", asking(lifetime=None, allowed_clock_skew=None))
    assert await clerk.get(f"/jwt_templates/{made['id']}") == made
    assert made.pop("id").startswith("jtmp_")
    assert made == {
        "object": "jwt_template",
        **asking(),
        "lifetime": 60,
        "allowed_clock_skew": 5,
        "custom_signing_key": False,
        "signing_algorithm": "RS256",
        "created_at": clock.now(),
        "updated_at": clock.now(),
    }


@pytest.mark.parametrize("claim", ["azp", "exp", "iat", "iss", "jti", "nbf", "sub"])
async def test_a_reserved_claim_is_refused(clerk, claim):
    refused = (400, "jwt_template_reserved_claim", "claims")
    assert await clerk.refused("POST", "/jwt_templates", json=asking(claims={claim: 1})) == refused
    made = await clerk.post("/jwt_templates", asking(claims={"deep": {claim: 1}}))
    change = asking(claims={claim: 1})
    assert await clerk.refused("PATCH", f"/jwt_templates/{made['id']}", json=change) == refused


@pytest.mark.parametrize(
    ("change", "code", "param"),
    [
        ({"name": " "}, "form_param_value_invalid", "name"),
        ({"claims": []}, "form_param_type_invalid", "claims"),
        ({"claims": None}, "form_param_nil", "claims"),
        ({"claims": {"a": nested(100)}}, "form_param_value_invalid", "claims"),
        ({"lifetime": 29}, "form_param_value_invalid", "lifetime"),
        ({"lifetime": 315_360_001}, "form_param_value_invalid", "lifetime"),
        ({"allowed_clock_skew": 301}, "form_param_value_invalid", "allowed_clock_skew"),
        ({"custom_signing_key": True}, "form_conditional_param_missing", "signing_algorithm"),
        (OWN_KEY | {"signing_key": None}, "form_conditional_param_missing", "signing_key"),
        (OWN_KEY | {"signing_algorithm": "none"}, "form_param_value_invalid", "signing_algorithm"),
        (OWN_KEY | {"signing_algorithm": "RS256"}, "form_param_format_invalid", "signing_key"),
        (OWN_KEY | {"signing_key": "no key"}, "form_param_format_invalid", "signing_key"),
        (OWN_KEY | {"signing_key": PUBLIC}, "form_param_format_invalid", "signing_key"),
    ],
)
async def test_what_cannot_stand_is_refused(clerk, change, code, param):
    assert await clerk.refused("POST", "/jwt_templates", json=asking() | change) == (422, code, param)
    assert await clerk.get("/jwt_templates") == []


async def test_the_key_of_a_template_is_never_answered(clerk):
    made = await clerk.post("/jwt_templates", asking(**OWN_KEY))
    assert (made["custom_signing_key"], made["signing_algorithm"]) == (True, "ES256")
    place = f"/jwt_templates/{made['id']}"
    changed = await clerk.patch(place, asking(lifetime=90))
    for answer in (made, changed, await clerk.get(place), *await clerk.get("/jwt_templates")):
        assert "signing_key" not in answer
        assert "PRIVATE" not in str(answer)
    assert changed == made | {"lifetime": 90}


async def test_a_change_names_name_and_claims_and_keeps_the_rest(clerk, clock):
    made = await clerk.post("/jwt_templates", asking(lifetime=90))
    place = f"/jwt_templates/{made['id']}"
    assert await clerk.refused("PATCH", place, json={"lifetime": 30}) == (422, "form_param_missing", "name")
    refused = await clerk.refused("PATCH", place, json={"name": "orders"})
    assert refused == (422, "form_param_missing", "claims")
    clock.advance(5)
    changed = await clerk.patch(place, {"name": "orders-2", "claims": {}, "lifetime": None})
    assert changed == made | {"name": "orders-2", "claims": {}, "updated_at": clock.now()}


async def test_giving_up_an_own_key_goes_back_to_the_instances(clerk):
    made = await clerk.post("/jwt_templates", asking(**OWN_KEY))
    changed = await clerk.patch(f"/jwt_templates/{made['id']}", asking(custom_signing_key=False))
    assert (changed["custom_signing_key"], changed["signing_algorithm"]) == (False, "RS256")
    refused = await clerk.refused(
        "PATCH", f"/jwt_templates/{made['id']}", json=asking(custom_signing_key=True)
    )
    assert refused == (422, "form_conditional_param_missing", "signing_algorithm")


async def test_a_name_is_unique(clerk):
    taken = (422, "form_already_exists", "name")
    await clerk.post("/jwt_templates", asking())
    other = await clerk.post("/jwt_templates", asking(name="other"))
    assert await clerk.refused("POST", "/jwt_templates", json=asking()) == taken
    assert await clerk.refused("PATCH", f"/jwt_templates/{other['id']}", json=asking()) == taken
    answers = await asyncio.gather(
        *(clerk.ask("POST", "/jwt_templates", json=asking(name="third")) for _ in range(3))
    )
    assert sorted(status for status, _ in answers) == [200, 422, 422]


async def test_templates_are_listed_newest_first_in_pages(clerk, clock):
    for name in ("a", "b", "c"):
        await clerk.post("/jwt_templates", asking(name=name))
        clock.advance(1)
    assert [item["name"] for item in await clerk.get("/jwt_templates")] == ["c", "b", "a"]
    page = await clerk.get("/jwt_templates", {"paginated": "true", "limit": 1, "offset": 1})
    assert ([item["name"] for item in page["data"]], page["total_count"]) == (["b"], 3)


async def test_a_template_is_deleted_once(clerk):
    made = await clerk.post("/jwt_templates", asking())
    place = f"/jwt_templates/{made['id']}"
    assert await clerk.delete(place) == {"object": "jwt_template", "id": made["id"], "deleted": True}
    for method in ("GET", "PATCH", "DELETE"):
        refused = await clerk.refused(method, place, json=asking())
        assert refused == (404, "resource_not_found", None)
