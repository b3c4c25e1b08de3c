"""Files that only their owner can read, written whole or not at all."""

import contextlib
import os
import secrets
from pathlib import Path


def make_folder(folder: Path) -> None:
    """The folder, for its owner only, whatever its modes were before."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    if folder.stat().st_mode & 0o077:
        folder.chmod(0o700)


def write_new(path: Path, text: str) -> None:
    """A new file of mode 0600, on the disk when this returns; FileExistsError if the name is taken."""
    draft = _draft(path, text)
    try:
        try:
            # A link fails where the name is taken; a rename would silently replace what is there.
            os.link(draft, path)
        except FileExistsError:
            raise
        except OSError:  # a file system without links: take the name, then put the content there
            os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
            draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)
    _sync(path.parent)


def write_over(path: Path, text: str) -> None:
    """A file of mode 0600 in place of whatever had its name; readers see the old one or the new one."""
    draft = _draft(path, text)
    try:
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)
    _sync(path.parent)


def _draft(path: Path, text: str) -> Path:
    """The content beside its place, under a name that nobody else uses."""
    make_folder(path.parent)
    draft = path.parent / f".{secrets.token_hex(8)}.draft"
    # Its mode from the first moment: between making and chmod others could open it.
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(text.encode())
            file.flush()
            # A secret is shown once: it has to be on the disk before anybody is told so.
            os.fsync(file.fileno())
    except BaseException:
        draft.unlink(missing_ok=True)
        raise
    return draft


def _sync(folder: Path) -> None:
    """Has the folder's entry on the disk too, where the system can say that of a folder."""
    with contextlib.suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
