"""What each route accepts, taken from the catalogue; requests and single values are checked against it."""

import dataclasses
import datetime as dt
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from deskclerk.catalogue import EVERY_ACTION, Action, Parameter, Route, Verb
from deskclerk.catalogue.route import GET, PATCH, POST
from deskclerk.sandbox.http.admission import METADATA_HAS_ITS_OWN_ROUTE
from deskclerk.sandbox.http.errors import Problem, Refusal, refusal

_TYPES: Mapping[str, type | tuple[type, ...]] = {
    "string": str,
    "boolean": bool,
    "integer": int,
    "number": (int, float),
    "object": dict,
    "array": list,
}
# Not \d, which takes the digits of other scripts too; bounded, as `int` refuses some thousands of them.
_INTEGER = re.compile(r"-?[0-9]{1,30}")
_NUMBER = re.compile(r"-?[0-9]{1,30}(\.[0-9]{1,30})?")
# What both databases hold in a BIGINT.
_LARGEST = 2**63 - 1
_NUL = "\0"
"""No text in PostgreSQL has it."""
# `fromisoformat` alone would take dates without a time, and times without a zone.
_RFC3339 = re.compile(
    r"\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:\d\d)",
)
_FARTHEST = 2**40
"""Seconds; a time that far away still fits both databases, and no calendar ends before it."""
_MODES = ("manual_invitation", "automatic_invitation", "automatic_suggestion", "enterprise_sso")
_MODE = {"type": "string", "enum": [*_MODES]}
_USERS = {"type": "array", "items": {"type": "string"}}
_SECONDS = {"type": "integer", "minimum": 1, "maximum": _FARTHEST}
_NAME = {"type": "string", "minLength": 1, "maxLength": 256}
_WHOLE = {"type": "number", "multipleOf": 1}
_ORGANIZATION, _ROLE = "/organizations/{organization_id}", "/organization_roles"
_PERMISSION, _ROLE_SET = "/organization_permissions", "/role_sets"
_ROLE_KEYS = {"type": "array", "items": {"type": "string"}, "maxItems": 10}

ADJUSTED: Mapping[tuple[Route, str], Mapping[str, Any]] = {
    # The rule refuses these, with Clerk's own code for it.
    (POST("/users/ban"), "user_ids"): {"schema": _USERS},
    (POST("/users/unban"), "user_ids"): {"schema": _USERS},
    (POST("/users/{user_id}/billing/credits"), "action"): {"schema": {"type": "string"}},
    (POST(f"{_ORGANIZATION}/billing/credits"), "action"): {"schema": {"type": "string"}},
    # Clerk's text names the values where its schema does not; filters can be combined, and turned round.
    (GET(f"{_ORGANIZATION}/domains"), "verified"): {"schema": {"type": "string", "enum": ["true", "false"]}},
    (GET(f"{_ORGANIZATION}/domains"), "enrollment_mode"): {
        "schema": {
            "type": "array",
            "items": {"type": "string", "enum": [*_MODES, *(f"-{mode}" for mode in _MODES)]},
        }
    },
    (POST(f"{_ORGANIZATION}/domains"), "enrollment_mode"): {"schema": _MODE},
    (PATCH(f"{_ORGANIZATION}/domains/{{domain_id}}"), "enrollment_mode"): {"schema": _MODE},
    (GET("/waitlist_entries"), "order_by"): {"sorts": ("created_at", "email_address", "invited_at")},
    # A name is never empty, and bounded as an organization's is.
    (POST(_ROLE), "name"): {"schema": _NAME},
    (PATCH(f"{_ROLE}/{{organization_role_id}}"), "name"): {"schema": _NAME},
    (POST(_PERMISSION), "name"): {"schema": _NAME},
    (PATCH(f"{_PERMISSION}/{{permission_id}}"), "name"): {"schema": _NAME},
    (POST("/enterprise_connections"), "name"): {"schema": _NAME},
    (PATCH("/enterprise_connections/{enterprise_connection_id}"), "name"): {"schema": _NAME},
    (POST("/saml_connections"), "name"): {"schema": _NAME},
    (PATCH("/saml_connections/{saml_connection_id}"), "name"): {"schema": _NAME},
    # More than zero, as the document has it.
    (POST("/admin_portal_link_tokens"), "seconds_until_expiration"): {
        "schema": {"type": "integer", "minimum": 1, "maximum": 86_400}
    },
    (POST(_ROLE_SET), "name"): {"schema": _NAME},
    (PATCH(f"{_ROLE_SET}/{{role_set_key_or_id}}"), "name"): {"schema": _NAME},
    # Clerk's text has the bound.
    (POST(_ROLE_SET), "roles"): {"schema": _ROLE_KEYS},
    (POST(f"{_ROLE_SET}/{{role_set_key_or_id}}/roles"), "role_keys"): {"schema": _ROLE_KEYS},
    # Zero is no limit; less is nothing.
    (PATCH("/instance/organization_settings"), "max_allowed_memberships"): {
        "schema": {"type": "integer", "minimum": 0}
    },
    # Clerk documents the empty text as what takes the preference back.
    (PATCH("/instance"), "preferred_sign_in_strategy_when_password_required"): {
        "schema": {"type": "string", "enum": ["password", "otp", ""]}
    },
    (POST("/sign_in_tokens"), "expires_in_seconds"): {"schema": _SECONDS},
    (POST("/actor_tokens"), "expires_in_seconds"): {"schema": _SECONDS},
    (POST("/actor_tokens"), "session_max_duration_in_seconds"): {"schema": _SECONDS},
    # Clerk's Python SDK writes them as 10.0.
    (GET("/m2m_tokens"), "limit"): {"schema": _WHOLE | {"minimum": 1, "maximum": 100}},
    (GET("/m2m_tokens"), "offset"): {"schema": _WHOLE | {"minimum": 0}},
    (GET("/api_keys"), "limit"): {"schema": _WHOLE | {"minimum": 1, "maximum": 100}},
    (GET("/api_keys"), "offset"): {"schema": _WHOLE | {"minimum": 0}},
    # Either this or what older clients send in its place, below.
    (POST("/m2m_tokens/verify"), "token"): {"required": False},
    (POST("/agents/tasks"), "session_max_duration_in_seconds"): {"schema": _SECONDS},
}
"""Where the sandbox takes a parameter otherwise than Clerk's schema, and so the catalogue, declares it."""

REPEATED = {(GET(f"{_ORGANIZATION}/invitations"), "status")}
"""Single by Clerk's schema, but its text says that several values are accepted."""

UNDOCUMENTED: Mapping[Route, Mapping[str, Parameter]] = {
    # Clerk's JavaScript SDK sends it.
    POST("/sessions/{session_id}/refresh"): {
        "suffixed_cookies": Parameter(
            "suffixed_cookies", "body", {"type": "boolean"}, required=False, description=""
        )
    },
    # Clerk's Python SDK sends it, and older ones for JavaScript do.
    POST("/m2m_tokens/verify"): {
        "secret": Parameter("secret", "body", {"type": "string"}, required=False, description="", secret=True)
    },
}
"""Parameters that Clerk's document does not have."""


def from_text(texts: list[str], item: Parameter) -> Any:
    """A query parameter's value: repeated names are a list, else the first counts.

    Text that is not of the type stays text, and `check` refuses it.
    """
    kind = _kind(item)
    if kind == "array":
        return texts
    text = texts[0]
    if kind == "boolean":
        return {"true": True, "false": False}.get(text, text)
    if kind == "integer" and _INTEGER.fullmatch(text):
        return int(text)
    if kind == "number" and _NUMBER.fullmatch(text):
        number = float(text)
        return int(number) if number.is_integer() else number
    if item.sorts and text.startswith(" "):
        return "+" + text[1:]  # a "+" decoded as a space on its way here is still a plus
    return text


def check(value: Any, item: Parameter) -> Iterator[Problem]:
    """What is wrong with the value, if anything."""
    name = item.name
    if value is None:
        if not item.nullable:
            yield Problem("form_param_nil", "is null", f"{name} must not be null.", name)
        return
    kind = _kind(item)
    if not _is(value, kind):
        yield Problem("form_param_type_invalid", "has a wrong type", f"{name} must be of type {kind}.", name)
    elif item.times == "rfc3339":
        yield from _check_time(value, name)
    elif item.sorts and value.removeprefix("+").removeprefix("-") not in item.sorts:
        yield _bad(name, f"{name} must be one of {', '.join(item.sorts)}, after '+' or '-' if any.")
    else:
        yield from _check_bounds(value, item.schema, name)
        if kind == "array":
            yield from _check_items(value, item.schema["items"], name)
            yield from _check_parts(value, item)
        elif item.parts:
            yield from _check_parts([value], item)


def parse_time(text: str) -> int:
    """RFC 3339 text in milliseconds since the epoch; ValueError if it is not."""
    if not _RFC3339.fullmatch(text):
        raise ValueError("not RFC 3339")
    # RFC 3339 allows a small z, `fromisoformat` does not.
    return round(dt.datetime.fromisoformat(text.upper()).timestamp() * 1000)


def _kind(item: Parameter) -> str:
    if item.times:
        return "integer" if item.times == "ms" else "string"
    return str(item.schema["type"])


def _is(value: Any, kind: str) -> bool:
    # To Python true is an integer too, to JSON it is not.
    return isinstance(value, _TYPES[kind]) and (kind == "boolean" or not isinstance(value, bool))


def _bad(name: str, text: str) -> Problem:
    return Problem("form_param_value_invalid", "is invalid", text, name)


def _check_time(value: str, name: str) -> Iterator[Problem]:
    try:
        # The form is not enough: 31 February has it.
        parse_time(value)
    except (ValueError, OverflowError):
        yield Problem(
            "form_param_format_invalid", "is invalid", f"{name} must be a time in RFC 3339 format.", name
        )


def _check_bounds(value: Any, schema: Mapping[str, Any], name: str) -> Iterator[Problem]:
    if "enum" in schema and value not in schema["enum"]:
        yield _bad(name, f"{name} must be one of {', '.join(schema['enum'])}.")
    # By identity: to Python 1 equals True.
    if "const" in schema and value is not schema["const"]:
        yield _bad(name, f"{name} must be {str(schema['const']).lower()}.")
    if isinstance(value, int | float) and not isinstance(value, bool):
        low, high = schema.get("minimum", -_LARGEST), schema.get("maximum", _LARGEST)
        if not low <= value <= high:
            yield _bad(name, f"{name} must be from {low} to {high}.")
        elif "multipleOf" in schema and value % schema["multipleOf"]:
            yield _bad(name, f"{name} must be a multiple of {schema['multipleOf']}.")
    if isinstance(value, str):
        yield from _check_length(value, schema, name)
    if isinstance(value, list) and len(value) > schema.get("maxItems", _LARGEST):
        most = schema["maxItems"]
        yield Problem(
            "form_param_array_size_exceeded", "is too long", f"{name} takes at most {most} values.", name
        )


def _check_length(value: str, schema: Mapping[str, Any], name: str) -> Iterator[Problem]:
    low, high = schema.get("minLength", 0), schema.get("maxLength", _LARGEST)
    if _NUL in value:
        yield _bad(name, f"{name} must not contain the character U+0000.")
    if len(value) < low:
        text = f"{name} must have at least {low} characters."
        yield Problem("form_param_min_length_exceeded", "is too short", text, name)
    if len(value) > high:
        text = f"{name} must have at most {high} characters."
        yield Problem("form_param_max_length_exceeded", "is too long", text, name)


def _check_items(values: list[Any], schema: Mapping[str, Any], name: str) -> Iterator[Problem]:
    for value in values:
        if not _is(value, schema["type"]):
            text = f"{name} must be a list of values of type {schema['type']}."
            yield Problem("form_param_type_invalid", "has a wrong type", text, name)
            return
        if isinstance(value, str) and _NUL in value:
            yield _bad(name, f"{name} must not contain the character U+0000.")
            return
    # Only when all types are right: bounds mean nothing for the others.
    for value in values:
        yield from _check_bounds(value, schema, name)


def _check_parts(values: list[Any], item: Parameter) -> Iterator[Problem]:
    """What is wrong inside objects; each place is named as `oidc.client_id`."""
    if not item.parts:
        return
    known = {name: dataclasses.replace(part, name=f"{item.name}.{name}") for name, part in item.parts.items()}
    schema: Mapping[str, Any] = item.schema.get("items", item.schema)
    closed = not schema.get("additionalProperties")
    for value in values:
        # What is no object was refused as such.
        if isinstance(value, dict):
            yield from problems_in(value, known, within=f"{item.name}.", closed=closed)


@dataclass(frozen=True, slots=True)
class Accepted:
    """The parameters of one route by name, by where they travel.

    `old` are body parameters of API versions before METADATA_HAS_ITS_OWN_ROUTE; `wrapped` says that
    its list is always `{data, total_count}`. `items` are those of each object of a body that is an array,
    `upload` is what a form calls the one file that it brings.
    """

    query: Mapping[str, Parameter]
    body: Mapping[str, Parameter]
    old: Mapping[str, Parameter]
    wrapped: bool
    items: Mapping[str, Parameter] | None = None
    upload: str = ""

    def body_in(self, version: str) -> Mapping[str, Parameter]:
        """The body parameters in an API version."""
        return {**self.body, **self.old} if version < METADATA_HAS_ITS_OWN_ROUTE else self.body


_KNOWN: dict[Route, Accepted] = {}


def accepted(route: Route) -> Accepted:
    """What a route accepts: what all actions that use it declare.

    Where several share one, a parameter is as the first declares it, and required if all require it.
    """
    # Made when a route is first asked for: a process on the command line asks for one.
    found = _KNOWN.get(route)
    if found is None:
        found = _KNOWN[route] = _accepted(route)
    return found


def _accepted(route: Route) -> Accepted:
    actions = [item for item in EVERY_ACTION if route in item.spec.routes]
    found = [(item, name) for item in actions for name in item.parameters().values()]
    body = [(item, name) for item, name in found if name.where == "body" and _takes_body(route)]
    query = _merged(actions, (pair for pair in found if pair[1].where == "query"))

    def own(action: type[Action]) -> bool:
        """Whether the action's own fields go to this path; its metadata goes to its second one."""
        others = {other.path for other in action.spec.also} - {action.spec.route.path}
        return route.path not in others

    fields = _merged(actions, ((kind, item) for kind, item in body if item.metadata is not own(kind)))
    fields |= UNDOCUMENTED.get(route, {})
    return Accepted(
        query={name: _adjusted(route, item) for name, item in query.items()},
        body={name: _adjusted(route, item) for name, item in fields.items()},
        items=next((item.parts for item in fields.values() if item.whole), None),
        upload=next((name for name, item in fields.items() if item.upload), ""),
        old=_merged(actions, ((kind, item) for kind, item in body if item.metadata and own(kind))),
        wrapped=any(item.spec.wrapped for item in actions),
    )


def read_query(pairs: Iterable[tuple[str, str]], known: Mapping[str, Parameter]) -> dict[str, Any]:
    """The known query parameters as values; unknown ones are ignored, as Clerk does."""
    texts: dict[str, list[str]] = {}
    for name, text in pairs:
        # A list is written `name=…&name=…` or `name[]=…&name[]=…`.
        texts.setdefault(name.removesuffix("[]"), []).append(text)
    values = {name: from_text(texts[name], item) for name, item in known.items() if name in texts}
    _refuse_any([*_missing(values, known), *_wrong(values, known)])
    return values


def read_body(content: bytes, known: Mapping[str, Parameter]) -> dict[str, Any]:
    """The body as checked values; no body, `null` and `{}` are the same."""
    given = _parse(content)
    if given is None:
        given = {}
    if not isinstance(given, dict):
        raise refusal("request_body_invalid", "body is invalid", "The body must be a JSON object.")
    check_body(given, known)
    return given


def read_items(content: bytes, known: Mapping[str, Parameter]) -> list[dict[str, Any]]:
    """A body that is an array of objects, each checked."""
    given = _parse(content)
    if not isinstance(given, list) or not all(isinstance(item, dict) for item in given):
        raise refusal("request_body_invalid", "body is invalid", "The body must be a JSON array of objects.")
    for item in given:
        check_body(item, known)
    return given


def check_body(given: Mapping[str, Any], known: Mapping[str, Parameter]) -> None:
    """Refuse a body with what is unknown, missing or wrong."""
    _refuse_any([*problems_in(given, known)])


def problems_in(
    given: Mapping[str, Any], known: Mapping[str, Parameter], within: str = "", *, closed: bool = True
) -> Iterator[Problem]:
    """What is unknown, missing or wrong in an object; `within` stands before the names of what is unknown.

    One that is not `closed` may hold more than what is known.
    """
    for key in given:
        if key not in known and closed:
            name = f"{within}{key}"
            yield Problem(
                "form_param_unknown", "is unknown", f"{name} is not a parameter of this request.", name
            )
    yield from _missing(given, known)
    yield from _wrong(given, known)


def _takes_body(route: Route) -> bool:
    return route.method not in (Verb.GET, Verb.DELETE)


def _merged(
    actions: list[type[Action]], pairs: Iterable[tuple[type[Action], Parameter]]
) -> dict[str, Parameter]:
    merged: dict[str, Parameter] = {}
    for _, item in pairs:
        merged.setdefault(item.name, item)
    return {name: _optional(item, actions) for name, item in merged.items()}


def _adjusted(route: Route, item: Parameter) -> Parameter:
    if (route, item.name) in REPEATED:
        return dataclasses.replace(item, schema={"type": "array", "items": item.schema})
    return dataclasses.replace(item, **ADJUSTED.get((route, item.name), {}))


def _optional(item: Parameter, actions: list[type[Action]]) -> Parameter:
    needed = all(
        item.name in action.parameters() and action.parameters()[item.name].required for action in actions
    )
    if item.required is needed:
        return item
    return dataclasses.replace(item, required=needed)


def _parse(content: bytes) -> Any:
    try:
        # Python's parser would take NaN and Infinity, which are no JSON.
        parsed = json.loads(content.decode(), parse_constant=_no_constant) if content.strip() else None
        if b"\\u" in content:  # the only way for a lone surrogate, which is no text that can be kept
            json.dumps(parsed, ensure_ascii=False).encode()
    # What is nested too deeply ends the parser with a RecursionError.
    except (ValueError, RecursionError):
        raise refusal("request_body_invalid", "body is invalid", "The body is not valid JSON.") from None
    return parsed


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is not JSON")


def _missing(given: Mapping[str, Any], known: Mapping[str, Parameter]) -> Iterator[Problem]:
    for name, item in known.items():
        if item.required and name not in given:
            yield Problem("form_param_missing", "is missing", f"{item.name} must be included.", item.name)


def _wrong(given: Mapping[str, Any], known: Mapping[str, Parameter]) -> Iterator[Problem]:
    for name, value in given.items():
        if name in known:
            yield from check(value, known[name])


def _refuse_any(problems: list[Problem]) -> None:
    if problems:
        raise Refusal(*problems)
