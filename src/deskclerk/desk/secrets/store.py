"""Where secrets that people store are kept: on this machine, in a file each."""

import contextlib
import secrets
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from deskclerk.catalogue.fields import SECRET_NAME
from deskclerk.desk.secrets.private_files import write_new, write_over
from deskclerk.errors import InvalidRequest


@dataclass(frozen=True, slots=True)
class StoredSecret:
    """A stored secret as it may be listed: its name, and when it was set (milliseconds)."""

    name: str
    set_at: int


class SecretStore(Protocol):
    """Keeps values by names that were checked before."""

    async def read(self, name: str) -> str | None:
        """The value of a name; None if there is none.

        Raises:
            OSError: it is there and cannot be read.
            UnicodeError: what is there is no text.
        """

    async def write(self, name: str, value: str) -> None:
        """Keep a value under a name, in place of the one that was there."""

    async def remove(self, name: str) -> bool:
        """Forget a name; whether it was there."""

    async def listed(self) -> list[StoredSecret]:
        """Names and times, by name."""

    async def digest_key(self) -> bytes:
        """The random key of keyed hashes, made when it is first asked for; the same for all ever after."""

    def how_to_set(self, name: str) -> str:
        """How a person sets a secret, for a sentence that begins with "A person sets it"."""


class SecretFiles:
    """A file each, mode 0600, in a folder of mode 0700."""

    def __init__(self, data: Path) -> None:
        self._folder = data / "secrets"
        self._key_file = self._folder / ".digest-key"

    async def read(self, name: str) -> str | None:
        """What a file holds; None if there is none."""
        try:
            return (self._folder / name).read_bytes().decode()
        except FileNotFoundError:
            return None

    async def write(self, name: str, value: str) -> None:
        """A file in place of the one that was there."""
        path = self._folder / name
        known = [item.name for item in await self.listed()]
        # macOS and Windows take `Key` for the file `key`: one secret would silently replace the other.
        if path.exists() and name not in known:
            same = ", ".join(item for item in known if item.casefold() == name.casefold())
            raise InvalidRequest(
                f"This system takes {name} for another secret's name: {same}.",
                next_step="Choose another name, or spell it as that one.",
            )
        write_over(path, value)

    async def remove(self, name: str) -> bool:
        """Take a file away."""
        try:
            (self._folder / name).unlink()
        except FileNotFoundError:
            return False
        return True

    async def listed(self) -> list[StoredSecret]:
        """The files but for the key of digests and half-written drafts, whose names begin with a dot."""
        if not self._folder.is_dir():
            return []
        files = [path for path in self._folder.iterdir() if SECRET_NAME.fullmatch(path.name)]
        return sorted(
            (StoredSecret(path.name, path.stat().st_mtime_ns // 1_000_000) for path in files),
            key=lambda item: item.name,
        )

    async def digest_key(self) -> bytes:
        """The key in a file of its own; it stays on this machine."""
        # Two processes may make it at once: the first one's stays, and both read that.
        with contextlib.suppress(FileExistsError):
            write_new(self._key_file, secrets.token_hex(32))
        return self._key_file.read_bytes()

    def how_to_set(self, name: str) -> str:
        """On the command line."""
        return f"with `deskclerk secret set {name}`"
