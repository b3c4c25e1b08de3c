"""Files that only their owner can read, written whole or not at all."""

import os
import secrets
from pathlib import Path

from deskclerk.system.private_files import make_private_folder, open_private, replace, sync, sync_folder


def write_new(path: Path, text: str) -> None:
    """A new private file, on the disk when this returns; FileExistsError if the name is taken."""
    draft = _draft(path, text)
    try:
        try:
            # A link fails where the name is taken; a rename would silently replace what is there.
            os.link(draft, path)
        except FileExistsError:
            raise
        except OSError:  # a file system without links: take the name, then put the content there
            os.close(open_private(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL))
            replace(draft, path)
    finally:
        draft.unlink(missing_ok=True)
    sync_folder(path.parent)


def write_over(path: Path, text: str) -> None:
    """A private file in place of whatever had its name; readers see the old one or the new one."""
    draft = _draft(path, text)
    try:
        replace(draft, path)
    finally:
        draft.unlink(missing_ok=True)
    sync_folder(path.parent)


def _draft(path: Path, text: str) -> Path:
    """The content beside its place, under a name that nobody else uses."""
    make_private_folder(path.parent)
    draft = path.parent / f".{secrets.token_hex(8)}.draft"
    descriptor = open_private(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(text.encode())
            file.flush()
            # A secret is shown once: it has to be on the disk before anybody is told so.
            sync(file.fileno())
    except BaseException:
        draft.unlink(missing_ok=True)
        raise
    return draft
