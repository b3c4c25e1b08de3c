import re
import tomllib

import pytest
from trove_classifiers import classifiers

from tests.promises import ROOT

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
_MINOR = re.compile(r"Programming Language :: Python :: (3\.\d+)")
PYTHONS = [match[1] for item in PROJECT["classifiers"] if (match := _MINOR.fullmatch(item))]
"""The versions that deskclerk says it runs on, oldest first."""


def test_every_classifier_is_one_that_pypi_knows():
    assert set(PROJECT["classifiers"]) <= classifiers


def test_the_oldest_python_named_is_the_one_required():
    assert PYTHONS[0] == PROJECT["requires-python"].removeprefix(">=")


def test_the_licence_named_is_the_one_in_the_tree():
    assert PROJECT["license"] == (ROOT / "LICENSE").read_text("utf-8").split()[0]


@pytest.mark.parametrize("lock", ["run", "dev"])
def test_a_lock_names_hashes_and_no_addresses(lock):
    text = (ROOT / "requirements" / f"{lock}.txt").read_text("utf-8")
    assert "--hash=sha256:" in text
    assert "://" not in text


def test_the_lock_of_what_packs_bundles_names_no_addresses_to_fetch_from():
    assert '"resolved"' not in (ROOT / "packaging" / "package-lock.json").read_text("utf-8")
