"""What a signed ban costs: requests to Clerk, statements, transactions and commits of the desk.

Run: python benchmarks/signed_write.py
"""

import asyncio
import os
import sys
import tempfile
from pathlib import Path

import httpx2

sys.path[:0] = [str(Path(__file__).parent), str(Path(__file__).parent.parent)]
from results import Row, report

from deskclerk.catalogue import BanUser, ListUsers
from deskclerk.database.sqlite import SqliteDatabase
from deskclerk.desk import Decision, Desk, Signature
from deskclerk.settings import Settings


async def counts() -> dict[str, int]:
    """What the second ban of a process takes: the first one opens the databases."""
    said: list[str] = []
    connect, send = SqliteDatabase._connect, httpx2.ASGITransport.handle_async_request

    async def watched(self: SqliteDatabase) -> object:
        connection = await connect(self)
        if self._durable:
            connection.driver.set_trace_callback(said.append)
        return connection

    async def noted(self: httpx2.ASGITransport, request: httpx2.Request) -> httpx2.Response:
        said.append(f"HTTP {request.method}")
        return await send(self, request)

    async def yes(_plan: object) -> Signature:
        return Signature(Decision.APPROVED, "benchmark")

    SqliteDatabase._connect, httpx2.ASGITransport.handle_async_request = watched, noted
    async with Desk.open(Settings.load(), approver=yes) as desk:
        users = (await desk.perform(ListUsers(limit=2))).value["items"]
        for user in users:
            said.clear()
            await desk.perform(BanUser(user_id=user["id"]))
    sent = said.index("HTTP POST")
    steps = ("BEGIN", "COMMIT", "ROLLBACK", "HTTP", "--")
    return {
        "requests": sum(line.startswith("HTTP") for line in said),
        "statements": sum(not line.startswith(steps) for line in said),
        "transactions": sum(line.startswith("BEGIN") for line in said),
        "before": sum(line.startswith("COMMIT") for line in said[:sent]),
        "after": sum(line.startswith("COMMIT") for line in said[sent:]),
    }


def main() -> None:
    """Print the rows; beside each count stands the most that it may be."""
    with tempfile.TemporaryDirectory() as home:
        os.environ["DESKCLERK_HOME"] = home
        found = asyncio.run(counts())
    report(
        [
            Row("a signed ban, requests to Clerk", found["requests"], 5, "", 1.0),
            Row("a signed ban, SQL statements of the desk", found["statements"], 12, "", 1.0),
            Row("a signed ban, transactions of the desk", found["transactions"], 4, "", 1.0),
            Row(
                "a signed ban, commits that wait for the disk before the request", found["before"], 2, "", 1.0
            ),
            Row("a signed ban, commits that wait for the disk after it", found["after"], 1, "", 1.0),
        ]
    )


if __name__ == "__main__":
    main()
