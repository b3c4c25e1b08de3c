"""What the sub-commands of `deskclerk sandbox` share: the way to the controls, and what is printed."""

import asyncio
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from deskclerk.faces.cli.state import State, json_option

Command = Callable[..., None]
PLACE = "deskclerk.sandbox"
"""Where the context keeps which sandbox was asked for: its database or its URL."""


def location_of(state: State, db: str | None) -> str | Path:
    """The database that was named, else the one that every face shares."""
    return db or state.settings().data / "sandbox.db"


def token_of(state: State) -> str | None:
    """The bearer token that the controls want beyond loopback."""
    token = state.settings().token
    return token.get_secret_value() if token else None


def reach(ctx: click.Context, work: Callable[[Any], Any]) -> Any:
    """What `work` does with the controls of the sandbox that was asked for."""
    from deskclerk.faces.sandbox_reach import reaching  # noqa: PLC0415 - help needs no sandbox

    state = ctx.ensure_object(State)
    db, url = ctx.meta[PLACE]

    async def work_there() -> Any:
        async with reaching(url, location_of(state, db), token_of(state)) as there:
            return await work(there)

    return asyncio.run(work_there())


def run(ctx: click.Context, name: str, **values: Any) -> None:
    """Run one control and print what it answers."""
    given = {key: value for key, value in values.items() if value is not None and value != ()}
    show(ctx, reach(ctx, lambda there: there.run(name, given)))


def show(ctx: click.Context, answer: dict[str, Any]) -> None:
    """Print an answer: for a person in lines, for a pipe on one."""
    pretty = ctx.ensure_object(State).tables
    click.echo(json.dumps(answer, indent=2 if pretty else None, ensure_ascii=not pretty))


def command(group: click.Group, name: str) -> Callable[[Command], click.Command]:
    """A command of a group, with `--json` and the context."""

    def declare(function: Command) -> click.Command:
        made = group.command(name)(click.pass_context(function))
        made.params.append(json_option())
        return made

    return declare


OF = click.option("--instance", metavar="NAME", help="An instance's id, slug or key; else the first.")
