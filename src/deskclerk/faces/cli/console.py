"""`deskclerk console`: a one-time link to the console, for the person at this terminal."""

import asyncio
import contextlib
import signal

import click

from deskclerk.faces.cli.state import State, setting_options


@click.command(params=[*setting_options()], short_help="a one-time link to the console")
@click.option("--port", default=0, type=click.IntRange(0, 65535), help="Where to listen, if none runs yet.")
@click.pass_context
def console(ctx: click.Context, /, port: int) -> None:
    """Open the console in a browser: a link that works once, to one that runs or to a new one.

    Whoever holds the link can sign, so that it is shown on a real terminal only.
    """
    from deskclerk.faces.cli.approve import at_a_terminal  # noqa: PLC0415 - help needs no desk

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
        from deskclerk.faces.console.on_demand import serving  # noqa: PLC0415 - only where none runs yet

        async with serving(desk, port, greets=True) as served:
            _show(str(served.first_link))
            click.echo("Ctrl-C ends it.", err=True)
            await _stopped()


def _show(link: str) -> None:
    click.echo(f"{link}  (opens once)", err=True)


async def _stopped() -> None:
    """Until SIGINT or SIGTERM."""
    stopped = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        with contextlib.suppress(NotImplementedError):  # Windows: KeyboardInterrupt remains
            asyncio.get_running_loop().add_signal_handler(number, stopped.set)
    await stopped.wait()
