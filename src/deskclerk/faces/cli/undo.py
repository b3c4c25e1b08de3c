"""`deskclerk undo`: takes a journalled write back, or says why it does not come back."""

import asyncio
from typing import TYPE_CHECKING, Any

import click

from deskclerk.faces.cli.commands import yes_option
from deskclerk.faces.cli.state import State, json_option

if TYPE_CHECKING:
    from deskclerk.desk import Answer


@click.command(params=[yes_option(), json_option()])
@click.argument("entry")
@click.option("--again", is_flag=True, help="Also if it was taken back already.")
@click.option("--notify", is_flag=True, help="Send the e-mail of an invitation that is created again.")
@click.option("--signing-key", metavar="secret:NAME", help="A JWT template's own key, stored beforehand.")
@click.pass_context
def undo(
    ctx: click.Context, /, entry: str, *, again: bool, notify: bool, signing_key: str | None, yes: bool
) -> None:
    """Take a write back, by its entry in the journal.

    You are shown what comes back and what does not, and sign it like any write.
    """
    if signing_key is not None and not signing_key.startswith("secret:"):
        raise click.UsageError(
            "--signing-key takes secret:NAME: `deskclerk secret set NAME` stores a key.", ctx
        )
    given: dict[str, Any] = {"signing_key": signing_key} if signing_key else {}
    given |= {"notify": True} if notify else {}
    state = ctx.ensure_object(State)
    _show(state, asyncio.run(_taken_back(state, entry, given, again=again, yes=yes)))


async def _taken_back(state: State, entry: str, given: dict[str, Any], *, again: bool, yes: bool) -> "Answer":
    from deskclerk.faces.cli.perform import signing_desk, waiting  # noqa: PLC0415 - help needs no desk

    async with signing_desk(state, yes=yes) as desk:
        return await desk.undo(entry, again=again, given=given, progress=waiting(state))


def _show(state: State, answer: "Answer") -> None:
    from deskclerk.faces.cli.output import show_object  # noqa: PLC0415 - help draws nothing

    state.note("Done.", style="green")
    show_object(state, answer.value)
    for note in answer.notes:
        click.echo(note, err=True)
