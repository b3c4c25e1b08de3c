"""`deskclerk sandbox`: serves the local Clerk and says how to reach it; its sub-commands control it."""

import asyncio
import ipaddress
import json
import socket
import sys
from pathlib import Path
from typing import Any

import click

from deskclerk.errors import InvalidSettings
from deskclerk.faces.cli.sandbox_controls import (
    OF,
    PLACE,
    command,
    faults,
    location_of,
    outbox,
    reach,
    run,
    show,
    token_of,
    webhooks,
)
from deskclerk.faces.cli.state import State, json_option, progress, setting_options
from deskclerk.settings import SANDBOX_KEY
from deskclerk.system.processes import on_signals


async def serve_sandbox(state: State, host: str, port: int, location: str | Path, token: str | None) -> None:
    """Serve until a signal asks to end; InvalidSettings if the address cannot be bound."""
    from deskclerk.sandbox import open_sandbox  # noqa: PLC0415 - only here
    from deskclerk.sandbox.serving import serving  # noqa: PLC0415

    ended = asyncio.Event()
    on_signals(lambda _: ended.set())
    with _listen(host, port) as listener:
        async with open_sandbox(location) as opened, serving(opened, listener, token=token):
            _say_ready(state, _origin(host, listener.getsockname()[1]), opened.place)
            if not _is_loopback(listener.getsockname()[0]):
                closed = "" if token else " Its controls are closed: they need DESKCLERK_TOKEN."
                click.echo(
                    f"Warning: other machines can reach this, and its key is known to all.{closed}", err=True
                )
            await ended.wait()


def _listen(host: str, port: int) -> socket.socket:
    try:
        family, *_, place = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        return socket.create_server(place[:2], family=family)
    except OSError as error:
        raise InvalidSettings(
            f"{host}:{port} cannot be listened on: {error.strerror}.",
            next_step="Choose another with --host and --port (0 takes any free port).",
        ) from None


def _is_loopback(address: str) -> bool:
    return ipaddress.ip_address(address.partition("%")[0]).is_loopback


def _origin(host: str, port: int) -> str:
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def _say_ready(state: State, origin: str, place: str) -> None:
    if state.as_json:
        facts = {
            "url": origin,
            "backend_api": f"{origin}/v1",
            "secret_key": SANDBOX_KEY,
            "db": place,
        }
        click.echo(json.dumps(facts, separators=(",", ":")))
    else:
        click.echo(f"Sandbox listening on {origin} (Backend API under /v1), kept in {place}\n")
        click.echo("Point Clerk's SDKs, or deskclerk, at it:")
        click.echo(f"  export CLERK_SECRET_KEY={SANDBOX_KEY} CLERK_API_URL={origin}")
        click.echo(f'  Python      Clerk(bearer_auth="{SANDBOX_KEY}", server_url="{origin}/v1")')
        click.echo(f'  JavaScript  createClerkClient({{ secretKey: "{SANDBOX_KEY}", apiUrl: "{origin}" }})\n')
        click.echo("Ctrl-C stops it.")
    sys.stdout.flush()


@click.group(params=[*setting_options(), json_option()], invoke_without_command=True)
@click.option("--host", default="127.0.0.1", show_default=True, help="Where to listen.")
@click.option("--port", default=8767, show_default=True, type=click.IntRange(0, 65535), help="0 takes any.")
@click.option("--db", metavar="URL|PATH", help="Its database; the one that every face shares if not given.")
@click.option("--url", metavar="URL", help="For the sub-commands: a running sandbox to control.")
@click.pass_context
def sandbox(ctx: click.Context, /, host: str, port: int, db: str | None, url: str | None) -> None:
    """Serve the sandbox, a local Clerk: its Backend API stands under /v1.

    The sub-commands control it, on its database: what they set counts at once for a sandbox that runs on
    it. With --url they reach a running one over HTTP instead.
    """
    state = ctx.ensure_object(State)
    if ctx.invoked_subcommand is None:
        if url:
            raise click.UsageError("--url goes with a sub-command.")
        from deskclerk.http_server import run  # noqa: PLC0415 - only who serves needs a server

        run(serve_sandbox(state, host, port, location_of(state, db), token_of(state)))
    ctx.meta[PLACE] = (db, url)


@command(sandbox, "seed")
@click.argument("file", required=False, type=click.File("r", encoding="utf-8"))
@click.option("--company", is_flag=True, help="The small company, into an empty instance.")
@click.option("--people", type=click.IntRange(1, 5_000_000), help="So many made-up people, and their teams.")
@click.option("--number", type=int, default=1, show_default=True, help="Another number, other people.")
@OF
def seed(ctx: click.Context, /, file: Any, instance: str | None, **other: Any) -> None:
    """Put the people and things of a YAML FILE (- for standard input) into an instance."""
    company, people = other["company"], other["people"]
    if [bool(file), company, bool(people)].count(True) != 1:
        raise click.UsageError("Give a FILE, --company or --people.")
    if people:
        more = {"instance": instance} if instance else {}
        values = {"people": people, "number": other["number"], **more}
        with progress(ctx.ensure_object(State), "people") as advance:
            answer = reach(ctx, lambda there: there.people(values, advance))
        show(ctx, answer)
    elif company:
        run(ctx, "seed", company=True, instance=instance)
    else:
        run(ctx, "seed", yaml=file.read(), file=getattr(file, "name", "-"), instance=instance)


@command(sandbox, "reset")
@click.option("--company", is_flag=True, help="With the small company instead of empty.")
@OF
def reset(ctx: click.Context, /, company: bool, instance: str | None) -> None:
    """Empty the sandbox, its clock, faults and outbox too; or one instance. Keys and endpoints stay."""
    run(ctx, "reset", company=company, instance=instance)


@command(sandbox, "snapshot")
@click.argument("file", type=click.Path(dir_okay=False, writable=True, path_type=Path))
def snapshot(ctx: click.Context, /, file: Path) -> None:
    """Write everything into a FILE, which any sandbox can restore, on SQLite or PostgreSQL."""
    content = reach(ctx, lambda there: there.snapshot())
    file.write_bytes(content)
    show(ctx, {"snapshot": str(file), "bytes": len(content)})


@command(sandbox, "restore")
@click.argument("file", type=click.File("rb"))
def restore(ctx: click.Context, /, file: Any) -> None:
    """Put what a snapshot FILE holds in the place of everything."""
    content = file.read()
    show(ctx, reach(ctx, lambda there: there.restore(content)))


@sandbox.group()
def clock() -> None:
    """The sandbox's time; expiries follow it."""


@command(clock, "show")
def clock_show(ctx: click.Context, /) -> None:
    """What time it is."""
    run(ctx, "clock")


@command(clock, "set")
@click.argument("time")
def clock_set(ctx: click.Context, /, time: str) -> None:
    """Make it another TIME (ISO 8601 or milliseconds); it runs on from there."""
    run(ctx, "clock.set", to=time)


@command(clock, "advance")
@click.argument("duration")
def clock_advance(ctx: click.Context, /, duration: str) -> None:
    """Let a DURATION such as 90s, 2h30m or 7d pass at once."""
    run(ctx, "clock.advance", by=duration)


@command(clock, "freeze")
@click.argument("time", required=False)
def clock_freeze(ctx: click.Context, /, time: str | None) -> None:
    """Stop the clock, now or at a TIME."""
    run(ctx, "clock.freeze", at=time)


@command(clock, "release")
def clock_release(ctx: click.Context, /) -> None:
    """Let it run on from where it stands."""
    run(ctx, "clock.release")


@command(clock, "reset")
def clock_reset(ctx: click.Context, /) -> None:
    """Back to the machine's time."""
    run(ctx, "clock.reset")


@command(sandbox, "limits")
@click.argument("mode", required=False, type=click.Choice(["off", "test", "live"]))
@click.option("--instance", metavar="NAME", help="Of one instance only.")
def limits(ctx: click.Context, /, mode: str | None, instance: str | None) -> None:
    """Keep Clerk's rate limits as a test or a live instance has them, or none; without MODE, say which."""
    if mode is None:
        run(ctx, "limits")
    else:
        run(ctx, "limits.set", mode=mode, instance=instance)


@sandbox.group()
def instances() -> None:
    """Several instances in one sandbox, each with its own key."""


@command(instances, "list")
def instances_list(ctx: click.Context, /) -> None:
    """All instances with their keys."""
    run(ctx, "instances")


@command(instances, "add")
@click.argument("slug", required=False)
@click.option("--kind", type=click.Choice(["test", "live"]), default="test", show_default=True)
@click.option("--secret-key", help="Its key; made up if not given.")
@click.option(
    "--user-quota", type=int, help="Users at most; 0: no limit. Else Clerk's 100 for a test instance."
)
@click.option("--company", is_flag=True, help="With the small company in it.")
def instances_add(ctx: click.Context, /, **values: Any) -> None:
    """A new instance."""
    run(ctx, "instances.add", **values)


@command(instances, "remove")
@click.argument("instance")
def instances_remove(ctx: click.Context, /, instance: str) -> None:
    """Remove an INSTANCE (id, slug or key) with everything in it."""
    run(ctx, "instances.remove", instance=instance)


for group in (faults, webhooks, outbox):
    sandbox.add_command(group)
