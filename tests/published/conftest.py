"""What `make test-wheel` has built, and the programs beside this Python that people start it with."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
BUILT = ROOT / "build" / "published"
PROGRAMS = Path(sys.executable).parent
SECONDS = 240
"""For what may have to fetch the packages that deskclerk needs."""


def built(pattern):
    """The one file of that name: without it these tests fail, not skip."""
    found = list(BUILT.glob(pattern))
    assert len(found) == 1, f"{pattern} comes of `make bundle`; there is {found}"
    return found[0]


@pytest.fixture(scope="session")
def wheel():
    return built("deskclerk-*.whl")


@pytest.fixture(scope="session")
def sdist():
    return built("deskclerk-*.tar.gz")


@pytest.fixture(scope="session")
def packed():
    return built("*.mcpb")


@pytest.fixture
def alone(tmp_path):
    """An environment without this tree, its settings, or anybody's key."""
    hidden = ("CLERK_", "DESKCLERK_", "PYTHONPATH", "VIRTUAL_ENV")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(hidden)}
    path = os.pathsep.join([str(PROGRAMS), kept["PATH"]])
    return kept | {"DESKCLERK_HOME": str(tmp_path / "home"), "PATH": path}


@pytest.fixture
def run(alone, tmp_path):
    """Runs a command line outside of the tree to its end; what it printed."""

    def run(*words, **more):
        ended = subprocess.run(
            [*map(str, words)],
            env=alone | more,
            cwd=tmp_path,
            capture_output=True,
            text=True,
            encoding="utf-8",
            timeout=SECONDS,
            check=False,
        )
        assert ended.returncode == 0, ended.stderr
        return ended.stdout

    return run
