"""Carries one message out to a customer's address: to a machine that was checked, and nowhere else."""

import asyncio
import json
import ssl
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import httpx2
from pydantic import SecretStr

from deskclerk.desk.notifications.delivery import NotDeliveredError, sending_secretly
from deskclerk.desk.notifications.messages import Message
from deskclerk.desk.notifications.webhooks import check_status, signed_headers
from deskclerk.hosted.notifications.addresses import Kind, Resolve, is_public, public_addresses, read_address
from deskclerk.hosted.notifications.addresses import resolve as by_the_system

TRY_SECONDS = 10.0
"""For one try: names, connecting and the head of the answer."""
_CONNECT_SECONDS = 4.0
_MOST_ADDRESSES = 3


@dataclass(frozen=True, slots=True)
class OpenDestination:
    """A destination with its address and secret, for as long as a try lasts."""

    kind: Kind
    address: SecretStr
    secret: SecretStr | None


class Outgoing:
    """Sends to destinations of workspaces.

    What it is given is for tests, which have no public network: nobody can set it.
    """

    def __init__(
        self,
        *,
        resolve: Resolve = by_the_system,
        public: Callable[[str], bool] = is_public,
        port: int = 443,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self._resolve = resolve
        self._public = public
        self._port = port
        # Made once: to read the certificates of all authorities takes longer than to send a message.
        self._tls = tls or httpx2.create_ssl_context()

    async def send(self, place: OpenDestination, message_id: str, message: Message, at: int) -> None:
        """One try; `message_id` is the same in every one, `at` in milliseconds since the epoch.

        Raises:
            NotDeliveredError: why, without the address, and whether another try may help.
        """
        if place.kind == "slack":
            body, headers = _for_slack(message), {}
        else:
            secret = place.secret.get_secret_value() if place.secret else ""
            body = message.body(at)
            headers = signed_headers(secret, message_id, int(time.time()), body)
        try:
            async with asyncio.timeout(TRY_SECONDS):
                await self._post(place, body, headers)
        except TimeoutError:
            raise NotDeliveredError("it took too long", again=True) from None

    async def _post(self, place: OpenDestination, body: bytes, headers: Mapping[str, str]) -> None:
        host, target = read_address(place.kind, place.address.get_secret_value())
        addresses = await public_addresses(host, self._resolve, self._public)
        for number, address in enumerate(addresses[:_MOST_ADDRESSES], 1):
            try:
                check_status(await self._answer(address, host, target, body, headers))
            except (httpx2.ConnectError, httpx2.ConnectTimeout):
                # Nothing has left yet: another machine of the same name may take it.
                if number == min(len(addresses), _MOST_ADDRESSES):
                    raise NotDeliveredError("no connection", again=True) from None
            except (httpx2.HTTPError, httpx2.InvalidURL) as error:
                # By its kind alone: what it says may name the address.
                why = f"no answer ({type(error).__name__})"
                raise NotDeliveredError(why, again=isinstance(error, httpx2.TransportError)) from None
            else:
                return

    async def _answer(
        self, address: str, host: str, target: str, body: bytes, headers: Mapping[str, str]
    ) -> int:
        """The status with which one machine answers for a host."""
        within = f"[{address}]" if ":" in address else address
        # A client for each: a connection that is kept open is found again by its address alone, and what was
        # shown to be one host's must not serve another one behind the same address.
        client = httpx2.AsyncClient(
            verify=self._tls,
            timeout=httpx2.Timeout(TRY_SECONDS, connect=_CONNECT_SECONDS),
            # A redirect could lead anywhere, and a proxy would look the name up once more.
            follow_redirects=False,
            trust_env=False,
        )
        sent = {"content-type": "application/json", "user-agent": "deskclerk", "host": host, **headers}
        with sending_secretly():
            # To the address that was checked and not to the name, which may mean another machine by now; the
            # certificate has to be the name's all the same.
            async with (
                client,
                client.stream(
                    "POST",
                    f"https://{within}:{self._port}{target}",
                    content=body,
                    headers=sent,
                    extensions={"sni_hostname": host},
                ) as answer,
            ):
                # The head says all: a body of any length is left alone.
                return answer.status_code


def _for_slack(message: Message) -> bytes:
    text = f"{message.title}\n{message.text}".replace("&", "&amp;")
    said = {"text": text, "mrkdwn": False, "unfurl_links": False, "unfurl_media": False}
    return json.dumps(said, ensure_ascii=False).encode()
