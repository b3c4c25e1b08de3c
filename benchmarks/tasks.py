"""Thirty tasks as people word them: the calls and the o200k tokens that each takes, beside the peers.

Each is a script of the shortest way: through deskclerk in lean mode, through `@clerk/agent-toolkit` where
that can do it at all, and through a server generated from Clerk's OpenAPI document with FastMCP, whose
tools answer what Clerk answers. Counted are the tool list once and each call's arguments and answer.

Run: (cd benchmarks/peers && npm ci); python benchmarks/tasks.py [--schemas TOKENS]

The generated server's tool list is counted by `python benchmarks/generated_schemas.py OPENAPI`, which needs
`fastmcp` 4.1.2 and the document; its number stands here.
"""

import json
import os
import statistics
import subprocess
import sys
import tempfile
import urllib.parse
import urllib.request
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import quicktok

sys.path.insert(0, str(Path(__file__).parent))
from mcp_stdio import DESKCLERK, HELLO
from results import Row, report
from sandbox_rates import KEY, sandbox
from servers import NODE, PEERS

TOOLKIT = [NODE, str(PEERS / "@clerk/agent-toolkit/dist/modelcontextprotocol/local-server.js")]
GENERATED_SCHEMAS = 325_284
"""What `generated_schemas.py` counted with fastmcp 4.1.2 on 2026-11-28: 249 tools, those of 2026-05-12."""
ENCODING = quicktok.get_encoding("o200k_base")
Step = tuple[Any, ...] | Callable[[list[Any]], tuple[Any, ...]]


@dataclass
class Task:
    """What somebody asks for, and the steps of each side; None where a peer cannot do it.

    The toolkit finds no user by an address, and refuses an organization's slug, which is what people say.
    """

    words: str
    ours: Sequence[Step]
    generated: Sequence[Step]
    toolkit: Sequence[Step] | None = None


def find(task: str) -> Step:
    """What lean mode offers for a task."""
    return ("clerk_actions_find", {"task": task})


def call(name: str, /, **arguments: Any) -> Step:
    """An action of ours, by its name."""
    return ("clerk_action_call", {"name": f"clerk_{name}", "arguments": json.dumps(arguments)})


def user(address: str) -> Step:
    """How a generated server finds a user."""
    return ("GET", "/users", {"email_address": f"{address}@example.com"})


def organization(slug: str) -> Step:
    """How a generated server finds an organization."""
    return ("GET", f"/organizations/{slug}", {})


def with_id(method: str, path: str, body: dict[str, Any] | None = None, *, of: int = 0) -> Step:
    """A request whose path holds the id that an earlier answer found."""

    def step(answers: list[Any]) -> tuple[Any, ...]:
        found = answers[of]
        found = found["data"] if isinstance(found, dict) and "data" in found else found
        found = found[0] if isinstance(found, list) else found
        return (method, path.replace("ID", found["id"]), body or {})

    return step


TASKS = [
    Task(
        "ban sol.castellanos@example.com",
        [find("ban somebody"), call("user_ban", user_id="sol.castellanos@example.com")],
        [user("sol.castellanos"), with_id("POST", "/users/ID/ban")],
    ),
    Task(
        "lift that ban again",
        [find("lift the ban of a user"), call("user_unban", user_id="sol.castellanos@example.com")],
        [user("sol.castellanos"), with_id("POST", "/users/ID/unban")],
    ),
    Task(
        "lock Pilar's account for now",
        [find("lock an account"), call("user_lock", user_id="pilar.dominguez@example.com")],
        [user("pilar.dominguez"), with_id("POST", "/users/ID/lock")],
    ),
    Task(
        "unlock Pilar",
        [find("unlock a user"), call("user_unlock", user_id="pilar.dominguez@example.com")],
        [user("pilar.dominguez"), with_id("POST", "/users/ID/unlock")],
    ),
    Task(
        "show me aino.virtanen@example.com",
        [find("show a user"), call("user_get", user_id="aino.virtanen@example.com")],
        [user("aino.virtanen")],
    ),
    Task(
        "change Malik's last name to Fergus",
        [
            find("change a user's name"),
            call("user_update", user_id="malik.ferguson@example.com", last_name="Fergus"),
        ],
        [user("malik.ferguson"), with_id("PATCH", "/users/ID", {"last_name": "Fergus"})],
    ),
    Task(
        "put Shreya on the plan team",
        [
            find("set the plan in a user's metadata"),
            call("user_update", user_id="shreya.banerjee@example.com", public_metadata={"plan": "team"}),
        ],
        [
            user("shreya.banerjee"),
            with_id("PATCH", "/users/ID/metadata", {"public_metadata": {"plan": "team"}}),
        ],
    ),
    Task(
        "how many users do we have?",
        [find("how many users are there"), call("users_list", limit=0)],
        [("GET", "/users/count", {})],
        [("getUserCount", {})],
    ),
    Task(
        "how many signed up since April?",
        [find("how many users signed up"), call("users_list", limit=0, created_at_after="2026-04-01")],
        [("GET", "/users/count", {"created_at_after": 1775001600000})],
    ),
    Task(
        "which users never signed in since March?",
        [
            find("users who did not sign in since a date"),
            call("users_list", last_sign_in_at_before="2026-03-01", limit=100),
        ],
        [("GET", "/users", {"last_sign_in_at_before": 1772323200000, "limit": 100})],
    ),
    Task(
        "who is banned?",
        [find("list banned users"), call("users_list", banned=True, limit=100)],
        [("GET", "/users", {"banned": "true", "limit": 100})],
    ),
    Task(
        "find everybody called Virtanen",
        [find("find users by name"), call("users_list", name_query="Virtanen")],
        [("GET", "/users", {"name_query": "Virtanen"})],
    ),
    Task(
        "on which devices is Aino signed in?",
        [
            find("devices on which a user is signed in"),
            lambda _: call("users_list", email_address=["aino.virtanen@example.com"], fields=["id"]),
            lambda answers: call("sessions_list", user_id=answers[1]["items"][0]["id"], status="active"),
        ],
        [
            user("aino.virtanen"),
            lambda answers: ("GET", "/sessions", {"user_id": answers[0][0]["id"], "status": "active"}),
        ],
    ),
    Task(
        "create a user for new.colleague@example.org",
        [
            find("create a user"),
            call("user_create", email_address=["new.colleague@example.org"], skip_password_requirement=True),
        ],
        [
            (
                "POST",
                "/users",
                {"email_address": ["new.colleague@example.org"], "skip_password_requirement": True},
            )
        ],
    ),
    Task(
        "erase finn.gallacher@example.com for good",
        [find("erase a user for good"), call("user_delete", user_id="finn.gallacher@example.com")],
        [user("finn.gallacher"), with_id("DELETE", "/users/ID")],
    ),
    Task(
        "list our organizations",
        [find("list organizations"), call("organizations_list", limit=100)],
        [("GET", "/organizations", {"limit": 100})],
    ),
    Task(
        "show the organization quillworks",
        [find("show an organization"), call("organization_get", organization_id="quillworks")],
        [organization("quillworks")],
    ),
    Task(
        "rename Quillworks to Quill Works",
        [
            find("rename an organization"),
            call("organization_update", organization_id="quillworks", name="Quill Works"),
        ],
        [organization("quillworks"), with_id("PATCH", "/organizations/ID", {"name": "Quill Works"})],
    ),
    Task(
        "give larkspur 50 seats",
        [
            find("seats of an organization"),
            call("organization_update", organization_id="larkspur", max_allowed_memberships=50),
        ],
        [organization("larkspur"), with_id("PATCH", "/organizations/ID", {"max_allowed_memberships": 50})],
    ),
    Task(
        "create the organization Acme Tools",
        [find("create an organization"), call("organization_create", name="Acme Tools")],
        [("POST", "/organizations", {"name": "Acme Tools"})],
        [("createOrganization", {"name": "Acme Tools"})],
    ),
    Task(
        "who are the admins of Larkspur?",
        [
            find("admins of an organization"),
            call("org_memberships_list", organization_id="larkspur", role=["org:admin"]),
        ],
        [
            organization("larkspur"),
            with_id("GET", "/organizations/ID/memberships", {"role": "org:admin"}),
        ],
    ),
    Task(
        "make Sol an admin of Nimbus",
        [
            find("add a user to an organization"),
            call(
                "org_membership_create",
                organization_id="nimbus-freight",
                user_id="sol.castellanos@example.com",
                role="org:admin",
            ),
        ],
        [
            organization("nimbus-freight"),
            user("sol.castellanos"),
            lambda answers: (
                "POST",
                f"/organizations/{answers[0]['id']}/memberships",
                {"user_id": answers[1][0]["id"], "role": "org:admin"},
            ),
        ],
    ),
    Task(
        "take Sol out of Nimbus again",
        [
            find("remove a member from an organization"),
            call(
                "org_membership_delete",
                organization_id="nimbus-freight",
                user_id="sol.castellanos@example.com",
            ),
        ],
        [
            organization("nimbus-freight"),
            user("sol.castellanos"),
            lambda answers: (
                "DELETE",
                f"/organizations/{answers[0]['id']}/memberships/{answers[1][0]['id']}",
                {},
            ),
        ],
    ),
    Task(
        "invite dora@example.org to Tidewater",
        [
            find("invite somebody to an organization"),
            call(
                "org_invitation_create",
                organization_id="tidewater-clinic",
                email_address="dora@example.org",
                role="org:member",
            ),
        ],
        [
            organization("tidewater-clinic"),
            with_id(
                "POST",
                "/organizations/ID/invitations",
                {"email_address": "dora@example.org", "role": "org:member"},
            ),
        ],
    ),
    Task(
        "resend the invitation of reception@example.org to Tidewater",
        [
            find("resend an invitation to an organization"),
            call("org_invitations_list", organization_id="tidewater-clinic", status=["pending"]),
            lambda answers: call(
                "org_invitation_revoke",
                organization_id="tidewater-clinic",
                invitation_id=_of_reception(answers[1]["items"]),
            ),
            call(
                "org_invitation_create",
                organization_id="tidewater-clinic",
                email_address="reception@example.org",
                role="org:member",
            ),
        ],
        [
            organization("tidewater-clinic"),
            with_id("GET", "/organizations/ID/invitations", {"status": "pending"}),
            lambda answers: (
                "POST",
                f"/organizations/{answers[0]['id']}/invitations/{_of_reception(answers[1]['data'])}/revoke",
                {},
            ),
            with_id(
                "POST",
                "/organizations/ID/invitations",
                {"email_address": "reception@example.org", "role": "org:member"},
            ),
        ],
    ),
    Task(
        "invite eve@example.org to the application",
        [find("invite to the application"), call("invitation_create", email_address="eve@example.org")],
        [("POST", "/invitations", {"email_address": "eve@example.org"})],
        [("createInvitation", {"emailAddress": "eve@example.org"})],
    ),
    Task(
        "which invitations to the application are pending?",
        [find("pending invitations to the application"), call("invitations_list", status="pending")],
        [("GET", "/invitations", {"status": "pending", "paginated": "true"})],
    ),
    Task(
        "block sign-ups from mailinator.com",
        [find("block sign-ups from a domain"), call("blocklist_create", identifier="*@mailinator.com")],
        [("POST", "/blocklist_identifiers", {"identifier": "*@mailinator.com"})],
    ),
    Task(
        "what do our OAuth applications ask for?",
        [find("list OAuth applications"), call("clients_list")],
        [("GET", "/oauth_applications", {})],
    ),
    Task(
        "offboard Tobias: out of every organization, sessions ended, banned",
        [
            find("organizations of a user"),
            call("organizations_list", user_id=["tobias.lindqvist@example.com"]),
            lambda answers: call(
                "org_membership_delete",
                organization_id=(answers[1]["items"] or [{"id": "larkspur"}])[0]["id"],
                user_id="tobias.lindqvist@example.com",
            ),
            # A ban ends every session.
            call("user_ban", user_id="tobias.lindqvist@example.com"),
        ],
        [
            user("tobias.lindqvist"),
            with_id("GET", "/users/ID/organization_memberships"),
            lambda answers: (
                "DELETE",
                f"/organizations/{_first(answers[1])}/memberships/{answers[0][0]['id']}",
                {},
            ),
            with_id("POST", "/users/ID/ban"),
        ],
    ),
]


def _of_reception(invitations: list[dict[str, Any]]) -> str:
    return next(str(item["id"]) for item in invitations if item["email_address"] == "reception@example.org")


def _first(memberships: dict[str, Any]) -> str:
    found = memberships["data"]
    return str(found[0]["organization"]["id"]) if found else "larkspur"


def tokens(value: Any) -> int:
    """The o200k tokens of a text, or of JSON without white space."""
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return len(ENCODING.encode(text))


class Server:
    """An MCP server on standard input and output."""

    def __init__(self, command: list[str], env: dict[str, str]) -> None:
        self._process = subprocess.Popen(
            command, env=env, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        )
        self._ids = iter(range(10**6))
        self._ask("initialize", HELLO)
        self._send({"method": "notifications/initialized"})
        self.schemas = tokens(self._ask("tools/list", {})["tools"])

    def call(self, step: tuple[Any, ...]) -> tuple[int, Any]:
        """The tokens of a call and its answer, and the answer."""
        name, arguments = step
        result = self._ask("tools/call", {"name": name, "arguments": arguments})
        text = result["content"][0]["text"]
        assert not result.get("isError"), f"{name} {arguments}: {text}"
        return tokens({"name": name, "arguments": arguments}) + tokens(text), json.loads(text)

    def _send(self, message: dict[str, Any]) -> None:
        assert self._process.stdin
        self._process.stdin.write(json.dumps({"jsonrpc": "2.0", **message}).encode() + b"\n")
        self._process.stdin.flush()

    def _ask(self, method: str, params: dict[str, Any]) -> Any:
        assert self._process.stdout
        number = next(self._ids)
        self._send({"id": number, "method": method, "params": params})
        while True:
            answer = json.loads(self._process.stdout.readline())
            if answer.get("id") == number:
                return answer["result"]

    def end(self) -> None:
        """Close its input, and it."""
        assert self._process.stdin
        self._process.stdin.close()
        self._process.terminate()
        self._process.wait(10)


class Generated:
    """A server generated from the document: its tools answer what Clerk answers."""

    def __init__(self, origin: str, schemas: int) -> None:
        self._origin, self.schemas = origin, schemas

    def call(self, step: tuple[Any, ...]) -> tuple[int, Any]:
        """The tokens of a request and its answer, and the answer."""
        method, path, values = step
        url = f"{self._origin}{path}"
        body = None
        if method == "GET":
            url += f"?{urllib.parse.urlencode(values)}" if values else ""
        elif method != "DELETE":
            body = json.dumps(values).encode()
        headers = {"Authorization": f"Bearer {KEY}", "Content-Type": "application/json"}
        with urllib.request.urlopen(urllib.request.Request(url, body, headers, method=method)) as answer:
            text = answer.read().decode()
        asked = {"name": f"{method}{path}", "arguments": values}
        return tokens(asked) + tokens(text), json.loads(text)

    def end(self) -> None:
        """Nothing is open."""


def cost(server: Server | Generated, steps: Sequence[Step]) -> tuple[int, int]:
    """The calls and the tokens of one task."""
    spent, answers = server.schemas, []
    for step in steps:
        made = step(answers) if callable(step) else step
        # A step of ours may itself be made of what was answered.
        taken, answer = server.call(made(answers) if callable(made) else made)
        spent += taken
        answers.append(answer)
    return len(steps), spent


def main() -> None:
    """Print every task, and what counts: the median calls, and the tokens beside the best peer's."""
    schemas = int(sys.argv[sys.argv.index("--schemas") + 1]) if "--schemas" in sys.argv else GENERATED_SCHEMAS
    found: dict[str, list[tuple[int, int] | None]] = {}
    for side in ("ours", "toolkit", "generated"):
        with tempfile.TemporaryDirectory() as folder, sandbox(f"{folder}/sandbox.db") as origin:
            env = os.environ | {
                "DESKCLERK_HOME": folder,
                "DESKCLERK_CONFIRM": "never",
                "CLERK_SECRET_KEY": KEY,
                "CLERK_API_URL": origin.removesuffix("/v1"),
            }
            server: Server | Generated = {
                "ours": lambda env=env: Server([str(DESKCLERK), "mcp", "--tools", "lean"], env),
                "toolkit": lambda env=env: Server(TOOLKIT, env),
                "generated": lambda origin=origin: Generated(origin, schemas),
            }[side]()
            try:
                found[side] = [
                    cost(server, steps) if (steps := getattr(task, side)) else None for task in TASKS
                ]
            finally:
                server.end()
    if "--json" not in sys.argv:
        print(f"{'calls and tokens':62}{'ours':>12}{'toolkit':>12}{'generated':>12}")
        for number, task in enumerate(TASKS):
            sides = [found[side][number] for side in ("ours", "toolkit", "generated")]
            shown = "".join(f"{f'{side[0]} {side[1]:,}' if side else '-':>12}" for side in sides)
            print(f"{task.words[:60]:62}{shown}")
    ours = [item for item in found["ours"] if item]
    pairs = [
        (mine[1], min(side[1] for side in (one, other) if side))
        for mine, one, other in zip(ours, found["toolkit"], found["generated"], strict=True)
    ]
    worst = max(pairs, key=lambda pair: pair[0] / pair[1])
    calls = statistics.median(item[0] for item in ours)
    note = "the best peer that can do the task"
    report(
        [
            Row("30 tasks in lean mode, calls, median", calls, 2, "", 1.0, note="the goal"),
            Row("30 tasks in lean mode, tokens, the worst task", *worst, "tokens", 0.33, note=note),
        ]
    )


if __name__ == "__main__":
    main()
