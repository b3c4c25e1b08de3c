"""`deskclerk sandbox faults | webhooks | outbox`, and what all its sub-commands share."""

import asyncio
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from deskclerk.faces.cli.state import State, json_option

Command = Callable[..., None]
PLACE = "deskclerk.sandbox"
"""Where the context keeps which sandbox was asked for: its database or its URL."""
OF = click.option("--instance", metavar="NAME", help="An instance's id, slug or key; else the first.")


def location_of(state: State, db: str | None) -> str | Path:
    """The database that was named, else the one that every face shares."""
    return db or state.settings().data / "sandbox.db"


def token_of(state: State) -> str | None:
    """The bearer token that the controls want beyond loopback."""
    token = state.settings().token
    return token.get_secret_value() if token else None


def reach(ctx: click.Context, work: Callable[[Any], Any]) -> Any:
    """What `work` does with the controls of the sandbox that was asked for."""
    from deskclerk.faces.sandbox_access import reaching  # noqa: PLC0415 - help needs no sandbox

    state = ctx.ensure_object(State)
    db, url = ctx.meta[PLACE]

    async def work_there() -> Any:
        async with reaching(url, location_of(state, db), token_of(state)) as there:
            return await work(there)

    return asyncio.run(work_there())


def run(ctx: click.Context, name: str, **values: Any) -> None:
    """Run one control and print what it answers."""
    given = {key: value for key, value in values.items() if value is not None and value != ()}
    show(ctx, reach(ctx, lambda there: there.run(name, given)))


def show(ctx: click.Context, answer: dict[str, Any]) -> None:
    """Print an answer: for a person in lines, for a pipe on one."""
    pretty = ctx.ensure_object(State).tables
    click.echo(json.dumps(answer, indent=2 if pretty else None, ensure_ascii=not pretty))


def command(group: click.Group, name: str) -> Callable[[Command], click.Command]:
    """A command of a group, with `--json` and the context."""

    def declare(function: Command) -> click.Command:
        made = group.command(name)(click.pass_context(function))
        made.params.append(json_option())
        return made

    return declare


@click.group()
def faults() -> None:
    """What requests meet in place of an answer."""


@command(faults, "add")
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
    run(ctx, "faults.add", method=method.upper(), path=path, **values)


@command(faults, "list")
def faults_list(ctx: click.Context, /) -> None:
    """All faults, and how many requests each has met."""
    run(ctx, "faults")


@command(faults, "clear")
@click.argument("fault_id", required=False)
def faults_clear(ctx: click.Context, /, fault_id: str | None) -> None:
    """Remove one fault, or all."""
    run(ctx, "faults.clear", id=fault_id)


@click.group()
def webhooks() -> None:
    """Where webhooks go; a sandbox that runs delivers them."""


@command(webhooks, "list")
def webhooks_list(ctx: click.Context, /) -> None:
    """All endpoints with their signing secrets."""
    run(ctx, "webhooks")


@command(webhooks, "add")
@click.argument("target")
@click.option("--event", "events", multiple=True, help="A type or glob, such as user.*; again for more.")
@click.option("--secret", help="A signing secret (whsec_…); made up if not given.")
@OF
def webhooks_add(ctx: click.Context, /, target: str, **values: Any) -> None:
    """Send webhooks to a TARGET URL on this machine."""
    run(ctx, "webhooks.add", url=target, **values)


@command(webhooks, "remove")
@click.argument("endpoint_id")
def webhooks_remove(ctx: click.Context, /, endpoint_id: str) -> None:
    """Remove an endpoint."""
    run(ctx, "webhooks.remove", id=endpoint_id)


@click.group()
def outbox() -> None:
    """What webhooks told, and how far it got."""


@command(outbox, "list")
@click.option("--type", "kind", help="Only this type of event.")
@click.option("--limit", type=int, help="So many at most.")
@click.option("--instance", metavar="NAME", help="Of one instance only.")
def outbox_list(ctx: click.Context, /, kind: str | None, limit: int | None, instance: str | None) -> None:
    """The newest messages, each with its deliveries."""
    run(ctx, "outbox", type=kind, limit=limit, instance=instance)


@command(outbox, "replay")
@click.argument("message_id")
@click.option("--endpoint", help="To this endpoint only.")
def outbox_replay(ctx: click.Context, /, message_id: str, endpoint: str | None) -> None:
    """Send a message once more."""
    run(ctx, "outbox.replay", id=message_id, endpoint=endpoint)
