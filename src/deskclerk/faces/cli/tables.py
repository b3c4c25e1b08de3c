"""Tables for a terminal: the columns that fit, the most telling first; one object as key and value."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from textwrap import wrap
from typing import TYPE_CHECKING, Any

from deskclerk.desk.view.cleaning import FREE_FORM
from deskclerk.faces.value_text import at, cell, flat, is_time, moment, only, width_of

if TYPE_CHECKING:
    from rich.table import Table

_GAP = 2
_NARROWEST = 14
_COMFORTABLE = 28
_TELLING = 2
_PERSON, _ACTIVITY = "public_user_data.", "latest_activity."
_MEMBER = f"{_PERSON}user_id"
_STATES = ("banned", "locked")
_MERGED_FROM = {"name": "first_name", "state": "banned"}
_NAMES = ("name", "identifier", "email_address", "email_addresses", "slug")
_CONDITIONS = ("state", "status", "role")
_STYLES = {"state": "red", "status": "cyan", "role": "cyan", "name": "bold"}


@dataclass(frozen=True, slots=True)
class Column:
    """One column: the key that it shows, its cells, and how telling it is (0 is the most)."""

    key: str
    cells: tuple[str, ...]
    rank: int = 0

    @property
    def title(self) -> str:
        """The key in words."""
        words = self.key.removeprefix(_PERSON).removeprefix(_ACTIVITY).replace(".", " ").replace("_", " ")
        return f"{words.removesuffix(' at')} UTC" if is_time(self.key) else words

    @property
    def header(self) -> str:
        """The title, on several lines where its cells are much narrower than it is."""
        return "\n".join(wrap(self.title, max(_NARROWEST, *map(width_of, self.cells))))

    @property
    def natural(self) -> int:
        """The width at which nothing is cut, in terminal cells."""
        return max(map(width_of, (*self.header.split("\n"), *self.cells)))

    @property
    def whole(self) -> bool:
        """Whether a part of it is of no use: an id that cannot be copied, half a time."""
        return self.key.endswith("id") or is_time(self.key)

    @property
    def least(self) -> int:
        """The width below which the column is not worth showing."""
        return self.natural if self.whole else min(self.natural, _NARROWEST)

    @property
    def comfortable(self) -> int:
        """The width that a telling column gets before others are let in."""
        return max(self.least, min(self.natural, _COMFORTABLE))


def table_of(
    items: Sequence[Mapping[str, Any]], brief: Sequence[str], width: int, *, fields: Sequence[str]
) -> tuple["Table", list[str]]:
    """A table no wider than `width`, and the titles of the columns that found no room.

    `brief` holds paths in the order in which their columns stand. Where `fields` names the columns, all
    of them are kept, however narrow they become.
    """
    from rich.table import Table  # noqa: PLC0415 - only where something is drawn
    from rich.text import Text  # noqa: PLC0415

    columns = named_columns(items, fields) if fields else columns_of(items, brief)
    kept = columns if fields else fitting(columns, width)
    table = Table(box=None, pad_edge=False, padding=(0, _GAP, 0, 0), header_style="bold underline")
    widths = {} if fields else share(kept, width)
    for column in kept:
        style = "dim" if is_time(column.key) else _STYLES.get(column.key.rpartition(".")[2], "")
        table.add_column(
            Text(column.header),
            style=style,
            overflow="fold" if fields else "ellipsis",
            no_wrap=not fields or column.whole,
            width=widths.get(column.key),
        )
    for row in zip(*(column.cells for column in kept), strict=True):
        table.add_row(*map(Text, row))
    return table, [column.title for column in columns if column not in kept]


def named_columns(items: Sequence[Mapping[str, Any]], fields: Sequence[str]) -> list[Column]:
    """One column for each path, empty or not."""
    return [Column(path, tuple(cell(path, at(item, path)) for item in items)) for path in fields]


def columns_of(items: Sequence[Mapping[str, Any]], order: Sequence[str]) -> list[Column]:
    """The columns in this order, without those that are empty throughout."""
    rows = [dict(flat(_merge(item), FREE_FORM)) for item in items]
    keys = dict.fromkeys(key for row in rows for key in row)
    columns = [
        Column(key, tuple(cell(key, row.get(key)) for row in rows), _rank(key, member=_MEMBER in keys))
        for key in sorted(keys, key=lambda key: _place(key, order))
    ]
    return [column for column in columns if any(column.cells)]


def _rank(key: str, *, member: bool) -> int:
    """How telling a column is; of a membership the member's id is, not its own."""
    last = key.rpartition(".")[2]
    if key == (_MEMBER if member else "id"):
        return 0
    if last in _CONDITIONS:
        return 1
    if last in _NAMES and not key.startswith("organization."):
        return 2
    if last in FREE_FORM or key == "id" or key.startswith("organization."):
        return 5
    return 3 if is_time(last) and last != "created_at" else 4


def _place(key: str, order: Sequence[str]) -> int:
    """Where a column stands: where its path does, or the first of those that it was merged from."""
    head, dot, last = key.rpartition(".")
    source = f"{head}{dot}{_MERGED_FROM.get(last, last)}"
    places = (at for at, path in enumerate(order) if path in (key, source) or path.startswith(f"{key}."))
    return next(places, len(order))


def fitting(columns: Sequence[Column], width: int) -> list[Column]:
    """The columns that fit side by side, in their own order.

    Telling ones come in as narrow as need be; others only where those keep a comfortable width.
    """
    ranked = sorted(columns, key=lambda column: column.rank)
    telling = [column for column in ranked if column.rank <= _TELLING]
    chosen = _first_that_fit(telling, width + _GAP)
    room = width + _GAP - sum(column.comfortable + _GAP for column in chosen)
    chosen += _first_that_fit([column for column in ranked if column.rank > _TELLING], room)
    return [column for column in columns if column in (chosen or ranked[:1])]


def _first_that_fit(columns: Sequence[Column], room: int) -> list[Column]:
    """Those that find room at their least widths, one after another."""
    chosen = []
    for column in columns:
        if column.least + _GAP <= room:
            chosen.append(column)
            room -= column.least + _GAP
    return chosen


def share(columns: Sequence[Column], width: int) -> dict[str, int]:
    """Each column's width: its least, and of what is left as much as it can use, most telling first."""
    widths = {column.key: column.least for column in columns}
    spare = max(0, width - sum(widths.values()) - _GAP * (len(columns) - 1))
    for column in sorted(columns, key=lambda column: column.rank):
        more = min(spare, column.natural - column.least)
        widths[column.key] += more
        spare -= more
    return widths


def object_of(item: Mapping[str, Any]) -> "Table":
    """One object as two columns, key and value."""
    from rich.table import Table  # noqa: PLC0415
    from rich.text import Text  # noqa: PLC0415

    grid = Table.grid(padding=(0, _GAP, 0, 0))
    grid.add_column(style="dim", no_wrap=True)
    grid.add_column(overflow="fold")
    for key, value in flat(item, FREE_FORM):
        listed = isinstance(value, list) and value
        texts = [cell(key, only(part)) for part in value] if listed else [_long(key, value)]
        for number, text in enumerate(texts):
            grid.add_row(Text(key if number == 0 else ""), Text(text))
    return grid


def _long(key: str, value: Any) -> str:
    text = cell(key, value)
    if isinstance(value, str):
        return value
    return f"{moment(value):%Y-%m-%d %H:%M:%S} UTC" if is_time(key) and isinstance(value, int) else text


def _merge(item: Mapping[str, Any]) -> dict[str, Any]:
    """Two names as one, and the states that are true as words: narrower, and nothing is lost."""
    merged: dict[str, Any] = {}
    for key, value in item.items():
        if key in ("first_name", "last_name"):
            parts = (item.get("first_name"), item.get("last_name"))
            merged["name"] = " ".join(str(part) for part in parts if part)
        elif key in _STATES:
            merged["state"] = ", ".join(name for name in _STATES if item.get(name))
        else:
            merged[key] = _merge(value) if isinstance(value, Mapping) and key not in FREE_FORM else value
    return merged
