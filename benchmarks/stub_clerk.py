"""A Clerk that answers at once: users by cursor or by id, from memory. For benchmarks only.

Run: python benchmarks/stub_clerk.py PORT USERS
"""

import asyncio
import json
import re
import sys
from collections.abc import Iterator
from itertools import count
from typing import ClassVar

USER = {
    "object": "user",
    "external_id": None,
    "primary_email_address_id": "idn_1",
    "primary_phone_number_id": None,
    "primary_web3_wallet_id": None,
    "username": None,
    "first_name": "Ada",
    "last_name": "Byron",
    "locale": "en-GB",
    "public_metadata": {"plan": "team"},
    "private_metadata": {},
    "unsafe_metadata": {"theme": "dark"},
    "image_url": "https://img.example.com/user",
    "has_image": False,
    "email_addresses": [
        {
            "id": "idn_1",
            "object": "email_address",
            "email_address": "ada.byron@example.com",
            "verification": {"object": "verification_admin", "status": "verified", "strategy": "admin"},
            "created_at": 1700000000000,
            "updated_at": 1700000000000,
            "reserved": False,
            "linked_to": [],
            "matches_sso_connection": False,
        }
    ],
    "phone_numbers": [],
    "web3_wallets": [],
    "external_accounts": [],
    "passkeys": [],
    "saml_accounts": [],
    "enterprise_accounts": [],
    "password_enabled": True,
    "totp_enabled": False,
    "backup_code_enabled": False,
    "two_factor_enabled": False,
    "banned": False,
    "locked": False,
    "last_sign_in_at": 1700000000000,
    "last_active_at": 1700000000000,
    "created_at": 1700000000000,
    "updated_at": 1700000000000,
}
_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
_HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n"


def user(number: int) -> str:
    """One user as text."""
    return json.dumps({"id": f"user_{number:08}", **USER}, separators=(",", ":"))


class Stub(asyncio.Protocol):
    """One connection; requests come one after the other."""

    users = 0
    numbers: ClassVar[Iterator[int]] = count(1)
    pages: ClassVar[dict[tuple[int, int], bytes]] = {}

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin."""
        self.transport = transport
        self.waiting = b""

    def data_received(self, data: bytes) -> None:
        """Answer what is whole."""
        self.waiting += data
        while b"\r\n\r\n" in self.waiting:
            head, _, rest = self.waiting.partition(b"\r\n\r\n")
            length = int(found[1]) if (found := _LENGTH.search(head)) else 0
            if len(rest) < length:
                return
            self.waiting = rest[length:]
            method, target, _ = head.split(b" ", 2)
            body = self.answer(target.decode()) if method == b"GET" else self.change(target.decode())
            self.transport.write(_HEAD % len(body) + body)

    def change(self, target: str) -> bytes:
        """The body for a write: it happens to nobody, so that the next one finds things as they were."""
        if target == "/v1/oauth_applications":
            return b'{"client_id":"stub","client_secret":"stub"}'
        found = re.match(r"/v1/users/user_(\d+)/(\w+)", target)
        number = int(found[1]) if found else next(self.numbers)
        switched = {"banned": True} if found and found[2] == "ban" else {}
        return json.dumps(json.loads(user(number)) | switched).encode()

    def answer(self, target: str) -> bytes:
        """The body for a path."""
        if found := re.match(r"/v1/users/user_(\d+)(/\w+)?", target):
            return b'{"data":[],"total_count":0}' if found[2] else user(int(found[1])).encode()
        if target.startswith("/v1/sessions"):
            return b"[]"
        if target.startswith("/v1/users/count"):
            return b'{"object":"total_count","total_count":%d}' % self.users
        if named := re.findall(r"user_id=user_(\d+)", target):
            return f"[{','.join(user(int(number)) for number in named)}]".encode()
        start = re.search(r"starting_after=user_(\d+)", target)
        offset = re.search(r"offset=(\d+)", target)
        first = int(start[1]) + 1 if start else int(offset[1]) if offset else 0
        size = int(found[1]) if (found := re.search(r"limit=(\d+)", target)) else 10
        last = min(first + size, self.users)
        # Made once: what is measured is who asks.
        if (first, last) not in self.pages:
            self.pages[first, last] = f"[{','.join(user(number) for number in range(first, last))}]".encode()
        return self.pages[first, last]


async def main() -> None:
    """Answer until the process is ended."""
    Stub.users = int(sys.argv[2])
    server = await asyncio.get_running_loop().create_server(Stub, "127.0.0.1", int(sys.argv[1]))
    print("ready", flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main())
