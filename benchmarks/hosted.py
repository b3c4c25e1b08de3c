"""A hosted desk: a thousand MCP sessions of two hundred workspaces, and two replicas beside one.

Run: python benchmarks/hosted.py [SECONDS SESSIONS WORKSPACES]
"""

import asyncio
import os
import sys
import tempfile
import time
from pathlib import Path

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE), str(HERE.parent)]
from results import Row, report
from tests.hosted.load.sessions import Order, Outcome, load
from tests.hosted.load.stub import customers, stub_clerk
from tests.hosted.replicas.platform import Platform, Replica, platform

NUMBERS = [int(word) for word in sys.argv[1:] if word.isdigit()]
SECONDS, SESSIONS, WORKSPACES = NUMBERS or (120, 1000, 200)
PAUSE = 20.0
"""Seconds between two calls of a session."""
AT_ONCE, BUSY_SECONDS, RUNS = 16, 10, 2
MANY = {"requests_per_minute": 1_000_000}
AFTER = ("nice", "-n", "19")
"""Where throughput is taken the sessions run when the replicas do not; times are taken without that."""


def cpu(replica: Replica) -> float:
    """Seconds of a processor that a replica has had."""
    fields = Path(f"/proc/{replica.process.pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def resident(replica: Replica) -> float:
    """Kilobytes that are in a replica's memory."""
    lines = Path(f"/proc/{replica.process.pid}/smaps_rollup").read_text(encoding="utf-8").splitlines()
    return next(float(line.split()[1]) for line in lines if line.startswith("Rss:"))


class Bench:
    """A platform, the workspaces on it, and how they are loaded."""

    def __init__(self, here: Platform, agents: list[tuple[str, str]]) -> None:
        self.here, self.agents = here, agents

    def load(
        self, replicas: list[Replica], sessions: int, seconds: float, pause: float, *before: str
    ) -> Outcome:
        """So many sessions, spread over workspaces and replicas."""
        agents = [self.agents[number % len(self.agents)] for number in range(sessions)]
        host = self.here.public_url.removeprefix("http://")
        found = load(Order([one.port for one in replicas], host, agents, seconds, pause), *before)
        for error in found.errors[:5]:
            print(error, file=sys.stderr)
        return found

    def each_once(self, replica: Replica) -> None:
        """Every workspace's desk is opened."""
        self.load([replica], len(self.agents), len(self.agents) / 20, len(self.agents) / 20)

    def many_sessions(self) -> list[Row]:
        """What a thousand sessions meet, beside one alone, and the memory that they take."""
        replica = self.here.replica(worker=False)
        # What the first calls load stays, whoever comes.
        self.load([replica], AT_ONCE, 5, 0)
        alone = self.load([replica], 1, 15, 0.1)
        bare = resident(replica)
        self.each_once(replica)
        time.sleep(1)
        opened = resident(replica)
        many = self.load([replica], SESSIONS, SECONDS, PAUSE)
        loaded = resident(replica)
        replica.end()
        signed, per_second = many.signed, many.calls / many.seconds
        print(f"{many.calls:,} calls, {signed:,} signed, {per_second:.0f}/s", file=sys.stderr)
        print(f"p50 {many.at(0.5):.1f} ms of many, {alone.at(0.99):.1f} p99 of one", file=sys.stderr)
        name = f"{SESSIONS:,} MCP sessions of {WORKSPACES} workspaces"
        return [
            Row(f"{name}, errors", len(many.errors), max(1, many.calls), "", 0.0, note="calls"),
            Row(f"{name}, p99", many.at(0.99), alone.at(0.5), "ms", 10.0, note="p50 of one session alone"),
            Row(f"{name}, memory each", (loaded - bare) / SESSIONS, 200, "KB", 1.0, note="the goal"),
            Row(
                "an open workspace, memory",
                (opened - bare) / (WORKSPACES - AT_ONCE),
                200,
                "KB",
                1.0,
                note="a session's goal",
            ),
        ]

    def two_replicas(self) -> list[Row]:
        """Calls that two replicas answer, beside one, each on a processor of its own."""
        first = self.here.replica(worker=False, cpu=0)
        second = self.here.replica(worker=False, cpu=1)
        both = [first, second]
        self.load(both, AT_ONCE * 2, 5, 0)
        pairs = [(self.of_cpu([first]), self.of_cpu(both)) for _ in range(RUNS)]
        (one, raw_one), (two, raw_two) = (max(side) for side in zip(*pairs, strict=True))
        note = "one replica on one core"
        for replica in both:
            replica.end()
        return [
            Row("calls a second of two replicas, of their processor time", two, one, "/s", 1.5, True, note),
            Row("the same, all on this machine's two cores", raw_two, raw_one, "/s", 1.0, True, note),
        ]

    def of_cpu(self, replicas: list[Replica]) -> tuple[float, float]:
        """Calls in a second of a processor for each, added up; and those of a second of the clock."""
        before = [cpu(one) for one in replicas]
        found = self.load(replicas, AT_ONCE * len(replicas), BUSY_SECONDS, 0, *AFTER)
        assert not found.errors, found.errors[0]
        used = sum(cpu(one) - start for one, start in zip(replicas, before, strict=True))
        return found.calls / used * len(replicas), found.calls / found.seconds


async def prepared(here: Platform) -> list[tuple[str, str]]:
    """The workspaces, each with an instance and an agent."""
    async with here.parts() as parts:
        return await customers(here, parts, WORKSPACES, limits=MANY)


def main() -> None:
    """Print the rows."""
    with tempfile.TemporaryDirectory() as folder, platform(folder, stub_clerk()) as here:
        bench = Bench(here, asyncio.run(prepared(here)))
        report(bench.many_sessions() + bench.two_replicas())


if __name__ == "__main__":
    main()
