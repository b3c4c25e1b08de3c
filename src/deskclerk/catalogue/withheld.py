"""What an argument holds that is not shown and not kept: secrets, also inside an object, and files.

A place is named as the argument is, and inside an object as `oidc.client_secret`. The values are those of an
action or those of a call that is none yet; there an object may still be the text of one.
"""

import copy
import hashlib
import json
from collections.abc import Iterator, Mapping
from typing import Any

from deskclerk.catalogue.fields import Part, decode_file, is_reference
from deskclerk.catalogue.parameter import Parameter
from deskclerk.catalogue.route import File

REDACTED = "[secret]"
_IMAGES = {b"\x89PNG": "image/png", b"GIF8": "image/gif", b"RIFF": "image/webp", b"\xff\xd8": "image/jpeg"}
Parameters = Mapping[str, Parameter]


def as_json(value: Any) -> Any:
    """A value as it travels: the objects inside as they were given, without what was left out."""
    if isinstance(value, Part):
        # As declared, and what else was given behind it: what was set is a set, and has no order.
        names = [*type(value).model_fields, *(value.model_extra or ())]
        return {name: as_json(getattr(value, name)) for name in names if name in value.model_fields_set}
    return [as_json(item) for item in value] if isinstance(value, list) else value


def may_be_seen(value: Any) -> bool:
    """Whether a secret argument gives nothing away: left out, or a reference to a stored one."""
    return not value or all(map(is_reference, value if isinstance(value, list) else [value]))


def secrets_in(parameters: Parameters, values: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """Every secret that was given, and not null, with its place."""
    for name, item in parameters.items():
        value = values.get(name)
        if value is None:
            continue
        if item.secret:
            yield name, value
        elif item.parts:
            inside = _object(value)
            found = secrets_in(item.parts, inside) if isinstance(inside, Mapping) else ()
            yield from ((f"{name}.{place}", secret) for place, secret in found)


def marks_in(parameters: Parameters, values: Mapping[str, Any]) -> Iterator[str]:
    """The places where a mark stands for what was withheld: what was there is not at hand."""
    yield from (place for place, value in secrets_in(parameters, values) if value == REDACTED)
    files = (name for name, item in parameters.items() if item.upload)
    # No base64 begins so.
    yield from (name for name in files if str(values.get(name, "")).startswith("["))


def put_in(values: Mapping[str, Any], withheld: Mapping[str, Any]) -> dict[str, Any]:
    """The values with others at these places."""
    found = copy.deepcopy(dict(values)) if any("." in place for place in withheld) else dict(values)
    for place, value in withheld.items():
        *around, name = place.split(".")
        holder = found
        for part in around:
            holder = holder[part]
        holder[name] = value
    return found


def shown(parameters: Parameters, values: Mapping[str, Any]) -> dict[str, Any]:
    """The values with a mark in the place of every secret and of every file; references stay as they are."""
    return {
        name: _shown(parameters[name], value) if name in parameters else value
        for name, value in values.items()
    }


def file_of(name: str, text: str) -> File:
    """A file that was given as base64; what kind it is shows in its first bytes."""
    content = decode_file(text)
    kinds = (kind for start, kind in _IMAGES.items() if content.startswith(start))
    return File(name, content, next(kinds, "application/octet-stream"))


def redacted(secret: Any) -> Any:
    """A mark in the place of a secret; a reference to a stored one stays as it is."""
    if isinstance(secret, list) and secret and all(map(is_reference, secret)):
        return secret
    return secret if is_reference(secret) else REDACTED


def _shown(item: Parameter, value: Any) -> Any:
    if item.secret:
        return redacted(value)
    if item.upload and isinstance(value, str):
        return _described(item.name, value)
    if not item.parts:
        return value
    inside = _object(value)
    if isinstance(inside, list):
        return [_shown(item, part) for part in inside]
    if isinstance(inside, Mapping):
        return shown(item.parts, inside)
    # No object, and so no place for a secret that can be told from the rest.
    return value if value is None or not _holds_secrets(item.parts) else REDACTED


def _described(name: str, text: str) -> str:
    """A file in words; its hash stands for its bytes, so that another file is another write."""
    try:
        file = file_of(name, text)
    except ValueError:
        return "[no file]"
    digest = hashlib.sha256(file.content).hexdigest()
    return f"[{file.content_type}, {len(file.content):,} bytes, sha256 {digest}]"


def _object(value: Any) -> Any:
    """An object or a list as it is, or what the JSON text of one holds; anything else as it is."""
    if not isinstance(value, str):
        return as_json(value)
    try:
        read = json.loads(value)
    except (ValueError, RecursionError):
        return value
    return read if isinstance(read, dict | list) else value


def _holds_secrets(parts: Parameters) -> bool:
    return any(part.secret or _holds_secrets(part.parts) for part in parts.values())
