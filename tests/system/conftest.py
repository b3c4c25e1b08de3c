import pytest

from tests.system.windows import as_windows


@pytest.fixture
def windows(monkeypatch):
    """Windows, for deskclerk's own branches."""
    with as_windows(monkeypatch) as system:
        yield system
