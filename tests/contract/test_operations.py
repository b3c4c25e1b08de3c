"""What the sandbox's further routes accept, against Clerk's document."""

from deskclerk.sandbox.http.routes import OPERATIONS
from tests.contract import openapi
from tests.contract.differences import FACTS, declared, documented

LARGEST = "The document sets no bound; a time that far away still fits the database."
DOMAINS, SETTINGS = "/organizations/{organization_id}/domains", "/instance"
MODES = ("manual_invitation", "automatic_invitation", "automatic_suggestion", "enterprise_sso")
SIGNED = (("enum", str([*MODES, *(f"-{mode}" for mode in MODES)])), ("type", "string"))
SORTS = ("created_at", "email_address", "invited_at")
TEXTS = "(('type', 'string'),), not (('pattern', '^[A-Z]{2}$'), ('type', 'string'))"
LEDGER = {
    "POST /sessions/{session_id}/refresh suffixed_cookies: only ours": "Clerk's JavaScript SDK sends it.",
    "POST /sign_in_tokens expires_in_seconds: maximum 1099511627776, not None": LARGEST,
    "POST /actor_tokens expires_in_seconds: maximum 1099511627776, not None": LARGEST,
    "POST /actor_tokens expires_in_seconds: minimum 1, not None": "As with sign-in tokens.",
    "POST /actor_tokens session_max_duration_in_seconds: maximum 1099511627776, not None": LARGEST,
    "POST /actor_tokens session_max_duration_in_seconds: minimum 1, not None": "As with sign-in tokens.",
    "POST /users/ban user_ids: maxItems None, not 50": "Refused by the rule, with Clerk's code for it.",
    "POST /users/ban user_ids: minItems None, not 1": "As above.",
    "POST /users/unban user_ids: maxItems None, not 50": "As above.",
    "POST /users/unban user_ids: minItems None, not 1": "As above.",
    f"GET {DOMAINS} enrollment_mode: type array, not string": "Its text says that filters can be combined.",
    f"GET {DOMAINS} enrollment_mode: items {SIGNED}, not None": "Its text names the values.",
    f"GET {DOMAINS} verified: enum ('true', 'false'), not None": "Its text names the values.",
    f"POST {DOMAINS} enrollment_mode: enum {MODES}, not None": "Its text names the values.",
    f"PATCH {DOMAINS}/{{domain_id}} enrollment_mode: enum {MODES}, not None": "Its text names the values.",
    f"GET /waitlist_entries order_by: sorts {SORTS}, not None": "Its text lists them.",
    f"PATCH {SETTINGS}/organization_settings max_allowed_memberships: minimum 0, not None": "0 is no limit.",
    f"PATCH {SETTINGS}/communication blocked_country_codes: items {TEXTS}": "Refused by the rule.",
    "POST /billing/subscription_items/{subscription_item_id}/extend_free_trial extend_to: "
    "type string or integer, not string": "As the catalogue declares times; the sandbox takes text alone.",
    **{
        f"POST /{payers}/billing/credits action: enum None, not ('increase', 'decrease')": (
            "Refused by the rule, with Clerk's code for it."
        )
        for payers in ("users/{user_id}", "organizations/{organization_id}")
    },
    **{
        f"{route} name: {bound}, not None": "A name is never empty, and bounded as an organization's."
        for route in (
            "POST /organization_roles",
            "PATCH /organization_roles/{organization_role_id}",
            "POST /organization_permissions",
            "PATCH /organization_permissions/{permission_id}",
        )
        for bound in ("minLength 1", "maxLength 256")
    },
}
"""Every difference, and why. Exact: none more, none less."""

COMPARED = [fact for fact in FACTS if fact != "sent unasked"]


def clerks(route):
    """The document's facts by parameter."""
    known = openapi.operation(str(route.method), route.path)
    found = {name: documented(item["schema"], "query", item) for name, item in known.named("query").items()}
    # Some bodies stand where they are used, others are named.
    body = openapi.SCHEMAS.followed(known.body["schema"] or {}) if known.body else {}
    for name, schema in body.get("properties", {}).items():
        needed = name in body.get("required", [])
        found[name] = documented(schema, "body", schema | {"required": needed})
    return found


def differences():
    for route, operation in OPERATIONS.items():
        if operation.like or operation.many or operation.upload:
            continue
        ours = {name: declared(item) for name, item in operation.parameters().items()}
        theirs = clerks(route)
        for name in {*ours, *theirs}:
            place = f"{route.method} {route.path} {name}:"
            if name not in ours or name not in theirs:
                yield f"{place} only {'ours' if name in ours else 'theirs'}"
                continue
            for fact in COMPARED:
                mine, other = ours[name].get(fact), theirs[name].get(fact)
                if mine != other:
                    yield f"{place} {fact} {mine}, not {other}"


def test_every_parameter_of_the_further_routes_is_as_the_document_has_it():
    found = set(differences())
    assert sorted(found - LEDGER.keys()) == []
    assert sorted(LEDGER.keys() - found) == []
