"""`deskclerk demo`: a tour on a sandbox of its own, which is thrown away at the end."""

import asyncio
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from deskclerk.faces.cli.state import State, console

if TYPE_CHECKING:
    from deskclerk.catalogue import Action
    from deskclerk.desk import Desk, Plan, Signature


@click.command()
@click.pass_context
def demo(ctx: click.Context, /) -> None:
    """A short tour: list, a signed ban, the journal, a helpful error. Needs no key and no input."""
    with tempfile.TemporaryDirectory(prefix="deskclerk-demo-") as folder:
        asyncio.run(_tour(ctx.ensure_object(State), Path(folder)))


async def _tour(state: State, folder: Path) -> None:
    from deskclerk.desk import Caller, Desk  # noqa: PLC0415 - help needs no desk
    from deskclerk.settings import Settings  # noqa: PLC0415

    async with Desk.open(Settings(home=folder), approver=_sign, caller=Caller("cli", "demo")) as desk:
        tour = _Tour(state, desk)
        user = await tour.find_somebody()
        await tour.ban(user)
        await tour.read_the_journal()
        await tour.go_wrong()
    _say("\nThat was all; the sandbox of this tour is gone. Next:", "bold")
    _say("  deskclerk users list            the sandbox that every face shares")
    _say("  deskclerk serve                 MCP for an agent, ready to paste")
    _say("  deskclerk --help                the 48 actions and the rest")


class _Tour:
    """The tour's stations; each shows the command that would do the same."""

    def __init__(self, state: State, desk: "Desk") -> None:
        self._state = state
        self._desk = desk

    async def find_somebody(self) -> str:
        """Show the newest users; the id of one who is signed in somewhere."""
        from deskclerk.catalogue import ListSessions, ListUsers  # noqa: PLC0415

        _heading(1, "Reads are answered at once, and briefly", "deskclerk users list --limit 5")
        listing = ListUsers(limit=5)
        await self._show(listing)
        for user in (await self._desk.perform(ListUsers(limit=100, banned=False))).value["items"]:
            sessions = await self._desk.perform(ListSessions(user_id=user["id"], status="active"))
            if sessions.value["items"]:
                return str(user["id"])
        raise click.ClickException("The sandbox has nobody who is signed in.")

    async def ban(self, user: str) -> None:
        """Ban one user, and show that the sessions ended."""
        from deskclerk.catalogue import BanUser, ListSessions  # noqa: PLC0415

        fields = ["id", "status", "last_active_at"]
        sessions = ListSessions(user_id=user, limit=3, fields=fields)
        _heading(2, "Somebody is signed in", f"deskclerk sessions list --user-id {user} --limit 3")
        await self._show(sessions)
        _heading(3, "A write waits for a person's yes", f"deskclerk users ban {user}")
        answer = await self._desk.perform(BanUser(user_id=user))
        _say(
            f"Done: banned is now {str(answer.value['banned']).lower()}, and the sessions have ended:",
            "green",
        )
        await self._show(sessions)

    async def read_the_journal(self) -> None:
        """Show what the desk wrote down."""
        from deskclerk.faces.value_text import moment  # noqa: PLC0415

        _heading(4, "Everything is in the journal, a write before it is sent")
        events = [event for event in await self._desk.journal.recent(50) if event["kind"] != "read"]
        for event in events:
            said = event["outcome"] or f"signed by: {event['signed']}"
            _say(f"  {moment(event['at']):%H:%M:%S}  {event['kind']:<8} {event['action']:<16} {said}")

    async def go_wrong(self) -> None:
        """Show two errors that say what to do."""
        from deskclerk.catalogue import GetUser  # noqa: PLC0415
        from deskclerk.errors import DeskclerkError  # noqa: PLC0415
        from deskclerk.faces.cli.failures import draw  # noqa: PLC0415

        wrong: tuple[dict[str, Any], ...] = ({"userid": "user_nobody"}, {"user_id": "user_nobody"})
        _heading(5, "An error says what to do next")
        for arguments in wrong:
            try:
                await self._desk.perform(GetUser.parse(arguments))
            except DeskclerkError as error:
                draw(error.as_dict(), sys.stdout)

    async def _show(self, action: "Action") -> None:
        from deskclerk.faces.cli.output import draw_items  # noqa: PLC0415

        draw_items(action, (await self._desk.perform(action)).value["items"])


async def _sign(plan: "Plan") -> "Signature":
    """The demo's own yes, which says that it is one."""
    from deskclerk.desk import Decision, Signature  # noqa: PLC0415
    from deskclerk.faces.cli.terminal_signature import show  # noqa: PLC0415

    show(plan, sys.stdout)
    _say("On your own instance you would type the name here. This tour signs for itself\n", "bold")
    return Signature(Decision.APPROVED, "the demo itself")


def _heading(number: int, text: str, command: str = "") -> None:
    _say(f"\n{number}. {text}", "bold underline")
    if command:
        _say(f"$ {command}", "cyan")


def _say(text: str, style: str = "") -> None:
    console(sys.stdout).print(text, style=style, soft_wrap=True)
