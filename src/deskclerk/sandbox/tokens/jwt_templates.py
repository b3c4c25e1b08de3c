"""JWT templates: the claims, the lifetime and the key of tokens for other services."""

from collections.abc import Mapping, Sequence
from typing import Any

from deskclerk.catalogue.route import DELETE, GET, PATCH, POST
from deskclerk.sandbox.http.call import Call, Handlers
from deskclerk.sandbox.http.errors import Problem, Refusal, ill_formed, invalid, refusal, require
from deskclerk.sandbox.http.rows import (
    RowMapping,
    all_of,
    change,
    get,
    insert,
    ordered,
    page,
    remove,
    unique_or,
)
from deskclerk.sandbox.ids import new_id
from deskclerk.sandbox.store.tables import jwt_templates

RESERVED = ("azp", "exp", "iat", "iss", "jti", "nbf", "sub")
ALGORITHMS = tuple(f"{family}{bits}" for family in ("RS", "ES", "HS") for bits in (256, 384, 512))
DEEPEST = 100
"""How many objects and lists may be inside one another in claims, so that they can be filled in."""
DEFAULTS: Mapping[str, Any] = {
    "lifetime": 60,
    "allowed_clock_skew": 5,
    "custom_signing_key": False,
    "signing_algorithm": "RS256",
    "signing_key": None,
}


async def list_jwt_templates(call: Call) -> Any:
    """All templates, newest first."""
    query = ordered(
        all_of(call, jwt_templates), jwt_templates.c.created_at, jwt_templates.c.id, descends=True
    )
    return await page(call, query, present_jwt_templates)


async def get_jwt_template(call: Call) -> dict[str, Any]:
    """One template."""
    return jwt_template_answer(await get(call, jwt_templates, call.path["template_id"], "JWT template"))


async def create_jwt_template(call: Call) -> dict[str, Any]:
    """A new template; what is left out or null is as in DEFAULTS."""
    values = {**DEFAULTS, **_given(call)}
    check_template(values)
    key = new_id("jtmp", call.now)
    with unique_or(_name_taken()):
        await insert(call, jwt_templates, id=key, **_kept(values), created_at=call.now, updated_at=call.now)
    return jwt_template_answer(await get(call, jwt_templates, key, "JWT template"))


async def update_jwt_template(call: Call) -> dict[str, Any]:
    """Change a template; name and claims have to be given, the rest stays as it is."""
    row = await get(call, jwt_templates, call.path["template_id"], "JWT template")
    require(call.body, ("name", "claims"))
    values = {**{name: row[name] for name in DEFAULTS}, **_given(call)}
    check_template(values)
    with unique_or(_name_taken()):
        await change(call, jwt_templates, row["id"], **_kept(values), updated_at=call.now)
    return await get_jwt_template(call)


async def delete_jwt_template(call: Call) -> dict[str, Any]:
    """Delete a template."""
    row = await get(call, jwt_templates, call.path["template_id"], "JWT template")
    await remove(call, jwt_templates, row["id"])
    return {"object": "jwt_template", "id": row["id"], "deleted": True}


def check_template(values: Mapping[str, Any]) -> None:
    """Refuse an empty name, unfit claims, and an unfit key of one's own."""
    if not values["name"].strip():
        raise invalid("name", "name must not be empty.")
    for claim in RESERVED:
        if claim in values["claims"]:
            text = f"The claim '{claim}' is reserved: Clerk sets it itself."
            raise refusal("jwt_template_reserved_claim", "reserved claim used", text, param="claims")
    check_depth(values["claims"])
    if values["custom_signing_key"]:
        _check_key(values)


def check_depth(claims: Any) -> None:
    """Refuse claims that are nested too deeply to be written again."""
    if _depth(claims) > DEEPEST:
        raise invalid("claims", f"claims must not be nested more than {DEEPEST} deep.")


def _depth(value: Any) -> int:
    # Level by level: recursion would itself fail on what is too deep.
    depth, level = 0, [value]
    while level := [item for item in level if isinstance(item, dict | list)]:
        depth += 1
        level = [inner for item in level for inner in (item.values() if isinstance(item, dict) else item)]
    return depth


def _check_key(values: Mapping[str, Any]) -> None:
    absent = [name for name in ("signing_algorithm", "signing_key") if not values[name]]
    if absent:
        code, text = "form_conditional_param_missing", "is required when custom_signing_key is true."
        raise Refusal(*(Problem(code, "is missing", f"{name} {text}", name) for name in absent))
    algorithm = values["signing_algorithm"]
    if algorithm not in ALGORITHMS:
        raise invalid("signing_algorithm", f"signing_algorithm must be one of {', '.join(ALGORITHMS)}.")
    _check_fit(algorithm, values["signing_key"])


def _check_fit(algorithm: str, key: str) -> None:
    import jwt  # noqa: PLC0415 - 80 ms that most sandboxes never need

    unfit = ill_formed("signing_key", f"signing_key must be a private key for {algorithm}.")
    try:
        prepared = jwt.get_algorithm_by_name(algorithm).prepare_key(key)
    except (jwt.InvalidKeyError, ValueError, TypeError):
        raise unfit from None
    if not isinstance(prepared, bytes) and not hasattr(prepared, "sign"):
        raise unfit  # a public key reads well too


def _given(call: Call) -> dict[str, Any]:
    """What the body sets; null leaves a value as it is."""
    given = {name: value for name, value in call.body.items() if value is not None}
    if given.get("custom_signing_key"):
        # A key comes with its algorithm in one request: neither a default nor an older one stands in.
        return {"signing_algorithm": None, "signing_key": None, **given}
    return given


def _kept(values: Mapping[str, Any]) -> dict[str, Any]:
    """The values to store: without a key of its own a template is signed by the instance, with RS256."""
    if values["custom_signing_key"]:
        return dict(values)
    return {**values, "signing_algorithm": DEFAULTS["signing_algorithm"], "signing_key": None}


def _name_taken() -> Refusal:
    text = "A JWT template with this name exists already."
    return refusal("form_already_exists", "already exists", text, param="name")


async def present_jwt_templates(_call: Call, rows: Sequence[RowMapping]) -> list[dict[str, Any]]:
    """The answers for rows."""
    return [jwt_template_answer(row) for row in rows]


def jwt_template_answer(row: RowMapping) -> dict[str, Any]:
    """A template as Clerk answers it, without its key."""
    same = (
        "id",
        "name",
        "claims",
        "lifetime",
        "allowed_clock_skew",
        "custom_signing_key",
        "signing_algorithm",
        "created_at",
        "updated_at",
    )
    return {"object": "jwt_template", **{name: row[name] for name in same}}


HANDLERS: Handlers = {
    GET("/jwt_templates"): list_jwt_templates,
    POST("/jwt_templates"): create_jwt_template,
    GET("/jwt_templates/{template_id}"): get_jwt_template,
    PATCH("/jwt_templates/{template_id}"): update_jwt_template,
    DELETE("/jwt_templates/{template_id}"): delete_jwt_template,
}
