from collections.abc import Iterator
from typing import Any

import pytest

from deskclerk.catalogue import ACTIONS, sibling
from tests.contract.openapi import SCHEMAS, operation

lists = [action for action in ACTIONS if action.spec.is_list]
every_list = pytest.mark.parametrize("action", lists, ids=lambda action: action.spec.name)


def answer_of(action) -> dict[str, Any]:
    """The schema of the action's answer of success."""
    route = action.spec.route
    return SCHEMAS.plain(operation(str(route.method), route.path).answers["200"])


def thing_of(action) -> dict[str, Any]:
    """The schema of the thing itself, out of a list or a page of things."""
    answer = answer_of(action)
    items = answer if answer.get("type") == "array" else answer.get("properties", {}).get("data")
    return SCHEMAS.plain(items["items"]) if items else answer


def paths_in(schema: dict[str, Any], at: str = "") -> Iterator[str]:
    """Every dotted key of an object, into its objects and lists of objects."""
    schema = SCHEMAS.plain(schema)
    if "allOf" in schema:
        schema = SCHEMAS.merged(schema)
    for name, inner in schema.get("properties", {}).items():
        yield f"{at}{name}"
        plain = SCHEMAS.plain(inner)
        yield from paths_in(plain.get("items", plain), f"{at}{name}.")


@pytest.mark.parametrize("action", ACTIONS, ids=lambda action: action.spec.name)
def test_what_the_brief_view_shows_is_in_the_answer_that_clerk_gives(action):
    if action.spec.verb != "delete":
        assert set(action.spec.resource.brief) - set(paths_in(thing_of(action))) == set()


@every_list
def test_a_list_is_paged_by_the_desk_only_where_clerk_does_not_page_it(action):
    paging = {"limit", "offset"} & set(operation("GET", action.spec.route.path).named("query"))
    assert action.spec.paged == bool(paging)


@every_list
def test_a_list_is_unwrapped_only_where_clerk_wraps_it(action):
    answer = answer_of(action)
    assert action.spec.wrapped == (answer["type"] == "object")
    assert not action.spec.wrapped or answer["required"] == ["data", "total_count"]


@every_list
def test_a_list_that_clerk_wraps_on_request_is_asked_for_wrapped(action):
    asked = "paginated" in operation("GET", action.spec.route.path).named("query")
    assert asked == ("paginated" in action.parameters())


def test_a_read_only_gets_and_a_write_does_not():
    for action in ACTIONS:
        methods = {str(route.method) for route in action.spec.routes}
        if action.spec.effect.value == "read":
            assert methods == {"GET"}, action.spec.name
        else:
            assert action.spec.route.method != "GET", action.spec.name


def test_what_looks_at_a_target_is_an_action_that_reads_it_by_the_same_id():
    for action in ACTIONS:
        if reader := sibling(action, "get"):
            assert reader.spec.effect.value == "read"
            if action.spec.verb in ("update", "delete", "ban", "unban", "lock", "unlock"):
                needed = {key for key, item in reader.parameters().items() if item.required}
                assert needed <= set(action.parameters()), action.spec.name
