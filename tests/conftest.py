"""Shared by all tests: asyncio under anyio, and no setting of the machine that runs them."""

import os

import pytest


@pytest.fixture
def anyio_backend():
    return "asyncio"


@pytest.fixture(autouse=True)
def own_folder(monkeypatch, tmp_path):
    """Every test has a home folder of its own and no Clerk key."""
    for name in list(os.environ):
        if name.startswith(("CLERK_", "DESKCLERK_")):
            monkeypatch.delenv(name)
    monkeypatch.setenv("DESKCLERK_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("DESKCLERK_APPROVAL_WAIT", "0")
