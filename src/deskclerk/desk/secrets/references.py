"""What a person must give, by reference: the asker says `secret:NAME`, the desk puts the value in.

A value is put in after the signature, on the way to Clerk. Plans, previews, the journal and errors are
made from the action before that, and so hold the reference only.
"""

import contextlib
import functools
import hashlib
import hmac
import json
import re
import secrets
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from deskclerk.catalogue import Action
from deskclerk.catalogue.fields import REFERENCE, REFERENCE_PREFIX, SECRET_NAME, is_reference
from deskclerk.desk.secrets.private_files import write_new, write_over
from deskclerk.errors import InvalidRequest

_DEVICE = re.compile(r"con|prn|aux|nul|(com|lpt)\d", re.IGNORECASE)
_AGAIN = "Nothing was sent. Correct the arguments and call again."
_NAME_RULE = "letters, digits, '_', '-' or '.', at most 64, beginning with a letter or digit"
# At a terminal and in the console a person types; what comes over MCP a model has written.
_MODEL_FACES = frozenset({"mcp"})
"""Faces whose arguments a model writes."""


@dataclass(frozen=True, slots=True)
class StoredSecret:
    """A stored secret as it may be listed: its name, and when it was set (milliseconds)."""

    name: str
    set_at: int


class Secrets:
    """The secrets of one desk: a file each, mode 0600, in a folder of mode 0700."""

    def __init__(self, data: Path, mode: Literal["allow", "reference"] = "allow") -> None:
        self._folder = data / "secrets"
        self._key_file = self._folder / ".digest-key"
        self._mode = mode

    def store(self, name: str, value: str) -> None:
        """Store a value under a name, in place of the one that was there."""
        # The name is checked before it becomes a path: it cannot lead out of the folder.
        path = self._folder / check_secret_name(name)
        known = [item.name for item in self.listed()]
        # macOS and Windows take `Key` for the file `key`: one secret would silently replace the other.
        if path.exists() and name not in known:
            same = ", ".join(item for item in known if item.casefold() == name.casefold())
            raise InvalidRequest(
                f"This system takes {name} for another secret's name: {same}.",
                next_step="Choose another name, or spell it as that one.",
            )
        write_over(path, value)

    def remove(self, name: str) -> None:
        """Forget a secret; InvalidRequest if there is none of that name."""
        try:
            (self._folder / check_secret_name(name)).unlink()
        except FileNotFoundError:
            raise _unknown(name, self.listed()) from None

    def listed(self) -> list[StoredSecret]:
        """Names and times, by name."""
        if not self._folder.is_dir():
            return []
        # The key for digests and half-written drafts begin with a dot, and so are no names.
        files = [path for path in self._folder.iterdir() if SECRET_NAME.fullmatch(path.name)]
        return sorted(
            (StoredSecret(path.name, path.stat().st_mtime_ns // 1_000_000) for path in files),
            key=lambda item: item.name,
        )

    def check(self, action: Action, face: str) -> None:
        """InvalidRequest for a reference to nothing, or for a plain secret where only references are taken.

        Done before anybody is asked to sign.
        """
        for name, part in _parts(action):
            if part.startswith(REFERENCE_PREFIX):
                self._value(action, name, part)
            elif self._mode == "reference" and face in _MODEL_FACES:
                problem = "a secret is taken as a reference only: secret:NAME"
                raise InvalidRequest(
                    f"{action.spec.name}: {name}: {problem}.",
                    problems=[(name, problem)],
                    next_step="Nothing was sent. Ask the person to store it: `deskclerk secret set NAME`.",
                )

    def resolve(self, action: Action) -> Action:
        """The action with every reference replaced by its value: fit for Clerk and for nobody else."""
        values: dict[str, Any] = {}
        for name, given in action.secrets():
            if isinstance(given, str) and given.startswith(REFERENCE_PREFIX):
                values[name] = self._value(action, name, given)
            elif isinstance(given, list) and any(map(is_reference, given)):
                values[name] = [line for part in given for line in self._lines(action, name, part)]
        return action.with_secrets(values)

    def seals(self, action: Action) -> dict[str, str]:
        """A keyed hash of every secret argument's value: a digest made with it changes when a value does.

        The key is random and stays on this machine, so that a hash tells nobody which password it is of.
        """
        return {
            name: hmac.digest(self._key, json.dumps(given).encode(), hashlib.sha256).hex()
            for name, given in self.resolve(action).secrets()
        }

    def seal(self, text: str) -> str:
        """A keyed hash of a text that may have a secret in it."""
        return hmac.digest(self._key, text.encode(), hashlib.sha256).hex()

    @functools.cached_property
    def _key(self) -> bytes:
        # Two processes may make it at once: the first one's stays, and both read that.
        with contextlib.suppress(FileExistsError):
            write_new(self._key_file, secrets.token_hex(32))
        return self._key_file.read_bytes()

    def _lines(self, action: Action, name: str, part: str) -> list[str]:
        return self._value(action, name, part).split() if part.startswith(REFERENCE_PREFIX) else [part]

    def _value(self, action: Action, name: str, reference: str) -> str:
        """What a reference stands for; the error names the argument and how to set the secret."""
        found = REFERENCE.fullmatch(reference)
        if found is None:
            problem = f"not a reference; accepted: secret:NAME, where NAME is {_NAME_RULE}"
            raise InvalidRequest(
                f"{action.spec.name}: {name}: {problem}.", problems=[(name, problem)], next_step=_AGAIN
            )
        try:
            return (self._folder / found[1]).read_bytes().decode()
        except FileNotFoundError:
            raise _unknown(found[1], self.listed(), f"{action.spec.name}: {name}: ", name) from None
        # The error's own text may hold the bytes that could not be read: only its kind is told.
        except (OSError, UnicodeError) as error:
            raise InvalidRequest(
                f"{action.spec.name}: {name}: the secret {found[1]} cannot be read ({type(error).__name__}).",
                next_step=f"Nothing was sent. A person sets it again with `deskclerk secret set {found[1]}`.",
            ) from None


def check_secret_name(name: str) -> str:
    """A name as given, or InvalidRequest."""
    if not SECRET_NAME.fullmatch(name):
        raise InvalidRequest(f"That is not a name for a secret; accepted: {_NAME_RULE}.")
    # Windows opens a device by these names, whatever stands behind a dot, and drops a dot at the end.
    if sys.platform == "win32" and (name.endswith(".") or _DEVICE.fullmatch(name.partition(".")[0])):
        raise InvalidRequest(
            f"{name} is no name for a file on Windows.",
            next_step=f"Choose another, such as {name.strip('.')}_1.",
        )
    return name


def _parts(action: Action) -> Iterator[tuple[str, str]]:
    """Each secret text that was given, with the argument that it stands in."""
    for name, value in action.secrets():
        for part in value if isinstance(value, list) else [value]:
            yield name, part


def _unknown(name: str, known: list[StoredSecret], where: str = "", argument: str = "") -> InvalidRequest:
    listed = ", ".join(item.name for item in known) or "none are"
    problem = f"no secret is called {name} (stored: {listed})"
    error = InvalidRequest(
        f"{where}{problem}.",
        problems=[(argument, problem)] if argument else (),
        next_step=f"Nothing was sent. A person sets it with `deskclerk secret set {name}`.",
    )
    error.secret = name
    return error
