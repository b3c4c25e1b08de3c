"""The instances that the settings file knows: checked against Clerk, stored, renamed, chosen, removed.

What is changed here counts for every process that starts afterwards; one that runs keeps its instance.
"""

import contextlib
import re
import tomllib
from collections.abc import Awaitable, Callable, Iterator, MutableMapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import tomlkit
from pydantic import SecretStr, ValidationError
from tomlkit import TOMLDocument
from tomlkit.exceptions import TOMLKitError

from deskclerk.desk.caller import Caller
from deskclerk.desk.secrets.private_files import write_over
from deskclerk.errors import InvalidRequest, InvalidSettings
from deskclerk.settings import (
    CLERK_ORIGIN,
    SANDBOX_KEY,
    Kind,
    Settings,
    check_origin,
    key_kind,
    settings_file,
)

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,39}")
_WHERE = "Copy it from Clerk Dashboard, API Keys, Secret key."
# No retries: whoever pasted a key waits for a yes or a no, not for a better network.
_PROBE: dict[str, Any] = {"read_only": True, "timeout": 10, "retry_seconds": 0}
"""How a key is tried: one read, and an answer while somebody looks at the page."""


@dataclass(frozen=True, slots=True)
class StoredInstance:
    """One stored instance as it may be listed: never its key."""

    name: str
    kind: Kind | Literal["no key"]
    api_url: str | None
    chosen: bool

    @property
    def origin(self) -> str:
        """Where it is reached."""
        return self.api_url or CLERK_ORIGIN


@dataclass(frozen=True, slots=True)
class CheckedKey:
    """What Clerk said about a key: its instance's domain where it has one, and what may be asked of it."""

    kind: Kind
    origin: str
    domain: str | None
    allowed: dict[str, Any]


class Instances:
    """The `[instances.NAME]` tables beside one desk's settings."""

    def __init__(
        self,
        settings: Settings,
        probe: Callable[[Settings, Caller], Awaitable[dict[str, Any] | None]],
        allowed: Callable[[Settings], dict[str, Any]],
    ) -> None:
        """`probe` asks the instance of some settings who it is, `allowed` says what they let through.

        Both come from the desk, which is above this room: a key is tried with a read like any other.
        """
        self._settings = settings
        self._probe = probe
        self._allowed = allowed
        self.path = settings_file(settings.home)

    @property
    def chosen(self) -> str | None:
        """Which one processes use that start from now on; None stands for the sandbox."""
        return self._stored().instance

    def listed(self) -> list[StoredInstance]:
        """Every stored instance, in the file's order; InvalidSettings if the file cannot be used."""
        stored = self._stored()
        return [
            StoredInstance(
                name,
                _kind_of(item.secret_key.get_secret_value()),
                item.api_url,
                name == stored.instance,
            )
            for name, item in stored.instances.items()
        ]

    async def check(self, key: str, api_url: str | None, caller: Caller) -> CheckedKey:
        """Ask Clerk whether a key is good, with a read that is journalled like any.

        Raises:
            InvalidRequest: it is no secret key, or the address is no origin; nothing was sent.
            ClerkError: Clerk refuses it, or does not answer.
        """
        probe = self._settings_of(_checked_key(key, api_url), api_url)
        said = await self._probe(probe, caller) or {}
        allowed = self._allowed(self._settings_with(probe))
        return CheckedKey(probe.kind, probe.origin or CLERK_ORIGIN, said.get("domain"), allowed)

    def add(self, name: str, key: str, api_url: str | None, *, choose: bool) -> None:
        """Store a checked key under a new name; with `choose`, for what starts from now on."""
        check_instance_name(name)
        with editing(self.path) as document:
            tables = _tables(document)
            if name in tables:
                raise InvalidRequest(
                    f"{name} is the name of another instance already.",
                    next_step="Nothing was stored. Choose another name, or give that one a new key.",
                )
            tables[name] = tomlkit.table()
            _put_key(tables[name], key, api_url)
            if choose:
                document["instance"] = name

    def replace_key(self, name: str, key: str, api_url: str | None) -> None:
        """Another key for a stored instance, whose rules stay."""
        with editing(self.path) as document:
            _put_key(_table(document, name), key, api_url)

    def rename(self, old: str, new: str) -> None:
        """Another name for a stored instance."""
        check_instance_name(new)
        with editing(self.path) as document:
            table = _table(document, old)
            tables = _tables(document)
            if new in tables:
                raise InvalidRequest(f"{new} is the name of another instance already.")
            del tables[old]
            tables[new] = table
            if document.get("instance") == old:
                document["instance"] = new

    def choose(self, name: str | None) -> None:
        """Which instance processes use that start from now on; None for the sandbox."""
        with editing(self.path) as document:
            if name is None:
                document.pop("instance", None)
            else:
                _table(document, name)
                document["instance"] = name

    def remove(self, name: str) -> None:
        """Forget an instance and its key; Clerk is told nothing, so that the key stays good there."""
        with editing(self.path) as document:
            _table(document, name)
            del _tables(document)[name]
            if document.get("instance") == name:
                del document["instance"]

    def _stored(self) -> Settings:
        return Settings.load({"home": self._settings.home}, {})

    def _settings_of(self, key: str, api_url: str | None) -> Settings:
        """Settings that open the instance of a key, on this desk's journal."""
        given = {"home": self._settings.home, "database": self._settings.database}
        return Settings.model_validate(given | _PROBE | {"secret_key": SecretStr(key), "api_url": api_url})

    def _settings_with(self, probe: Settings) -> Settings:
        """The desk's own settings, for the instance of a key that is tried."""
        # Only looked at, never worked with: whether `never` may stand on a live key is settled elsewhere.
        return self._settings.model_copy(
            update={"secret_key": probe.secret_key, "api_url": probe.api_url, "allow_unconfirmed_live": True}
        )


def _kind_of(key: str) -> Kind | Literal["no key"]:
    """What a stored key is for; one that somebody mistyped into the file can still be replaced or removed."""
    try:
        return key_kind(key)
    except InvalidSettings:
        return "no key"


def check_instance_name(name: str) -> str:
    """A name as given, or InvalidRequest."""
    if not _NAME.fullmatch(name):
        raise InvalidRequest(
            "That is not a name for an instance; accepted: letters, digits, - and _, at most 40, beginning "
            "with a letter or digit."
        )
    return name


def _checked_key(key: str, api_url: str | None) -> str:
    """A key that may be tried at an address; InvalidRequest, which never repeats it."""
    # A header takes no more, and a line end that was pasted along would break it.
    if not (key.isascii() and key.isprintable()) or " " in key:
        raise InvalidRequest("A secret key is one line of letters, digits and _.", next_step=_WHERE)
    if key.startswith("pk_"):
        raise InvalidRequest("That is the publishable key, which opens nothing here.", next_step=_WHERE)
    if not key.startswith(("sk_live_", "sk_test_")):
        raise InvalidRequest("That is not a Clerk secret key: sk_live_… or sk_test_….", next_step=_WHERE)
    # It would be sent to Clerk, which knows no such key, and the answer would puzzle.
    if key == SANDBOX_KEY and not api_url:
        raise InvalidRequest(
            "That is the sandbox's own key.",
            next_step="The sandbox inside deskclerk needs none; for one that runs, give its address too.",
        )
    if api_url:
        try:
            check_origin(api_url)
        except ValueError as error:
            raise InvalidRequest(
                f"The API address is {error}.", next_step="Leave it empty for Clerk's own."
            ) from None
    return key


def _put_key(table: MutableMapping[str, Any], key: str, api_url: str | None) -> None:
    table["secret_key"] = key
    # An address that stayed from the old key would send the new one to another server.
    table.pop("api_url", None)
    if api_url:
        table["api_url"] = check_origin(api_url)


def _tables(document: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """The `instances` of a document, made where there are none."""
    if "instances" not in document:
        document["instances"] = tomlkit.table(is_super_table=True)
    found: MutableMapping[str, Any] = document["instances"]
    return found


def _table(document: MutableMapping[str, Any], name: str) -> MutableMapping[str, Any]:
    """The table of a stored instance; InvalidRequest if there is none."""
    tables = _tables(document)
    if name not in tables:
        raise InvalidRequest(
            "No instance of that name is stored.", next_step=f"There are: {', '.join(tables) or 'none'}."
        )
    found: MutableMapping[str, Any] = tables[name]
    return found


@contextlib.contextmanager
def editing(path: Path) -> Iterator[TOMLDocument]:
    """The file as a document to change; written at the block's end, of mode 0600, whole or not at all.

    Raises:
        InvalidSettings: the file is not TOML, or would not be valid afterwards; it stays as it was.
    """
    path = path.resolve()  # a link stays one
    document = _read(path)
    yield document
    # Looked at before it is written: a file that no longer loads would stop every face at its start.
    text = tomlkit.dumps(document)
    try:
        Settings(**tomllib.loads(text)).check()
    except ValidationError as error:
        wrong = sorted({".".join(map(str, item["loc"])) for item in error.errors(include_input=False)})
        raise InvalidSettings(
            f"{path} would not be valid: {', '.join(wrong)}.",
            next_step="Nothing was changed; correct it first.",
        ) from None
    write_over(path, text)


def _read(path: Path) -> TOMLDocument:
    try:
        return tomlkit.parse(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return tomlkit.document()
    except OSError as error:
        raise InvalidSettings(f"{path} cannot be read: {error.strerror}.") from None
    except (TOMLKitError, UnicodeError):
        raise InvalidSettings(
            f"{path} is not TOML.", next_step="Nothing was changed; correct it first."
        ) from None
