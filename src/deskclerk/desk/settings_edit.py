"""Changes the settings file: what else stands in it stays as it is, and what is not valid is not written."""

import contextlib
import tomllib
from collections.abc import Iterator
from pathlib import Path

import tomlkit
from pydantic import ValidationError
from tomlkit import TOMLDocument
from tomlkit.exceptions import TOMLKitError

from deskclerk.desk.private import write_over
from deskclerk.errors import InvalidSettings
from deskclerk.settings import Settings


@contextlib.contextmanager
def editing(path: Path) -> Iterator[TOMLDocument]:
    """The file as a document to change; written at the block's end, of mode 0600, whole or not at all.

    Raises:
        InvalidSettings: the file is not TOML, or would not be valid afterwards; it stays as it was.
    """
    path = path.resolve()  # a link stays one
    document = _read(path)
    yield document
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
