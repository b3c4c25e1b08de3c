"""`deskclerk actions` and `deskclerk call`: what may be asked for here, and asking for it by its name."""

import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import click

from deskclerk.faces.cli.commands import yes_option
from deskclerk.faces.cli.options import JsonText
from deskclerk.faces.cli.state import State, console, json_option

if TYPE_CHECKING:
    from deskclerk.catalogue import Action

_WIDE = 118
_STYLES = {"read": "green", "write": "yellow", "destructive": "red"}


@click.command(params=[json_option()])
@click.pass_context
def actions(ctx: click.Context, /) -> None:
    """The actions that the settings in force offer."""
    from deskclerk.desk.caller import Caller  # noqa: PLC0415 - help needs no desk
    from deskclerk.desk.policy.policy import Policy  # noqa: PLC0415 - help needs no desk
    from deskclerk.faces.cli.output import print_lines  # noqa: PLC0415
    from deskclerk.faces.command_words import usage  # noqa: PLC0415

    state = ctx.ensure_object(State)
    policy = Policy(state.settings())
    rows = [
        {
            "name": action.spec.name,
            "effect": str(action.spec.effect),
            "toolset": action.spec.toolset,
            "deprecated": action.spec.deprecated,
            "signed": policy.asks(action.spec.effect),
            "command": f"deskclerk {usage(action)}",
            "summary": action.summary(),
            "routes": [str(route) for route in action.spec.routes],
        }
        for action in policy.offered(Caller("cli"))
    ]
    if not state.tables:
        print_lines(rows)
        return
    _draw(rows)
    signed = sum(row["signed"] is True for row in rows)
    state.note(f"{len(rows)} actions; {signed} of them wait for a person's signature.")


def _draw(rows: list[dict[str, Any]]) -> None:
    """One line an action where there is room; else the command above the name."""
    from rich.console import Group  # noqa: PLC0415 - only where something is drawn
    from rich.padding import Padding  # noqa: PLC0415
    from rich.table import Table  # noqa: PLC0415
    from rich.text import Text  # noqa: PLC0415

    out = console(sys.stdout)
    wide = out.width >= _WIDE
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold underline")
    for title in ("name", "effect", "command", "what it does") if wide else ("name, command", "effect"):
        table.add_column(title, overflow="fold")
    for row in rows:
        name, effect = Text(row["name"], "bold"), Text(row["effect"], _STYLES[row["effect"]])
        command, summary = Text(row["command"].removeprefix("deskclerk ")), Text(row["summary"], "dim")
        if wide:
            table.add_row(name, effect, command, summary)
        else:
            below = Padding(Group(command, summary), (0, 0, 0, 2))
            table.add_row(Group(name, below), effect)
    out.print(table)


@click.command(params=[yes_option(), json_option()])
@click.argument("name")
@click.argument("arguments", default="{}", metavar="[JSON|-|@FILE]")
@click.pass_context
def call(ctx: click.Context, /, name: str, arguments: str, *, yes: bool) -> None:
    """Carry out an action by its name.

    The arguments are a JSON object: as text, @FILE, or - for standard input.
    """
    from deskclerk.catalogue import BY_NAME  # noqa: PLC0415 - help needs no catalogue
    from deskclerk.faces.cli.perform import carry_out  # noqa: PLC0415

    action = BY_NAME.get(name) or BY_NAME.get(f"clerk_{name}")
    if action is None:
        raise click.UsageError(f"There is no action {name!r}.{_near(name, list(BY_NAME))}", ctx)
    given: Any = JsonText().convert(arguments, None, ctx)
    if not isinstance(given, dict):
        raise click.UsageError('The arguments are a JSON object, such as {"user_id": "user_…"}.', ctx)
    if not arguments.startswith(("@", "-")):
        refuse_plain_secrets(ctx, action, given, "pass the arguments as @FILE or -")
    carry_out(ctx.ensure_object(State), action, given, yes=yes)


def refuse_plain_secrets(
    ctx: click.Context, kind: "type[Action]", given: Mapping[str, Any], instead: str
) -> None:
    """A usage error where a secret was typed as it is; `instead` says how else it is given."""
    from deskclerk.catalogue.withheld import may_be_seen, secrets_in  # noqa: PLC0415 - help needs no catalogue

    secrets = [place for place, value in secrets_in(kind.parameters(), given) if not may_be_seen(value)]
    if secrets:
        raise click.UsageError(
            f"{', '.join(secrets)}: a secret is not taken from the command line, where the shell's history "
            f"would keep it; give it as secret:NAME, or {instead}.",
            ctx,
        )


def _near(name: str, names: list[str]) -> str:
    import difflib  # noqa: PLC0415 - only a mistake needs it

    near = difflib.get_close_matches(name, names, n=3)
    return f" Did you mean {' or '.join(near)}?" if near else " `deskclerk actions` lists all."
