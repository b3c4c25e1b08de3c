"""What Clerk shows only once goes to a person: a file that only they can read, or this process's console.

With `handover = "console"` and a console in this process, a secret stays in memory until somebody takes it
there: no file that a program could read, no place in the answer that holds it. An orderly end of the
process writes what nobody took to files, so that it is not lost.
"""

import contextlib
import itertools
import re
import secrets
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Protocol

from deskclerk.desk.secrets.private_files import write_new
from deskclerk.desk.time_and_ids import now
from deskclerk.desk.view.cleaning import line_of

ONCE = ("client_secret",)
"""What Clerk shows once and a person needs, whatever it answers to; an action names what else is one."""
_NOT_IN_NAMES = re.compile(r"[^A-Za-z0-9_-]")
_LONGEST_NAME = 120

OpenConsole = Callable[[], Awaitable[str]]
"""Brings up this process's console; the address of its page for hand-overs."""


@dataclass(frozen=True, slots=True)
class Handover:
    """Secrets of one object that were handed out at a time (milliseconds); never shown in a repr.

    `title` is the object's name where it has one, `about` what it is and its id.
    """

    id: str
    title: str
    about: str
    at: int
    values: dict[str, str] = field(repr=False)


class Handovers(Protocol):
    """Where what Clerk shows once waits for a person."""

    open_console: OpenConsole | None
    """Set while a console can be brought up in this process."""

    async def keep(self, answer: Any, keys: tuple[str, ...] = ()) -> tuple[Any, tuple[str, ...]]:
        """The answer without its once-shown secrets, and notes that say where a person finds them.

        `keys` are those of the answer that hold one beside `ONCE`: what its action hands over.
        """

    async def listed(self) -> list[Handover]:
        """What waits, without its values, the newest first."""

    async def take(self, handover_id: str) -> Handover | None:
        """One hand-over with its values, which is gone from here; of several takers one gets it."""

    async def save(self) -> None:
        """See to it that nothing is lost when the process ends."""


class LocalHandovers:
    """Hand-overs on one machine: in files, or in the memory of a process with a console."""

    open_console: OpenConsole | None = None

    def __init__(self, folder: Path, *, to_console: bool) -> None:
        self._folder = folder
        self._to_console = to_console
        self._held: dict[str, tuple[Handover, Any, tuple[str, ...]]] = {}

    async def keep(self, answer: Any, keys: tuple[str, ...] = ()) -> tuple[Any, tuple[str, ...]]:
        """In memory where a console can show it, else in a file."""
        rest, found = once_shown(answer, keys)
        if not found:
            return answer, ()
        # A file where no console can be had: shown once and kept nowhere would be lost.
        place = await self._console()
        if not place:
            return hand_over(answer, self._folder, keys)
        kept = handover_of(answer, found)
        self._held[kept.id] = (kept, answer, keys)
        names = " and ".join(found)
        return rest, (f"{names} waits for a person at {place}; it is shown there once.",)

    async def listed(self) -> list[Handover]:
        """What waits in memory and in files."""
        held = [replace(kept, values={}) for kept, *_ in self._held.values()]
        files = self._folder.glob("[!.]*.txt") if self._folder.is_dir() else ()
        for path in files:
            with contextlib.suppress(OSError):  # taken in this very moment
                at = path.stat().st_mtime_ns // 1_000_000
                held.append(Handover(path.name, path.stem, "from a file, which goes then", at, {}))
        return sorted(held, key=lambda item: item.at, reverse=True)

    async def take(self, handover_id: str) -> Handover | None:
        """One with its values; a file goes then."""
        if handover_id in self._held:
            return self._held.pop(handover_id)[0]
        known = {item.id: item for item in await self.listed()}
        if handover_id not in known:
            return None
        # Renamed before it is read: of two takers one finds it gone.
        taken = self._folder / f".{secrets.token_hex(8)}.taken"
        try:
            (self._folder / handover_id).rename(taken)
        except FileNotFoundError:
            return None
        lines = taken.read_text(encoding="utf-8").splitlines()
        taken.unlink()
        values = dict(line.split(" = ", 1) for line in lines if " = " in line)
        return replace(known[handover_id], values=values)

    async def save(self) -> None:
        """Write what nobody took to files."""
        for _, answer, keys in self._held.values():
            hand_over(answer, self._folder, keys)
        self._held.clear()

    async def _console(self) -> str:
        """Where the console shows hand-overs; empty where none is chosen, or none can be had."""
        if not (self._to_console and self.open_console):
            return ""
        try:
            return await self.open_console()
        except OSError:
            return ""


def handover_of(answer: Any, found: dict[str, str]) -> Handover:
    """What was found in an answer, under a new id."""
    whole = answer if isinstance(answer, dict) else {}
    about = line_of(" ".join(str(whole[key]) for key in ("object", "id") if whole.get(key)))
    title = line_of(whole.get("name") or about or " and ".join(found))
    return Handover(secrets.token_urlsafe(12), title, about, now(), found)


def hand_over(answer: Any, folder: Path, keys: tuple[str, ...] = ()) -> tuple[Any, tuple[str, ...]]:
    """The answer without its once-shown secrets, and notes that say in which file (mode 0600) they are.

    A file is named after the object's id and never overwritten; it is on the disk when this returns.
    """
    rest, found = once_shown(answer, keys)
    if not found:
        return answer, ()
    whole = answer if isinstance(answer, dict) else {}
    name = f"{whole.get('object', 'secret')}-{whole.get('id', 'unknown')}"
    names = " and ".join(found)
    try:
        path = _write(folder, name, "".join(f"{key} = {value}\n" for key, value in found.items()))
    # The write itself is done: to fail here would tell the asker that it was not.
    except (OSError, UnicodeError) as error:
        reason = getattr(error, "strerror", None) or type(error).__name__
        lost = f"{names} could not be written to {folder} ({reason}) and is lost"
        return rest, (f"{lost}: make a new one in Clerk.",)
    return rest, (f"{names} was written to {path} for a person to read and delete; it is shown once.",)


def once_shown(answer: Any, keys: tuple[str, ...] = ()) -> tuple[Any, dict[str, str]]:
    """The answer, or each item of a list, without what is handed over; and that, by key.

    Of a list the keys stand behind the id of their item, or its number where it has none.
    """
    if isinstance(answer, dict) and isinstance(answer.get("data"), list):
        items, found = once_shown(answer["data"], keys)
        return {**answer, "data": items}, found
    if isinstance(answer, list):
        rests: list[Any] = []
        found = {}
        for number, item in enumerate(answer, 1):
            rest, inside = once_shown(item, keys)
            rests.append(rest)
            place = item.get("id") or item.get("external_account_id") if isinstance(item, dict) else None
            found |= {f"{line_of(place or number)}.{key}": value for key, value in inside.items()}
        return rests, found
    if not isinstance(answer, dict):
        return answer, {}
    found = {key: _text(answer[key]) for key in (*ONCE, *keys) if answer.get(key)}
    return {key: value for key, value in answer.items() if key not in found}, found


def _text(value: Any) -> str:
    """A secret as a person takes it; of several, such as cookies, one after another."""
    return " ".join(map(str, value)) if isinstance(value, list) else str(value)


def _write(folder: Path, name: str, text: str) -> Path:
    """The first free name; what Clerk calls the object cannot lead out of the folder."""
    # Clerk's words become a file's name here; whatever they are, they stay one name.
    stem = _NOT_IN_NAMES.sub("_", name)[:_LONGEST_NAME]
    for number in itertools.count():
        path = folder / (f"{stem}.txt" if number == 0 else f"{stem}-{number}.txt")
        try:
            write_new(path, text)
        except FileExistsError:
            # The folder itself may be a file: then no number helps.
            if folder.is_dir():
                continue
            raise
        return path
    raise AssertionError("count() does not end")
