"""`deskclerk pending`, `approve`, `reject` and `signer`: a person's answer to what waits, and their PIN."""

import asyncio
import json
import sys
import time
from dataclasses import replace
from typing import TYPE_CHECKING

import click

from deskclerk.faces.cli.commands import yes_option
from deskclerk.faces.cli.state import State, console, json_option

if TYPE_CHECKING:
    from deskclerk.desk.plans.store import StoredPlan

_HOW = "terminal, approve"


@click.command(params=[json_option()])
@click.pass_context
def pending(ctx: click.Context, /) -> None:
    """List the writes that wait for a signature."""
    asyncio.run(_pending(ctx.ensure_object(State)))


@click.command(
    params=[
        json_option(),
        yes_option("Do not ask for the name where a signer's PIN is set: the PIN alone signs."),
    ]
)
@click.argument("plan_ids", metavar="ID…", nargs=-1, required=True)
@click.option("--without", default="", metavar="NUMBERS", help="Strike these steps out first, such as 2,5.")
@click.pass_context
def approve(ctx: click.Context, /, plan_ids: tuple[str, ...], *, without: str, yes: bool) -> None:
    """Sign waiting writes: on a terminal, by typing each target's name, address or id, and the signer's PIN.

    The PIN is asked for where one is set (`deskclerk signer set`); with it, --yes spares the typing.

    This only signs. Whoever asked has to ask again with the same arguments, or is waiting already; a job
    begins by itself.
    """
    numbers = step_numbers(ctx, without)
    if numbers and len(plan_ids) > 1:
        raise click.UsageError("--without is for one plan.", ctx)
    asyncio.run(_approve_all(ctx.ensure_object(State), plan_ids, numbers, yes=yes))


@click.command(params=[json_option()])
@click.argument("plan_id", metavar="ID")
@click.option("--reason", metavar="TEXT", help="Told to whoever asked.")
@click.pass_context
def reject(ctx: click.Context, /, plan_id: str, reason: str | None) -> None:
    """Decline a waiting write for good."""
    asyncio.run(_reject(ctx.ensure_object(State), plan_id, reason))


async def _pending(state: State) -> None:
    from deskclerk.faces.cli.output import print_lines  # noqa: PLC0415 - help needs no desk

    async with state.desk() as desk:
        waiting = await desk.plans.waiting()
    if not state.tables:
        print_lines(stored.as_dict() for stored in waiting)
    elif waiting:
        _draw(waiting)
        state.note("`deskclerk approve ID` shows one whole and signs it; `deskclerk reject ID` declines it.")
    else:
        state.note("Nothing waits for a signature.")


def _draw(waiting: "list[StoredPlan]") -> None:
    """Two lines for each: its id, what it is and who asks; the target, whole on the narrowest screen."""
    from rich.padding import Padding  # noqa: PLC0415 - only where something is drawn
    from rich.text import Text  # noqa: PLC0415

    screen = console(sys.stdout)
    for stored in waiting:
        plan = stored.plan
        head = Text(plan.id)
        head.append("  ")
        head.append(plan.heading, "bold red" if plan.effect == "destructive" else "yellow")
        head.append(" on ")
        head.append(plan.instance, "bold white on red" if plan.instance.startswith("LIVE") else "")
        head.append(f", {_age(stored.created_at)} ago, by {_who(stored)}", "dim")
        screen.print(head)
        screen.print(Padding(Text(plan.target or ", ".join(plan.words)), (0, 0, 0, 2)))


def _age(created_at: int) -> str:
    seconds = max(0, round(time.time() - created_at / 1000))
    return f"{seconds} s" if seconds < 60 else f"{seconds // 60} min"  # noqa: PLR2004 - a minute


def _who(stored: "StoredPlan") -> str:
    from deskclerk.desk.view.cleaning import line_of  # noqa: PLC0415

    caller = stored.caller
    known = [part for part in (caller.client, caller.token) if part]
    return line_of(", ".join([*known, caller.face]), 80)


def step_numbers(ctx: click.Context, text: str) -> list[int]:
    """The numbers of steps as `--without` takes them; a usage error for anything else."""
    parts = [part for part in text.replace(" ", "").split(",") if part]
    if not all(part.isdecimal() for part in parts):
        raise click.UsageError("--without takes the numbers of steps, such as 2,5.", ctx)
    return [int(part) for part in parts]


async def _approve_all(state: State, plan_ids: tuple[str, ...], without: list[int], *, yes: bool) -> None:
    """One after another, each by itself: of one that cannot be signed any more the others know nothing."""
    from deskclerk.errors import DeskclerkError  # noqa: PLC0415 - help needs no desk

    failed: DeskclerkError | None = None
    for plan_id in dict.fromkeys(plan_ids):
        try:
            await _approve(state, plan_id, without, yes=yes)
        except DeskclerkError as error:
            if len(plan_ids) == 1:
                raise
            failed = failed or error
            click.echo(f"{plan_id}: {error}", err=True)
    if failed:
        raise failed


async def _approve(state: State, plan_id: str, without: list[int], *, yes: bool) -> None:
    from deskclerk.desk import Decision  # noqa: PLC0415 - help needs no desk
    from deskclerk.faces.cli.terminal_signature import Terminal, show  # noqa: PLC0415

    async with state.desk() as desk:
        if without:
            await desk.jobs.strike(plan_id, without)
        stored = await desk.plans.load(plan_id)
        terminal = Terminal(yes=yes, how=_HOW)
        # Somebody else asked: whoever signs has read whose plan it is, on the sandbox too.
        terminal.rules = replace(await desk.signer.rules(), named=True, flag=False)
        show(stored.plan, sys.stderr, _who(stored))
        # After it is shown: who is told that it is too late has seen what it was.
        await desk.decisions.open(plan_id)
        signature = terminal.answer(stored.plan)
        why = signature.why or "approve wants a person at a terminal"
        await desk.sign(plan_id, replace(signature, why=why, shown=stored.plan.digest))
        if signature.decision is Decision.DECLINED:
            state.note("Declined for good. Whoever asked is told.", style="yellow")
        elif stored.plan.job:
            state.note(
                f"Signed: the job begins. `deskclerk jobs watch {stored.plan.job.id}` follows it.",
                style="green",
            )
        else:
            state.note(
                "Signed. This sends nothing by itself: the call that asked performs it, if it still waits; "
                "else have the same asked again.",
                style="green",
            )


async def _reject(state: State, plan_id: str, reason: str | None) -> None:
    from deskclerk.desk import Decision, Signature  # noqa: PLC0415 - help needs no desk
    from deskclerk.desk.view.cleaning import line_of  # noqa: PLC0415
    from deskclerk.faces.cli.terminal_signature import show  # noqa: PLC0415

    async with state.desk() as desk:
        stored = await desk.plans.load(plan_id)
        show(stored.plan, sys.stderr, _who(stored))
        how = f"command line: {line_of(reason)}" if reason else "command line"
        await desk.sign(plan_id, Signature(Decision.DECLINED, how))
    state.note("Declined for good. Whoever asked is told.", style="yellow")


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
        # A PIN that was mistyped once would lock its own signer out.
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
    from deskclerk.faces.cli.terminal_signature import at_a_terminal  # noqa: PLC0415 - help needs no desk

    if not at_a_terminal():
        raise click.ClickException("The PIN is entered by a person at a terminal; nothing was changed.")


def _hidden(label: str) -> str:
    from deskclerk.faces.cli.terminal_signature import ask_hidden  # noqa: PLC0415

    return ask_hidden(label)
