"""What Clerk hands out once goes to a person: a file that only they can read, never into an answer."""

import itertools
import re
from pathlib import Path
from typing import Any

from deskclerk.desk.private import write_new

ONCE = ("client_secret",)
"""What Clerk shows once and a person needs."""
_NOT_IN_NAMES = re.compile(r"[^A-Za-z0-9_-]")
_LONGEST_NAME = 120


def hand_over(answer: Any, folder: Path) -> tuple[Any, tuple[str, ...]]:
    """The answer without its once-shown secrets, and notes that say in which file (mode 0600) they are.

    A file is named after the object's id and never overwritten; it is on the disk when this returns.
    """
    rest, found = once_shown(answer)
    if not found:
        return answer, ()
    name = f"{answer.get('object', 'secret')}-{answer.get('id', 'unknown')}"
    names = " and ".join(found)
    try:
        path = _write(folder, name, "".join(f"{key} = {value}\n" for key, value in found.items()))
    except (OSError, UnicodeError) as error:
        reason = getattr(error, "strerror", None) or type(error).__name__
        lost = f"{names} could not be written to {folder} ({reason}) and is lost"
        return rest, (f"{lost}: make a new one in Clerk.",)
    return rest, (f"{names} was written to {path} for a person to read and delete; it is shown once.",)


def once_shown(answer: Any) -> tuple[Any, dict[str, str]]:
    """The answer without what is shown once, and that."""
    if not isinstance(answer, dict):
        return answer, {}
    found = {key: answer[key] for key in ONCE if answer.get(key)}
    return {key: value for key, value in answer.items() if key not in found}, found


def _write(folder: Path, name: str, text: str) -> Path:
    """The first free name; what Clerk calls the object cannot lead out of the folder."""
    stem = _NOT_IN_NAMES.sub("_", name)[:_LONGEST_NAME]
    for number in itertools.count():
        path = folder / (f"{stem}.txt" if number == 0 else f"{stem}-{number}.txt")
        try:
            write_new(path, text)
        except FileExistsError:
            if folder.is_dir():
                continue
            raise
        return path
    raise AssertionError("count() does not end")
