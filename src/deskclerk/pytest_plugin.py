"""The pytest fixtures `clerk_sandbox` and `clerk_sandbox_session`; loaded by pytest itself.

Importing this costs nothing: the sandbox is loaded when a test first asks for one.
"""

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from deskclerk.testing import ClerkSandbox


@pytest.fixture(scope="session")
def _clerk_sandbox_database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An empty sandbox's database, made once: every sandbox begins as a copy."""
    from deskclerk.testing import sandbox_server  # noqa: PLC0415

    path = tmp_path_factory.mktemp("clerk-sandbox") / "sandbox.db"
    with sandbox_server(path):
        pass
    return path


@pytest.fixture
def clerk_sandbox(_clerk_sandbox_database: Path, tmp_path: Path) -> "Iterator[ClerkSandbox]":
    """An empty sandbox of this test alone, on a port of this machine."""
    yield from _serve(_clerk_sandbox_database, tmp_path / "clerk-sandbox.db")


@pytest.fixture(scope="session")
def clerk_sandbox_session(
    _clerk_sandbox_database: Path, tmp_path_factory: pytest.TempPathFactory
) -> "Iterator[ClerkSandbox]":
    """One sandbox for all tests that ask for it; it keeps what each of them did."""
    yield from _serve(_clerk_sandbox_database, tmp_path_factory.mktemp("clerk-sandbox") / "sandbox.db")


def _serve(database: Path, path: Path) -> "Iterator[ClerkSandbox]":
    from deskclerk.testing import sandbox_server  # noqa: PLC0415

    shutil.copyfile(database, path)
    with sandbox_server(path) as clerk:
        yield clerk
