"""How values are written on the command line: JSON, comma lists, and secrets that stay out of it."""

import json
import sys
from pathlib import Path
from typing import Any

import click

from deskclerk.catalogue.fields import is_reference

_NOT_PLAIN = (
    "a secret is not taken from the command line, where the shell's history would keep it: "
    "pass - to be asked for it (or to pipe it in), @FILE, or secret:NAME"
)


class JsonText(click.ParamType[Any]):
    """A JSON value: as text, `@FILE`, or `-` for standard input."""

    name = "json"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """The decoded value; a usage error says where the text stops being JSON."""
        if not isinstance(value, str) or (ctx and ctx.resilient_parsing):
            return value
        text = self._read(value, param, ctx)
        try:
            return json.loads(text)
        except json.JSONDecodeError as error:
            place = f"line {error.lineno}, column {error.colno}"
            self.fail(f"not JSON at {place}; accepted: JSON text, @FILE, or - for standard input", param, ctx)

    def _read(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> str:
        if value == "-":
            return sys.stdin.read()
        return read_file(self, value, param, ctx) if value.startswith("@") else value


class SecretText(click.ParamType[Any]):
    """A secret: `-` asks for it without echo (or reads standard input), `@FILE` reads a file.

    `secret:NAME` is a stored one; it goes on as it is.

    With `many`, every line is one value.
    """

    name = "secret"

    def __init__(self, *, many: bool = False) -> None:
        self.many = many

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """The secret, without its last line break; a usage error never repeats what was typed."""
        if not isinstance(value, str) or (ctx and ctx.resilient_parsing):
            return value
        if is_reference(value):
            return [value] if self.many else value
        if value == "-":
            text = self._ask(param)
        elif value.startswith("@"):
            text = read_file(self, value, param, ctx)
        else:
            self.fail(_NOT_PLAIN, param, ctx)
        text = text.removesuffix("\n").removesuffix("\r")
        if not text:
            self.fail("the secret is empty", param, ctx)
        return text.split() if self.many else text

    def _ask(self, param: click.Parameter | None) -> str:
        if not sys.stdin.isatty():
            return sys.stdin.read()
        label = (param.name or "secret").replace("_", " ") if param else "secret"
        return str(click.prompt(label.capitalize(), hide_input=True, err=True))


class CommaList(click.ParamType[Any]):
    """Names separated by commas."""

    name = "names"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """The names, without white space around them."""
        return [part.strip() for part in value.split(",")] if isinstance(value, str) else value


class Dashed(click.Choice[str]):
    """A choice among parameter names, written with dashes or underscores."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """The name as a parameter is called."""
        chosen = super().convert(str(value).replace("_", "-"), param, ctx)
        return str(chosen).replace("-", "_")


def read_file(
    kind: click.ParamType[Any], value: str, param: click.Parameter | None, ctx: click.Context | None
) -> str:
    """The text of the file in `@FILE`, or a usage error."""
    path = Path(value.removeprefix("@")).expanduser()
    try:
        return path.read_text(encoding="utf-8")
    except OSError as error:
        kind.fail(f"{path} cannot be read: {error.strerror}", param, ctx)
    except UnicodeDecodeError:
        kind.fail(f"{path} is not UTF-8 text", param, ctx)
