import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from deskclerk.errors import InvalidRequest
from tests.contract import arguments
from tests.contract.openapi import operation, request_problems
from tests.contract.wire import every_action, sent

OTHER_SEGMENTS = ("", ".", "..", "../users", "a/b", "a%2Fb", "a?b=1", "a#b", "a b", "é", "a\nb", "-a")


def problems(requests) -> list[str]:
    """What Clerk would not know in any of them, as they are on the wire."""
    return [
        f"{request.method} {request.path}: {problem}"
        for request in requests
        for problem in request_problems(
            str(request.method), request.path, request.query, json.loads(json.dumps(request.body))
        )
    ]


def carried(requests) -> dict:
    """What the requests say, by parameter: ids in paths, texts in queries, values in bodies."""
    found: dict = {}
    for request in requests:
        template = operation(str(request.method), request.path).path
        pairs = zip(template.split("/"), request.path.split("/"), strict=True)
        found |= {part.strip("{}"): segment for part, segment in pairs if part.startswith("{")}
        found |= {name: [text for key, text in request.query if key == name] for name, _ in request.query}
        found |= request.body or {}
    return found


def as_text(value) -> list[str]:
    """A value as it stands in a query: once, or once for each item."""
    values = value if isinstance(value, list) else [value]
    return [json.dumps(item) if isinstance(item, bool | int) else item for item in values]


@every_action
def test_the_least_that_an_action_takes_is_a_request_of_clerks(action):
    assert problems(sent(action, arguments.minimal(action.spec.name))) == []


@every_action
def test_every_parameter_at_once_is_a_request_of_clerks(action):
    given_arguments = arguments.full(action.spec.name)
    requests = sent(action, given_arguments)
    assert problems(requests) == []
    assert {str(operation(str(request.method), request.path).path) for request in requests} == {
        route.path for route in action.spec.routes
    }


@every_action
def test_each_parameter_alone_and_each_null_is_a_request_of_clerks(action):
    found = [problems(sent(action, each)) for each in arguments.one_by_one(action.spec.name)]
    assert [problem for each in found for problem in each] == []


@every_action
def test_each_parameter_travels_under_its_own_name_and_nothing_else_does(action):
    name = action.spec.name
    sendable = {
        key: value for key, value in arguments.full(name).items() if action.parameters()[key].where != "local"
    }
    assert carried(sent(action, arguments.full(name))) == {
        key: as_text(value) if arguments.sendable(name)[key]["where"] == "query" else value
        for key, value in sendable.items()
    }


@every_action
@settings(
    max_examples=10, derandomize=True, deadline=None, database=None, suppress_health_check=list(HealthCheck)
)
@given(data=st.data())
def test_whatever_the_document_allows_is_accepted_and_leaves_as_the_document_has_it(action, data):
    assert problems(sent(action, data.draw(arguments.drawn(action.spec.name)))) == []


@every_action
def test_what_the_document_does_not_allow_never_leaves(action):
    name = action.spec.name
    least = arguments.minimal(name)
    wrong = [
        (key, value)
        for key, facts in arguments.sendable(name).items()
        for value in arguments.refused(key, facts)
    ]
    assert [(key, value) for key, value in wrong if not never_leaves(action, least, key, value)] == []


def never_leaves(action, least, key, value) -> bool:
    """Whether the action refuses a value by its parameter's name, or sends what the document allows."""
    if action.parameters()[key].total_at_zero and value == 0:
        return True  # the desk's own: tests/desk/execution/test_reads.py
    try:
        return problems(sent(action, least | {key: value})) == []
    except InvalidRequest as error:
        # A rule between arguments may refuse it for what is missing beside it.
        return not error.problems or key in str(error)


@every_action
def test_an_id_never_leaves_its_segment_of_the_path(action):
    least = arguments.minimal(action.spec.name)
    for name in action.spec.route.names:
        for segment in OTHER_SEGMENTS:
            with pytest.raises(InvalidRequest, match=name):
                action.parse(least | {name: segment})


@pytest.mark.promise("unknown-arguments")
@every_action
def test_an_argument_that_clerk_does_not_know_never_leaves(action):
    with pytest.raises(InvalidRequest, match="unknown argument"):
        action.parse(arguments.minimal(action.spec.name) | {"favourite_colour": "blue"})
