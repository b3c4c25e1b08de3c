"""`deskclerk sandbox`: serves the local Clerk; its sub-commands control it, running or not."""

import asyncio
from pathlib import Path
from typing import Any

import click

from deskclerk.faces.cli.progress import progress
from deskclerk.faces.cli.sandbox_running import OF, PLACE, command, location_of, reach, run, show, token_of
from deskclerk.faces.cli.sandbox_traffic import faults, outbox, webhooks
from deskclerk.faces.cli.state import State, json_option, setting_options


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
        from deskclerk.faces.cli.local_clerk import serve_sandbox  # noqa: PLC0415 - help needs no server

        asyncio.run(serve_sandbox(state, host, port, location_of(state, db), token_of(state)))
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
