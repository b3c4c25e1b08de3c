"""The sandbox's routes and what they accept, against the catalogue."""

import pytest

from deskclerk.catalogue import ACTIONS, ListUsers, UpdateUser
from deskclerk.catalogue.route import GET, PATCH, POST
from deskclerk.sandbox.handlers import EXTRA, HANDLERS
from deskclerk.sandbox.parameters import accepted

EXTRA_ROUTES = (
    "GET /users/count",
    "PUT /users/{user_id}/metadata",
    "PUT /organizations/{organization_id}/metadata",
    "GET /instance",
)
"""What the sandbox serves beyond the catalogue."""


def test_every_route_of_the_catalogue_has_a_handler_and_every_handler_a_route():
    catalogue = {str(route) for action in ACTIONS for route in action.spec.routes}
    assert {str(route) for route in HANDLERS} == catalogue | set(EXTRA_ROUTES)
    assert {str(route) for route in EXTRA} == set(EXTRA_ROUTES)


def test_no_local_parameter_of_the_desk_is_accepted():
    local = {
        (name, route)
        for action in ACTIONS
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


def test_an_extra_route_takes_the_parameters_of_its_action():
    (count,) = [route for route in EXTRA if route.path == "/users/count"]
    assert set(accepted(count, EXTRA[count]).query) == set(accepted(GET("/users"), ListUsers).query)
