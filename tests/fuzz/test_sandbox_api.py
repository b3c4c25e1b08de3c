"""The sandbox's Backend API before whatever Schemathesis makes of its document, right and wrong: no 5xx."""

import httpx2
import pytest
import schemathesis
from hypothesis import given
from hypothesis import strategies as st
from schemathesis.checks import not_a_server_error

from deskclerk.testing import sandbox_server
from tests.contract.test_sandbox_holds import LISTS
from tests.fuzz.document import document

SCHEMA = schemathesis.openapi.from_dict(document())
OPERATIONS = {operation.ok().label: operation.ok() for operation in SCHEMA.get_all_operations()}
SECONDS = 30
HEADERS = {"Authorization": "Bearer sk_test_sandbox"}


@pytest.fixture(scope="module")
def sandbox(tmp_path_factory):
    with sandbox_server(tmp_path_factory.mktemp("sandbox") / "sandbox.db", company=True) as sandbox:
        yield sandbox


@pytest.fixture(scope="module")
def ids(sandbox):
    """Ids that the sandbox has, or had before a request deleted them, by the name of the path parameter."""
    found = {}
    with httpx2.Client(base_url=f"{sandbox.url}/v1", headers=HEADERS) as http:
        for name, path in LISTS.items():
            answer = http.get(path, params={"limit": 100}).json()
            found[name] = [item["id"] for item in (answer["data"] if isinstance(answer, dict) else answer)]
    return found


@pytest.mark.parametrize("name", sorted(OPERATIONS, key=lambda name: name.startswith("DELETE")))
@given(data=st.data())
def test_no_request_is_a_fault_of_the_sandboxs(name, data, sandbox, ids):
    modes = data.draw(st.sampled_from(list(schemathesis.GenerationMode)))
    case = data.draw(OPERATIONS[name].as_strategy(generation_mode=modes))
    for parameter in case.path_parameters or {}:
        # Made-up ones are nobody's: nearly every request would end at that.
        if parameter in ids and data.draw(st.integers(0, 3)):
            case.path_parameters[parameter] = data.draw(st.sampled_from(ids[parameter]))
    case.call_and_validate(
        base_url=f"{sandbox.url}/v1", headers=HEADERS, checks=[not_a_server_error], timeout=SECONDS
    )
