"""A Node that is new enough, and `deskclerk serve` with the suite's fixtures on it."""

import pytest

from tests.conformance.serving import NODE, serving


@pytest.fixture(scope="session", autouse=True)
def node():
    """The suite is asked for by name (`make test-conformance`): without what it needs it fails, not skips."""
    assert NODE.exists(), "npm ci in tests/conformance comes first: make test-conformance"


@pytest.fixture
def home(tmp_path):
    return tmp_path / "home"


@pytest.fixture
def url(home):
    with serving(home) as url:
        yield url
