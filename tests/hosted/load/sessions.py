"""Many MCP sessions at hosted desks, in a process of their own: as clients, half of each era.

Run: `python -m tests.hosted.load.sessions < order.json`; it prints what came of it as JSON.
"""

import asyncio
import itertools
import json
import subprocess
import sys
import time
from dataclasses import asdict, dataclass, field
from pathlib import Path

OLDER, MODERN = "2025-11-25", "2026-07-28"
INFO = {"name": "load", "version": "0"}
ROUND = ("list", "get", "list", "tools", "get", "ban")
"""What a session asks for, one after the other: a sixth of it writes."""
PATIENCE = 120
_YES = {"action": "accept", "content": {"confirm": True}}
_USERS = 1000


@dataclass
class Order:
    """What is to be done.

    `agents` are workspace and token of each session, `ports` those of the replicas, which sessions take in
    turn; `pause` are the seconds between two calls of a session, and 0 has each wait for its answer alone.
    """

    ports: list[int]
    host: str
    agents: list[tuple[str, str]]
    seconds: float
    pause: float
    round: tuple[str, ...] = ROUND
    eras: tuple[str, ...] = (OLDER, MODERN)


@dataclass
class Outcome:
    """What came of it: milliseconds of each call by its kind, and what went wrong."""

    millis: dict[str, list[float]] = field(default_factory=dict)
    errors: list[str] = field(default_factory=list)
    signed: int = 0
    seconds: float = 0.0

    @property
    def all(self):
        return sorted(itertools.chain.from_iterable(self.millis.values()))

    @property
    def calls(self):
        return len(self.all)

    def at(self, part):
        """The milliseconds that this part of the calls took at most."""
        return self.all[min(self.calls - 1, int(self.calls * part))]


class Session:
    """One client on one connection; as little of HTTP as that takes."""

    def __init__(self, order, number, outcome):
        self.number, self.outcome, self.host = number, outcome, order.host
        self.port = order.ports[number % len(order.ports)]
        self.slug, self.token = order.agents[number]
        self.modern = order.eras[number // 2 % len(order.eras)] == MODERN
        self.ids = itertools.count(1)
        self.reader = self.writer = None

    async def begin(self):
        """Shake hands, as the older era has it."""
        if not self.modern:
            hello = {"protocolVersion": OLDER, "capabilities": {}, "clientInfo": INFO}
            await self.ask("initialize", hello)
            await self.post({"jsonrpc": "2.0", "method": "notifications/initialized"}, {})

    async def turn(self, kind, number):
        """One thing that an agent does; its time, and an error if it is not answered as it should."""
        begun = time.perf_counter()
        try:
            async with asyncio.timeout(PATIENCE):
                if kind == "tools":
                    found = await self.ask("tools/list", {})
                    assert found["tools"], found
                elif kind == "list":
                    await self.reads("clerk_users_list", {"limit": 5})
                elif kind == "get":
                    await self.reads("clerk_user_get", {"user_id": f"user_{number % _USERS:08}"})
                else:
                    await self.writes("clerk_user_ban", {"user_id": f"user_{number % _USERS:08}"})
        except Exception as error:  # noqa: BLE001 - each is counted, and none ends the others
            self.outcome.errors.append(f"{kind}: {type(error).__name__}: {error}"[:300])
            await self.leave()
        else:
            self.outcome.millis.setdefault(kind, []).append((time.perf_counter() - begun) * 1000)

    async def reads(self, name, arguments):
        found = await self.ask("tools/call", {"name": name, "arguments": arguments})
        assert not found.get("isError"), found

    async def writes(self, name, arguments):
        """Signed in the dialogue of the newer era; in the older one it waits for the console."""
        call = {"name": name, "arguments": arguments}
        found = await self.ask("tools/call", call)
        if not self.modern:
            assert "waits" in found["content"][0]["text"] or "sign" in found["content"][0]["text"], found
            assert found["isError"], found
            return
        assert found.get("resultType") == "input_required", found
        ((key, _),) = found["inputRequests"].items()
        answered = {"inputResponses": {key: _YES}, "requestState": found["requestState"]}
        done = await self.ask("tools/call", call | answered)
        assert not done.get("isError"), done
        self.outcome.signed += 1

    async def ask(self, method, params):
        """One request's result."""
        headers = {"MCP-Protocol-Version": MODERN if self.modern else OLDER}
        if self.modern:
            headers["Mcp-Method"] = method
            params = params | {
                "_meta": {
                    "io.modelcontextprotocol/protocolVersion": MODERN,
                    "io.modelcontextprotocol/clientInfo": INFO,
                    "io.modelcontextprotocol/clientCapabilities": {"elicitation": {}},
                }
            }
            if "name" in params:
                headers["Mcp-Name"] = params["name"]
        elif method == "initialize":
            headers = {}
        number = next(self.ids)
        body = await self.post({"jsonrpc": "2.0", "id": number, "method": method, "params": params}, headers)
        said = json.loads(body)
        assert said["id"] == number, said
        return said["result"]

    async def post(self, message, headers):
        """The body of the answer; AssertionError for a status that is no yes."""
        if self.writer is None or self.reader.at_eof():
            await self.leave()
            self.reader, self.writer = await asyncio.open_connection("127.0.0.1", self.port)
        body = json.dumps(message)
        more = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        self.writer.write(
            f"POST /mcp/{self.slug} HTTP/1.1\r\nHost: {self.host}\r\nContent-Type: application/json\r\n"
            f"Authorization: Bearer {self.token}\r\nAccept: application/json, text/event-stream\r\n{more}"
            f"Content-Length: {len(body)}\r\n\r\n{body}".encode()
        )
        head = (await self.reader.readuntil(b"\r\n\r\n")).decode().lower()
        if "transfer-encoding: chunked" in head:
            found = b""
            while size := int((await self.reader.readuntil(b"\r\n")), 16):
                found += (await self.reader.readexactly(size + 2))[:-2]
            await self.reader.readexactly(2)
        else:
            length = int(head.partition("content-length:")[2].partition("\r\n")[0] or 0)
            found = await self.reader.readexactly(length)
        text = found.decode()
        assert head.split(" ")[1] in ("200", "202"), head.splitlines()[0] + text
        if "text/event-stream" in head:
            return next(line[6:] for line in reversed(text.splitlines()) if line.startswith("data: {"))
        return text

    async def leave(self):
        if self.writer is not None:
            self.writer.close()
            self.reader = self.writer = None


async def run(order):
    """Every session at once, for so many seconds, each from a moment of its own on."""
    outcome = Outcome()
    sessions = [Session(order, number, outcome) for number in range(len(order.agents))]
    begun = time.monotonic()
    until = begun + order.seconds

    async def work(session):
        due = begun + order.pause * session.number / len(sessions)
        await asyncio.sleep(due - time.monotonic())
        try:
            await session.begin()
        except Exception as error:  # noqa: BLE001 - counted
            outcome.errors.append(f"begin: {type(error).__name__}: {error}"[:300])
        for turn in itertools.count(session.number):
            if max(due, time.monotonic()) >= until:
                break
            await asyncio.sleep(due - time.monotonic())
            await session.turn(order.round[turn % len(order.round)], turn * 7919 + session.number)
            due += order.pause
        await session.leave()

    async with asyncio.TaskGroup() as group:
        for session in sessions:
            group.create_task(work(session))
    outcome.seconds = time.monotonic() - begun
    return outcome


def load(order, *before):
    """The same in a process of its own, started by the words `before` (taskset, nice)."""
    command = [*before, sys.executable, "-m", "tests.hosted.load.sessions"]
    done = subprocess.run(
        command,
        input=json.dumps(asdict(order)),
        stdout=subprocess.PIPE,
        text=True,
        check=True,
        cwd=Path(__file__).parents[3],
    )
    return Outcome(**json.loads(done.stdout))


if __name__ == "__main__":
    print(json.dumps(asdict(asyncio.run(run(Order(**json.load(sys.stdin)))))))  # noqa: T201
