"""`deskclerk journal` and `undo`: what was asked, decided and done, how it looks, and taking a write back."""

import asyncio
import contextlib
import json
import sys
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

import click

from deskclerk.desk.journal.records import changed_fields, entry_summary
from deskclerk.desk.view.cleaning import clean
from deskclerk.faces.cli.commands import yes_option
from deskclerk.faces.cli.output import print_lines
from deskclerk.faces.cli.state import State, console, json_option
from deskclerk.faces.value_text import cell, moment
from deskclerk.system.processes import on_signals

if TYPE_CHECKING:
    from deskclerk.desk import Answer, Desk
    from deskclerk.desk.journal.chain import ChainCheck
    from deskclerk.desk.journal.records import EntryFilter

_STYLES = {"done": "green", "open": "yellow", "unknown": "bold red"}
_POLL_SECONDS = 0.5
_LIMIT = 50


class Listing:
    """Shows entries as they come; a table has its header once."""

    def __init__(self, state: State) -> None:
        self._state = state
        self._begun = False

    def show(self, found: list[dict[str, Any]]) -> None:
        """Some more entries."""
        if not self._state.tables:
            print_lines(clean(found))
            return
        if not found:
            return
        from rich.table import Table  # noqa: PLC0415 - only where something is drawn
        from rich.text import Text  # noqa: PLC0415

        table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold underline")
        table.show_header = not self._begun
        for title in ("time UTC", "who", "action", "target", "outcome"):
            table.add_column(title, overflow="fold")
        # In one piece, since it is copied: `undo` and `--entry` want it whole.
        table.add_column("entry", no_wrap=True)
        for line in clean(found):
            who = " ".join(str(line[key]) for key in ("face", "client", "token") if line[key])
            table.add_row(
                Text(f"{moment(line['at']):%Y-%m-%d %H:%M:%S}", "dim"),
                Text(who),
                Text(line["action"].removeprefix("clerk_"), "bold" if line["kind"] == "write" else ""),
                Text(line["target"] or ""),
                Text(line["outcome"] or "", _STYLES.get(line["outcome"], "")),
                Text(line["entry"], "dim"),
            )
        console(sys.stdout).print(table)
        self._begun = True


def show_entry(state: State, found: Mapping[str, Any]) -> None:
    """One entry in full."""
    intent, outcome = found["intent"], found["outcome"]
    changes = changed_fields(intent, outcome)
    if not state.tables:
        print_lines([clean({"intent": intent, "outcome": outcome, "changes": changes})])
        return
    from rich.text import Text  # noqa: PLC0415 - only where something is drawn

    from deskclerk.faces.cli.tables import object_of  # noqa: PLC0415

    out = console(sys.stdout)
    facts = {key: value for key, value in entry_summary(intent, outcome).items() if value not in (None, {})}
    out.print(object_of(clean(facts)))
    for change in clean(changes):
        line = Text(f"  {change['field']}: ")
        line.append(cell(change["field"], change["before"]) or "-", "red").append(" → ")
        out.print(line.append(cell(change["field"], change["after"]) or "-", "green"))


class TimeText(click.ParamType[int]):
    """A time as it is accepted everywhere, in milliseconds."""

    name = "time"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """Milliseconds since the epoch; a usage error for what is no time."""
        from deskclerk.catalogue.fields import parse_time  # noqa: PLC0415 - help needs no catalogue

        try:
            return round(parse_time(value).timestamp() * 1000)
        except ValueError as error:
            self.fail(str(error), param, ctx)


@click.group(
    invoke_without_command=True, params=[json_option()], short_help="what was asked, decided and done; verify"
)
@click.option("--since", type=TimeText(), metavar="TIME", help="From then on: ISO 8601 or milliseconds.")
@click.option("--until", type=TimeText(), metavar="TIME", help="Up to then.")
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
    click.echo(check_said(found) if state.tables else json.dumps(check_facts(found)))
    return 1 if found.fault else 0


def check_facts(found: "ChainCheck") -> dict[str, Any]:
    """How a check of a journal went, for programs."""
    facts: dict[str, Any] = {"ok": found.fault is None, "lines": found.head.seq, "head": str(found.head)}
    return facts | ({"fault": found.fault.as_dict()} if found.fault else {})


def check_said(found: "ChainCheck") -> str:
    """The same for people."""
    if found.fault:
        entry = f" (entry {found.fault.entry})" if found.fault.entry else ""
        return f"Line {found.fault.seq}{entry} {found.fault.problem}.\n{found.head.seq} lines before it hold."
    return f"{found.head.seq} lines, none altered, removed or moved.\nThe last line: {found.head}"


async def _list(state: State, choice: "EntryFilter", limit: int, *, follow: bool) -> None:
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
    """New entries, and old ones that end, as they come; until Ctrl-C."""
    # By the last record of an entry: one that was listed as open comes again when it ends.
    after = max((line["seq"] for line in found), default=0)
    with _interrupts() as interrupted:
        while not interrupted.is_set():
            sys.stdout.flush()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_POLL_SECONDS):
                    await interrupted.wait()
            found = await desk.journal.entries(choice, after)
            if found:
                show(found)
                after = max(line["seq"] for line in found)


@contextlib.contextmanager
def _interrupts() -> Iterator[asyncio.Event]:
    """An event that Ctrl-C sets, for as long as the block lasts."""
    # Left to itself asyncio cancels what is under way, a query in the middle included, and what becomes of
    # that is up to everything below. Between two looks there is nothing to cut off.
    interrupted = asyncio.Event()
    leave = on_signals(lambda _: interrupted.set(), ("SIGINT",))
    try:
        yield interrupted
    finally:
        leave()


async def _one(state: State, entry_id: str) -> None:
    from deskclerk.errors import InvalidRequest  # noqa: PLC0415 - help needs no desk

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
