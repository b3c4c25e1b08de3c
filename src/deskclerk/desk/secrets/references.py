"""What a person must give, by reference: the asker says `secret:NAME`, the desk puts the value in.

A value is put in after the signature, on the way to Clerk. Plans, previews, the journal and errors are
made from the action before that, and so hold the reference only.
"""

import hashlib
import hmac
import json
import re
import sys
from collections.abc import Iterator
from typing import Any, Literal

from deskclerk.catalogue import Action
from deskclerk.catalogue.fields import REFERENCE, REFERENCE_PREFIX, SECRET_NAME, is_reference
from deskclerk.desk.misses import missed
from deskclerk.desk.secrets.store import SecretStore, StoredSecret
from deskclerk.errors import InvalidRequest

_DEVICE = re.compile(r"con|prn|aux|nul|(com|lpt)\d", re.IGNORECASE)
_AGAIN = "Nothing was sent. Correct the arguments and call again."
_NAME_RULE = "letters, digits, '_', '-' or '.', at most 64, beginning with a letter or digit"
# At a terminal and in the console a person types; what comes over MCP a model has written.
_MODEL_FACES = frozenset({"mcp"})
"""Faces whose arguments a model writes."""


class Secrets:
    """The secrets of one desk, and how they take the places of references."""

    def __init__(self, store: SecretStore, mode: Literal["allow", "reference"] = "allow") -> None:
        self._store = store
        self._mode = mode
        self._key: bytes | None = None

    async def store(self, name: str, value: str) -> None:
        """Store a value under a name, in place of the one that was there."""
        # The name is checked before it becomes a path: it cannot lead out of the folder.
        await self._store.write(check_secret_name(name), value)

    async def remove(self, name: str) -> None:
        """Forget a secret; InvalidRequest if there is none of that name."""
        if not await self._store.remove(check_secret_name(name)):
            missed(name)
            raise await self._unknown(name)

    async def listed(self) -> list[StoredSecret]:
        """Names and times, by name."""
        return await self._store.listed()

    def how_to_set(self, name: str) -> str:
        """How a person sets a secret, for a sentence that says that they do."""
        return self._store.how_to_set(name)

    async def check(self, action: Action, face: str) -> None:
        """InvalidRequest for a reference to nothing, or for a plain secret where only references are taken.

        Done before anybody is asked to sign.
        """
        for name, part in _parts(action):
            if part.startswith(REFERENCE_PREFIX):
                await self._value(action, name, part)
            elif self._mode == "reference" and face in _MODEL_FACES:
                problem = "a secret is taken as a reference only: secret:NAME"
                raise InvalidRequest(
                    f"{action.spec.name}: {name}: {problem}.",
                    problems=[(name, problem)],
                    next_step=f"Nothing was sent. A person stores it {self._store.how_to_set('NAME')}.",
                )

    async def resolve(self, action: Action) -> Action:
        """The action with every reference replaced by its value: fit for Clerk and for nobody else."""
        values: dict[str, Any] = {}
        for name, given in action.secrets():
            if isinstance(given, str) and given.startswith(REFERENCE_PREFIX):
                values[name] = await self._value(action, name, given)
            elif isinstance(given, list) and any(map(is_reference, given)):
                values[name] = [line for part in given for line in await self._lines(action, name, part)]
        return action.with_secrets(values)

    async def seals(self, action: Action) -> dict[str, str]:
        """A keyed hash of every secret argument's value: a digest made with it changes when a value does.

        The key is random and stays with the secrets, so that a hash tells nobody which password it is of.
        """
        given = list((await self.resolve(action)).secrets())
        key = await self._digest_key() if given else b""
        return {
            name: hmac.digest(key, json.dumps(value).encode(), hashlib.sha256).hex() for name, value in given
        }

    async def seal(self, text: str) -> str:
        """A keyed hash of a text that may have a secret in it."""
        return hmac.digest(await self._digest_key(), text.encode(), hashlib.sha256).hex()

    async def _digest_key(self) -> bytes:
        if self._key is None:
            self._key = await self._store.digest_key()
        return self._key

    async def _lines(self, action: Action, name: str, part: str) -> list[str]:
        if not part.startswith(REFERENCE_PREFIX):
            return [part]
        return (await self._value(action, name, part)).split()

    async def _value(self, action: Action, name: str, reference: str) -> str:
        """What a reference stands for; the error names the argument and how to set the secret."""
        found = REFERENCE.fullmatch(reference)
        if found is None:
            problem = f"not a reference; accepted: secret:NAME, where NAME is {_NAME_RULE}"
            raise InvalidRequest(
                f"{action.spec.name}: {name}: {problem}.", problems=[(name, problem)], next_step=_AGAIN
            )
        try:
            value = await self._store.read(found[1])
        # The error's own text may hold the bytes that could not be read: only its kind is told.
        except (OSError, UnicodeError) as error:
            raise InvalidRequest(
                f"{action.spec.name}: {name}: the secret {found[1]} cannot be read ({type(error).__name__}).",
                next_step=f"Nothing was sent. A person sets it again {self._store.how_to_set(found[1])}.",
            ) from None
        if value is None:
            raise await self._unknown(found[1], f"{action.spec.name}: {name}: ", name)
        return value

    async def _unknown(self, name: str, where: str = "", argument: str = "") -> InvalidRequest:
        listed = ", ".join(item.name for item in await self.listed()) or "none are"
        problem = f"no secret is called {name} (stored: {listed})"
        error = InvalidRequest(
            f"{where}{problem}.",
            problems=[(argument, problem)] if argument else (),
            next_step=f"Nothing was sent. A person sets it {self._store.how_to_set(name)}.",
        )
        error.secret = name
        return error


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
