"""Which desk processes are alive: each holds a lock of its own, and the system frees it at the process's end.

It is a lock on a file where the journal is a file, and one of the server's where the journal is in
PostgreSQL: desks on several machines share that, and see nothing of each other's files.
"""

import asyncio
import contextlib
import hashlib
import logging
import os
import selectors
import sys
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING, Any, Protocol
from weakref import WeakValueDictionary

from deskclerk.errors import StorageUnavailable
from deskclerk.system.private_files import make_new_folder_private

if TYPE_CHECKING:
    import psycopg

logger = logging.getLogger("deskclerk.journal")

_CLAIM_SECONDS = 8.0
"""For one look whether a process is gone: what takes longer tells nothing."""
_BOUNDS = {
    "connect_timeout": "5",
    # A peer that is not there any more is noticed, and whatever forgets idle connections sees this one used.
    "keepalives_idle": "5",
    "keepalives_interval": "2",
    "keepalives_count": "3",
    "tcp_user_timeout": "10000",
}
"""Of the sessions that hold locks, unless the URL says otherwise."""
_LOOK_SECONDS = 2.0
"""Between two looks whether the session of a lock is there; that its socket ended is known at once."""
_SURE_SECONDS = 10.0
"""For how long after such a look the lock is certainly held: less than a server takes to give a peer up."""
_AGAIN_SECONDS = 0.5
"""Between two tries to take a lost lock again."""
_STEADY_SECONDS = 5.0
"""After a lock was lost: what ended its session may have ended others', who need as long to be back."""
_ASKED_FOR = {"idle": 30, "interval": 10, "count": 3}
"""By PostgreSQL itself: seconds of silence, seconds between two questions, and how many get no answer."""


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
    """A PostgreSQL session's advisory lock, which ends with the session, however that ends.

    A thread of its own looks after the session, whatever the event loop does meanwhile. Where it is lost
    (the server began anew, a network forgot it) the lock is taken again as soon as nobody else has it.
    """

    def __init__(self, url: str, name: str) -> None:
        import psycopg  # noqa: PLC0415 - only with PostgreSQL

        self.name = name
        self._url = url
        self._using = threading.Lock()
        self._ending = threading.Event()
        self._losses = 0
        self._taken = self._seen = monotonic()
        try:
            self._session = _session_with(url, name)
        except psycopg.Error as error:
            raise _unavailable(url, error) from None
        if self._session is None:
            raise OSError(f"{name} is locked by another process")
        _own[name] = self
        threading.Thread(target=self._look_after, name=f"lock {name}", daemon=True).start()

    @property
    def held(self) -> bool:
        """Whether it is certainly held at this moment."""
        return self._session is not None and monotonic() - self._seen < _SURE_SECONDS

    @property
    def steady(self) -> bool:
        """Whether it is held, and was not lost a moment ago."""
        return self.held and (not self._losses or monotonic() - self._taken > _STEADY_SECONDS)

    def unbroken(self) -> Callable[[], bool]:
        """A check that is true as long as the lock is held without a break from now on."""
        losses = self._losses
        return lambda: self._losses == losses and self.held

    def end(self) -> None:
        """Give the lock back."""
        self._ending.set()
        _own.pop(self.name, None)
        # A server that does not answer the look under way is not waited for: the lock ends with the process.
        if self._using.acquire(timeout=1):
            if self._session:
                self._session.close()
            self._using.release()

    def _look_after(self) -> None:
        while not self._ending.is_set():
            session = self._session
            if session is None:
                self._take_again()
            elif not self._is_there(session):
                with self._using:
                    self._session = None
                    self._losses += 1
                    session.close()
                if not self._ending.is_set():
                    logger.warning("The session that tells others that this process lives ended.")

    def _is_there(self, session: "psycopg.Connection[Any]") -> bool:
        import psycopg  # noqa: PLC0415

        try:
            with selectors.DefaultSelector() as selector:
                selector.register(session.fileno(), selectors.EVENT_READ)
                selector.select(_LOOK_SECONDS)
            asked = monotonic()
            with self._using:
                if not self._ending.is_set():
                    session.execute("SELECT 1")
            self._seen = asked
        except (psycopg.Error, OSError, ValueError):
            return False
        return True

    def _take_again(self) -> None:
        import psycopg  # noqa: PLC0415

        asked, session = monotonic(), None
        with contextlib.suppress(psycopg.Error):
            session = _session_with(self._url, self.name)
        if session is None:
            self._ending.wait(_AGAIN_SECONDS)
            return
        with self._using:
            if self._ending.is_set():
                session.close()
                return
            self._taken = self._seen = asked
            self._session = session
        logger.warning("Others are told again that this process lives.")


_own: WeakValueDictionary[str, ServerLock] = WeakValueDictionary()
"""The locks that this process holds on a server, by name."""


def unbroken(name: str) -> Callable[[], bool]:
    """A check that is true as long as this process holds the lock of that name without a break from now."""
    lock = _own.get(name)
    # A lock on a file ends with the process and not before.
    return lock.unbroken() if lock else lambda: True


def take_lock(place: Path | str, name: str) -> ProcessLock:
    """Take the lock of that name, in a folder or on the server of a URL.

    Raises:
        OSError: another has it.
        StorageUnavailable: the server cannot be asked.
    """
    return ServerLock(place, name) if isinstance(place, str) else FileLock(place, name)


@contextlib.contextmanager
def claim(place: Path | str, name: str) -> Iterator[bool]:
    """Whether the process of that name is gone; until the end of the block nobody else can claim it.

    What cannot be told is no yes. With a server this waits for it: in an event loop, `claimed` is for that.
    """
    if isinstance(place, str):
        with _claimed_on_server(place, name) as gone:
            yield gone
        return
    try:
        # Held until the block ends: of two processes that find one dead, one settles what it left.
        lock = FileLock(place, name)
    except OSError:
        yield False
        return
    try:
        yield True
    finally:
        lock.end()


@contextlib.asynccontextmanager
async def claimed(place: Path | str, name: str) -> AsyncIterator[bool]:
    """As `claim`, in an event loop: others go on while a server is asked, and it is asked in bounded time."""
    if not isinstance(place, str):
        with claim(place, name) as gone:
            yield gone
        return
    import psycopg  # noqa: PLC0415

    session = None
    if _can_tell():
        with contextlib.suppress(psycopg.Error, OSError):
            async with asyncio.timeout(_CLAIM_SECONDS):
                session = await _async_session_with(place, name)
    try:
        yield session is not None
    finally:
        if session:
            await session.close()


@contextlib.contextmanager
def _claimed_on_server(url: str, name: str) -> Iterator[bool]:
    import psycopg  # noqa: PLC0415

    session = None
    if _can_tell():
        with contextlib.suppress(psycopg.Error):
            session = _session_with(url, name)
    try:
        yield session is not None
    finally:
        if session:
            session.close()


def _can_tell() -> bool:
    """Whether another process's lock that is free says that the process is gone.

    Not where this one has just lost its own: others may have, and be alive as it is.
    """
    return all(lock.steady for lock in list(_own.values()))


_TRY = "SELECT pg_try_advisory_lock(%s)"


def _session_with(url: str, name: str) -> "psycopg.Connection[Any] | None":
    """A session that holds the lock of that name; None if another one does."""
    import psycopg  # noqa: PLC0415

    # A connection of its own: a pool might close it, and the lock would go with it.
    session = psycopg.connect(_place(url), autocommit=True)
    try:
        row = session.execute(_TRY, (_key(name),)).fetchone()
    except BaseException:
        session.close()
        raise
    if row and row[0]:
        # Of a machine that is gone without a word it would keep the session, and with it the lock, for the
        # hours of the system's own setting.
        told = ", ".join(
            f"set_config('tcp_keepalives_{name}', '{value}', false)" for name, value in _ASKED_FOR.items()
        )
        session.execute(f"SELECT {told}")
        return session
    session.close()
    return None


async def _async_session_with(url: str, name: str) -> "psycopg.AsyncConnection[Any] | None":
    """The same, in an event loop."""
    import psycopg  # noqa: PLC0415

    session = await psycopg.AsyncConnection.connect(_place(url), autocommit=True)
    try:
        row = await (await session.execute(_TRY, (_key(name),))).fetchone()
    except BaseException:
        await session.close()
        raise
    if row and row[0]:
        return session
    await session.close()
    return None


def _place(url: str) -> str:
    """What the driver takes for a URL, with bounds."""
    from psycopg.conninfo import conninfo_to_dict, make_conninfo  # noqa: PLC0415

    from deskclerk.database import driver_url  # noqa: PLC0415

    given: dict[str, Any] = conninfo_to_dict(driver_url(url))
    return make_conninfo(**{**_BOUNDS, **given})


def _key(name: str) -> int:
    # PostgreSQL's locks have numbers, not names: 64 bits of a hash do not meet by chance.
    return int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], signed=True)


def _unavailable(url: str, error: Exception) -> StorageUnavailable:
    from deskclerk.database.failures import unusable  # noqa: PLC0415
    from deskclerk.database.location import read_url  # noqa: PLC0415

    return unusable(read_url(url), error)


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
