"""`deskclerk install` without a name: which clients are here, and which of them have the entry."""

import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from deskclerk.errors import InvalidRequest
from deskclerk.faces.cli.install.files import read
from deskclerk.faces.cli.output import print_lines
from deskclerk.faces.cli.state import State, console
from deskclerk.faces.clients.clients import CLIENTS, Client, Unparsable, installed_entry
from deskclerk.settings import UserFolders


def show_clients(state: State) -> None:
    """A row for each client: is it here, does it have the entry, and which file that is."""
    folders = UserFolders.find()
    rows = list(_rows(folders, Path.cwd()))
    if not state.tables:
        print_lines(rows)
        return
    from rich.table import Table  # noqa: PLC0415 - only where something is drawn

    table = Table("client", "found", "deskclerk", box=None, pad_edge=False, header_style="bold underline")
    table.add_column("file", overflow="fold")
    for row in rows:
        file = (row["file"] or "").replace(str(folders.home), "~", 1)
        table.add_row(row["client"], "yes" if row["found"] else "no", row["deskclerk"], file)
    console(sys.stdout).print(table)
    state.note("`deskclerk install CLIENT` shows what it would write, and asks.")


def _rows(folders: UserFolders, project: Path) -> Iterator[dict[str, Any]]:
    """A row for each client, and one more where a project's file holds the entry."""
    for client in CLIENTS:
        found = client.is_here(folders, shutil.which)
        for scope in ("user", "project") if client.project else ("user",):
            facts = {"client": client.name, "found": found, "scope": scope}
            try:
                path = client.file(folders, scope, project)
            except InvalidRequest:
                yield facts | {"deskclerk": "no file on this system", "file": None}
                continue
            if scope == "project" and path in client.user(folders):
                continue
            stands = _stands(client, path)
            if scope == "user" or stands != "not installed":
                yield facts | {"deskclerk": stands, "file": str(path)}


def _stands(client: Client, path: Path) -> str:
    try:
        entry = installed_entry(client, read(path) or "")
    except Unparsable as error:
        return f"unreadable, line {error.line}: {error.reason}"
    return "not installed" if entry is None else "installed"
