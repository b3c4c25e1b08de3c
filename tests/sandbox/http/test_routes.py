"""The sandbox's routes and what they accept, against the catalogue."""

import pytest

from deskclerk.catalogue import ACTIONS, EVERY_ACTION, CountUsers, UpdateUser
from deskclerk.catalogue.route import GET, PATCH, POST
from deskclerk.sandbox.http.dialects import PLAIN
from deskclerk.sandbox.http.parameters import ADJUSTED, REPEATED, UNDOCUMENTED, accepted
from deskclerk.sandbox.http.routes import HANDLERS, all_operations, not_served
from tests.contract import openapi

pytestmark = pytest.mark.anyio


def test_every_route_of_the_48_has_a_handler():
    assert {route for action in ACTIONS for route in action.spec.routes} - HANDLERS.keys() == set()


def test_every_route_that_is_served_is_declared_by_an_action():
    assert HANDLERS.keys() <= {route for action in EVERY_ACTION for route in action.spec.routes}


@pytest.mark.promise("sandbox-pretends-nothing")
async def test_what_is_not_served_says_so_and_pretends_nothing(shared):
    for route in not_served():
        path = route.path.format_map(dict.fromkeys(route.names, "x"))
        status, code, _ = await shared.refused(route.method, path)
        assert (status, code) == (501, "operation_not_served"), route
    assert len(all_operations()) == len(HANDLERS) + len(not_served())


@pytest.mark.promise("sandbox-is-clerk-to-sdks")
def test_242_of_249_operations_are_served():
    assert (len(HANDLERS), len(all_operations())) == (242, 249)


def test_what_is_taken_otherwise_than_declared_is_served_and_is_otherwise():
    for route, name in (*ADJUSTED, *REPEATED):
        declared = {
            item.name: item
            for action in EVERY_ACTION
            if route in action.spec.routes
            for item in action.parameters().values()
        }
        taken = accepted(route).query | accepted(route).body
        assert route in HANDLERS
        assert taken[name] != declared[name], (route, name)
    for route, more in UNDOCUMENTED.items():
        assert more.items() <= accepted(route).body.items()
        assert not more.keys() & openapi.operation(str(route.method), route.path).properties.keys()


def test_no_local_parameter_of_the_desk_is_accepted():
    local = {
        (name, route)
        for action in EVERY_ACTION
        for route in action.spec.routes
        for name, item in action.parameters().items()
        if item.where == "local" and name in {**accepted(route).query, **accepted(route).body}
    }
    assert local == set()


def test_metadata_is_accepted_by_its_own_route_only_since_2026_05_12():
    metadata = {"public_metadata", "private_metadata", "unsafe_metadata"}
    fields, own = accepted(PATCH("/users/{user_id}")), accepted(PATCH("/users/{user_id}/metadata"))
    assert set(own.body) == metadata
    assert set(fields.body) == {
        name
        for name, item in UpdateUser.parameters().items()
        if item.where == "body" and name not in metadata
    }
    assert metadata <= set(fields.body_in("2025-11-10"))


def test_a_route_shared_by_two_actions_requires_what_both_require():
    shared = accepted(GET("/organizations/{organization_id}/memberships"))
    assert not shared.query["user_id"].required
    assert shared.query["user_id"].schema["type"] == "array"
    assert accepted(POST("/organizations")).body["name"].required


@pytest.mark.parametrize("route", [GET("/jwt_templates/{template_id}"), GET("/domains")], ids=str)
def test_a_read_takes_no_body_whatever_its_action_writes(route):
    assert accepted(route).body == {}


def test_a_count_takes_the_filters_of_its_list_and_no_page():
    taken = {name for name, item in CountUsers.parameters().items() if item.where == "query"}
    page = {"limit", "offset", "starting_after", "order_by"}
    assert set(accepted(GET("/users/count")).query) == taken == set(accepted(GET("/users")).query) - page


def test_routes_with_one_code_for_what_is_wrong_are_those_that_the_document_says_it_of():
    plain = {(str(route.method), openapi.shape(route.path)) for route in PLAIN}
    assert HANDLERS.keys() >= PLAIN
    for route in HANDLERS:
        known = openapi.operation(str(route.method), route.path)
        of_tokens = known.path.startswith(("/api_keys", "/m2m_tokens"))
        assert ((known.method, openapi.shape(known.path)) in plain) is of_tokens, route
        assert not of_tokens or (400 in known.errors and 422 not in known.errors), route
