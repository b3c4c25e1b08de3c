"""Logs as a machine reads them: a JSON object a line, each with its request and its trace, and no secret.

Three rules keep out what must not be written down. What we know to be secret is taken out of every text, and
so is whatever looks like a key, a token or a password. An unexpected error is told by its class and the lines
of code that it passed, never by its message. Of other programs' loggers a line is told by its format and its
place in the code: what they put into it may be what a client sent.
"""

import json
import logging
import re
import sys
import traceback
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from itertools import islice
from pathlib import PurePath
from typing import Any, TextIO

from deskclerk.catalogue import REDACTED
from deskclerk.desk import taking_out
from deskclerk.hosted.operating.requests import REQUEST_ID, TRACE_ID
from deskclerk.settings import Settings, secrets_in

_OURS = "deskclerk"
_PLAIN = ("uvicorn",)
"""Loggers of others whose lines hold nothing that came from outside: of a server that starts and ends."""
_LONGEST = 2_000
"""Characters of one text of a line."""
_MOST_FRAMES = 30
_MOST_CAUSES = 5
_LOOKS_SECRET = re.compile(
    r"""
    \b(?:sk_(?:live|test)|whsec|ak|mt|oat|dck)_[A-Za-z0-9+/=_-]{8,}     # Clerk's, webhooks', our own
    | \beyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]*)?        # JSON web tokens
    | (?<=[Bb]earer\s)[A-Za-z0-9._~+/=-]+
    | (?<=[Bb]asic\s)[A-Za-z0-9+/=]{8,}
    | (?<=://)[^\s/@:]*:[^\s/@]+(?=@)                                    # the password of a URL
    | (?<=/in/)[A-Za-z0-9_-]{8,}                                         # a link that signs
    """,
    re.VERBOSE,
)


class JsonLines(logging.Formatter):
    """Formats a record as one line of JSON.

    Keys: `time` (ISO 8601, UTC), `level`, `logger`, `message`, `request_id`, `trace_id`; with an error
    `error`, a list of what came from what, each with `type` and `frames`; for a request what `RequestIds`
    says of it; of another program's logger `source`, the place in its code.
    """

    def __init__(self, secrets: Sequence[str] = ()) -> None:
        """`secrets` are texts to be taken out wherever they stand."""
        super().__init__()
        self._known = taking_out(secrets) if secrets else None

    def format(self, record: logging.LogRecord) -> str:
        """One line, whatever the record holds."""
        ours = record.name.partition(".")[0] == _OURS
        line: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "message": self._clean(self._message(record, ours=ours)),
            "request_id": REQUEST_ID.get(),
            "trace_id": TRACE_ID.get(),
        }
        if not ours:
            line["source"] = f"{PurePath(record.pathname).name}:{record.lineno}"
        if record.exc_info and record.exc_info[1]:
            line["error"] = list(islice(_causes(record.exc_info[1]), _MOST_CAUSES))
        facts = getattr(record, "facts", {})
        return json.dumps(line | {name: self._clean(value) for name, value in facts.items()}, default=str)

    @staticmethod
    def _message(record: logging.LogRecord, *, ours: bool) -> str:
        if ours:
            return record.getMessage()
        if record.name.partition(".")[0] in _PLAIN:
            # Further lines are a traceback as text, with an error's message at its end.
            return record.getMessage().partition("\n")[0]
        # A text that was put together before it came here shows no seam between words and what was put in.
        return str(record.msg) if record.args else ""

    def _clean(self, value: Any) -> Any:
        """Without secrets, and no longer than a line is read."""
        if not isinstance(value, str):
            return value
        known = self._known(value) if self._known else value
        text = _LOOKS_SECRET.sub(REDACTED, known)
        return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"


def _causes(error: BaseException) -> Iterator[dict[str, Any]]:
    """An error and what it came from: classes and places."""
    found: BaseException | None = error
    while found is not None:
        frames = traceback.extract_tb(found.__traceback__)[-_MOST_FRAMES:]
        places = [f"{PurePath(frame.filename).name}:{frame.lineno} {frame.name}" for frame in frames]
        yield {"type": type(found).__name__, "frames": places}
        found = found.__cause__ or (None if found.__suppress_context__ else found.__context__)


def log_json(settings: Settings, stream: TextIO | None = None) -> None:
    """Have everything that this process logs be lines of JSON on standard error, requests among it."""
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(JsonLines(tuple(secrets_in(settings))))
    # In place of whatever was there: a line that is told twice is told once without these rules.
    logging.basicConfig(handlers=[handler], level=logging.WARNING, force=True)
    for name in ("deskclerk.requests", "deskclerk.retries"):
        logging.getLogger(name).setLevel(logging.INFO)
