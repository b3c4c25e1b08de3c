"""Which desk processes are alive: each holds a lock of its own, and the system frees it at the process's end.

It is a lock on a file where the journal is a file, and one of the server's where the journal is in
PostgreSQL: desks on several machines share that, and see nothing of each other's files.
"""

import contextlib
import hashlib
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

from deskclerk.system.private_files import make_new_folder_private

_KEEPALIVE = {"idle": 30, "interval": 10, "count": 3}
"""Seconds of silence, seconds between two questions, and how many of them stay without an answer."""


class ProcessLock(Protocol):
    """One process's lock, held until `end`."""

    name: str

    def end(self) -> None:
        """Give the lock back."""


class FileLock:
    """A lock on a file."""

    def __init__(self, folder: Path, name: str) -> None:
        make_new_folder_private(folder)
        self.name = name
        self._path = folder / name
        # The lock counts, not the file: one that a killed process left behind can be taken again.
        self._descriptor = os.open(self._path, os.O_CREAT | os.O_RDWR, 0o600)
        if not _take(self._descriptor):
            os.close(self._descriptor)
            raise OSError(f"{self._path} is locked by another process")

    def end(self) -> None:
        """Give the lock back; the file goes with it."""
        if sys.platform == "win32":
            # There no file goes that somebody has open, this process or the next one that looks at it.
            os.close(self._descriptor)
            with contextlib.suppress(OSError):
                self._path.unlink()
            return
        # Unlinked while it is still held: afterwards somebody else could have taken the same file.
        self._path.unlink(missing_ok=True)
        os.close(self._descriptor)


class ServerLock:
    """A PostgreSQL session's advisory lock: it ends with the session, however that ends."""

    def __init__(self, url: str, name: str) -> None:
        import psycopg  # noqa: PLC0415 - only with PostgreSQL

        from deskclerk.database import driver_url  # noqa: PLC0415

        self.name = name
        # A connection of its own, synchronous: a pool might close it, and the lock would go with it.
        self._session = psycopg.connect(driver_url(url), autocommit=True)
        # PostgreSQL's locks have numbers, not names: 64 bits of a hash do not meet by chance.
        key = int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], signed=True)
        # The server asks whether this end is still there: of a machine that is gone without a word it would
        # keep the session, and with it the lock, for the hours of the system's own setting.
        queries = [f"SET tcp_keepalives_{name} TO {value}" for name, value in _KEEPALIVE.items()]
        cursor = self._session.execute("; ".join([*queries, f"SELECT pg_try_advisory_lock({key})"]))
        while cursor.nextset():
            pass
        row = cursor.fetchone()
        if not (row and row[0]):
            self._session.close()
            raise OSError(f"{name} is locked by another process")

    def end(self) -> None:
        """Give the lock back."""
        self._session.close()


def take_lock(place: Path | str, name: str) -> ProcessLock:
    """Take the lock of that name, in a folder or on the server of a URL; OSError if another has it."""
    return ServerLock(place, name) if isinstance(place, str) else FileLock(place, name)


@contextlib.contextmanager
def claim(place: Path | str, name: str) -> Iterator[bool]:
    """Whether the process of that name is gone; until the end of the block nobody else can claim it."""
    try:
        # Held until the block ends: of two processes that find one dead, one settles what it left.
        lock = take_lock(place, name)
    except OSError:
        yield False
        return
    try:
        yield True
    finally:
        lock.end()


def _take(descriptor: int) -> bool:
    try:
        if sys.platform == "win32":
            import msvcrt  # noqa: PLC0415 - there is no flock

            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
        else:
            import fcntl  # noqa: PLC0415 - only there

            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True
