"""How the journal looks: a table for a person, JSON lines for a pipe, one entry with what changed."""

import sys
from collections.abc import Mapping
from typing import Any

from deskclerk.desk.journal.records import changed_fields, entry_summary
from deskclerk.desk.view.cleaning import clean
from deskclerk.faces.cli.cells import cell, moment
from deskclerk.faces.cli.output import print_lines
from deskclerk.faces.cli.state import State, console

_STYLES = {"done": "green", "open": "yellow", "unknown": "bold red"}


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
        for title in ("time UTC", "who", "action", "target", "outcome", "entry"):
            table.add_column(title, overflow="fold")
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

    from deskclerk.faces.cli.table import object_of  # noqa: PLC0415

    out = console(sys.stdout)
    facts = {key: value for key, value in entry_summary(intent, outcome).items() if value not in (None, {})}
    out.print(object_of(clean(facts)))
    for change in clean(changes):
        line = Text(f"  {change['field']}: ")
        line.append(cell(change["field"], change["before"]) or "-", "red").append(" → ")
        out.print(line.append(cell(change["field"], change["after"]) or "-", "green"))
