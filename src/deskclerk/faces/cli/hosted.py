"""`deskclerk hosted`: what the operator of a hosted desk does with its database."""

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

import click

from deskclerk.faces.cli.failures import DONE, FAILED
from deskclerk.faces.cli.state import State, console, json_option

if TYPE_CHECKING:
    from deskclerk.hosted.database import HostedDatabase
    from deskclerk.hosted.vault.vault import Vault
    from deskclerk.hosted.workspaces.store import WorkspaceRecord


@click.group(short_help="rotate-keys")
def hosted() -> None:
    """A desk for many customers: commands for whoever operates it, with the settings that its replicas have.

    DESKCLERK_DATABASE is its PostgreSQL database, DESKCLERK_VAULT_KEY (or DESKCLERK_VAULT) opens its secrets.
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
    from deskclerk.errors import InvalidRequest  # noqa: PLC0415
    from deskclerk.hosted.workspaces.store import WorkspaceStore  # noqa: PLC0415

    store = WorkspaceStore(database, vault)
    if slug is None:
        return await store.all()
    found = await store.find(slug)
    if found is None:
        raise InvalidRequest(
            f"There is no workspace {slug}.", next_step="Leave --workspace out for all of them."
        )
    return [found]


def _draw(told: list[dict[str, object]]) -> None:
    from rich.table import Table  # noqa: PLC0415 - only where something is drawn

    names = list(dict.fromkeys(name for item in told for name in item))
    table = Table(*(name.replace("_", " ") for name in names), box=None, pad_edge=False)
    for item in told:
        values = (item.get(name, "") for name in names)
        table.add_row(*(", ".join(value) if isinstance(value, tuple) else str(value) for value in values))
    console(sys.stdout).print(table)
