"""The shortcodes in the claims of JWT templates: `{{user.first_name || 'Nobody'}}`.

A text that is one shortcode becomes its value, whatever the type; inside a text values become text.
A shortcode holds operands between `||`: attributes such as `user.public_metadata.plan`, and literals
(text in single quotes, numbers, true, false). It has the value of the first operand that is neither null
nor false, else of the last one. What is no attribute is null. What comes out is not looked at again:
shortcodes in a user's metadata stay text.
"""

import json
import re
from collections.abc import Mapping
from typing import Any

Attributes = Mapping[str, Any]
"""The values by root: `{"user": {"id": …, "public_metadata": {…}}, "org": {…}}`."""

_SHORTCODE = re.compile(r"\{\{((?:'[^']*'|[^'{}])*)\}\}")
_PIECE = re.compile(r"'[^']*'|\|\||[^'|]+|\|")
_TEXT = re.compile(r"'([^']*)'")
_NUMBER = re.compile(r"-?(0|[1-9][0-9]{0,14})(\.[0-9]{1,15})?")
_TRUTH = {"true": True, "false": False}


def render(claims: Any, attributes: Attributes) -> Any:
    """The claims with every shortcode in their values replaced; names stay as they are."""
    if isinstance(claims, dict):
        return {name: render(value, attributes) for name, value in claims.items()}
    if isinstance(claims, list):
        return [render(value, attributes) for value in claims]
    return _rendered(claims, attributes) if isinstance(claims, str) else claims


def _rendered(text: str, attributes: Attributes) -> Any:
    if whole := _SHORTCODE.fullmatch(text):
        return _value(whole[1], attributes)
    return _SHORTCODE.sub(lambda found: _as_text(_value(found[1], attributes)), text)


def _value(expression: str, attributes: Attributes) -> Any:
    """The first operand that is neither null nor false, else the last."""
    value = None
    for operand in _operands(expression):
        value = _operand(operand, attributes)
        if value is not None and value is not False:
            break
    return value


def _operands(expression: str) -> list[str]:
    operands = [""]
    for piece in _PIECE.findall(expression):
        if piece == "||":
            operands.append("")
        else:
            operands[-1] += piece
    return [operand.strip() for operand in operands]


def _operand(text: str, attributes: Attributes) -> Any:
    if literal := _TEXT.fullmatch(text):
        return literal[1]
    if _NUMBER.fullmatch(text):
        return json.loads(text)
    return _TRUTH[text] if text in _TRUTH else _attribute(text, attributes)


def _attribute(path: str, attributes: Attributes) -> Any:
    root, *names = path.split(".")
    value: Any = attributes.get(root) if names else None
    for name in names:
        value = value.get(name) if isinstance(value, Mapping) else None
    return value


def _as_text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, separators=(",", ":"))
