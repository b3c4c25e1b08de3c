"""The sandbox in each of the API versions whose documents Clerk publishes."""

import asyncio

import pytest

from deskclerk.catalogue import Route, Verb
from deskclerk.sandbox.http.admission import ROUTES_SINCE, VERSIONS, in_version
from deskclerk.sandbox.http.parameters import accepted
from deskclerk.sandbox.http.routes import HANDLERS
from tests.contract import older, openapi
from tests.contract.billing_journeys import plans, statements, subscriptions
from tests.contract.directory_journeys import DIRECTORY_JOURNEYS
from tests.contract.journeys import JOURNEYS
from tests.contract.message_journeys import agent_tasks
from tests.contract.role_set_journeys import role_sets
from tests.contract.settings_journeys import roles, settings, waitlist
from tests.contract.visit import visited

NEWER = {
    "2021-02-05": (
        roles,
        settings,
        waitlist,
        plans,
        subscriptions,
        statements,
        role_sets,
        agent_tasks,
        *DIRECTORY_JOURNEYS,
    ),
    "2025-11-10": DIRECTORY_JOURNEYS[1:],
}
"""Ways that go through routes which a version does not have."""
CALLED = {
    f"{verb} /scim_directories/{{scim_directory_id}}/{end}"
    for verb, end in (
        ("POST", "rotate_api_key"),
        ("GET", "group_role_mappings"),
        ("POST", "group_role_mappings"),
        ("PUT", "group_role_mappings"),
        ("DELETE", "group_role_mappings/{mapping_id}"),
    )
}
"""What 2025-11-10's document has not, and Clerk's Python client, which asks for that version, calls."""


def named(route):
    """The route as the document writes it."""
    return f"{route.method} {openapi.operation(str(route.method), route.path).path}"


SERVED = {named(route) for route in HANDLERS}
every_older = pytest.mark.parametrize("version", older.VERSIONS)


@every_older
def test_every_answer_is_as_the_versions_document_has_it(version, tmp_path):
    ways = [way for way in JOURNEYS if way not in NEWER.get(version, ())]
    exchanges = asyncio.run(visited(tmp_path / "sandbox.db", *ways, version=version))
    answered = [item for item in exchanges if item.status < openapi.ERROR]
    assert len({item.route for item in answered}) > 80
    assert {
        f"{item.route}: {problem}" for item in answered for problem in older.problems(version, item)
    } == set()


@every_older
def test_a_route_that_a_version_does_not_have_is_not_found(version, tmp_path):
    absent = [
        name.split(" ")
        for name, facts in older.DIFFERENCES[version].items()
        if facts is None and name in SERVED and not (version == "2025-11-10" and name in CALLED)
    ]

    async def ask_for_them(visit):
        for method, path in absent:
            await visit.ask(method, path.replace("{", "").replace("}", ""))

    exchanges = asyncio.run(visited(tmp_path / "sandbox.db", ask_for_them, version=version))
    assert {item.outcome for item in exchanges} <= {"404 resource_not_found"}
    assert len(exchanges) == len(absent)


def test_which_routes_came_with_which_version_is_what_the_documents_say():
    declared = {named(route): since for route, since in ROUTES_SINCE.items() if named(route) in SERVED}
    after = dict(zip(older.VERSIONS, [*older.VERSIONS[1:], openapi.VERSION], strict=True))
    assert declared == {
        name: after[version]
        for version in older.VERSIONS
        for name, facts in older.DIFFERENCES[version].items()
        if facts is None and name in SERVED
    } | dict.fromkeys(CALLED, "2025-11-10")
    assert {name for name in CALLED if older.DIFFERENCES["2025-11-10"].get(name, {}) is None} == CALLED


@every_older
def test_bodies_take_what_they_take_in_the_version(version):
    assert version in VERSIONS
    differing = [name for name, facts in older.DIFFERENCES[version].items() if facts and name in SERVED]
    assert "PATCH /users/{user_id}" in differing
    for name in differing:
        method, path = name.split(" ")
        route = Route(Verb(method), path)
        taken = accepted(route)
        assert set(taken.body_in(version)) - set(taken.body_in(openapi.VERSION)) == older.body_names(
            version, name
        ) - set(openapi.operation(method, path).properties)


def test_a_session_has_its_tasks_since_2025_11_10_wherever_it_stands():
    answer = {"data": [{"object": "session", "id": "sess_1", "tasks": None}], "tasks": 1}
    assert in_version(answer, "2025-11-10") == answer
    assert in_version(answer, "2025-04-10") == {"data": [{"object": "session", "id": "sess_1"}], "tasks": 1}
