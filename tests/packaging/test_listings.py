"""What a registry and a client of bundles are told, against their schemas and against deskclerk itself."""

import json
import subprocess
import sys
from pathlib import Path

import jsonschema
import pytest

from deskclerk.catalogue import TOOLSETS
from deskclerk.settings import Settings
from deskclerk.version import __version__
from tests.promises import ROOT

PACKAGE = ROOT / "tools" / "package.py"
SCHEMA = json.loads((Path(__file__).parent / "server_json.schema.json").read_text("utf-8"))


def package(*words):
    return subprocess.run(
        [sys.executable, str(PACKAGE), *map(str, words)],
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=60,
        check=False,
    )


@pytest.fixture(scope="module")
def listing(tmp_path_factory):
    file = tmp_path_factory.mktemp("registry") / "server.json"
    ended = package("registry", "io.github.example", file)
    assert ended.returncode == 0, ended.stderr
    assert "<!-- mcp-name: io.github.example/deskclerk -->" in ended.stdout
    return json.loads(file.read_text("utf-8"))


@pytest.fixture(scope="module")
def manifest(tmp_path_factory):
    folder = tmp_path_factory.mktemp("bundle")
    (folder / "deskclerk.whl").touch()
    ended = package("bundle", folder / "deskclerk.whl", folder / "made")
    assert ended.returncode == 0, ended.stderr
    return json.loads((folder / "made" / "manifest.json").read_text("utf-8"))


def test_the_listing_is_what_the_registry_takes(listing):
    jsonschema.Draft202012Validator(SCHEMA).validate(listing)


def test_a_description_that_is_too_long_would_be_noticed(listing):
    with pytest.raises(jsonschema.ValidationError, match="too long"):
        jsonschema.validate(listing | {"description": "x" * 101}, SCHEMA)


def test_the_listing_names_this_version_everywhere(listing):
    assert {listing["version"], *(item["version"] for item in listing["packages"])} == {__version__}


def test_a_namespace_that_is_none_is_refused_with_what_is_one(tmp_path):
    ended = package("registry", "deskclerk", tmp_path / "server.json")
    assert ended.returncode == 2
    assert "io.github.you" in ended.stderr
    assert not (tmp_path / "server.json").exists()


def test_every_variable_that_the_listing_offers_is_a_setting(listing):
    variables = listing["packages"][0]["environmentVariables"]
    Settings.load({}, {item["name"]: item["default"] for item in variables if "default" in item})
    assert [item["name"] for item in variables if item.get("isSecret")] == ["CLERK_SECRET_KEY"]


def test_every_variable_that_the_bundle_sets_is_a_setting_and_its_defaults_are_deskclerks(manifest, tmp_path):
    fields = {f"${{user_config.{name}}}": item["default"] for name, item in manifest["user_config"].items()}
    said = {
        name: str(fields[value]).lower() for name, value in manifest["server"]["mcp_config"]["env"].items()
    }
    home = {"DESKCLERK_HOME": str(tmp_path)}
    assert Settings.load({}, said | home) == Settings.load({}, home)


def test_whoever_fills_the_form_in_reads_which_toolsets_there_are(manifest, listing):
    names = ", ".join(TOOLSETS)
    assert names in manifest["user_config"]["toolsets"]["description"]
    assert any(names in item["description"] for item in listing["packages"][0]["environmentVariables"])
