"""Files and folders for their owner only: modes on POSIX, access rules (ACLs) on Windows.

Where neither can be had the system's refusal is raised as an OSError: nothing is left readable in silence.
"""

import contextlib
import os
import sys
import time
from pathlib import Path

_HELD_SECONDS = 2.0
"""For how long a file that another program holds open is tried again; virus scanners take moments."""
_BETWEEN_SECONDS = 0.02


def open_private(path: Path, flags: int) -> int:
    """A descriptor of a file; one that this makes is private from its first moment.

    `flags` are those of `os.open`: how it is read and written, `O_CREAT`, `O_EXCL`, `O_APPEND`.
    """
    if sys.platform == "win32":
        from deskclerk.system import windows_access  # noqa: PLC0415 - pywin32 is there only

        return windows_access.open_private(path, flags)
    return os.open(path, flags, 0o600)


def make_private_folder(folder: Path) -> None:
    """The folder, for its owner only, whatever its modes were before."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    if sys.platform == "win32":
        from deskclerk.system import windows_access  # noqa: PLC0415

        windows_access.protect(folder)
    elif folder.stat().st_mode & 0o077:
        folder.chmod(0o700)


def make_new_folder_private(folder: Path) -> None:
    """The folder; one that is there already keeps who may read it: it may be anybody's."""
    # By where it leads: `new/..` is there already, and is the folder of everything beside `new`.
    if not Path(os.path.realpath(folder)).is_dir():
        make_private_folder(folder)


def make_database_folder(folder: Path) -> None:
    """A folder of deskclerk's own that databases are to stand in."""
    if sys.platform == "win32":
        # SQLite makes files beside a database while it is open. Elsewhere they get the database's mode; here
        # they get what the folder hands down, and an older folder may hand down everybody.
        make_private_folder(folder)
    else:
        make_new_folder_private(folder)


def replace(draft: Path, path: Path) -> None:
    """Put a file in place of another; readers see the old one or the new one.

    Windows replaces no file that somebody has open: there it is tried again for two seconds, and the
    PermissionError of the last try is raised.
    """
    until = time.monotonic() + _HELD_SECONDS
    while True:
        try:
            draft.replace(path)
        except PermissionError:
            if sys.platform != "win32" or time.monotonic() >= until:
                raise
            time.sleep(_BETWEEN_SECONDS)
        else:
            return


def sync(descriptor: int) -> None:
    """Have what was written on the disk when this returns."""
    if sys.platform == "darwin":
        import fcntl  # noqa: PLC0415 - not on Windows

        # There fsync leaves it in the drive's own memory; not every file system knows the stronger call.
        with contextlib.suppress(OSError):
            fcntl.fcntl(descriptor, fcntl.F_FULLFSYNC)
            return
    os.fsync(descriptor)


def sync_folder(folder: Path) -> None:
    """Have the names of a folder's files on the disk too, where the system can say that of a folder."""
    # Windows opens no folder as a file, and keeps names in NTFS's own journal.
    with contextlib.suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            sync(descriptor)
        finally:
            os.close(descriptor)
