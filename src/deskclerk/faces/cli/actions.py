"""`deskclerk actions`: what may be asked for here."""

import sys
from typing import Any

import click

from deskclerk.faces.cli.state import State, console, json_option

_WIDE = 118
_STYLES = {"read": "green", "write": "yellow", "destructive": "red"}


@click.command(params=[json_option()])
@click.pass_context
def actions(ctx: click.Context, /) -> None:
    """The actions that the settings in force offer."""
    from deskclerk.desk.caller import Caller  # noqa: PLC0415 - help needs no desk
    from deskclerk.desk.policy.policy import Policy  # noqa: PLC0415 - help needs no desk
    from deskclerk.faces.cli.options import usage  # noqa: PLC0415
    from deskclerk.faces.cli.output import print_lines  # noqa: PLC0415

    state = ctx.ensure_object(State)
    policy = Policy(state.settings())
    rows = [
        {
            "name": action.spec.name,
            "effect": str(action.spec.effect),
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
