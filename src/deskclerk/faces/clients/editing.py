"""One entry put into a client's file, or taken out of it, with every other byte left where it was.

Whatever a format's module proposes is read again before it counts: the file then says what it said before,
and the entry. What cannot be kept to that is refused, and the file stays as it is.
"""

import copy
from collections.abc import Iterable, Sequence
from typing import Any, Protocol

from deskclerk.errors import DeskclerkError

Entry = dict[str, Any]


class UnreadableFile(DeskclerkError):
    """A client's file that is not what its client reads, or that cannot be changed safely."""

    kind = "unreadable_file"


class Unparsable(Exception):
    """A text that is not of its format: what is wrong, and where, counted from one."""

    def __init__(self, reason: str, line: int, column: int) -> None:
        super().__init__(reason)
        self.reason, self.line, self.column = reason, line, column


class Format(Protocol):
    """How one kind of text is read and changed."""

    def parse(self, text: str) -> dict[str, Any]:
        """What the text says; Unparsable where it says nothing."""

    def insert(self, text: str, keys: Sequence[str], entry: Entry) -> str:
        """The text with the entry at these keys, new or in place of another."""

    def removals(self, text: str, keys: Sequence[str]) -> Iterable[str]:
        """Texts without what stands at these keys, the likeliest first; also without what is empty then."""

    def show(self, keys: Sequence[str], entry: Entry) -> str:
        """The entry alone, as it would stand in a file."""


def entry_at(data: dict[str, Any], keys: Sequence[str]) -> Any:
    """What stands at these keys; None if nothing does."""
    found: Any = data
    for key in keys:
        if not isinstance(found, dict) or key not in found:
            return None
        found = found[key]
    return found


def with_entry(form: Format, text: str, keys: Sequence[str], entry: Entry) -> str:
    """The text with the entry; the very same text if it holds it already."""
    before = form.parse(text)
    if entry_at(before, keys) == entry:
        return text
    expected = copy.deepcopy(before)
    holder = expected
    for key in keys[:-1]:
        if holder.get(key) is None:
            holder[key] = {}
        holder = holder[key]
        if not isinstance(holder, dict):
            raise Unparsable(f"{key} does not hold entries by name", 1, 1)
    holder[keys[-1]] = entry
    changed = _in_its_newlines(text, lambda plain: form.insert(plain, keys, entry))
    if form.parse(changed) != expected:
        raise Unparsable("it cannot be changed without changing something else", 1, 1)
    return changed


def without_entry(form: Format, text: str, keys: Sequence[str], backup: str | None = None) -> str:
    """The text without the entry: the former one, byte for byte, where installing was all that happened.

    Of what could have been there before, that is chosen from which installing makes just this text.
    """
    entry = entry_at(form.parse(text), keys)
    if entry is None:
        return text
    wanted = _without(form.parse(text), keys)
    candidates = [] if backup is None else [backup]
    candidates += ["", *_each_in_its_newlines(form, text, keys)]
    fitting = [item for item in candidates if _says(form, item) in wanted]
    former = [item for item in fitting if _inserted(form, item, keys, entry) == text]
    if former:
        return former[0] if former[0] == backup else min(former, key=len)
    # The entry or its place was changed since: what stood there before is not known to the byte.
    left = [item for item in fitting if item not in ("", backup)]
    if left:
        return left[0]
    raise Unparsable("the entry cannot be taken out without changing something else", 1, 1)


def _without(data: dict[str, Any], keys: Sequence[str]) -> list[dict[str, Any]]:
    """What may be said afterwards: without the entry, and without what held nothing but it."""
    found = []
    for depth in range(len(keys), 0, -1):
        result = copy.deepcopy(data)
        holder = entry_at(result, keys[: depth - 1])
        del holder[keys[depth - 1]]
        found.append(result)
        if holder:
            break
    return found


def _says(form: Format, text: str) -> dict[str, Any] | None:
    try:
        return form.parse(text)
    except Unparsable:
        return None


def _inserted(form: Format, text: str, keys: Sequence[str], entry: Entry) -> str | None:
    try:
        return with_entry(form, text, keys, entry)
    except Unparsable:
        return None


def _in_its_newlines(text: str, change: Any) -> str:
    """A change made with plain newlines, and written with the file's own."""
    if not _windows(text):
        return str(change(text))
    return str(change(text.replace("\r\n", "\n"))).replace("\n", "\r\n")


def _each_in_its_newlines(form: Format, text: str, keys: Sequence[str]) -> list[str]:
    if not _windows(text):
        return list(form.removals(text, keys))
    return [item.replace("\n", "\r\n") for item in form.removals(text.replace("\r\n", "\n"), keys)]


def _windows(text: str) -> bool:
    """Whether every line ends as on Windows; of a mixture each stays as it is."""
    return 0 < text.count("\r\n") == text.count("\n")
