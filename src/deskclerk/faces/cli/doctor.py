"""`deskclerk doctor`: is the key good, which instance is it, what is allowed, and where everything is."""

import asyncio
import json
import platform
import sys
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

import click

from deskclerk.faces.cli.state import State, console, json_option

if TYPE_CHECKING:
    from deskclerk.desk import Desk
    from deskclerk.settings import Settings

ACCEPTED = "accepted"
_PARTS = ("mcp", "httpx2", "pydantic", "sqlalchemy")


@click.command(params=[json_option()])
@click.pass_context
def doctor(ctx: click.Context, /) -> None:
    """Check the key with one cheap read, and show what is set and where."""
    state = ctx.ensure_object(State)
    findings, error = asyncio.run(_examine(state))
    if state.tables:
        _draw(findings)
    else:
        click.echo(json.dumps(findings, ensure_ascii=False, separators=(",", ":")))
    if error:
        raise error


async def _examine(state: State) -> tuple[dict[str, Any], Exception | None]:
    from deskclerk.errors import ClerkError, KeyRejected  # noqa: PLC0415

    error: ClerkError | None = None
    async with state.desk() as desk:
        said: dict[str, Any] | None = {}
        try:
            said = await desk.first_read()
        except ClerkError as failure:
            error = failure
        verdict = "not checked: no read is offered" if said is None else ACCEPTED
        if error:
            verdict = "rejected" if isinstance(error, KeyRejected) else "not checked: no good answer"
        settled = await desk.settling.orphans()
        allowed = _allowed(desk, pin=await desk.signer.is_set())
        findings = {"key": verdict} | _instance(desk, said or {}) | allowed
        if settled:
            ends = {
                f"{line['entry']} {line['action']}": f"{line['outcome']}: {line['note']}" for line in settled
            }
            findings["settled"] = ends
        findings |= await _notifications(desk)
        return findings | _places(desk.settings) | _versions(), error


def _instance(desk: "Desk", said: dict[str, Any]) -> dict[str, Any]:
    settings = desk.settings
    source = f"instances.{settings.instance}" if settings.instance else "no key"
    return {
        "instance": {
            "kind": settings.kind,
            "label": desk.instance.label,
            "origin": settings.origin or "embedded in this process",
            "domain": said.get("domain"),
            "key_from": "CLERK_SECRET_KEY" if settings.secret_key else source,
        }
    }


def _allowed(desk: "Desk", *, pin: bool) -> dict[str, Any]:
    signers = {"signers_pin": "set" if pin else "not set: whoever types the target's name signs"}
    return {"allowed": desk.allowed() | signers}


async def _notifications(desk: "Desk") -> dict[str, Any]:
    """What became of the last message to each destination; nothing where none is set."""
    told = {item.destination: item for item in await desk.notifications.latest()}
    problems = desk.notifications.problems()
    found = {
        name: problems.get(name) or (told[name].sentence() if name in told else "nothing was told so far")
        for name in desk.notifications.names
    }
    return {"notifications": found} if found else {}


def _places(settings: "Settings") -> dict[str, Any]:
    from deskclerk.settings import settings_file  # noqa: PLC0415

    path = settings_file(settings.home)
    return {
        "places": {
            "settings": f"{path}{'' if path.exists() else ' (not there)'}",
            "journal": "in the database of DESKCLERK_DATABASE"
            if settings.database
            else str(settings.data / "desk.db"),
            "sandbox": str(settings.data / "sandbox.db"),
            "handover": str(settings.data / "handover"),
        }
    }


def _draw(findings: dict[str, Any]) -> None:
    """The verdict, then a section for each kind of finding."""
    from rich.table import Table  # noqa: PLC0415 - only where something is drawn
    from rich.text import Text  # noqa: PLC0415

    out = console(sys.stdout)
    grid = Table.grid(padding=(0, 2, 0, 0))
    grid.add_column(no_wrap=True)
    grid.add_column(overflow="fold")
    for title, found in findings.items():
        if not isinstance(found, dict):
            style = "bold green" if found == ACCEPTED else "bold red"
            grid.add_row(Text(title, "bold"), Text(str(found), style))
            continue
        grid.add_row(Text(title, "bold"))
        for name, value in found.items():
            grid.add_row(Text(f"  {name.replace('_', ' ')}", "dim"), Text(str(value or "-")))
    out.print(grid)


def _versions() -> dict[str, Any]:
    from deskclerk.catalogue.route import API_VERSION  # noqa: PLC0415
    from deskclerk.version import __version__  # noqa: PLC0415

    found = {"deskclerk": __version__, "clerk_api": API_VERSION, "python": platform.python_version()}
    return {"versions": found | {name: version(name) for name in _PARTS}}
