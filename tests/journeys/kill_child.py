"""Desk processes that write until they are killed: `kill_child.py HOME ORIGIN`.

Each line of standard input, a step and a user, is one process: it settles what the one before it left
open, bans the user, and kills itself with SIGKILL at the step. The steps inside Clerk are killed by
whoever plays Clerk.
"""

import asyncio
import os
import signal
import sys
from importlib import import_module
from pathlib import Path

from deskclerk.catalogue import BanUser
from deskclerk.desk import Desk, desk
from deskclerk.desk.execution import settling
from deskclerk.desk.journal.journal import Journal
from deskclerk.settings import Settings


def die(*_args: object, **_more: object) -> None:
    """As `kill -9` does."""
    os.kill(os.getpid(), signal.SIGKILL)


def arm(step: str) -> None:
    """Have the process die at a step of the path of its next write."""
    intent, outcome = Journal.intent, Journal.outcome

    async def dying_intent(self, *args, **more):
        if step == "before the intent":
            die()
        event = await intent(self, *args, **more)
        if step == "after the intent":
            die()
        return event

    async def dying_outcome(self, *args, **more):
        if step == "before the outcome":
            die()
        await outcome(self, *args, **more)
        if step == "after the outcome":
            die()

    Journal.intent, Journal.outcome = dying_intent, dying_outcome


async def main(home: str, origin: str, step: str, user_id: str) -> None:
    """One write, with the step armed only once everything else is open."""
    settings = Settings(home=Path(home), secret_key="sk_test_x", api_url=origin, confirm="never")
    async with Desk.open(settings) as desk:
        await desk.settling.orphans()
        arm(step)
        await desk.perform(BanUser(user_id=user_id))


if __name__ == "__main__":
    settling.longest_under_way = lambda _: 0
    # Of a process that was killed the whole share of the rate budget counts as sent: a hundred would wait.
    desk.rate_budget = lambda *_, **__: None
    for name in (
        "ksuid",
        "stamina",
        "deskclerk.database.sqlite",
        "deskclerk.desk.journal.queries",
    ):
        import_module(name)
    import_module("deskclerk.desk.journal.queries")
    import_module("sqlalchemy.dialects.sqlite.pysqlite")
    # The imports are paid once: every line is a process of its own, forked from this one.
    for line in sys.stdin:
        word, user = line.split("\t")
        child = os.fork()
        if child == 0:
            asyncio.run(main(sys.argv[1], sys.argv[2], word, user.strip()))
            os._exit(0)
        sys.stdout.write(f"{child}\n")
        sys.stdout.flush()
        sys.stdout.write(f"{os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])}\n")
        sys.stdout.flush()
