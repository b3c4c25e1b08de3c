"""A progress bar on standard error, where somebody sees it."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from deskclerk.faces.cli.state import State, console, is_terminal

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
