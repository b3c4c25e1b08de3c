"""A client's file on the disk: read whole, kept beside itself, written whole or not at all."""

import contextlib
import os
import secrets
from pathlib import Path

from deskclerk.faces.clients.editing import Unparsable

_BACKUP = ".before-deskclerk"
_PRIVATE, _SHARED = 0o600, 0o644


def read(path: Path) -> str | None:
    """The file's text with its own line ends; None if there is no file."""
    try:
        return path.read_bytes().decode("utf-8")
    except FileNotFoundError:
        return None
    except UnicodeDecodeError as error:
        before = error.object[: error.start]
        raise Unparsable("it is not UTF-8 text", before.count(b"\n") + 1, 1) from None


def backup_of(path: Path) -> Path:
    """Where the file as it was before stands."""
    return path.with_name(path.name + _BACKUP)


def write(path: Path, text: str, *, before: str | None, keep: bool, shared: bool) -> Path | None:
    """Keep what was before beside the file, if it is to be kept, then put the new text in its place.

    The path of what is kept comes back.

    The file keeps its mode, and a link goes on leading to it. A new one is for its owner alone, unless it
    is `shared` with others through the project that it belongs to.
    """
    # Dotfiles are often links into a repository: what they lead to is written, not the link.
    target = path.resolve()
    kept = None
    if before is None:
        mode = _SHARED if shared else _PRIVATE
    else:
        mode = target.stat().st_mode & 0o777
        if keep:
            kept = backup_of(path)
            _put(kept, before, mode)
    target.parent.mkdir(parents=True, exist_ok=True)
    _put(target, text, mode)
    return kept


def restore(path: Path, text: str | None) -> None:
    """Put back what was before our entry: the text that is kept beside the file, or no file at all.

    What is kept beside it goes too: it would say the same, or hold an entry that nobody wants any more.
    """
    target = path.resolve()
    if text is not None:
        _put(target, text, target.stat().st_mode & 0o777)
    else:
        target.unlink()
    backup_of(path).unlink(missing_ok=True)


def _put(path: Path, text: str, mode: int) -> None:
    draft = path.with_name(f".{path.name}.{secrets.token_hex(6)}.draft")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(text.encode())
            file.flush()
            os.fsync(file.fileno())
        draft.chmod(mode)
        draft.replace(path)
    finally:
        with contextlib.suppress(FileNotFoundError):
            draft.unlink()
