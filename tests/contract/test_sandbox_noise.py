"""Whatever arrives at a served route, right or wrong, is answered as the document has it."""

import asyncio
from contextlib import AsyncExitStack

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from deskclerk.sandbox.http.routes import HANDLERS
from tests.contract import openapi
from tests.contract.arguments import JSON
from tests.contract.test_sandbox_holds import INTERNAL, KNOWN, LISTS, arrive

ROUTES = sorted(
    (known.method, known.path) for known in (openapi.operation(str(r.method), r.path) for r in HANDLERS)
)
WORDS = st.sampled_from(["", "0", "-1", "true", "null", "9" * 30, "user_none", "é\n", "%", "-created_at"])


@pytest.fixture(scope="module")
def ask(tmp_path_factory):
    """Sends a request to one sandbox with the company in it; the exchange."""
    location = tmp_path_factory.mktemp("sandbox") / "sandbox.db"
    with asyncio.Runner() as runner:
        stack = AsyncExitStack()
        visit = runner.run(arrive(stack, location))

        def ask(method, path, query, content):
            runner.run(visit.send(method, path, query=query, **content))
            return visit.exchanges[-1]

        yield ask
        runner.run(stack.aclose())


@pytest.fixture(scope="module")
def ids(ask):
    """Ids that the sandbox has, or had before a request deleted them, by the name of the path parameter."""
    found = dict(KNOWN)
    for name, path in LISTS.items():
        answer = ask("GET", path, {}, {}).answer
        found[name] = [item["id"] for item in (answer["data"] if isinstance(answer, dict) else answer)]
    return found


@st.composite
def contents(draw, known):
    """A body: none, any bytes, any JSON, or the operation's own names with what may not fit."""
    names = properties(known)
    bodies = [
        st.just({}),
        st.builds(lambda value: {"json": value}, JSON),
        st.builds(lambda text: {"content": text}, st.binary(max_size=12)),
    ]
    if names:
        named = st.dictionaries(st.sampled_from(names), JSON, max_size=3)
        bodies += [st.builds(lambda value: {"json": value}, named)] * 3
    return draw(st.one_of(bodies))


def properties(known):
    schema = (known.body or {}).get("schema") or {}
    schema = openapi.SCHEMAS.named[schema["ref"]] if "ref" in schema else schema
    return sorted(schema.get("properties", {}))


@pytest.mark.parametrize(("method", "path"), [pytest.param(*route, id=" ".join(route)) for route in ROUTES])
@settings(
    max_examples=3,
    derandomize=True,
    deadline=None,
    database=None,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)
@given(data=st.data())
def test_no_request_is_answered_with_a_5xx_or_with_what_the_document_has_not(method, path, data, ask, ids):
    known = openapi.OPERATIONS[method, path]
    for name in known.named("path"):
        some = st.sampled_from(["none_1", "é", "a%0Ab"]) | st.sampled_from(ids.get(name) or ["none_2"])
        path = path.replace(f"{{{name}}}", data.draw(some))
    names = [*known.named("query"), "favourite_colour"]
    query = data.draw(st.dictionaries(st.sampled_from(names), WORDS, max_size=2))
    content = data.draw(contents(known)) if method != "GET" else {}
    exchange = ask(method, path, query, content)
    assert exchange.status < INTERNAL
    paginated = query.get("paginated") == "true"
    found = openapi.answer_problems(method, known.path, exchange.status, exchange.answer, paginated=paginated)
    assert found == []
