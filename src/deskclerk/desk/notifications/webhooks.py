"""A message as a signed webhook: headers and signature as Svix has them, so that its libraries verify it.

What is sent is signed with the destination's own secret, and one id stays the same through all tries.
"""

import base64
import hashlib
import hmac
import logging
import ssl
import time
from http import HTTPStatus
from urllib.parse import urlsplit

from deskclerk.desk.notifications.delivery import NotDeliveredError, sending_secretly
from deskclerk.settings import Destination

TRY_SECONDS = 10.0
"""For one try, to the end of the answer's head."""
# Worth another try: the receiver is busy, or what stands before it is.
_AGAIN = frozenset({408, 425, 429})
_MACHINE = ("localhost", "127.0.0.1", "::1")

for _name in ("httpx2", "httpcore2.connection", "httpcore2.http11", "httpcore2.http2", "httpcore2.proxy"):
    # These say every address that is asked, and a webhook's is a secret.
    logging.getLogger(_name).addFilter(sending_secretly.lets_through)


def signed_headers(secret: str, message_id: str, seconds: int, body: bytes) -> dict[str, str]:
    """The three headers of a delivery; `seconds` since the epoch."""
    key = base64.b64decode(secret.removeprefix("whsec_"), validate=True)
    digest = hmac.new(key, f"{message_id}.{seconds}.".encode() + body, hashlib.sha256).digest()
    return {
        "svix-id": message_id,
        "svix-timestamp": str(seconds),
        "svix-signature": f"v1,{base64.b64encode(digest).decode()}",
    }


async def post(destination: Destination, message_id: str, body: bytes) -> None:
    """One try.

    Raises:
        NotDeliveredError: why, and whether it is worth another try.
    """
    import httpx2  # noqa: PLC0415 - only where there is something to tell

    url = destination.url.get_secret_value()
    secret = destination.secret.get_secret_value() if destination.secret else ""
    headers = {
        "content-type": "application/json",
        "user-agent": "deskclerk",
        **signed_headers(secret, message_id, int(time.time()), body),
    }
    https = url.lower().startswith("https://")
    client = httpx2.AsyncClient(
        timeout=TRY_SECONDS,
        # A redirect could lead anywhere; and what is for this machine is for no proxy.
        follow_redirects=False,
        trust_env=urlsplit(url).hostname not in _MACHINE,
        verify=True if https else ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT),
    )
    try:
        with sending_secretly():
            # The head of the answer says all: a body of any length is left alone.
            async with client, client.stream("POST", url, content=body, headers=headers) as answer:
                status = answer.status_code
    except (httpx2.HTTPError, httpx2.InvalidURL) as error:
        # By its kind alone: what it says may name the address.
        why = f"no answer ({type(error).__name__})"
        raise NotDeliveredError(why, again=isinstance(error, httpx2.TransportError)) from None
    check_status(status)


def check_status(status: int) -> None:
    """NotDeliveredError for an answer that takes nothing, with whether another try may help."""
    if not HTTPStatus.OK <= status < HTTPStatus.MULTIPLE_CHOICES:
        again = status in _AGAIN or status >= HTTPStatus.INTERNAL_SERVER_ERROR
        raise NotDeliveredError(f"it answered {status}", again=again)
