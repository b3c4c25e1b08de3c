"""What changes in a file, shown without what stays: a neighbour's line may hold a key."""

import re
from collections.abc import Iterator, Sequence

_SECRET = re.compile(r"(sk_(?:test|live)_|Bearer (?!\$?\{))[^\s\"']+")
_NAME = '"deskclerk":'


def masked(text: str) -> str:
    """The text with keys and tokens cut down to what kind they are, whoever wrote them there."""
    return _SECRET.sub(r"\1…", text)


def change_lines(path: str, before: str, after: str) -> Iterator[str]:
    """The lines that go and come, as a diff has them; of a shared line the part that changes."""
    old, new = before.splitlines(), after.splitlines()
    start = _shared(old, new)
    end = _shared(old[start:][::-1], new[start:][::-1])
    gone, comes = old[start : len(old) - end], new[start : len(new) - end]
    yield f"--- {path}"
    yield f"+++ {path}"
    yield f"@@ line {start + 1} @@"
    # Only where the entry shares its line with others: a line of its own is shown whole.
    if gone and comes and any(_NAME in line for line in (*gone, *comes)):
        _cut(gone, comes)
    yield from (masked(f"-{line}") for line in gone)
    yield from (masked(f"+{line}") for line in comes)


def _cut(gone: list[str], comes: list[str]) -> None:
    """Take out what the first lines begin with in common, and then what the last ones end with."""
    head = _shared(gone[0], comes[0])
    if gone[0][:head].strip():
        gone[0], comes[0] = f"…{gone[0][head:]}", f"…{comes[0][head:]}"
    tail = _shared(gone[-1][:0:-1], comes[-1][:0:-1])
    if tail and gone[-1][-tail:].strip():
        gone[-1], comes[-1] = f"{gone[-1][:-tail]}…", f"{comes[-1][:-tail]}…"


def _shared(old: Sequence[str], new: Sequence[str]) -> int:
    pairs = zip(old, new, strict=False)
    return next((index for index, (a, b) in enumerate(pairs) if a != b), min(len(old), len(new)))
