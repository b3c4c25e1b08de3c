"""`deskclerk hosted`: what the operator of a hosted desk does with its database."""

import asyncio
import json
import sys
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

import click

from deskclerk.faces.cli.failures import DONE, FAILED
from deskclerk.faces.cli.state import State, console, json_option

if TYPE_CHECKING:
    from deskclerk.desk import Caller
    from deskclerk.hosted.database import HostedDatabase
    from deskclerk.hosted.vault.vault import Vault
    from deskclerk.hosted.workspaces.policy import Role
    from deskclerk.hosted.workspaces.store import WorkspaceRecord, WorkspaceStore


@click.group(
    short_help="workspaces, create-workspace, invite, reset-passkeys, add-instance, limits, keep, prune, …"
)
def hosted() -> None:
    """A desk for many customers: commands for whoever operates it, with the settings that its replicas have.

    DESKCLERK_DATABASE is its PostgreSQL database, DESKCLERK_VAULT_KEY (or DESKCLERK_VAULT) opens its secrets;
    the commands that print a link to a page want DESKCLERK_PUBLIC_URL too.
    """


@hosted.command("rotate-keys", params=[json_option()])
@click.option("--vault-key", is_flag=True, help="Wrap the data keys with the vault key that wraps now.")
@click.option("--data-keys", is_flag=True, help="Make new data keys, and seal anew what the old ones sealed.")
@click.option("--workspace", metavar="SLUG", help="Of this workspace only.")
@click.pass_context
def rotate_keys(ctx: click.Context, /, *, vault_key: bool, data_keys: bool, workspace: str | None) -> int:
    """Put new keys in the place of old ones while replicas run; exit code 1 if a value did not open.

    For a new vault key have every replica know both first: docs/vault.md says in which order.
    """
    if not vault_key and not data_keys:
        raise click.UsageError("Say which keys: --vault-key, --data-keys, or both.", ctx)
    state = ctx.ensure_object(State)
    return asyncio.run(_rotate(state, vault_key=vault_key, data_keys=data_keys, slug=workspace))


@dataclass
class _Result:
    """What a rotation did in one workspace; None where it was not asked for."""

    workspace: str
    wrapped_anew: int | None = None
    version: int | None = None
    sealed_anew: int | None = None
    dropped: int | None = None
    broken: tuple[str, ...] = ()


async def _rotate(state: State, *, vault_key: bool, data_keys: bool, slug: str | None) -> int:
    from deskclerk.faces.cli.output import print_lines  # noqa: PLC0415 - help needs no desk
    from deskclerk.hosted.vault.rotation import Rotation  # noqa: PLC0415

    async with _opened(state) as (database, vault):
        rotation = Rotation(database.of, vault)
        chosen = await _chosen(database, vault, slug)
        results = {record.id: _Result(record.slug) for record in chosen}
        for workspace, result in results.items() if vault_key else ():
            result.wrapped_anew = await rotation.wrap_data_keys_anew(workspace)
        # Twice: what a replica still seals with the version before, until it notices, is sealed anew too.
        for again in (False, True) if data_keys and results else ():
            if again:
                state.note("Waiting until every replica has noticed the new keys …")
                await rotation.wait_for_replicas()
            for workspace, result in results.items():
                if not again:
                    await rotation.new_version(workspace)
                found = await rotation.seal_anew(workspace)
                result.version, result.broken = found.version, found.broken
                result.sealed_anew = (result.sealed_anew or 0) + found.sealed_anew
                result.dropped = (result.dropped or 0) + found.dropped
    told = [
        {name: value for name, value in asdict(item).items() if value not in (None, ())}
        for item in results.values()
    ]
    if state.tables:
        _draw(told)
    else:
        print_lines(told)
    return FAILED if any(item.broken for item in results.values()) else DONE


@hosted.command(params=[json_option()])
@click.pass_context
def workspaces(ctx: click.Context, /) -> int:
    """The workspaces that there are, with their instances."""
    return asyncio.run(_workspaces(ctx.ensure_object(State)))


async def _workspaces(state: State) -> int:
    async with _stores(state) as (_, store):
        told = []
        for record in await store.all():
            names = [item.name for item in await store.instances(record.id)]
            told.append(
                {"slug": record.slug, "name": record.name, "id": record.id, "instances": tuple(names)}
            )
    return _tell(state, told)


@hosted.command("create-workspace", params=[json_option()])
@click.argument("slug")
@click.option("--name", help="What people call it; the slug when left out.")
@click.option("--owner", required=True, metavar="EMAIL", help="Who is invited to be its owner.")
@click.pass_context
def create_workspace(ctx: click.Context, /, slug: str, name: str | None, owner: str) -> int:
    """Make a workspace, and print the link by which its first owner comes in.

    Whoever has that address at the issuer accepts it, once, within a week; they need no account here before.
    When the week is over, or the link is lost: `deskclerk hosted invite`.
    """
    return asyncio.run(_create_workspace(ctx.ensure_object(State), slug, name, owner))


async def _create_workspace(state: State, slug: str, name: str | None, owner: str) -> int:
    # Before anything is made: a workspace without a way in would only keep its slug from others.
    pages = _public_url(state)
    async with _stores(state) as (database, store):
        made = await store.create(slug, name or slug)
        try:
            link = await _invited(database, pages, made.id, owner, "owner")
        except Exception:
            from deskclerk.hosted.retention.leaving import Leaving  # noqa: PLC0415

            await Leaving(database).delete(made.id)
            raise
    return _tell(state, [{"slug": made.slug, "id": made.id, "invitation": link}])


@hosted.command("invite", params=[json_option()])
@click.argument("slug")
@click.argument("email")
@click.option(
    "--role",
    type=click.Choice(("owner", "signer", "viewer")),
    default="owner",
    show_default=True,
    help="What they are in the workspace.",
)
@click.pass_context
def invite(ctx: click.Context, /, slug: str, email: str, role: "Role") -> int:
    """Print a link by which somebody comes into a workspace that there is, such as an owner who was late.

    An earlier link for that address is no longer good. Owners invite others on the page Members.
    """
    return asyncio.run(_invite(ctx.ensure_object(State), slug, email, role))


async def _invite(state: State, slug: str, email: str, role: "Role") -> int:
    from deskclerk.hosted.people.persons import comparable  # noqa: PLC0415 - help needs no desk

    pages = _public_url(state)
    async with _stores(state) as (database, store):
        record = await _named(store, slug)
        link = await _invited(database, pages, record.id, email, role)
        await _note(database, record.id, f"invited {comparable(email)} as {role}")
    return _tell(state, [{"workspace": slug, "role": role, "invitation": link}])


async def _note(database: "HostedDatabase", workspace: str, what: str) -> None:
    """In a workspace's journal: what the operator has done to it."""
    from deskclerk.hosted.changes import JournalledChanges  # noqa: PLC0415 - help needs no desk

    await JournalledChanges(database).note(workspace, _operator(), "cli, operator", what)


def _operator() -> "Caller":
    from deskclerk.desk import Caller  # noqa: PLC0415 - help needs no desk

    return Caller("cli", "operator")


async def _invited(database: "HostedDatabase", pages: str, workspace: str, email: str, role: "Role") -> str:
    """The link of a new invitation."""
    from deskclerk.hosted.people.invitations import OPERATOR, Invitations  # noqa: PLC0415 - help needs no desk

    _, value = await Invitations(database).invite(workspace, email, role, OPERATOR)
    return f"{pages}/invitations/{value}"


def _public_url(state: State) -> str:
    """The origin of the pages that a link leads to."""
    from deskclerk.errors import InvalidSettings  # noqa: PLC0415

    found = state.settings().public_url
    if found is None:
        raise InvalidSettings(
            "DESKCLERK_PUBLIC_URL is not set, and the link would lead nowhere. Nothing was made.",
            next_step="Set it to the origin by which browsers reach the desk, as its replicas have it.",
        )
    return found


@hosted.command("reset-passkeys", params=[json_option()])
@click.argument("person")
@click.pass_context
def reset_passkeys(ctx: click.Context, /, person: str) -> int:
    """Remove all passkeys of somebody who has lost theirs, and sign them out everywhere.

    PERSON is the id that the journal shows (per_…), or a verified e-mail address that one person alone has.
    They sign in anew and add a passkey on the page Security. Each of their workspaces' journals notes it.
    """
    return asyncio.run(_reset_passkeys(ctx.ensure_object(State), person))


async def _reset_passkeys(state: State, said: str) -> int:
    from deskclerk.hosted.people import passkeys, persons  # noqa: PLC0415 - help needs no desk

    async with _stores(state) as (database, store):
        person = await persons.named(database.whole, said)
        keys, browsers = await passkeys.reset(database.whole, person.id)
        # Noted even where there was none: whoever was cut off in between does it again, and is noted then.
        what = f"removed all passkeys of {person.named}, {keys}, and signed them out everywhere"
        theirs = [record for record, _ in await store.of_person(person.id)]
        for record in theirs:
            await _note(database, record.id, what)
    slugs = tuple(record.slug for record in theirs)
    facts = {"person": person.id, "passkeys_removed": keys, "signed_out": browsers, "workspaces": slugs}
    return _tell(state, [facts])


@hosted.command("add-instance", params=[json_option()])
@click.argument("slug")
@click.argument("name")
@click.option("--api-url", help="Where its Backend API is, if not at Clerk; one of DESKCLERK_API_URLS.")
@click.option("--replace-key", is_flag=True, help="Of an instance that is there, at the address that it has.")
@click.pass_context
def add_instance(
    ctx: click.Context, /, slug: str, name: str, api_url: str | None, *, replace_key: bool
) -> int:
    """Give a workspace an instance: its secret key is read from standard input, or asked for.

    With --replace-key an instance gets a new key, once Clerk says that it is of the same instance: what waits
    there goes on. Owners of a workspace do both on its page Instances.
    """
    if replace_key and api_url:
        raise click.UsageError("With --replace-key an instance keeps its address: leave --api-url out.", ctx)
    key = click.prompt("Secret key", hide_input=True) if sys.stdin.isatty() else sys.stdin.readline().strip()
    state = ctx.ensure_object(State)
    return asyncio.run(_add_instance(state, slug, name, key, api_url, replaces=replace_key))


async def _add_instance(
    state: State, slug: str, name: str, key: str, api_url: str | None, *, replaces: bool
) -> int:
    from pydantic import SecretStr  # noqa: PLC0415 - help needs no desk

    from deskclerk.hosted.workspaces.instance_keys import InstanceKeys  # noqa: PLC0415

    operator, secret = _operator(), SecretStr(key)
    async with _stores(state) as (database, store):
        record = await _named(store, slug)
        keys = InstanceKeys(database, store)
        if replaces:
            made = await keys.replace(record.id, operator, name, secret)
            what = f"put another {made.kind} key in the place of that of the instance {made.name}"
        else:
            made = await keys.add(record.id, operator, name, secret, api_url)
            what = f"entered a {made.kind} key for the instance {made.name}"
        await _note(database, record.id, what)
    return _tell(state, [{"workspace": slug, "instance": made.name, "kind": made.kind}])


@hosted.command("limits", params=[json_option()])
@click.argument("slug")
@click.argument("given", nargs=-1, metavar="[LIMIT=NUMBER|LIMIT=default]...")
@click.pass_context
def limits(ctx: click.Context, /, slug: str, given: tuple[str, ...]) -> int:
    """Show a workspace's limits, or set some of them; the others stay as they are.

    LIMIT=default takes one back to what all workspaces have.
    """
    return asyncio.run(_limits(ctx.ensure_object(State), slug, given))


async def _limits(state: State, slug: str, given: tuple[str, ...]) -> int:
    from deskclerk.hosted.limits import WorkspaceLimits, changed_limits  # noqa: PLC0415 - help needs no desk

    async with _stores(state) as (database, store):
        record = await _named(store, slug)
        if given:
            chosen = changed_limits(record.limits, dict(_pair(item) for item in given))
            await store.set_limits(record.id, chosen, record.keep_days)
            await _note(database, record.id, f"set limits: {', '.join(given)}")
            record = await store.load(record.id)
    return _tell(state, [WorkspaceLimits.stored(record.limits).model_dump()])


def _pair(text: str) -> tuple[str, int | None]:
    name, _, number = text.partition("=")
    if number == "default":
        return name, None
    if not number.isdecimal():
        raise click.UsageError(
            f"{text!r} is no limit; accepted: LIMIT=NUMBER, such as open_jobs=20, and LIMIT=default."
        )
    return name, int(number)


@hosted.command("keep", params=[json_option()])
@click.argument("slug")
@click.argument("days", type=click.IntRange(0, 36_500), required=False)
@click.pass_context
def keep(ctx: click.Context, /, slug: str, days: int | None) -> int:
    """Say for how many days a workspace's journal is kept, 0: always; or show it. `prune` does it."""
    return asyncio.run(_keep(ctx.ensure_object(State), slug, days))


async def _keep(state: State, slug: str, days: int | None) -> int:
    async with _stores(state) as (database, store):
        record = await _named(store, slug)
        kept = record.keep_days if days is None else days or None
        if days is not None:
            await store.set_limits(record.id, record.limits, kept)
            await _note(database, record.id, f"set that the journal is kept {_kept(kept)}")
    return _tell(state, [{"workspace": slug, "keep_days": kept}])


def _kept(days: int | None) -> str:
    return f"for {days} days" if days else "always"


@hosted.command("prune", params=[json_option()])
@click.pass_context
def prune(ctx: click.Context, /) -> int:
    """Cut the journals off that are to be kept for some days only; what is left is still verified.

    Meant to be run once a day, as a cron job.
    """
    return asyncio.run(_prune(ctx.ensure_object(State)))


async def _prune(state: State) -> int:
    from deskclerk.hosted.retention.checkpoints import Checkpoints  # noqa: PLC0415 - help needs no desk
    from deskclerk.hosted.retention.pruning import Pruning  # noqa: PLC0415

    told = []
    async with _opened(state) as (database, vault):
        pruning = Pruning(database, Checkpoints(database, vault))
        for record in await _chosen(database, vault, None):
            if record.keep_days:
                found = await pruning.prune(record.id, record.keep_days)
                behind = str(found.behind) if found.behind else None
                told.append({"workspace": record.slug, "lines": found.lines, "begins_behind": behind})
    return _tell(state, told)


@hosted.command("verify", params=[json_option()])
@click.argument("slug", required=False)
@click.pass_context
def verify(ctx: click.Context, /, slug: str | None) -> int:
    """Check that no line of a workspace's journal was altered, removed or moved, or of everybody's.

    Exit code 1 if one was; of each journal the first bad line is told. What `prune` cut off is not missing:
    what is left begins behind a checkpoint, whose signature is checked too.
    """
    return asyncio.run(_verify(ctx.ensure_object(State), slug))


async def _verify(state: State, slug: str | None) -> int:
    from deskclerk.desk.journal.journal import Journal  # noqa: PLC0415 - help needs no desk
    from deskclerk.errors import StorageUnavailable  # noqa: PLC0415
    from deskclerk.faces.cli.journal import check_facts, check_said  # noqa: PLC0415
    from deskclerk.hosted.retention.checkpoints import Checkpoints  # noqa: PLC0415

    code = DONE
    async with _opened(state) as (database, vault):
        checkpoints = Checkpoints(database, vault)
        for record in await _chosen(database, vault, slug):
            journal = Journal(database.storage(record.id, checkpoints.beginning))
            try:
                found = await journal.verify()
            except StorageUnavailable as error:
                # A checkpoint that is not the desk's own; the other journals are checked all the same.
                bad, said, facts = True, str(error), {"ok": False} | error.as_dict()
            else:
                bad, said, facts = found.fault is not None, check_said(found), check_facts(found)
            code = FAILED if bad else code
            lines = f"{record.slug}: {said}"
            click.echo(lines if state.tables else json.dumps({"workspace": record.slug} | facts))
    return code


@hosted.command("export")
@click.argument("slug")
@click.pass_context
def export(ctx: click.Context, /, slug: str) -> int:
    """Print everything that there is of a workspace but its secrets, as JSON lines."""
    return asyncio.run(_export(ctx.ensure_object(State), slug))


async def _export(state: State, slug: str) -> int:
    from deskclerk.hosted.retention.leaving import Leaving  # noqa: PLC0415 - help needs no desk

    async with _stores(state) as (database, store):
        record = await _named(store, slug)
        async for line in Leaving(database).export(record.id):
            click.echo(line, nl=False)
    return DONE


@hosted.command("delete", params=[json_option()])
@click.argument("slug")
@click.option("--yes", metavar="SLUG", help="Instead of typing the slug.")
@click.pass_context
def delete(ctx: click.Context, /, slug: str, yes: str | None) -> int:
    """Delete a workspace with its keys, plans, jobs and journal; only a backup brings it back."""
    typed = yes or click.prompt(f"Everything of {slug} goes. Type its slug to delete it", default="")
    if typed != slug:
        raise click.ClickException("That is not its slug. Nothing was deleted.")
    return asyncio.run(_delete(ctx.ensure_object(State), slug))


async def _delete(state: State, slug: str) -> int:
    from deskclerk.hosted.retention.leaving import Leaving  # noqa: PLC0415 - help needs no desk

    async with _stores(state) as (database, store):
        record = await _named(store, slug)
        gone = await Leaving(database).delete(record.id)
    return _tell(state, [{"deleted": slug, "rows": sum(gone.rows.values())}])


@hosted.command("work", params=[json_option()])
@click.option("--with-parent", is_flag=True, help="End when standard input ends.")
@click.option("--host", default="127.0.0.1", show_default=True, help="Where its page is.")
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    help="Of a page with /livez, /readyz and /metrics; 0 takes any, and without it there is none.",
)
@click.pass_context
def work(ctx: click.Context, /, *, with_parent: bool, host: str, port: int | None) -> None:
    """Carry out the jobs of all workspaces; each replica does so unless it is started with --no-worker."""
    state = ctx.ensure_object(State)
    settings = state.settings()
    from deskclerk.faces.hosted import running  # noqa: PLC0415 - help needs no desk
    from deskclerk.faces.mcp.http_access import Bind  # noqa: PLC0415
    from deskclerk.http_server import run  # noqa: PLC0415

    page = None if port is None else Bind.find(host, port)
    run(
        running.carry_out_jobs(
            settings, with_parent=with_parent, page=page, ready=lambda place: _say_worker(state, place)
        )
    )


def _say_worker(state: State, place: str) -> None:
    """Where a worker's page is, for whoever watches it."""
    if state.as_json:
        click.echo(json.dumps({"listening": place}, separators=(",", ":")))
    else:
        click.echo(f"A worker, listening on {place}. Ctrl-C stops it.")
    sys.stdout.flush()


@asynccontextmanager
async def _stores(state: State) -> "AsyncIterator[tuple[HostedDatabase, WorkspaceStore]]":
    """The database, and the workspaces in it."""
    from deskclerk.hosted.workspaces.store import WorkspaceStore  # noqa: PLC0415

    async with _opened(state) as (database, vault):
        yield database, WorkspaceStore(database, vault, state.settings().api_urls)


async def _named(store: "WorkspaceStore", slug: str) -> "WorkspaceRecord":
    from deskclerk.errors import InvalidRequest  # noqa: PLC0415

    found = await store.find(slug)
    if found is None:
        raise InvalidRequest(
            f"There is no workspace {slug}.", next_step="`deskclerk hosted workspaces` lists those there are."
        )
    return found


def _tell(state: State, told: "Sequence[Mapping[str, object]]") -> int:
    from deskclerk.faces.cli.output import print_lines  # noqa: PLC0415 - help needs no desk

    if state.tables:
        _draw([dict(item) for item in told])
    else:
        print_lines(told)
    return DONE


@asynccontextmanager
async def _opened(state: State) -> "AsyncIterator[tuple[HostedDatabase, Vault]]":
    """The database and the vault that the settings name."""
    from deskclerk.errors import InvalidSettings  # noqa: PLC0415
    from deskclerk.hosted.database import HostedDatabase  # noqa: PLC0415
    from deskclerk.hosted.vault.vault import Vault  # noqa: PLC0415

    settings = state.settings()
    if settings.database is None:
        raise InvalidSettings(
            "DESKCLERK_DATABASE is not set.",
            next_step="Set it to the PostgreSQL URL that the hosted desk has.",
        )
    database = await HostedDatabase.open(settings.database)
    try:
        yield database, Vault.of_settings(database.of, settings)
    finally:
        await database.close()


async def _chosen(database: "HostedDatabase", vault: "Vault", slug: str | None) -> "list[WorkspaceRecord]":
    from deskclerk.hosted.workspaces.store import WorkspaceStore  # noqa: PLC0415

    store = WorkspaceStore(database, vault)
    return await store.all() if slug is None else [await _named(store, slug)]


def _draw(told: list[dict[str, object]]) -> None:
    from rich.table import Table  # noqa: PLC0415 - only where something is drawn

    names = list(dict.fromkeys(name for item in told for name in item))
    table = Table(*(name.replace("_", " ") for name in names), box=None, pad_edge=False)
    for item in told:
        values = (item.get(name, "") for name in names)
        table.add_row(*(", ".join(value) if isinstance(value, tuple) else str(value) for value in values))
    console(sys.stdout).print(table)
