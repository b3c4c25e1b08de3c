"""`deskclerk secret`: what a model may name but never see."""

import asyncio
import datetime as dt
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from deskclerk.faces.cli.state import State, console, json_option
from deskclerk.system.terminals import is_terminal

if TYPE_CHECKING:
    from deskclerk.desk.secrets.references import Secrets


@click.group(short_help="set, list, remove")
def secret() -> None:
    """Secrets that an action takes as secret:NAME: passwords, digests, signing keys, backup codes.

    They are kept on this machine, in files for you only, and go to Clerk after your signature.
    """


@secret.command("set", params=[json_option()])
@click.argument("name")
@click.argument("source", default="-", metavar="[-|@FILE]")
@click.pass_context
def set_(ctx: click.Context, /, name: str, source: str) -> None:
    """Store a secret, or replace it.

    It is asked for twice without echo; from a pipe it is read to the end, and @FILE reads a file, so that
    a PEM key keeps its lines. Backup codes: one a line.
    """
    from deskclerk.desk.secrets.references import check_secret_name  # noqa: PLC0415 - help needs no desk

    state = ctx.ensure_object(State)
    check_secret_name(name)
    value = _read(source, ctx)
    if not value.strip():
        raise click.UsageError("The secret is empty; nothing was stored.", ctx)
    asyncio.run(_secrets(state).store(name, value))
    state.note(f"Stored. Use it as secret:{name}.", style="green")


@secret.command("list", params=[json_option()])
@click.pass_context
def list_(ctx: click.Context, /) -> None:
    """Names, and when each was set; never a value."""
    from deskclerk.faces.cli.output import print_lines  # noqa: PLC0415

    state = ctx.ensure_object(State)
    stored = asyncio.run(_secrets(state).listed())
    rows = [(item.name, dt.datetime.fromtimestamp(item.set_at / 1000, dt.UTC)) for item in stored]
    if not state.tables:
        print_lines({"name": name, "set_at": at.isoformat(timespec="seconds")} for name, at in rows)
        return
    if not rows:
        state.note("None are stored.")
        return
    from rich.table import Table  # noqa: PLC0415 - only where something is drawn

    table = Table("name", "set UTC", box=None, pad_edge=False, header_style="bold underline")
    for name, at in rows:
        table.add_row(name, f"{at:%Y-%m-%d %H:%M}")
    console(sys.stdout).print(table)


@secret.command("remove", params=[json_option()])
@click.argument("name")
@click.pass_context
def remove(ctx: click.Context, /, name: str) -> None:
    """Forget a secret."""
    state = ctx.ensure_object(State)
    asyncio.run(_secrets(state).remove(name))
    state.note("Removed.", style="green")


def _secrets(state: State) -> "Secrets":
    from deskclerk.desk.secrets.references import Secrets  # noqa: PLC0415
    from deskclerk.desk.secrets.store import SecretFiles  # noqa: PLC0415

    return Secrets(SecretFiles(state.settings().data))


def _read(source: str, ctx: click.Context) -> str:
    """The value without its last line break; a usage error never repeats what was typed."""
    if source.startswith("@"):
        path = Path(source[1:]).expanduser()
        try:
            text = path.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
            raise click.UsageError(f"{path} cannot be read: {reason}.", ctx) from None
    elif source != "-":
        raise click.UsageError(
            "A secret is not taken from the command line, where the shell's history would keep it: leave it "
            "out to be asked for it (or pipe it in), or pass @FILE.",
            ctx,
        )
    elif is_terminal(sys.stdin):
        text = str(click.prompt("Secret", hide_input=True, confirmation_prompt="Once more", err=True))
    else:
        text = sys.stdin.read()
    return text.removesuffix("\n").removesuffix("\r")
