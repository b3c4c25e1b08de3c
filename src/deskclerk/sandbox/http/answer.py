"""Answers as they are sent: JSON, some of which is text already."""

import json
from typing import Any

from starlette.responses import JSONResponse

dumped = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode
"""JSON as all answers have it: short, and with the letters of every language as they are."""


class Ready:
    """An object whose JSON is at hand."""

    __slots__ = ("text",)

    def __init__(self, text: str) -> None:
        self.text = text


def encoded(answer: Any) -> str:
    """An answer's JSON: an object or a page of them, each with its JSON at hand or not."""
    if isinstance(answer, Ready):
        return answer.text
    if isinstance(answer, list) and any(isinstance(item, Ready) for item in answer):
        return f"[{','.join(map(encoded, answer))}]"
    if isinstance(answer, dict) and isinstance(answer.get("data"), list):
        # A page with its total.
        return f"{{{','.join(f'{dumped(key)}:{encoded(value)}' for key, value in answer.items())}}}"
    return dumped(answer)


def created(answer: Any) -> JSONResponse:
    """The answer of the routes that say with its status that something is new."""
    return JSONResponse(answer, 201)
