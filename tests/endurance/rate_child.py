"""A process that reads one user so many times: `rate_child.py HOME ORIGIN COUNT`."""

import asyncio
import sys
from pathlib import Path

from deskclerk.catalogue import GetUser
from deskclerk.desk import Desk
from deskclerk.settings import Settings


async def main(home: str, origin: str, count: int) -> None:
    """Read, one after the other."""
    settings = Settings(home=Path(home), secret_key="sk_test_x", api_url=origin)
    async with Desk.open(settings) as desk:
        for _ in range(count):
            await desk.perform(GetUser(user_id="user_1"))


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], sys.argv[2], int(sys.argv[3])))
