"""A message through Apprise: Slack, e-mail, the desktop and the hundred other services that it knows.

The library is an extra (`deskclerk[notify]`), and loaded only when something is told through it.
"""

import importlib.util
import logging
import re
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from deskclerk.desk.notifications.delivery import NotDeliveredError, sending_secretly
from deskclerk.desk.notifications.messages import Message
from deskclerk.desk.view.cleaning import line_of
from deskclerk.settings import Destination

if TYPE_CHECKING:
    from collections.abc import Iterable

SECONDS = 25.0
"""For one message to one service, all that its library does included."""
_NOT_INSTALLED = "Apprise is not installed: pip install 'deskclerk[notify]'"
_UNKNOWN = "Apprise knows no service by this address, or what that needs is not installed"
_LONGEST_REASON = 160


def problem_of(destination: Destination) -> str:
    """Why nothing can be told there, by its address alone; empty if that is good."""
    if destination.is_webhook:
        return ""
    if importlib.util.find_spec("apprise") is None:
        return _NOT_INSTALLED
    return "" if _service_of(destination) is not None else _UNKNOWN


async def send(destination: Destination, message: Message) -> None:
    """Tell a service.

    Raises:
        NotDeliveredError: why.
    """
    from anyio import to_thread  # noqa: PLC0415 - only where there is something to tell

    # In a thread, since loading the library and asking a service both block; it is left behind when the time
    # is over, or the process ends.
    await to_thread.run_sync(_send, destination, message, abandon_on_cancel=True)


def _send(destination: Destination, message: Message) -> None:
    if problem := problem_of(destination):
        raise NotDeliveredError(problem)
    import apprise  # noqa: PLC0415 - an extra

    teller = apprise.Apprise()
    teller.add(_service_of(destination))
    with sending_secretly():
        result = teller.notify(
            body=message.text,
            title=message.title,
            notify_type=apprise.NotifyType.WARNING,
            body_format=apprise.NotifyFormat.TEXT,
            timeout=SECONDS,
        )
    if not result:
        said = [entry.message for entry in result.logs()]
        raise NotDeliveredError(_reason(destination.url.get_secret_value(), said))


def _service_of(destination: Destination) -> Any:
    """Apprise's own object for an address; None if it knows none."""
    import apprise  # noqa: PLC0415

    # What it logs may name addresses: what went wrong is said in a line of ours.
    log = logging.getLogger("apprise")
    if log.propagate:
        log.propagate = False
        log.addHandler(logging.NullHandler())
        # These say every address that is asked.
        for name in ("urllib3.connectionpool", "requests", "requests_oauthlib.oauth1_auth"):
            logging.getLogger(name).addFilter(sending_secretly.lets_through)
    asset = apprise.AppriseAsset(
        app_id="deskclerk",
        app_desc="deskclerk",
        app_url="",
        # A redirect could lead anywhere, and nothing is kept between two messages.
        http_redirects=False,
        storage_mode=apprise.PersistentStoreMode.MEMORY,
        # What stands in a name is text: no escape, no emoji.
        interpret_escapes=False,
        interpret_emojis=False,
        secure_logging=True,
    )
    with sending_secretly():
        return apprise.Apprise.instantiate(destination.url.get_secret_value(), asset=asset)


def _reason(url: str, said: "Iterable[str]") -> str:
    """What the library says, without any part of the address."""
    parts = {unquote(part) for part in re.split(r"[/:@?&=#,+]+", url)} | set(re.split(r"[/:@?&=#,+]+", url))
    text = line_of(" ".join(said), 4 * _LONGEST_REASON)
    # The longest first: a part of one that stays would tell the rest.
    for part in sorted(filter(None, parts), key=len, reverse=True):
        text = re.sub(rf"(?<!\w){re.escape(part)}(?!\w)", "[secret]", text, flags=re.IGNORECASE)
    return line_of(text, _LONGEST_REASON) or "it did not take it, or not in time"
