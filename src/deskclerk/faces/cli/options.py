"""From an action's parameters to arguments and options, and back from what was typed to arguments."""

import base64
import json
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import click
from click.shell_completion import CompletionItem

from deskclerk.catalogue import Action, Parameter
from deskclerk.catalogue.fields import is_reference
from deskclerk.catalogue.parameter import keys_of
from deskclerk.catalogue.withheld import may_be_seen, secrets_in
from deskclerk.faces.command_words import flag, metavar, positional
from deskclerk.system.terminals import is_terminal

_NOT_PLAIN = (
    "a secret is not taken from the command line, where the shell's history would keep it: "
    "pass - to be asked for it (or to pipe it in), @FILE, or secret:NAME"
)
NULLS = "nulls"
"""Where `--null` keeps the names that are sent as null."""


class JsonText(click.ParamType[Any]):
    """A JSON value: as text, `@FILE`, or `-` for standard input."""

    name = "json"

    def __init__(self, parts: Mapping[str, Parameter] | None = None) -> None:
        """`parts` are those of an object that is declared: a secret among them is not typed plainly."""
        self._parts = parts or {}

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """The decoded value; a usage error says where the text stops being JSON."""
        if not isinstance(value, str) or (ctx and ctx.resilient_parsing):
            return value
        text = self._read(value, param, ctx)
        try:
            read = json.loads(text)
        except json.JSONDecodeError as error:
            place = f"line {error.lineno}, column {error.colno}"
            self.fail(f"not JSON at {place}; accepted: JSON text, @FILE, or - for standard input", param, ctx)
        if isinstance(read, dict) and not value.startswith(("@", "-")):
            for place, secret in secrets_in(self._parts, read):
                if not may_be_seen(secret):
                    self.fail(f"{place}: give it as secret:NAME, or all of this as @FILE or -", param, ctx)
        return read

    def _read(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> str:
        if value == "-":
            return sys.stdin.read()
        return read_file(self, value, param, ctx) if value.startswith("@") else value


class FileContent(click.ParamType[str]):
    """A file by its path, with or without `@` before it; its bytes go on as base64."""

    name = "file"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """The base64 of the file's bytes; a usage error where it cannot be read."""
        if ctx and ctx.resilient_parsing:
            return str(value)
        path = Path(str(value).removeprefix("@")).expanduser()
        try:
            return base64.b64encode(path.read_bytes()).decode()
        except OSError as error:
            self.fail(f"{path} cannot be read: {error.strerror}", param, ctx)


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
        if not is_terminal(sys.stdin):
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


def legend(action: type[Action]) -> str:
    """How the values are written that are more than a word."""
    kinds = {metavar(item) for item in action.parameters().values()}
    texts = {
        "TIME": "2026-01-31, 2026-01-31T09:30Z (UTC if no zone) or milliseconds.",
        "JSON": "a JSON object as text, @FILE, or - for standard input.",
        "-|@FILE": "- asks without echo or reads standard input, @FILE reads a file; or secret:NAME.",
    }
    return " ".join(f"{kind}: {text}" for kind, text in texts.items() if kind in kinds)


def click_parameters(action: type[Action]) -> list[click.Parameter]:
    """The arguments and options of an action's command, without those that every command has."""
    places = positional(action)
    found: list[click.Parameter] = [click.Argument([name]) for name in places]
    found += [_option(item) for item in action.parameters().values() if item.name not in places]
    nullable = [item.name.replace("_", "-") for item in action.parameters().values() if item.nullable]
    if nullable:
        text = f"Send null, which clears a value: --null {nullable[0]}; repeatable."
        found.append(
            click.Option(["--null", NULLS], multiple=True, type=Dashed(nullable), metavar="NAME", help=text)
        )
    return found


def arguments_of(action: type[Action], typed: Mapping[str, Any]) -> dict[str, Any]:
    """What was typed as the action's arguments; what was not typed is left out."""
    given: dict[str, Any] = {}
    for name in action.parameters():
        value = typed.get(name)
        if value is not None and value != ():
            given[name] = list(value) if isinstance(value, tuple) else value
    for name in typed.get(NULLS) or ():
        if name in given:
            raise click.UsageError(f"{flag(name)} and --null {name} exclude each other.")
        given[name] = None
    return given


def _option(item: Parameter) -> click.Option:
    if item.schema["type"] == "boolean":
        return _switch(item)
    many = item.schema["type"] == "array"
    more: dict[str, Any] = {"type": _type(item), "metavar": metavar(item)}
    if item.name == "fields":
        text = "Keys to show, separated by commas; a path such as public_metadata.plan; '*' for everything."
        return click.Option(["--fields"], type=CommaList(), metavar="A,B|*", help=text)
    if item.sorts:
        more["shell_complete"] = _completer([*item.sorts, *(f"-{name}" for name in item.sorts)])
    return click.Option(
        [flag(item.name), item.name], help=_help(item), multiple=many and not item.secret, **more
    )


def _switch(item: Parameter) -> click.Option:
    """A yes-or-no; one that takes only yes has no `--no-`."""
    names = flag(item.name) if "const" in item.schema else f"{flag(item.name)}/--no-{flag(item.name)[2:]}"
    return click.Option([names, item.name], is_flag=True, default=None, help=_help(item))


def _type(item: Parameter) -> click.ParamType[Any]:
    schema = item.schema.get("items", item.schema)
    if item.secret:
        return SecretText(many="items" in item.schema)
    if item.upload:
        return FileContent()
    if "enum" in schema:
        return click.Choice(schema["enum"])
    kinds: dict[str, click.ParamType[Any]] = {
        "integer": click.INT,
        "number": click.FLOAT,
        "object": JsonText(item.parts),
    }
    return click.STRING if item.times else kinds.get(schema["type"], click.STRING)


def _help(item: Parameter) -> str:
    """What the parameter is, its bounds, and how its value is written."""
    parts = [item.description, _bounds(item), f"keys {keys_of(item.parts)}" if item.parts else ""]
    if item.schema["type"] == "array" and not item.secret:
        parts.append("repeatable")
    if item.secret:
        parts.append("asked for without echo, or read from a file")
    if item.default is not None and "const" not in item.schema:
        parts.append(f"default {str(item.default).lower()}")
    text = "; ".join(part for part in parts if part)
    if text.partition(" ")[0].strip(".;:,").isalpha():
        text = f"{text[0].upper()}{text[1:]}."
    return f"{text}  [required]".strip() if item.required else text


def _bounds(item: Parameter) -> str:
    schema = item.schema
    if item.sorts:
        return f"'-' for descending order; one of {', '.join(item.sorts)}"
    if schema["type"] == "array" and "maxItems" in schema:
        return f"at most {schema['maxItems']}"
    low, high = schema.get("minimum"), schema.get("maximum")
    if high is not None:
        return f"{low}-{high}"
    return f"from {low}" if low is not None else ""


def _completer(
    names: list[str],
) -> Callable[[click.Context, click.Parameter, str], list[CompletionItem]]:
    def complete(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
        del ctx, param
        return [CompletionItem(name) for name in names if name.startswith(incomplete)]

    return complete
