"""Who asks: the face, the program behind it, and how it is told of a wait."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import NamedTuple

from deskclerk.settings import Rules

MODELS = "mcp"
"""The face whose answers a model reads."""
FACES = (MODELS, "cli", "console", "python")
"""All through which one can ask."""


class PlacedRules(NamedTuple):
    """Rules, and where they stand."""

    where: str
    """As a refusal says it, ` for agent bot`; empty for those of the settings."""
    rules: Rules
    step: str
    """Who changes them, and how: the next step of whom they stop."""


@dataclass(frozen=True, slots=True)
class Caller:
    """The face that a request came through, the program behind it, and the token that it showed.

    `client` is what the program calls itself, `token` the name of the HTTP face's token, `person` the id of
    the signed-in person who asks, or in whose name the program does.
    """

    face: str
    client: str | None = None
    token: str | None = None
    person: str | None = None
    rules: tuple[PlacedRules, ...] = ()
    """What narrows this caller alone."""
    check_still: Callable[[], Awaitable[None]] | None = field(default=None, compare=False, repr=False)
    """Looks once more whether it may ask as it did, where that can change under a call: NotAllowed."""


Progress = Callable[[float, float, str], Awaitable[None]]
"""Told while a call waits for a signature: seconds waited, seconds it will wait, and for what."""
