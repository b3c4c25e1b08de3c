"""Blocks of the pages that show a command and are not run here, and why; and what some pages need to run."""

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from tests.docs.pages import ROOT

_REGISTRY = "fetches packages; tests/published starts what was built, by uvx, pipx and pip"
_ENGINE = "needs a container engine; tests/packaging and tests/published do its steps and read its files"
_SERVERS = "needs PostgreSQL, Redis and an issuer; tests/hosted starts them and does the same"

NOT_RUN: dict[tuple[str, str], str] = {
    ("docs/start.md", "$ pip install deskclerk"): _REGISTRY,
    (
        "docs/packaging.md",
        "$ uvx --from build/published/deskclerk-0.1.0-py3-none-any.whl deskclerk demo",
    ): _REGISTRY,
    ("docs/packaging.md", "$ docker build -t deskclerk ."): _ENGINE,
    ("docs/hosted.md", "$ deskclerk hosted create-workspace acme --owner sol@example.com"): _SERVERS,
    ("docs/hosted.md", "$ deskclerk hosted workspaces"): _SERVERS,
    (
        "docs/packaging.md",
        "$ export DESKCLERK_TOKEN=$(openssl rand -hex 24) POSTGRES_PASSWORD=$(openssl rand -hex 24)",
    ): _ENGINE,
}
"""By page and the block's first line."""


@dataclass(frozen=True)
class Need:
    """What a page's commands need beside this environment, and what is laid into the home for them."""

    what: str
    is_here: Callable[[], bool]
    linked: Path | None = None


def _program(name: str) -> Need:
    return Need(name, lambda: shutil.which(name) is not None)


_MODULES = ROOT / "tests" / "js" / "node_modules"
NEEDS = {
    "docs/testing-javascript.md": Need(
        "npm ci in tests/js", (_MODULES / "@clerk" / "backend").exists, _MODULES
    ),
    "docs/testing-go.md": _program("go"),
    "docs/testing-ruby.md": _program("ruby"),
    "docs/testing-playwright.md": Need("Chromium", Path("/usr/bin/chromium").exists),
}
