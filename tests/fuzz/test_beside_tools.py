"""Addresses, prompts and completions that nobody would write: answered or refused, and nothing is written."""

from functools import partial

import pytest
from anyio.from_thread import start_blocking_portal
from hypothesis import given
from hypothesis import strategies as st
from mcp import MCPError
from mcp_types import INTERNAL_ERROR, PromptReference, ResourceTemplateReference

from deskclerk.faces.mcp.prompts import PROMPTS
from deskclerk.faces.mcp.resources import PLACES
from tests.faces.mcp.conftest import ERAS
from tests.fuzz.test_arguments import HOSTILE, KEY, Counting, connected

TEXT = st.one_of(st.text(max_size=20), HOSTILE.filter(lambda value: isinstance(value, str)))
BEGINNINGS = sorted({place.uri.partition("{")[0] for place in PLACES} | {"", "file:///", "clerk://", "://"})
ADDRESSES = st.builds("{}{}{}".format, st.sampled_from(BEGINNINGS), TEXT, TEXT)
ARGUMENTS = sorted({argument.name for prompt in PROMPTS for argument in prompt.arguments})
NAMES = st.one_of(st.sampled_from([prompt.name for prompt in PROMPTS]), TEXT)
REFERENCES = st.one_of(
    st.builds(lambda name: PromptReference(name=name), NAMES),
    st.builds(
        lambda uri: ResourceTemplateReference(uri=uri),
        st.one_of(st.sampled_from([place.uri for place in PLACES]), ADDRESSES),
    ),
)
VARIABLES = [place.variable for place in PLACES if place.variable]


@pytest.fixture(scope="module", params=list(ERAS))
def ask(request, tmp_path_factory):
    """Asks an official client's method, and sees to it that what comes is an answer or says what to do."""
    clerk = Counting()
    opened = connected(tmp_path_factory.mktemp("fuzz"), ERAS[request.param], clerk)
    with start_blocking_portal() as portal, portal.wrap_async_context_manager(opened) as client:

        def asked(method, *arguments, **named):
            told, refused = "", None
            try:
                told = portal.call(partial(getattr(client, method), *arguments, **named)).model_dump_json()
            except MCPError as error:
                refused = error
            if refused:
                assert refused.code != INTERNAL_ERROR
                assert refused.data["next_step"]
                told = f"{refused.message} {refused.data}"
                # What was sent is not said back at length.
                assert len(refused.message) < 4_000
            assert KEY not in told
            assert clerk.writes == []

        yield asked


@given(uri=ADDRESSES)
def test_any_address_is_read_or_refused(uri, ask):
    ask("read_resource", _sendable(uri))


@given(name=NAMES, arguments=st.dictionaries(st.one_of(st.sampled_from(ARGUMENTS), TEXT), TEXT, max_size=4))
def test_any_prompt_is_given_or_refused(name, arguments, ask):
    given_here = {_sendable(key): _sendable(value) for key, value in arguments.items()}
    ask("get_prompt", _sendable(name), given_here)


@given(ref=REFERENCES, name=st.one_of(st.sampled_from(ARGUMENTS + VARIABLES), TEXT), value=TEXT)
def test_any_completion_is_given_or_refused(ref, name, value, ask):
    ask("complete", ref, {"name": _sendable(name), "value": _sendable(value)})


@given(cursor=TEXT)
def test_any_cursor_is_one_or_refused(cursor, ask):
    for method in ("list_resources", "list_resource_templates", "list_prompts"):
        ask(method, cursor=_sendable(cursor))


def _sendable(text):
    """The text as it can travel: no JSON has a lone surrogate."""
    return text.encode("utf-8", "replace").decode()
