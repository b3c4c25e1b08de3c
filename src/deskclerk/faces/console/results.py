"""An answer on a page: a table where it is a list, its JSON otherwise."""

from collections.abc import Mapping
from dataclasses import dataclass

from deskclerk.catalogue import Action
from deskclerk.desk import Answer
from deskclerk.desk.view.cleaning import line_of
from deskclerk.faces.cli.cells import cell
from deskclerk.faces.console.entries import pretty
from deskclerk.faces.console.forms import Typed, typed_of

_MOST_COLUMNS = 9
_CELL = 160


@dataclass(frozen=True, slots=True)
class Result:
    """What was answered; `following` are the fields of the form that asks for the next page."""

    notes: tuple[str, ...]
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    count: str
    text: str
    following: Typed | None


def result_of(action: Action, answer: Answer) -> Result:
    """An answer as its page shows it."""
    value = answer.value
    if not action.spec.is_list:
        return Result(answer.notes, (), (), "", pretty(value), None)
    items = [item for item in value["items"] if isinstance(item, Mapping)]
    columns = tuple(dict.fromkeys(key for item in items for key in item))[:_MOST_COLUMNS]
    rows = tuple(tuple(line_of(cell(name, item.get(name)), _CELL) for name in columns) for item in items)
    total = value.get("total")
    count = f"{len(items)} of {total}" if total is not None else str(len(items))
    more = value.get("next")
    following = typed_of(type(action), action.arguments() | more) if more else None
    return Result(answer.notes, tuple(map(line_of, columns)), rows, count, pretty(value), following)
