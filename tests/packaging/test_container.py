import re

import pytest
import yaml
from check_jsonschema import main as check_jsonschema
from click.testing import CliRunner

from deskclerk.hosted.parts import Needed
from deskclerk.settings import Settings
from tests.packaging.container import command, environment, sent, stages
from tests.promises import ROOT

COMPOSE = ROOT / "compose.yaml"
HOSTED = ROOT / "compose.hosted.yaml"
VARIABLE = re.compile(r"\$\{(?P<name>[A-Z_]+)(?::(?P<kind>[-?])(?P<more>[^}]*))?\}")
KEY = "sk_test_" + "k" * 40
GIVEN = {"DESKCLERK_TOKEN": "t" * 24, "POSTGRES_PASSWORD": "p" * 24}


@pytest.fixture(scope="module")
def services():
    return yaml.safe_load(COMPOSE.read_text("utf-8"))["services"]


def filled_in(value, given):
    """A value of compose.yaml with its variables as compose puts them in."""

    def put_in(match):
        if match["name"] in given:
            return given[match["name"]]
        assert match["kind"] == "-", f"{match['name']} has to be given: {match['more']}"
        return match["more"]

    return VARIABLE.sub(put_in, value)


def test_the_image_runs_as_nobody_in_particular_and_keeps_what_it_writes_in_one_folder():
    image = stages()[-1]
    assert int(image.only("USER")) >= 10_000
    assert image.only("VOLUME") == environment(image)["DESKCLERK_HOME"]
    names = [name for name, _ in image.instructions]
    assert "RUN" not in names[names.index("USER") :]


def test_the_image_holds_no_key_no_token_and_nothing_of_the_tree_but_the_source():
    for stage in stages():
        assert not any("KEY" in name or "TOKEN" in name for name in environment(stage))
        assert stage.all_of("ADD") == []
    assert stages()[-1].all_of("COPY") == ["--from=build /deskclerk /deskclerk"]
    assert not {"tests", "tools", ".git", ".venv", "build"} & set(sent())


def test_what_the_image_is_built_of_is_sent_to_the_build_and_is_there():
    for rest in stages()[0].all_of("COPY"):
        for source in rest.split()[:-1]:
            # What is installed is chosen when the image is built.
            for name in {source.replace("${REQUIREMENTS}", chosen) for chosen in ("run", "hosted")}:
                assert name in sent()
                assert (ROOT / name).exists()


def test_the_image_installs_exactly_what_is_locked():
    installs = [rest for rest in stages()[0].all_of("RUN") if "pip install" in rest]
    assert all("--require-hashes" in rest or "--no-deps" in rest for rest in installs)


def test_the_port_that_is_served_is_the_one_that_is_published_and_looked_at(services):
    image = stages()[-1]
    port = image.only("EXPOSE")
    assert port in command(image.only("CMD"))
    assert port in command(image.only("HEALTHCHECK"))[-1]
    assert all(item.startswith("127.0.0.1:") for item in services["deskclerk"]["ports"])
    assert all(item.endswith(f":{port}") for item in services["deskclerk"]["ports"])


@pytest.mark.parametrize("file", [COMPOSE, HOSTED], ids=lambda file: file.name)
def test_compose_says_what_the_compose_specification_knows(file):
    ended = CliRunner().invoke(check_jsonschema, ["--builtin-schema", "vendor.compose-spec", str(file)])
    assert ended.exit_code == 0, ended.output


HOSTED_GIVEN = {
    "POSTGRES_PASSWORD": "p" * 24,
    "DESKCLERK_VAULT_KEY": "A" * 43 + "=",
    "DESKCLERK_PUBLIC_URL": "https://desk.example.com",
    "DESKCLERK_ISSUER": "https://clerk.example.com",
    "DESKCLERK_CLIENT_ID": "client",
}


def test_a_hosted_desk_has_every_setting_that_it_needs_from_compose_and_invents_none():
    found = yaml.safe_load(HOSTED.read_text("utf-8"))["services"]
    said = {name: filled_in(item, HOSTED_GIVEN) for name, item in found["deskclerk"]["environment"].items()}
    settings = Settings.load({}, said)
    needed = Needed.of(settings)
    assert needed.redis.get_secret_value() == "redis://redis:6379/0"
    assert settings.log_format == "json"
    for name in HOSTED_GIVEN:
        given = {key: value for key, value in HOSTED_GIVEN.items() if key != name}
        values = "\n".join(
            item for service in found.values() for item in service.get("environment", {}).values()
        )
        with pytest.raises(AssertionError, match=f"{name} has to be given"):
            filled_in(values, given)


def test_replicas_are_reached_through_the_proxy_alone_and_begin_when_what_they_need_is_there():
    found = yaml.safe_load(HOSTED.read_text("utf-8"))["services"]
    assert [name for name, service in found.items() if "ports" in service] == ["proxy"]
    assert all(item.startswith("127.0.0.1:") for item in found["proxy"]["ports"])
    assert set(found["deskclerk"]["depends_on"]) == {"postgres", "redis"}
    port = stages()[-1].only("EXPOSE")
    assert f"deskclerk:{port}" in found["proxy"]["command"]
    assert port in found["deskclerk"]["command"]
    assert "/readyz" in found["deskclerk"]["healthcheck"]["test"][-1]


@pytest.mark.parametrize(("key", "kind"), [({}, "sandbox"), ({"CLERK_SECRET_KEY": KEY}, "test")])
def test_every_variable_that_compose_sets_is_a_setting(services, key, kind):
    said = {name: filled_in(item, GIVEN | key) for name, item in services["deskclerk"]["environment"].items()}
    settings = Settings.load({}, said)
    assert settings.kind == kind
    assert settings.database.get_secret_value().startswith("postgresql://deskclerk:ppp")


@pytest.mark.parametrize("name", GIVEN)
def test_compose_invents_no_token_and_no_password(services, name):
    given = {key: value for key, value in GIVEN.items() if key != name}
    values = "\n".join(item for service in services.values() for item in service["environment"].values())
    with pytest.raises(AssertionError, match=f"{name} has to be given"):
        filled_in(values, given)


def test_deskclerk_starts_when_the_database_answers(services):
    assert services["deskclerk"]["depends_on"]["postgres"]["condition"] == "service_healthy"
    assert "pg_isready" in services["postgres"]["healthcheck"]["test"][-1]
    assert "ports" not in services["postgres"]
