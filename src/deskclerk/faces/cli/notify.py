"""`deskclerk notify`: whether messages arrive where people are to be told of what waits."""

import asyncio
import sys
from typing import TYPE_CHECKING

import click

from deskclerk.faces.cli.failures import DONE, FAILED
from deskclerk.faces.cli.state import State, console, json_option

if TYPE_CHECKING:
    from deskclerk.desk.notifications.notifications import Outcome


@click.group(short_help="test")
def notify() -> None:
    """Where people are told of what waits for a signature: the [[notify]] tables of the settings file.

    Or DESKCLERK_NOTIFY: addresses, separated by spaces. An https:// address is a signed webhook, any other
    one is a service of Apprise's, such as slack://, mailto:// or dbus://.
    """


@notify.command("test", params=[json_option()])
@click.pass_context
def send_test(ctx: click.Context, /) -> int:
    """Send a test message to each destination, and say what happened; exit code 1 if one failed."""
    return asyncio.run(_test(ctx.ensure_object(State)))


async def _test(state: State) -> int:
    from deskclerk.desk.notifications.notifications import DELIVERED  # noqa: PLC0415 - help needs no desk
    from deskclerk.errors import InvalidSettings  # noqa: PLC0415
    from deskclerk.faces.cli.output import print_lines  # noqa: PLC0415

    async with state.desk() as desk:
        if not desk.notifications.names:
            raise InvalidSettings(
                "Nobody is told of what waits: no destination is set.",
                next_step="Add a [[notify]] table with a url to the settings file, or set DESKCLERK_NOTIFY.",
            )
        told = await desk.notifications.test()
    if state.tables:
        _draw(told)
    else:
        print_lines(
            {"destination": item.destination, "outcome": item.outcome, "why": item.why} for item in told
        )
    return DONE if all(item.outcome == DELIVERED for item in told) else FAILED


def _draw(told: "list[Outcome]") -> None:
    from rich.table import Table  # noqa: PLC0415 - only where something is drawn
    from rich.text import Text  # noqa: PLC0415

    grid = Table.grid(padding=(0, 2, 0, 0))
    for item in told:
        style = "bold red" if item.why else "bold green"
        grid.add_row(Text(item.destination), Text(item.outcome or "", style), Text(item.why or ""))
    console(sys.stdout).print(grid)
