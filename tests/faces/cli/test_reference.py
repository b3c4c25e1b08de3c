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


def test_the_table_goes_between_its_marks(generator, tmp_path):
    readme = tmp_path / "README.md"
    readme.write_text("before\n<!-- actions -->\na stale row\n<!-- /actions -->\nafter\n")
    text = generator.with_table(readme)
    assert text.startswith("before\n<!-- actions -->\n| action |")
    assert text.endswith("|\n<!-- /actions -->\nafter\n")
    assert "a stale row" not in text
    assert text.count("| [`clerk_") == 48


def test_a_readme_without_marks_is_refused(generator, tmp_path):
    readme = tmp_path / "README.md"
    readme.write_text("# deskclerk\n")
    with pytest.raises(SystemExit, match="mark where the table of actions goes"):
        generator.with_table(readme)
    assert readme.read_text() == "# deskclerk\n"
