"""`deskclerk journal`: what was asked, decided and done, and whether the record is whole."""

import asyncio
import json
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import click

from deskclerk.faces.cli.state import State, json_option

if TYPE_CHECKING:
    from deskclerk.desk import Desk
    from deskclerk.desk.journal.records import EntryFilter

_POLL_SECONDS = 0.5
_LIMIT = 50


class Moment(click.ParamType[int]):
    """A time as it is accepted everywhere, in milliseconds."""

    name = "time"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """Milliseconds since the epoch; a usage error for what is no time."""
        from deskclerk.catalogue.fields import parse_time  # noqa: PLC0415 - help needs no catalogue

        try:
            return round(parse_time(value).timestamp() * 1000)
        except ValueError as error:
            self.fail(str(error), param, ctx)


@click.group(invoke_without_command=True, params=[json_option()], short_help="list, follow, verify")
@click.option("--since", type=Moment(), metavar="TIME", help="From then on: ISO 8601 or milliseconds.")
@click.option("--until", type=Moment(), metavar="TIME", help="Up to then.")
@click.option("--action", metavar="GLOB", help="An action, such as clerk_user_ban or 'clerk_user_*'.")
@click.option("--target", metavar="ID", help="What it was about: an id in the path or the arguments.")
@click.option("--caller", metavar="TEXT", help="Part of the face, the client's or the token's name.")
@click.option("--outcome", metavar="NAME", help="done, not_done, unknown, open, or the kind of an error.")
@click.option("--instance", metavar="TEXT", help="Part of an instance's id in the journal.")
@click.option("--limit", type=click.IntRange(1), default=_LIMIT, show_default=True, help="The last so many.")
@click.option("--entry", metavar="ID", help="One entry in full: request, decision, answer, before and after.")
@click.option("--follow", is_flag=True, help="Go on with new entries until Ctrl-C.")
@click.pass_context
def journal(ctx: click.Context, /, *, limit: int, entry: str | None, follow: bool, **filters: Any) -> None:
    """What was asked, decided and done, the newest last.

    Writes that a killed process left open are settled first, by reading Clerk.
    """
    if ctx.invoked_subcommand:
        return
    from deskclerk.desk.journal.records import EntryFilter  # noqa: PLC0415 - help needs no desk

    state = ctx.ensure_object(State)
    try:
        asyncio.run(
            _one(state, entry) if entry else _list(state, EntryFilter(**filters), limit, follow=follow)
        )
    except KeyboardInterrupt:
        if not follow:
            raise


@journal.command(params=[json_option()])
@click.option("--head", metavar="NUMBER:HASH", help="A last line that was noted earlier: is it still there?")
@click.pass_context
def verify(ctx: click.Context, /, head: str | None) -> int:
    """Check that no line was altered, removed or moved; exit code 1 and the first bad line otherwise.

    Somebody who can write the database and recomputes every hash behind a change, and the record of the
    last line too, is found only by a --head that was noted before and kept elsewhere.
    """
    return asyncio.run(_verify(ctx.ensure_object(State), head))


async def _verify(state: State, noted: str | None) -> int:
    async with state.desk() as desk:
        found = await desk.journal.verify(noted)
    facts: dict[str, Any] = {"ok": found.fault is None, "lines": found.head.seq, "head": str(found.head)}
    if found.fault:
        facts["fault"] = found.fault.as_dict()
    if not state.tables:
        click.echo(json.dumps(facts))
    elif found.fault:
        entry = f" (entry {found.fault.entry})" if found.fault.entry else ""
        click.echo(
            f"Line {found.fault.seq}{entry} {found.fault.problem}.\n{found.head.seq} lines before it hold."
        )
    else:
        click.echo(f"{found.head.seq} lines, none altered, removed or moved.\nThe last line: {found.head}")
    return 1 if found.fault else 0


async def _list(state: State, choice: "EntryFilter", limit: int, *, follow: bool) -> None:
    from deskclerk.faces.cli.journal_view import Listing  # noqa: PLC0415 - help needs no desk

    listing = Listing(state)
    async with state.desk() as desk:
        await _settle(state, desk)
        found = await desk.journal.entries(choice, limit=limit)
        listing.show(found)
        if not follow:
            if not found:
                state.note("Nothing found.")
            return
        await _follow(desk, choice, found, listing.show)


async def _follow(
    desk: "Desk",
    choice: "EntryFilter",
    found: list[dict[str, Any]],
    show: Callable[[list[dict[str, Any]]], None],
) -> None:
    """New entries, and old ones that end, as they come."""
    after = max((line["seq"] for line in found), default=0)
    while True:
        sys.stdout.flush()
        await asyncio.sleep(_POLL_SECONDS)
        found = await desk.journal.entries(choice, after)
        if found:
            show(found)
            after = max(line["seq"] for line in found)


async def _one(state: State, entry_id: str) -> None:
    from deskclerk.errors import InvalidRequest  # noqa: PLC0415 - help needs no desk
    from deskclerk.faces.cli.journal_view import show_entry  # noqa: PLC0415

    async with state.desk() as desk:
        await _settle(state, desk)
        found = await desk.journal.entry(entry_id)
    if found is None:
        raise InvalidRequest(
            f"The journal has no entry {entry_id}.", next_step="`deskclerk journal` lists the last ones."
        )
    show_entry(state, found)


async def _settle(state: State, desk: "Desk") -> None:
    for line in await desk.settling.orphans():
        state.note(f"{line['action']} {line['target'] or ''}: {line['outcome']}. {line['note']}")
