"""Prints answers: tables for a terminal, JSON lines for a pipe."""

import json
import sys
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import click

from deskclerk.catalogue import Action
from deskclerk.desk import Answer
from deskclerk.faces.cli.state import State, console
from deskclerk.faces.command_words import flag


def show_answer(state: State, action: Action, answer: Answer) -> None:
    """The answer to one action, with what the person should know about it."""
    value = answer.value
    if not action.spec.is_list:
        show_object(state, value)
    elif getattr(action, "limit", None) == 0:
        show_object(state, {"total": value["total"]})
    else:
        show_items(state, action, value["items"])
        _say_how_many(state, value)
    for note in answer.notes:
        click.echo(note, err=True)


def show_object(state: State, value: Mapping[str, Any]) -> None:
    """One object: key and value on a terminal, one JSON line elsewhere."""
    if not state.tables:
        print_lines([value])
        return
    from deskclerk.faces.cli.tables import object_of  # noqa: PLC0415 - only where something is drawn

    console(sys.stdout).print(object_of({key: part for key, part in value.items() if key != "object"}))


def show_items(state: State, action: Action, items: Sequence[Mapping[str, Any]]) -> None:
    """A list: a table on a terminal, one JSON line each elsewhere."""
    if not state.tables:
        print_lines(items)
        return
    hidden = draw_items(action, items)
    if hidden:
        state.note(f"No room for: {', '.join(hidden)}. --fields chooses columns, --json prints all.")


def draw_items(action: Action, items: Sequence[Mapping[str, Any]]) -> list[str]:
    """A table on standard output; the titles of the columns that found no room."""
    from deskclerk.desk.view.answers import EVERYTHING, RAW  # noqa: PLC0415
    from deskclerk.faces.cli.tables import table_of  # noqa: PLC0415 - only where something is drawn

    if not items:
        return []
    out = console(sys.stdout)
    fields = getattr(action, "fields", None) or []
    named = [] if {EVERYTHING, RAW} & {*fields} else fields
    table, hidden = table_of(items, action.spec.resource.brief, out.width, fields=named)
    out.print(table)
    return hidden


def print_lines(values: Iterable[Any]) -> None:
    """JSON, one value a line."""
    lines = [json.dumps(value, ensure_ascii=False, separators=(",", ":")) for value in values]
    if lines:
        click.echo("\n".join(lines))


def _say_how_many(state: State, value: Mapping[str, Any]) -> None:
    count = len(value["items"])
    total = f" of {value['total']}" if value["total"] is not None else ""
    onward = value["next"]
    if onward is None:
        state.note(f"{count}{total}; that is all." if count else "Nothing found.")
        return
    more = " ".join(f"{flag(name)} {argument}" for name, argument in onward.items())
    state.note(f"{count}{total}; there is more: {more}, or --all.")
