"""What one run of the command line was told, the streams that it talks to, and progress on them."""

import sys
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TextIO

import click

from deskclerk.system.terminals import is_terminal

if TYPE_CHECKING:
    from rich.console import Console
    from stamina.instrumentation import RetryDetails

    from deskclerk.desk import Approver, Desk
    from deskclerk.settings import Settings

_UNBOUNDED = 10**12


@dataclass
class State:
    """The flags that count for every command; `overrides` are settings by field name."""

    overrides: dict[str, Any] = field(default_factory=dict)
    as_json: bool = False
    debug: bool = False

    def settings(self) -> "Settings":
        """The settings in force; InvalidSettings says what is wrong with them.

        The budget of an answer is for models: here it counts only where somebody set it.
        """
        from deskclerk.settings import Settings  # noqa: PLC0415 - `--version` and `--help` need none

        settings = Settings.load(self.overrides)
        # Set by somebody, it is meant; else a person and a pipe get everything.
        if "answer_characters" in settings.model_fields_set:
            return settings
        return settings.model_copy(update={"answer_characters": _UNBOUNDED})

    @asynccontextmanager
    async def desk(self, approver: "Approver | None" = None) -> AsyncIterator["Desk"]:
        """A desk on the settings in force; without a key it says that it is the sandbox's."""
        from deskclerk.desk import Caller, Desk  # noqa: PLC0415

        settings = self.settings()
        # Before the desk opens: its first request may have to wait.
        _hear_of_retries(self)
        if not settings.origin:
            self.note(f"No key is set: this is the sandbox in {settings.data}.")
        async with Desk.open(settings, approver=approver, caller=Caller("cli")) as desk:
            yield desk

    @property
    def tables(self) -> bool:
        """Whether answers are for a person: a terminal, and no `--json`."""
        return not self.as_json and is_terminal(sys.stdout)

    @property
    def talks(self) -> bool:
        """Whether somebody sees notes and progress on standard error."""
        return is_terminal(sys.stderr)

    def note(self, text: str, style: str = "dim") -> None:
        """A remark for a person, on standard error; nothing where nobody looks."""
        if self.talks:
            from deskclerk.desk.view.cleaning import clean_text  # noqa: PLC0415

            console(sys.stderr).print(clean_text(text), style=style)


def console(stream: TextIO) -> "Console":
    """A rich console that prints text as it is: no emoji codes, no highlighting."""
    from rich.console import Console  # noqa: PLC0415 - only where something is drawn

    return Console(file=stream, emoji=False, highlight=False, markup=False)


def _hear_of_retries(state: State) -> None:
    """Has a wait for Clerk said to the person, in place of the log lines that would mix with answers."""
    from deskclerk.desk import tell_of_retries  # noqa: PLC0415

    def say(details: "RetryDetails") -> None:
        cause = getattr(details.caused_by, "message", "Clerk did not answer.")
        state.note(f"{cause} Trying again in {details.wait_for:.1f} s.", style="yellow")

    tell_of_retries(say)


def set_option(ctx: click.Context, param: click.Parameter, value: Any) -> Any:
    """A callback that keeps a flag as a setting; on any level, the innermost one counts."""
    if value is not None and value is not False and param.name:
        state = ctx.ensure_object(State)
        if param.name in ("as_json", "debug"):
            setattr(state, param.name, True)
        else:
            state.overrides[param.name] = value
    return value


def json_option() -> click.Option:
    """`--json`, for every command."""
    return click.Option(
        ["--json", "as_json"],
        is_flag=True,
        expose_value=False,
        callback=set_option,
        help="Print JSON lines, also on a terminal.",
    )


def setting_options() -> list[click.Option]:
    """The options that set settings, for the root and the commands that serve."""
    texts = {
        "read-only": "Offer reads only.",
        "tools": "Offer only these actions: names or globs, separated by commas.",
        "toolsets": "The sets of tools that MCP offers, such as core,users-plus; separated by commas.",
        "instance": "The instance of the settings file to work on.",
        "home": "One folder for databases, settings and hand-overs.",
    }
    return [
        click.Option(
            [f"--{name}"],
            is_flag=name == "read-only",
            metavar=None
            if name == "read-only"
            else {"home": "FOLDER", "tools": "NAMES", "toolsets": "NAMES"}.get(name, "NAME"),
            expose_value=False,
            callback=set_option,
            help=text,
        )
        for name, text in texts.items()
    ]


Advance = Callable[[int, int | None], None]
"""Takes how many more are done, and how many there are in all where that is known."""


@contextmanager
def progress(state: State, what: str) -> Iterator[Advance]:
    """A bar that goes away at its end; nothing where it would mix with lines on the same screen."""
    if not state.talks or (is_terminal(sys.stdout) and not state.tables):
        yield lambda done, total: None
        return
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn  # noqa: PLC0415

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    with Progress(*columns, console=console(sys.stderr), transient=True) as bar:
        task = bar.add_task(what, total=None)

        def advance(done: int, total: int | None) -> None:
            bar.update(task, advance=done, total=total)

        yield advance
