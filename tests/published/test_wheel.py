import email
import tarfile
import zipfile

import pytest

from deskclerk.version import __version__
from tests.published.conftest import ROOT

TOUR_ENDED = "That was all; the sandbox of this tour is gone."


@pytest.fixture(scope="module")
def metadata(wheel):
    with zipfile.ZipFile(wheel) as archive:
        return email.message_from_bytes(archive.read(f"deskclerk-{__version__}.dist-info/METADATA"))


def test_uvx_runs_the_demo_from_the_wheel_alone(run, wheel):
    assert TOUR_ENDED in run("uvx", "--from", wheel, "deskclerk", "demo")


def test_the_pages_of_the_documentation_come_with_the_wheel(run, wheel):
    text = run("uvx", "--from", wheel, "deskclerk", "help", "jobs")
    assert text == (ROOT / "docs" / "jobs.md").read_text("utf-8")


def test_pipx_runs_the_demo_from_the_wheel_alone(run, wheel, tmp_path):
    folders = {"PIPX_HOME": str(tmp_path / "pipx"), "PIPX_BIN_DIR": str(tmp_path / "bin")}
    assert TOUR_ENDED in run("pipx", "run", "--spec", wheel, "deskclerk", "demo", **folders)


def test_the_wheel_holds_the_package_with_its_types_templates_and_nothing_else(wheel):
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
    assert {name.partition("/")[0] for name in names} == {"deskclerk", f"deskclerk-{__version__}.dist-info"}
    assert "deskclerk/py.typed" in names
    assert any(name.endswith(".html") for name in names)
    assert [name for name in names if "__pycache__" in name or name.endswith((".db", ".toml"))] == []


def test_the_sdist_holds_the_source_its_pages_and_neither_tests_nor_tools(sdist):
    with tarfile.open(sdist) as archive:
        below = {name.split("/")[1] for name in archive.getnames()}
    assert below == {
        ".gitignore",
        "CHANGELOG.md",
        "LICENSE",
        "PKG-INFO",
        "README.md",
        "docs",
        "pyproject.toml",
        "src",
    }


def test_the_wheel_says_what_it_is_who_made_it_and_under_which_licence(metadata):
    assert metadata["Version"] == __version__
    assert metadata["License-Expression"] == "MIT"
    assert metadata["Author"] == "the deskclerk maintainers"
    assert metadata["Summary"].endswith("a person signing every write.")
    assert metadata["Description-Content-Type"] == "text/markdown"
    assert metadata.get_payload().startswith("# deskclerk")
