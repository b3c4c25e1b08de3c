"""What a failure prints, and the exit code that it ends with."""

import json
import sys
import traceback
from pathlib import Path
from typing import Any, TextIO

import click

from deskclerk.errors import (
    REFUSALS_OF_THE_SYSTEM,
    ApprovalNeeded,
    DeskclerkError,
    InvalidRequest,
    InvalidSettings,
    KeyRejected,
    StorageUnavailable,
    innermost,
)
from deskclerk.faces.cli.state import State, console
from deskclerk.system.terminals import is_terminal

_LONGEST_TRACEBACK = 100_000
DONE, FAILED, USAGE, REJECTED, WAITS, INTERRUPTED = 0, 1, 2, 4, 8, 130

_CODES: tuple[tuple[type[DeskclerkError], int], ...] = (
    (InvalidRequest, USAGE),
    (InvalidSettings, USAGE),
    (KeyRejected, REJECTED),
    (ApprovalNeeded, WAITS),
)


def exit_code(error: BaseException) -> int:
    """0 done, 1 failed, 2 usage, 4 key rejected, 8 waits for approval, 130 interrupted."""
    error = innermost(error)
    if isinstance(error, click.Abort | KeyboardInterrupt):
        return INTERRUPTED
    if isinstance(error, click.ClickException):
        return error.exit_code
    return next((code for kind, code in _CODES if isinstance(error, kind)), FAILED)


def report(error: BaseException, state: State) -> None:
    """Say on standard error what failed and what to do next: for a person, or as one JSON line."""
    from deskclerk.desk.view.cleaning import clean  # noqa: PLC0415 - only where something went wrong

    facts = clean(_facts(innermost(error)))
    # Only where it was asked for: a traceback tells a person nothing that they can act on.
    if state.debug:
        click.echo(traceback_of(error), err=True)
    if state.as_json:
        click.echo(json.dumps(facts, ensure_ascii=False), err=True)
    else:
        draw(facts, sys.stderr)


def traceback_of(error: BaseException) -> str:
    """Where an error arose, cleaned; the text of one that nobody foresaw may hold anything, and stays out."""
    from deskclerk.desk.view.cleaning import clean_text  # noqa: PLC0415

    where = "".join(traceback.format_tb(error.__traceback__))
    said = f": {error}" if isinstance(error, DeskclerkError | click.ClickException) else ""
    # Errors raised `from None` have a cause that must not be shown: it may hold the key.
    cause = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    before = f"{traceback_of(cause)}\nAnd then:\n\n" if cause else ""
    text = f"Traceback (most recent call last):\n{where}{type(error).__name__}{said}"
    return before + clean_text(text, _LONGEST_TRACEBACK)


def _facts(error: BaseException) -> dict[str, Any]:
    match error:
        case DeskclerkError():
            return error.as_dict()
        # A secret, a hand-over, a settings file: what is kept outside of the database.
        case OSError(errno=number) if number in REFUSALS_OF_THE_SYSTEM:
            return StorageUnavailable.by_the_system(error.filename or "A file", error).as_dict()
        case click.Abort() | KeyboardInterrupt():
            return {"error": "interrupted", "message": "Interrupted.", "next_step": ""}
        case click.ClickException():
            asked = isinstance(error, click.UsageError) and error.ctx
            path = error.ctx.command_path if isinstance(error, click.UsageError) and error.ctx else ""
            step = f"`{path} --help` shows how it is called." if asked else ""
            return {"error": "usage", "message": error.format_message(), "next_step": step}
        case _:
            # The text of an error that nobody foresaw may hold anything, a key included.
            message = f"Unexpected {type(error).__name__}{_place(error)}: this is a defect of deskclerk."
            step = "`deskclerk --debug …` shows where; please report it."
            return {"error": "unexpected", "message": message, "next_step": step}


def _place(error: BaseException) -> str:
    frames = traceback.extract_tb(error.__traceback__)
    return f" in {Path(frames[-1].filename).name}, line {frames[-1].lineno}" if frames else ""


def draw(facts: dict[str, Any], stream: TextIO) -> None:
    """An error's parts, in two columns on a terminal and line by line elsewhere."""
    from deskclerk.desk.view.cleaning import clean_text  # noqa: PLC0415 - only where something is drawn

    lines = [(name, style, clean_text(text)) for name, style, text in _parts(facts) if text]
    if not is_terminal(stream):
        for name, _, text in lines:
            click.echo(f"{name} {text}", file=stream)
        return
    from rich.table import Table  # noqa: PLC0415
    from rich.text import Text  # noqa: PLC0415

    grid = Table.grid(padding=(0, 1))
    grid.add_column(no_wrap=True)
    grid.add_column(overflow="fold")
    for name, style, text in lines:
        grid.add_row(Text(name, style=style), Text(text))
    console(stream).print(grid)


def _parts(facts: dict[str, Any]) -> list[tuple[str, str, str]]:
    said = [f"{key} {facts[key]}" for key in ("status", "code", "trace_id") if key in facts]
    more = f" ({', '.join(said)})" if said else ""
    return [
        ("error:", "bold red", f"{facts['message']}{more}"),
        *(("done:", "yellow", text) for text in facts.get("done", ())),
        ("next:", "bold", facts["next_step"]),
    ]
