"""Replicas of a hosted desk as processes, behind a proxy that gives each request to another one."""

import pytest

from tests.hosted.replicas.platform import platform


@pytest.fixture(scope="module")
def on_a_platform(tmp_path_factory):
    """A platform with two replicas."""
    with platform(tmp_path_factory.mktemp("platform")) as found:
        found.first, found.second = found.replica(), found.replica()
        yield found
