"""Every route that the sandbox serves and what handles it."""

from deskclerk.catalogue import Action, Route
from deskclerk.sandbox import sessions
from deskclerk.sandbox.call import Handlers

HANDLERS: Handlers = {**sessions.HANDLERS}

EXTRA: dict[Route, type[Action]] = {}
"""Routes that no action uses, and the action whose parameters each takes."""
