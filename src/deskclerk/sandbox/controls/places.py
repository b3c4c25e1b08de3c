"""Values of a seed file and where they stand in it, so that an error names key, place and line."""

import datetime as dt
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from deskclerk.errors import InvalidRequest
from deskclerk.sandbox.refusals import Refusal

if TYPE_CHECKING:
    from yaml import Node

Path = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class Place:
    """A value, the file that it is in, the path to it, and the line of each path where known."""

    value: Any
    file: str
    path: Path = ()
    lines: dict[Path, int] = field(default_factory=dict)

    def at(self, key: str | int) -> "Place":
        """What stands under a key or number."""
        return Place(self.value[key], self.file, (*self.path, key), self.lines)

    def __str__(self) -> str:
        line = self.lines.get(self.path)
        where = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in self.path)
        return f"{self.file}{f':{line}' if line else ''}{': ' if where else ''}{where.removeprefix('.')}"

    def wrong(self, text: str) -> InvalidRequest:
        """What is wrong here."""
        return InvalidRequest(f"{self}: {text}.", problems=[(str(self), text)])

    def expect(self, kind: type, what: str) -> None:
        """InvalidRequest unless the value is of this type."""
        if not isinstance(self.value, kind):
            raise self.wrong(f"must be {what}")

    @contextmanager
    def refusing(self) -> Iterator[None]:
        """A refusal by a rule of the sandbox, as one of this place."""
        try:
            yield
        except Refusal as error:
            raise self.wrong(
                "; ".join(item.long_message or item.message for item in error.problems)
            ) from None


def read_yaml(text: str, file: str) -> Place:
    """A YAML text; InvalidRequest where it is none, or a key stands twice."""
    import yaml  # noqa: PLC0415 - only who seeds needs it

    lines: dict[Path, int] = {}
    try:
        node = yaml.compose(text, Loader=yaml.SafeLoader)
        value = _value(node, (), lines, file) if node else {}
    except yaml.YAMLError as error:
        raise InvalidRequest(f"{file} is not YAML: {' '.join(str(error).split())}") from None
    except RecursionError:
        raise InvalidRequest(f"{file}: nested too deeply.") from None
    return Place(value, file, (), lines)


def _value(node: "Node", path: Path, lines: dict[Path, int], file: str) -> Any:
    import yaml  # noqa: PLC0415 - as above

    lines[path] = node.start_mark.line + 1
    if isinstance(node, yaml.MappingNode):
        found: dict[str, Any] = {}
        for key_node, value_node in node.value:
            key = str(key_node.value)
            here = (*path, key)
            if key in found:
                raise Place(None, file, here, {here: key_node.start_mark.line + 1}).wrong("stands here twice")
            found[key] = _value(value_node, here, lines, file)
            lines[here] = key_node.start_mark.line + 1
        return found
    if isinstance(node, yaml.SequenceNode):
        return [_value(item, (*path, number), lines, file) for number, item in enumerate(node.value)]
    plain = yaml.SafeLoader("").construct_object(node)
    if isinstance(plain, dt.datetime):
        return (plain if plain.tzinfo else plain.replace(tzinfo=dt.UTC)).isoformat()
    return plain.isoformat() + "T00:00:00Z" if isinstance(plain, dt.date) else plain
