"""Which desk processes are alive: each locks a file of its own, and the system frees the lock at its end."""

import contextlib
import os
import sys
from collections.abc import Iterator
from pathlib import Path


class Presence:
    """One process's lock, held until `end`."""

    def __init__(self, folder: Path, name: str) -> None:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self.name = name
        self._path = folder / name
        self._descriptor = os.open(self._path, os.O_CREAT | os.O_RDWR, 0o600)
        if not _take(self._descriptor):
            os.close(self._descriptor)
            raise OSError(f"{self._path} is locked by another process")

    def end(self) -> None:
        """Give the lock back; the file goes with it."""
        self._path.unlink(missing_ok=True)
        os.close(self._descriptor)


@contextlib.contextmanager
def claim(folder: Path, name: str) -> Iterator[bool]:
    """Whether the process of that name is gone; until the end of the block nobody else can claim it."""
    try:
        presence = Presence(folder, name)
    except OSError:
        yield False
        return
    try:
        yield True
    finally:
        presence.end()


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
