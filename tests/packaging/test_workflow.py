import pytest
import yaml
from check_jsonschema import main as check_jsonschema
from click.testing import CliRunner

from tests.packaging.test_project import PYTHONS
from tests.promises import ROOT

WORKFLOW = ROOT / ".github" / "workflows" / "ci.yml"


@pytest.fixture(scope="module")
def workflow():
    return yaml.safe_load(WORKFLOW.read_text("utf-8"))


def commands(job):
    return [step["run"] for step in job["steps"] if "run" in step]


def test_the_workflow_is_one_that_github_reads():
    ended = CliRunner().invoke(
        check_jsonschema, ["--builtin-schema", "vendor.github-workflows", str(WORKFLOW)]
    )
    assert ended.exit_code == 0, ended.output


def test_every_python_that_deskclerk_names_is_tested_on_every_system(workflow):
    matrix = workflow["jobs"]["test"]["strategy"]["matrix"]
    assert matrix["python"] == PYTHONS
    assert [name.partition("-")[0] for name in matrix["os"]] == ["ubuntu", "macos", "windows"]


def test_it_runs_the_commands_that_contributors_run(workflow):
    assert commands(workflow["jobs"]["test"]) == ["make test PYTHON=python"]
    assert "`make test`" in (ROOT / "CONTRIBUTING.md").read_text("utf-8")
    assert commands(workflow["jobs"]["everything"]) == ["bash .ci/run"]
    assert (ROOT / ".ci" / "run").exists()


def test_it_is_given_no_more_than_reading_and_no_secrets(workflow):
    assert workflow["permissions"] == {"contents": "read"}
    assert "secrets." not in WORKFLOW.read_text("utf-8")
