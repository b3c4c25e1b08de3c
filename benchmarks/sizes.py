"""What a question costs the sandbox at 1,000,000 users against 1,000: the median over a socket.

Run: python benchmarks/sizes.py [LARGE]
"""

import asyncio
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
from results import Row, report
from sandbox_rates import KEY, READ, get, sandbox, wrk

from deskclerk.sandbox import open_sandbox
from deskclerk.sandbox.opening import INSTANCE
from deskclerk.sandbox.seed.generated import generate

SMALL, LARGE = 1_000, 1_000_000
QUESTIONS = {
    "page of 10": "users?limit=10",
    "page of 10, banned only": "users?limit=10&banned=true",
    "page of 10, by name": "users?limit=10&order_by=last_name",
    "page of 10, text that many have": "users?limit=10&query=lind",
}


async def make(location: str, people: int) -> None:
    """A sandbox of so many."""
    async with open_sandbox(location, seed=False) as made:
        await generate(made.store, INSTANCE.id, people)


def medians(location: str) -> dict[str, float]:
    """Microseconds of each question, asked on one connection."""
    with sandbox(location) as origin:
        user = get(f"{origin}/users?limit=1&offset=300")[0]
        asked = {
            "get user": f"users/{user['id']}",
            "look-up by e-mail address": f"users?email_address={user['email_addresses'][0]['email_address']}",
            **QUESTIONS,
        }
        return {
            what: min(wrk(f"{origin}/{path}", READ % KEY, connections=1)[1] for _ in range(2))
            for what, path in asked.items()
        }


def main() -> None:
    """Print the rows."""
    large = int(next((word for word in sys.argv[1:] if word.isdigit()), LARGE))
    with tempfile.TemporaryDirectory() as folder:
        places = {size: str(Path(folder) / f"{size}.db") for size in (SMALL, large)}
        for size, place in places.items():
            asyncio.run(make(place, size))
        few, many = (medians(place) for place in places.values())
    report(
        Row(f"sandbox at {large:,} users, p50, {what}", many[what], few[what], "µs", 1.3, note="1,000 users")
        for what in few
    )


if __name__ == "__main__":
    main()
