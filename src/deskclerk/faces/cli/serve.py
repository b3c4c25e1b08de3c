"""`deskclerk mcp` and `serve`, which stay until they are stopped, and `console`, a one-time link."""

import asyncio
import contextlib
import json
import sys
from typing import TYPE_CHECKING, Any

import click

from deskclerk.faces.cli.state import State, json_option, setting_options
from deskclerk.system.processes import on_signals
from deskclerk.system.terminals import is_terminal

if TYPE_CHECKING:
    from deskclerk.desk import Desk
    from deskclerk.desk.workspace import Workspace
    from deskclerk.faces.console.site import Console
    from deskclerk.faces.mcp.http import Operate
    from deskclerk.hosted.operating.operating import Operating
    from deskclerk.settings import Settings


@click.command(params=[*setting_options()])
@click.pass_context
def mcp(ctx: click.Context, /) -> None:
    """Serve MCP on standard input and output, for a client that starts deskclerk itself."""
    state = ctx.ensure_object(State)
    settings = state.settings()
    if is_terminal(sys.stdin):
        from deskclerk.faces.clients.configuration import stdio_configuration  # noqa: PLC0415 - for people

        state.note("This speaks MCP on standard input and output: a client starts it. Its configuration:")
        state.note(json.dumps(stdio_configuration(settings), indent=2), style="")
        state.note("Ctrl-C ends it.")
    from deskclerk.faces.mcp import stdio  # noqa: PLC0415 - only these two commands speak MCP

    stdio.run(settings)


@click.command(params=[*setting_options(), json_option()])
@click.option("--host", default="127.0.0.1", show_default=True, help="Where to listen.")
@click.option("--port", default=8765, show_default=True, type=click.IntRange(0, 65535), help="0 takes any.")
@click.option("--hosted", is_flag=True, help="A desk for many workspaces; docs/hosted.md has its settings.")
@click.option(
    "--worker/--no-worker", default=True, help="With --hosted: whether this replica carries out jobs."
)
@click.option(
    "--worker-port", type=click.IntRange(1, 65535), help="With --hosted: where its worker says how it is."
)
@click.pass_context
def serve(
    ctx: click.Context, /, *, host: str, port: int, hosted: bool, worker: bool, worker_port: int | None
) -> None:
    """Serve MCP over Streamable HTTP at /mcp, and the console at /, where a person signs."""
    state = ctx.ensure_object(State)
    settings = state.settings()
    if worker_port is not None and not (hosted and worker):
        raise click.UsageError("--worker-port is for a replica that carries out jobs.", ctx)
    if hosted:
        from deskclerk.faces.hosted import running  # noqa: PLC0415 - needs what only a hosted desk has

        running.run(
            settings,
            host,
            port,
            lambda place: _say_replica(state, settings, place),
            worker=worker,
            worker_port=worker_port,
        )
        return
    from deskclerk.faces.cli.terminal_signature import at_a_terminal  # noqa: PLC0415
    from deskclerk.faces.console.site import Console  # noqa: PLC0415
    from deskclerk.faces.mcp import http  # noqa: PLC0415

    consoles: list[Console] = []

    def beside(desk: "Desk", origin: str) -> Console:
        consoles.append(Console(desk, origin, greets=at_a_terminal(), mcp=origin + http.PATH))
        return consoles[0]

    def ready(url: str) -> None:
        _say_ready(state, settings, url, consoles[0] if consoles else None)

    http.run(settings, host, port, ready, beside, operate=_operating(settings))


def _operating(settings: "Settings") -> "Operate | None":
    """What watches the server, where the settings ask for any of it."""
    if settings.log_format == "json":
        from deskclerk.hosted.operating.logs import log_json  # noqa: PLC0415 - few want it

        log_json(settings)
    asked_for = (settings.metrics_token, settings.otlp_endpoint, settings.grace_seconds)
    if settings.log_format != "json" and not any(asked_for):
        return None
    from deskclerk.hosted.operating.operating import Operating  # noqa: PLC0415

    def operate(workspace: "Workspace", loopback: bool) -> "Operating":
        database = workspace.storage.database
        return Operating(settings, database, loopback=loopback, metrics=settings.metrics_token is not None)

    return operate


def _say_replica(state: State, settings: "Settings", place: str) -> None:
    """Where a replica listens, for whoever puts a proxy before it."""
    if state.as_json:
        click.echo(json.dumps({"listening": place, "public_url": settings.public_url}, separators=(",", ":")))
    else:
        click.echo(f"A replica of {settings.public_url}, listening on {place}. Ctrl-C stops it.")
    sys.stdout.flush()


def _say_ready(state: State, settings: "Settings", url: str, console: "Console | None") -> None:
    """Where it listens, and what to paste into a client: the URL alone is first, for who reads lines."""
    from deskclerk.faces.clients.configuration import (  # noqa: PLC0415
        claude_code,
        http_configuration,
        stdio_configuration,
    )

    by_url, by_start = http_configuration(settings, url), stdio_configuration(settings)
    if state.as_json:
        facts: dict[str, Any] = {"url": url, "console": console and console.url, "instance": settings.kind}
        facts |= {"http": by_url, "stdio": by_start}
        click.echo(json.dumps(facts, separators=(",", ":")))
    else:
        what = "the sandbox" if settings.kind == "sandbox" else f"a {settings.kind} instance"
        click.echo(f"MCP for {what}, listening on {url}\n")
        click.echo(f"A client's configuration, by URL:\n{json.dumps(by_url, indent=2)}\n")
        click.echo(f"or started by the client itself:\n{json.dumps(by_start, indent=2)}\n")
        click.echo("For Claude Code, one of:")
        click.echo(f"  {claude_code(settings, url)}")
        click.echo(f"  {claude_code(settings)}\n")
        if console and not console.first_link:
            click.echo(f"The console is at {console.url}; `deskclerk console` in a terminal opens it.\n")
        click.echo("Ctrl-C stops it.")
    sys.stdout.flush()
    if console and console.first_link:
        # Shown on the terminal and nowhere else: whoever opens it first may sign.
        click.echo(f"\nThe console, where you sign: {console.first_link}\n(opens once)", err=True)


@click.command(params=[*setting_options()], short_help="a one-time link to the console")
@click.option("--port", default=0, type=click.IntRange(0, 65535), help="Where to listen, if none runs yet.")
@click.pass_context
def console(ctx: click.Context, /, port: int) -> None:
    """Open the console in a browser: a link that works once, to one that runs or to a new one.

    Whoever holds the link can sign, so that it is shown on a real terminal only.
    """
    from deskclerk.faces.cli.terminal_signature import at_a_terminal  # noqa: PLC0415 - help needs no desk

    if not at_a_terminal():
        raise click.ClickException("A link that signs is shown to a person at a terminal; none was made.")
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(_console(ctx.ensure_object(State), port))


async def _console(state: State, port: int) -> None:
    async with state.desk() as desk:
        for url in await desk.console_links.running():
            _show(f"{url}/in/{await desk.console_links.issue()}")
        if await desk.console_links.running():
            return
        from deskclerk.faces.console_server import serving  # noqa: PLC0415 - only where none runs yet

        async with serving(desk, port, greets=True) as served:
            _show(str(served.first_link))
            click.echo("Ctrl-C ends it.", err=True)
            await _stopped()


def _show(link: str) -> None:
    click.echo(f"{link}  (opens once)", err=True)


async def _stopped() -> None:
    """Until a signal asks to end."""
    stopped = asyncio.Event()
    on_signals(lambda _: stopped.set())
    await stopped.wait()
