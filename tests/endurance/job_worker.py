"""A worker as `deskclerk jobs work` is one, for a Clerk that is through with a request within a second."""

import asyncio
import logging
import sys

from deskclerk.desk.execution import settling
from deskclerk.desk.working import carry_out_jobs
from deskclerk.settings import Settings

if __name__ == "__main__":
    logging.basicConfig(stream=sys.stderr, level=logging.WARNING)
    # What is under way when a worker is killed is over after a moment, and not only after a minute.
    settling.longest_under_way = lambda _: 1_000
    asyncio.run(carry_out_jobs(Settings.load(), until_idle="--until-idle" in sys.argv))
