"""All 249 operations as actions, compared with Clerk's document both ways, down to the inside of bodies."""

from collections.abc import Iterator

import pytest

from deskclerk.catalogue import ACTIONS, ALL, CORE, EVERY_ACTION, TOOLSETS, PreviewTemplate
from tests.contract import openapi

FURTHER = [action for action in EVERY_ACTION if action.spec.toolset != CORE]
every_further = pytest.mark.parametrize("action", FURTHER, ids=lambda action: action.spec.name)
COMPARED = ("type", "enum", "minimum", "maximum", "minLength", "maxLength", "minItems", "maxItems")
BY_SHAPE = {" ".join(key): known for key, known in openapi.BY_SHAPE.items()}

BASE64 = "Ten megabytes as base64; the document says nothing of a file's size."
ANY_JSON = "The document takes any JSON; claims are an object."
WHOLE = "The document says number; a page has no half of an item."
LEDGER = {
    "clerk_client_logo_set file: maxLength 14000000, not None": BASE64,
    "clerk_organization_logo_set file: maxLength 14000000, not None": BASE64,
    "clerk_user_profile_image_set file: maxLength 14000000, not None": BASE64,
    "clerk_api_key_create claims: type object, not None": ANY_JSON,
    "clerk_api_key_update claims: type object, not None": ANY_JSON,
    "clerk_m2m_token_create claims: type object, not None": ANY_JSON,
    "clerk_api_keys_list limit: type integer, not number": WHOLE,
    "clerk_api_keys_list offset: type integer, not number": WHOLE,
    "clerk_m2m_tokens_list limit: type integer, not number": WHOLE,
    "clerk_m2m_tokens_list offset: type integer, not number": WHOLE,
    "clerk_users_count provider: maxItems None, not 100": "The document bounds a text as if it were a list.",
}
"""Every difference, and why. Exact: none more, none less."""


def shape(route) -> str:
    return f"{route.method} {openapi.shape(route.path)}"


@pytest.mark.promise("all-249")
def test_every_operation_of_clerks_is_an_action_and_no_action_is_anything_else():
    used = {shape(route) for action in EVERY_ACTION for route in action.spec.routes}
    assert used == BY_SHAPE.keys()
    assert len(BY_SHAPE) == 249


def test_no_two_actions_share_a_name_or_a_command():
    names = [action.spec.name for action in EVERY_ACTION]
    commands = [(action.spec.resource.plural, action.spec.verb) for action in EVERY_ACTION]
    assert len(set(names)) == len(names)
    assert len(set(commands)) == len(commands)


@pytest.mark.promise("all-249")
def test_what_clerk_has_deprecated_is_marked_and_offered_in_all_alone():
    theirs = {key for key, known in BY_SHAPE.items() if known.deprecated}
    assert len(theirs) == 14
    assert {shape(action.spec.route) for action in EVERY_ACTION if action.spec.deprecated} == theirs
    for name, actions in TOOLSETS.items():
        if name != ALL:
            assert [action for action in actions if action.spec.deprecated] == []


def test_core_is_the_48_and_each_further_action_is_in_one_group():
    assert TOOLSETS[CORE] == ACTIONS
    groups = [action for name, actions in TOOLSETS.items() if name != ALL for action in actions]
    assert len(groups) == len(set(groups))
    assert {*groups, *(action for action in EVERY_ACTION if action.spec.deprecated)} == {*TOOLSETS[ALL]}


@pytest.mark.promise("all-249")
def test_every_parameter_is_as_the_document_has_it_down_to_the_inside_of_bodies():
    found = {difference for action in FURTHER for difference in differences(action)}
    assert sorted(found - LEDGER.keys()) == []
    assert sorted(LEDGER.keys() - found) == []


@every_further
def test_every_action_knows_what_its_operation_answers(action):
    known, answers = BY_SHAPE[shape(action.spec.route)], action.spec.answer
    ((_, schema),) = known.answers.items()
    if schema is None:
        assert answers.nothing or answers.page
        return
    if answers.many:
        plain = whole_schema(schema)
        listed = plain if plain["type"] == "array" else whole_schema(plain["properties"]["data"])
        told = objects(listed["items"])
    else:
        told = objects(schema)
    if answers.object:
        assert answers.object in told
    else:
        # Told by its keys; of a template's preview the document names none that is always there.
        assert answers.keys or action is PreviewTemplate
    assert {*answers.keys} <= {*properties(schema)}


SECRETS = {
    "api_key",
    "client_secret",
    "cookies",
    "id_token",
    "jwt",
    "secret",
    "secret_key",
    "svix_url",
    "token",
    "token_secret",
}
"""Keys that hold a secret wherever Clerk answers them."""


@pytest.mark.promise("handed-over")
def test_every_secret_of_an_answer_is_handed_over():
    for action in FURTHER:
        ((_, schema),) = BY_SHAPE[shape(action.spec.route)].answers.items()
        if schema is None:
            continue
        whole = whole_schema(schema)
        if action.spec.answer.many:
            listed = whole if whole["type"] == "array" else whole_schema(whole["properties"]["data"])
            whole = listed["items"]
        assert SECRETS & {*properties(whole)} <= {*action.spec.hands_over}, action.spec.name


def objects(schema) -> set[str]:
    """What an answer may say in `object`; any, where the document leaves it open."""
    plain = whole_schema(schema)
    choices = [part for choice in ("oneOf", "anyOf") for part in plain.get(choice, ())]
    if choices:
        return set().union(*map(objects, choices))
    told = whole_schema(plain.get("properties", {}).get("object", {})).get("enum", ())
    return set(told) or {action.spec.resource.object for action in EVERY_ACTION}


def properties(schema) -> dict:
    """What a schema names, in itself and in each of its choices."""
    plain = whole_schema(schema)
    choices = [part for choice in ("oneOf", "anyOf") for part in plain.get(choice, ())]
    return {key: item for part in choices for key, item in properties(part).items()} | plain.get(
        "properties", {}
    )


def differences(action) -> Iterator[str]:
    """What only we have, what only Clerk has, what is not the same."""
    known = BY_SHAPE[shape(action.spec.route)]
    name = action.spec.name
    ours = {item.name: item for item in action.parameters().values() if item.where not in ("local", "path")}
    queried = known.named("query")
    for key in sorted({*queried} & {*ours}):
        yield from compared(f"{name} {key}", ours.pop(key), queried.pop(key)["schema"])
    yield from (f"{name} {key}: only theirs" for key in queried)
    body = openapi.SCHEMAS.plain(known.body["schema"]) if known.body else {}
    whole = [item for item in ours.values() if item.whole]
    if whole:
        yield from compared(f"{name} {whole[0].name}", whole[0], body)
        return
    yield from compared_parts(name, ours, body)


def compared_parts(place, ours, schema) -> Iterator[str]:
    theirs = properties(schema)
    needed = openapi.SCHEMAS.plain(schema).get("required", [])
    for key in sorted({*ours, *theirs}):
        if key not in ours or key not in theirs:
            yield f"{place} {key}: only {'ours' if key in ours else 'theirs'}"
            continue
        if ours[key].required is not (key in needed):
            yield f"{place} {key}: required {ours[key].required}"
        yield from compared(f"{place} {key}", ours[key], theirs[key])


def compared(place, item, schema) -> Iterator[str]:
    plain = whole_schema(schema)
    said = plain.get("said", {})
    if item.nullable is not plain.get("nullable", False):
        yield f"{place}: nullable {item.nullable}"
    if item.times != said.get("times") or list(item.sorts) != said.get("sorts", []):
        yield f"{place}: times {item.times}, sorts {item.sorts}"
    yield from compared_schemas(place, item, item.schema, plain)


def compared_schemas(place, item, ours, theirs) -> Iterator[str]:
    theirs = whole_schema(theirs)
    for fact in COMPARED:
        mine, other = ours.get(fact), theirs.get(fact, theirs.get("said", {}).get(fact))
        if fact == "type" and item.times:
            continue
        if fact == "enum" and other:
            other = [value for value in other if value not in (None, "")]
        if mine != other:
            yield f"{place}: {fact} {mine}, not {other}"
    if "items" in ours and "items" in theirs:
        if item.parts:
            yield from compared_parts(f"{place}[]", item.parts, whole_schema(theirs["items"]))
        else:
            yield from compared_schemas(f"{place}[]", item, ours["items"], theirs["items"])
    elif item.parts:
        yield from compared_parts(place, item.parts, theirs)
        # Only where the document says so: many objects say neither, and have no further keys.
        if ours.get("additionalProperties", False) is not (theirs.get("additionalProperties") is True):
            yield f"{place}: further keys {ours.get('additionalProperties', False)}"


def whole_schema(schema) -> dict:
    """A schema given by name or in parts, as one."""
    plain = openapi.SCHEMAS.plain(schema)
    return openapi.SCHEMAS.merged(plain) if "allOf" in plain else plain
