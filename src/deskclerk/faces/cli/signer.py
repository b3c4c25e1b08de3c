"""`deskclerk signer`: the PIN that every signature on the command line wants once it is set."""

import asyncio
import json

import click

from deskclerk.faces.cli.state import State, json_option


@click.group()
def signer() -> None:
    """The signer's PIN: set, remove, status. Where it is set, no terminal or console signs without it."""


@signer.command("set")
@click.pass_context
def set_pin(ctx: click.Context, /) -> None:
    """Set or change the PIN; entered twice without echo."""
    asyncio.run(_set(ctx.ensure_object(State)))


@signer.command("remove")
@click.pass_context
def remove_pin(ctx: click.Context, /) -> None:
    """Remove the PIN; wants it."""
    asyncio.run(_remove(ctx.ensure_object(State)))


@signer.command("status", params=[json_option()])
@click.pass_context
def status(ctx: click.Context, /) -> None:
    """Whether a PIN is set, and whether wrong tries have locked it."""
    asyncio.run(_status(ctx.ensure_object(State)))


async def _set(state: State) -> None:
    _check_terminal()
    async with state.desk() as desk:
        old = _hidden("Old PIN: ") if await desk.signer.is_set() else ""
        pin = _hidden("New PIN (at least 6 characters): ")
        if _hidden("Once more: ") != pin:
            raise click.ClickException("The two are not the same; nothing was changed.")
        await desk.signer.set(pin, old)
    state.note("The PIN is set. Every signature on the command line now wants it.", style="green")


async def _remove(state: State) -> None:
    _check_terminal()
    async with state.desk() as desk:
        if not await desk.signer.is_set():
            raise click.ClickException("No PIN is set.")
        await desk.signer.remove(_hidden("PIN: "))
    state.note("The PIN is removed.", style="yellow")


async def _status(state: State) -> None:
    async with state.desk() as desk:
        is_set, locked = await desk.signer.is_set(), await desk.signer.locked_for()
    if not state.tables:
        click.echo(json.dumps({"pin": is_set, "locked_for_seconds": locked}))
        return
    click.echo(f"PIN: {'set' if is_set else 'not set'}" + (f"; locked for {locked} s" if locked else ""))


def _check_terminal() -> None:
    from deskclerk.faces.cli.approve import at_a_terminal  # noqa: PLC0415 - help needs no desk

    if not at_a_terminal():
        raise click.ClickException("The PIN is entered by a person at a terminal; nothing was changed.")


def _hidden(label: str) -> str:
    from deskclerk.faces.cli.approve import ask_hidden  # noqa: PLC0415

    return ask_hidden(label)
