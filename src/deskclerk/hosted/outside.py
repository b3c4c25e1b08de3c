"""What whoever asks a hosted desk is told of what its operator alone can mend: that it is so, and what to do.

Addresses, paths and what a server says stand in the operator's log: agents and customers are others.
"""

import logging
from time import monotonic

from deskclerk.errors import StorageUnavailable

logger = logging.getLogger("deskclerk.storage")

_AGAIN_SECONDS = 10.0
"""After which the same is logged once more: everybody who asks meets it."""


class SeldomLogged:
    """Warnings for the operator, each logged once for all who meet it within some seconds."""

    def __init__(self, log: logging.Logger) -> None:
        self._to = log
        self._logged: dict[str, float] = {}

    def __call__(self, text: str) -> None:
        """Log a text, unless it was just logged."""
        here = monotonic()
        self._logged = {known: at for known, at in self._logged.items() if here - at < _AGAIN_SECONDS}
        if text not in self._logged:
            self._logged[text] = here
            self._to.warning("%s", text)


class ToOthers:
    """Tells errors to others, and logs them for the operator."""

    def __init__(self) -> None:
        self._log = SeldomLogged(logger)

    def __call__(self, error: StorageUnavailable) -> StorageUnavailable:
        """The error as others are told it; one that names no place stays as it is."""
        if not error.places:
            return error
        self._log(str(error))
        return StorageUnavailable(
            "What this desk keeps cannot be read or written at the moment.",
            next_step="Ask again in a minute. If it stays so, tell whoever runs this desk: its log says why.",
            places=False,
        )
