"""`deskclerk sandbox`: serves the local Clerk; its sub-commands control it, running or not."""

import asyncio
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from deskclerk.faces.cli.progress import progress
from deskclerk.faces.cli.state import State, json_option, setting_options

Command = Callable[..., None]


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

        asyncio.run(serve_sandbox(state, host, port, _location(state, db), _token(state)))
    ctx.meta["deskclerk.sandbox"] = (db, url)


def _location(state: State, db: str | None) -> str | Path:
    return db or state.settings().data / "sandbox.db"


def _token(state: State) -> str | None:
    token = state.settings().token
    return token.get_secret_value() if token else None


def _reach(ctx: click.Context, work: Callable[[Any], Any]) -> Any:
    """What `work` does with the controls of the sandbox that was asked for."""
    from deskclerk.faces.sandbox_reach import reaching  # noqa: PLC0415 - help needs no sandbox

    state = ctx.ensure_object(State)
    db, url = ctx.meta["deskclerk.sandbox"]

    async def run() -> Any:
        async with reaching(url, _location(state, db), _token(state)) as reach:
            return await work(reach)

    return asyncio.run(run())


def _run(ctx: click.Context, name: str, **values: Any) -> None:
    """Run one control and print what it answers."""
    given = {key: value for key, value in values.items() if value is not None and value != ()}
    _print(ctx, _reach(ctx, lambda reach: reach.run(name, given)))


def _print(ctx: click.Context, answer: dict[str, Any]) -> None:
    pretty = ctx.ensure_object(State).tables
    click.echo(json.dumps(answer, indent=2 if pretty else None, ensure_ascii=not pretty))


def _command(group: click.Group, name: str) -> Callable[[Command], click.Command]:
    """A command of a group, with `--json` and the context."""

    def declare(function: Command) -> click.Command:
        made = group.command(name)(click.pass_context(function))
        made.params.append(json_option())
        return made

    return declare


_OF = click.option("--instance", metavar="NAME", help="An instance's id, slug or key; else the first.")


@_command(sandbox, "seed")
@click.argument("file", required=False, type=click.File("r", encoding="utf-8"))
@click.option("--company", is_flag=True, help="The small company, into an empty instance.")
@click.option("--people", type=click.IntRange(1, 5_000_000), help="So many made-up people, and their teams.")
@click.option("--number", type=int, default=1, show_default=True, help="Another number, other people.")
@_OF
def seed(ctx: click.Context, /, file: Any, instance: str | None, **other: Any) -> None:
    """Put the people and things of a YAML FILE (- for standard input) into an instance."""
    company, people = other["company"], other["people"]
    if [bool(file), company, bool(people)].count(True) != 1:
        raise click.UsageError("Give a FILE, --company or --people.")
    if people:
        more = {"instance": instance} if instance else {}
        values = {"people": people, "number": other["number"], **more}
        with progress(ctx.ensure_object(State), "people") as advance:
            answer = _reach(ctx, lambda reach: reach.people(values, advance))
        _print(ctx, answer)
    elif company:
        _run(ctx, "seed", company=True, instance=instance)
    else:
        _run(ctx, "seed", yaml=file.read(), file=getattr(file, "name", "-"), instance=instance)


@_command(sandbox, "reset")
@click.option("--company", is_flag=True, help="With the small company instead of empty.")
@_OF
def reset(ctx: click.Context, /, company: bool, instance: str | None) -> None:
    """Empty the sandbox, its clock, faults and outbox too; or one instance. Keys and endpoints stay."""
    _run(ctx, "reset", company=company, instance=instance)


@_command(sandbox, "snapshot")
@click.argument("file", type=click.Path(dir_okay=False, writable=True, path_type=Path))
def snapshot(ctx: click.Context, /, file: Path) -> None:
    """Write everything into a FILE, which any sandbox can restore, on SQLite or PostgreSQL."""
    content = _reach(ctx, lambda reach: reach.snapshot())
    file.write_bytes(content)
    _print(ctx, {"snapshot": str(file), "bytes": len(content)})


@_command(sandbox, "restore")
@click.argument("file", type=click.File("rb"))
def restore(ctx: click.Context, /, file: Any) -> None:
    """Put what a snapshot FILE holds in the place of everything."""
    content = file.read()
    _print(ctx, _reach(ctx, lambda reach: reach.restore(content)))


@sandbox.group()
def clock() -> None:
    """The sandbox's time; expiries follow it."""


@_command(clock, "show")
def clock_show(ctx: click.Context, /) -> None:
    """What time it is."""
    _run(ctx, "clock")


@_command(clock, "set")
@click.argument("time")
def clock_set(ctx: click.Context, /, time: str) -> None:
    """Make it another TIME (ISO 8601 or milliseconds); it runs on from there."""
    _run(ctx, "clock.set", to=time)


@_command(clock, "advance")
@click.argument("duration")
def clock_advance(ctx: click.Context, /, duration: str) -> None:
    """Let a DURATION such as 90s, 2h30m or 7d pass at once."""
    _run(ctx, "clock.advance", by=duration)


@_command(clock, "freeze")
@click.argument("time", required=False)
def clock_freeze(ctx: click.Context, /, time: str | None) -> None:
    """Stop the clock, now or at a TIME."""
    _run(ctx, "clock.freeze", at=time)


@_command(clock, "release")
def clock_release(ctx: click.Context, /) -> None:
    """Let it run on from where it stands."""
    _run(ctx, "clock.release")


@_command(clock, "reset")
def clock_reset(ctx: click.Context, /) -> None:
    """Back to the machine's time."""
    _run(ctx, "clock.reset")


@sandbox.group()
def faults() -> None:
    """What requests meet in place of an answer."""


@_command(faults, "add")
@click.argument("method")
@click.argument("path")
@click.option("--status", type=int, help="Answer with this status, in Clerk's error envelope.")
@click.option("--code", help="Clerk's code in the envelope.")
@click.option("--retry-after", type=int, metavar="SECONDS", help="A Retry-After header.")
@click.option("--delay", type=float, metavar="SECONDS", help="Wait before the answer.")
@click.option("--drop", is_flag=True, help="Drop the connection; the request is not carried out.")
@click.option("--truncate", is_flag=True, help="Send half of the answer; the request is carried out.")
@click.option("--count", type=int, help="For so many requests; until cleared if not given.")
@click.option("--instance", metavar="NAME", help="Of one instance only.")
def faults_add(ctx: click.Context, /, method: str, path: str, **values: Any) -> None:
    """A fault for a METHOD (* for any) and a PATH such as /users/{user_id}, /users/*, or * for all."""
    _run(ctx, "faults.add", method=method.upper(), path=path, **values)


@_command(faults, "list")
def faults_list(ctx: click.Context, /) -> None:
    """All faults, and how many requests each has met."""
    _run(ctx, "faults")


@_command(faults, "clear")
@click.argument("fault_id", required=False)
def faults_clear(ctx: click.Context, /, fault_id: str | None) -> None:
    """Remove one fault, or all."""
    _run(ctx, "faults.clear", id=fault_id)


@_command(sandbox, "limits")
@click.argument("mode", required=False, type=click.Choice(["off", "test", "live"]))
@click.option("--instance", metavar="NAME", help="Of one instance only.")
def limits(ctx: click.Context, /, mode: str | None, instance: str | None) -> None:
    """Keep Clerk's rate limits as a test or a live instance has them, or none; without MODE, say which."""
    if mode is None:
        _run(ctx, "limits")
    else:
        _run(ctx, "limits.set", mode=mode, instance=instance)


@sandbox.group()
def instances() -> None:
    """Several instances in one sandbox, each with its own key."""


@_command(instances, "list")
def instances_list(ctx: click.Context, /) -> None:
    """All instances with their keys."""
    _run(ctx, "instances")


@_command(instances, "add")
@click.argument("slug", required=False)
@click.option("--kind", type=click.Choice(["test", "live"]), default="test", show_default=True)
@click.option("--secret-key", help="Its key; made up if not given.")
@click.option(
    "--user-quota", type=int, help="Users at most; 0: no limit. Else Clerk's 100 for a test instance."
)
@click.option("--company", is_flag=True, help="With the small company in it.")
def instances_add(ctx: click.Context, /, **values: Any) -> None:
    """A new instance."""
    _run(ctx, "instances.add", **values)


@_command(instances, "remove")
@click.argument("instance")
def instances_remove(ctx: click.Context, /, instance: str) -> None:
    """Remove an INSTANCE (id, slug or key) with everything in it."""
    _run(ctx, "instances.remove", instance=instance)


@sandbox.group()
def webhooks() -> None:
    """Where webhooks go; a sandbox that runs delivers them."""


@_command(webhooks, "list")
def webhooks_list(ctx: click.Context, /) -> None:
    """All endpoints with their signing secrets."""
    _run(ctx, "webhooks")


@_command(webhooks, "add")
@click.argument("target")
@click.option("--event", "events", multiple=True, help="A type or glob, such as user.*; again for more.")
@click.option("--secret", help="A signing secret (whsec_…); made up if not given.")
@_OF
def webhooks_add(ctx: click.Context, /, target: str, **values: Any) -> None:
    """Send webhooks to a TARGET URL on this machine."""
    _run(ctx, "webhooks.add", url=target, **values)


@_command(webhooks, "remove")
@click.argument("endpoint_id")
def webhooks_remove(ctx: click.Context, /, endpoint_id: str) -> None:
    """Remove an endpoint."""
    _run(ctx, "webhooks.remove", id=endpoint_id)


@sandbox.group()
def outbox() -> None:
    """What webhooks told, and how far it got."""


@_command(outbox, "list")
@click.option("--type", "kind", help="Only this type of event.")
@click.option("--limit", type=int, help="So many at most.")
@click.option("--instance", metavar="NAME", help="Of one instance only.")
def outbox_list(ctx: click.Context, /, kind: str | None, limit: int | None, instance: str | None) -> None:
    """The newest messages, each with its deliveries."""
    _run(ctx, "outbox", type=kind, limit=limit, instance=instance)


@_command(outbox, "replay")
@click.argument("message_id")
@click.option("--endpoint", help="To this endpoint only.")
def outbox_replay(ctx: click.Context, /, message_id: str, endpoint: str | None) -> None:
    """Send a message once more."""
    _run(ctx, "outbox.replay", id=message_id, endpoint=endpoint)
