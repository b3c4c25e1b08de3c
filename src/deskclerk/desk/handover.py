"""What Clerk hands out once goes to a person: a file that only they can read, never into an answer."""

import itertools
import os
from pathlib import Path
from typing import Any

ONCE = ("client_secret",)
"""What Clerk shows once and a person needs."""


def hand_over(answer: Any, folder: Path) -> tuple[Any, tuple[str, ...]]:
    """The answer without its once-shown secrets, and notes that say in which file (mode 0600) they are.

    A file is named after the object's id and never overwritten.
    """
    if not isinstance(answer, dict):
        return answer, ()
    found = {key: answer[key] for key in ONCE if answer.get(key)}
    if not found:
        return answer, ()
    name = f"{answer.get('object', 'secret')}-{answer.get('id', 'unknown')}"
    names = " and ".join(found)
    rest = {key: value for key, value in answer.items() if key not in found}
    try:
        path = _write(folder, name, "".join(f"{key} = {value}\n" for key, value in found.items()))
    except OSError as error:
        lost = f"{names} could not be written to {folder} ({error.strerror}) and is lost"
        return rest, (f"{lost}: make a new one in Clerk.",)
    return rest, (f"{names} was written to {path} for a person to read and delete; it is shown once.",)


def _write(folder: Path, name: str, text: str) -> Path:
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    for number in itertools.count():
        path = folder / (f"{name}.txt" if number == 0 else f"{name}-{number}.txt")
        try:
            descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        except FileExistsError:
            continue
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(text)
        return path
    raise AssertionError("count() does not end")
