"""The generated reference: complete, current, and clear about where it cannot be put."""

import importlib.util
from pathlib import Path

import pytest

from deskclerk.catalogue import ACTIONS

ROOT = Path(__file__).parents[3]


@pytest.fixture(scope="module")
def generator():
    spec = importlib.util.spec_from_file_location("generate_docs", ROOT / "tools" / "generate_docs.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.promise("the-reference")
def test_the_reference_in_the_repository_is_current(generator):
    assert (ROOT / "docs" / "actions.md").read_text("utf-8") == generator.reference()


@pytest.mark.promise("the-reference")
def test_the_reference_has_every_action_and_parameter(generator):
    for action in ACTIONS:
        text = generator.section(action)
        assert text.startswith(f"### {action.spec.name}\n")
        for name in action.parameters():
            assert f"| `{name}` |" in text
