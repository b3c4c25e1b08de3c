"""Dockerfile and compose.yaml read as far as it takes to check them without a container engine."""

import json
import re
import shlex
from dataclasses import dataclass, field

from tests.promises import ROOT

_CONTINUED = re.compile(r"\\\n\s*")


@dataclass
class Stage:
    """One FROM and what stands below it: instructions in order, as (name, rest of the line)."""

    base: str
    instructions: list[tuple[str, str]] = field(default_factory=list)

    def all_of(self, name):
        return [rest for instruction, rest in self.instructions if instruction == name]

    def only(self, name):
        (rest,) = self.all_of(name)
        return rest


def stages():
    """The Dockerfile's stages; an instruction before the first FROM is not kept."""
    text = (ROOT / "Dockerfile").read_text("utf-8")
    whole = "\n".join(line for line in text.splitlines() if not line.startswith("#"))
    found = []
    for line in _CONTINUED.sub("", whole).splitlines():
        name, _, rest = line.strip().partition(" ")
        if name == "FROM":
            found.append(Stage(rest))
        elif name and found:
            found[-1].instructions.append((name, rest.strip()))
    return found


def environment(stage):
    """What its ENV sets, by name."""
    return dict(word.split("=", 1) for rest in stage.all_of("ENV") for word in shlex.split(rest))


def command(rest):
    """The words of an instruction in JSON form, such as CMD; options before it are left out."""
    return json.loads(rest[rest.index("[") :])


def sent():
    """What .dockerignore lets through to the build, as patterns: all else is refused by its first line."""
    lines = (ROOT / ".dockerignore").read_text("utf-8").splitlines()
    rules = [line for line in lines if line and not line.startswith("#")]
    assert rules[0] == "*"
    return [rule.removeprefix("!") for rule in rules if rule.startswith("!")]
