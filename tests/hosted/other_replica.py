"""Another replica, in a process of its own: `python -m tests.hosted.other_replica URL DATABASE COMMAND`.

`sign` signs the plan that waits in the database, `tell` tells a topic of a workspace; it prints when it did.
"""

import asyncio
import sys
import time
from dataclasses import replace
from pathlib import Path

from pydantic import SecretStr

from deskclerk.desk import Decision, Desk, Signature
from deskclerk.desk.workspace import Workspace
from deskclerk.hosted.wakes import RedisWakes
from deskclerk.settings import Settings


def workspace_of(settings, wakes):
    """The workspace of a test: a database of its own, and wakes that every replica hears."""
    return replace(Workspace.of_this_machine(settings), wakes=wakes.of("ws_1"))


async def main(url, home, command, *topic):
    async with RedisWakes(SecretStr(url)) as wakes:
        if command == "tell":
            wakes.of(topic[0]).tell(topic[1])
            print(time.time(), flush=True)  # noqa: T201 - the test reads it
            return
        settings = Settings(home=Path(home), secret_key="sk_test_x")
        async with Desk(settings, workspace=workspace_of(settings, wakes)) as desk:
            (waiting,) = await desk.plans.waiting()
            await desk.sign(waiting.plan.id, Signature(Decision.APPROVED, "test"))
            print(time.time(), flush=True)  # noqa: T201 - the test reads it


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
