"""`deskclerk install`: shows what would change in a client's file, asks, and writes it."""

import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import click

from deskclerk.errors import InvalidRequest
from deskclerk.faces.cli.install.files import backup_of, read, restore, write
from deskclerk.faces.cli.install.showing import change_lines, masked
from deskclerk.faces.cli.state import State, json_option, setting_options
from deskclerk.faces.clients.clients import (
    CLIENTS,
    NAME,
    TOKEN,
    Client,
    Server,
    client_named,
    installed_entry,
)
from deskclerk.faces.clients.editing import Entry, Unparsable, UnreadableFile, with_entry, without_entry
from deskclerk.faces.clients.links import link_for
from deskclerk.settings import Settings, UserFolders
from deskclerk.system.terminals import is_terminal

_FOR_THE_ENTRY = ("read_only", "tools", "toolsets", "instance", "home")


@dataclass(frozen=True, slots=True)
class Wanted:
    """What was asked for, beside the client."""

    scope: str
    url: str | None
    bearer: bool
    uvx: bool
    with_key: bool


@click.command(
    params=[*setting_options(), json_option()], short_help="put deskclerk into an AI client's file"
)
@click.argument(
    "client", required=False, metavar="[CLIENT]", type=click.Choice([client.name for client in CLIENTS])
)
@click.option("--remove", "taken_out", is_flag=True, help="Take the entry out again.")
@click.option("--dry-run", is_flag=True, help="Show what would change, and write nothing.")
@click.option("--print", "printed", is_flag=True, help="Print the entry, and write nothing.")
@click.option("--link", "linked", is_flag=True, help="Print a link and a button that install it.")
@click.option("--yes", is_flag=True, help="Write without asking.")
@click.option(
    "--scope",
    type=click.Choice(["user", "project"]),
    default="user",
    show_default=True,
    help="The client's file for all projects, or that of the project in this folder.",
)
@click.option("--http", "url", metavar="URL", help="Reach a served desk, such as http://127.0.0.1:8765/mcp.")
@click.option("--bearer", is_flag=True, help=f"With --http: the client sends the token in {TOKEN}.")
@click.option("--with", "by", type=click.Choice(["uvx"]), help="Have the client start `uvx deskclerk`.")
@click.option("--with-key", is_flag=True, help="Write the secret key into the client's file as well.")
@click.pass_context
def install(
    ctx: click.Context,
    /,
    *,
    client: str | None,
    taken_out: bool,
    dry_run: bool,
    printed: bool,
    linked: bool,
    yes: bool,
    scope: str,
    url: str | None,
    bearer: bool,
    by: str | None,
    with_key: bool,
) -> None:
    """Put deskclerk into the configuration file of CLIENT, after showing what changes there.

    Clients: claude-code, claude-desktop, cursor, vscode, codex, gemini, windsurf, zed, goose, opencode.
    Without a name: which clients are found here, and where deskclerk is installed. Only the entry
    "deskclerk" is written; a copy of the former file stays beside it. The secret key is not written: it
    belongs in deskclerk's own settings file, where `deskclerk console` puts it.
    """
    state = ctx.ensure_object(State)
    one_of = [
        name for name, is_set in (("--remove", taken_out), ("--print", printed), ("--link", linked)) if is_set
    ]
    if len(one_of) > 1:
        raise click.UsageError(f"{' and '.join(one_of)} exclude each other.", ctx)
    if client is None:
        given = [*one_of, *(["an option"] if dry_run or yes or url or bearer or by or with_key else [])]
        if given:
            raise click.UsageError(f"Which client? {', '.join(item.name for item in CLIENTS)}.", ctx)
        from deskclerk.faces.cli.install.listing import show_clients  # noqa: PLC0415

        show_clients(state)
        return
    wanted = Wanted(scope, url, bearer, by == "uvx", with_key)
    chosen = client_named(client)
    if taken_out:
        _check_removal(state, wanted, ctx)
        _change(state, chosen, wanted, None, dry_run=dry_run, yes=yes)
        return
    entry = _entry(state, chosen, wanted, ctx)
    if linked:
        _print_link(state, chosen, wanted, entry, ctx)
    elif printed:
        click.echo(masked(chosen.form.show(chosen.keys, entry)), nl=False)
    else:
        _change(state, chosen, wanted, entry, dry_run=dry_run, yes=yes)


def _check_removal(state: State, wanted: Wanted, ctx: click.Context) -> None:
    given = [name for name in _FOR_THE_ENTRY if name in state.overrides and name != "home"]
    if given or wanted.url or wanted.bearer or wanted.uvx or wanted.with_key:
        raise click.UsageError("--remove takes the entry out whatever it says; leave the rest out.", ctx)


def _entry(state: State, client: Client, wanted: Wanted, ctx: click.Context) -> Entry:
    """The entry as it is to stand in the client's file."""
    if wanted.url is not None:
        given = [f"--{name.replace('_', '-')}" for name in _FOR_THE_ENTRY if name in state.overrides]
        given += ["--with"] * wanted.uvx + ["--with-key"] * wanted.with_key
        if given:
            raise click.UsageError(f"With --http the served desk has its own settings: no {given[0]}.", ctx)
        _check_url(wanted.url, bearer=wanted.bearer)
        return client.entry(Server(url=wanted.url, bearer=wanted.bearer))
    if wanted.bearer:
        raise click.UsageError("--bearer goes with --http.", ctx)
    from deskclerk.faces.clients.configuration import flags_of, start_words  # noqa: PLC0415 - help needs none

    settings = state.settings()
    start = ["uvx", NAME] if wanted.uvx else start_words()
    environment = _key(settings, client, wanted)
    return client.entry(Server((*start, "mcp", *flags_of(settings)), environment))


def _key(settings: Settings, client: Client, wanted: Wanted) -> tuple[tuple[str, str], ...]:
    """What the client's file is to hold of the key: nothing, unless that was asked for."""
    if not wanted.with_key:
        return ()
    if wanted.scope == "project":
        raise InvalidRequest(
            "A project's file is shared with everybody who has the project: no key is written into it.",
            next_step=f"`deskclerk install {client.name} --with-key` writes it into your own file.",
        )
    if not settings.secret_key:
        raise InvalidRequest(
            "No CLERK_SECRET_KEY is set that could be written.",
            next_step="Set it for this command, or leave --with-key out.",
        )
    found = [("CLERK_SECRET_KEY", settings.secret_key.get_secret_value())]
    found += [("CLERK_API_URL", settings.api_url)] if settings.api_url else []
    return tuple(found)


def _check_url(url: str, *, bearer: bool) -> None:
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        parts, port = urlsplit(""), None
    del port
    local = parts.hostname in ("localhost", "127.0.0.1", "::1")
    wrong = ""
    if parts.scheme not in ("http", "https") or not parts.hostname:
        wrong = "it is no URL of a served desk"
    elif parts.username or parts.password:
        wrong = "a name or a password in a URL would stand in the client's file"
    elif bearer and parts.scheme == "http" and not local:
        wrong = "a token travels in the clear over http beyond this machine"
    if wrong:
        raise InvalidRequest(
            f"--http: {wrong}.",
            next_step="Give the URL that `deskclerk serve` prints, such as http://127.0.0.1:8765/mcp.",
        )


def _print_link(state: State, client: Client, wanted: Wanted, entry: Entry, ctx: click.Context) -> None:
    if wanted.with_key:
        raise click.UsageError("A link goes through a browser's history: no key is put into it.", ctx)
    found = link_for(client, entry)
    if state.as_json:
        click.echo(json.dumps({"link": found.link, "web": found.web, "button": found.button()}))
        return
    click.echo(f"{found.link}\n\nFor a web page:\n{found.web}\n\nAs a button in Markdown:\n{found.button()}")


def _change(
    state: State,
    client: Client,
    wanted: Wanted,
    entry: Entry | None,
    *,
    dry_run: bool,
    yes: bool,
) -> None:
    """Show the change of a client's file, ask, and write it; without an entry the one there is taken out."""
    path = client.file(UserFolders.find(), wanted.scope, Path.cwd())
    before = _read(client, path)
    after = _changed(client, path, before, entry)
    facts: dict[str, Any] = {"client": client.name, "scope": wanted.scope, "file": str(path)}
    if after == (before or ""):
        _say(state, facts | {"change": "nothing"}, f"Nothing to do: {_state_of(entry)} {path}.")
        return
    for line in change_lines(str(path), before or "", after):
        click.echo(line, err=True)
    if dry_run:
        _say(state, facts | {"change": "would be written"}, "Nothing was written.")
        return
    if not yes:
        _ask(client)
    if _read(client, path) != before:
        raise UnreadableFile(
            f"{path} was changed meanwhile.", next_step="Nothing was written. Run this again."
        )
    # Before anything is written: what is wrong with the settings ends it here.
    told = _done(state, client, wanted, entry, path)
    former, kept = _backup(path), None
    if entry is None and after in ("", former):
        restore(path, former if after == former else None)
    else:
        keep = before is not None and _is_worth_keeping(client, path, before)
        kept = write(path, after, before=before, keep=keep, shared=wanted.scope == "project")
    facts |= {"change": "removed" if entry is None else "written", "backup": str(kept) if kept else None}
    _say(state, facts, f"{told} The former file: {kept}." if kept else told)


def _read(client: Client, path: Path) -> str | None:
    try:
        return read(path)
    except Unparsable as error:
        raise _unreadable(client, path, error) from None


def _changed(client: Client, path: Path, before: str | None, entry: Entry | None) -> str:
    text = before or ""
    try:
        keys = client.keys_in(text)
        if entry is not None:
            return with_entry(client.form, text, keys, entry)
        return without_entry(client.form, text, keys, _backup(path))
    except Unparsable as error:
        raise _unreadable(client, path, error) from None


def _backup(path: Path) -> str | None:
    """The text kept beside the file; one that cannot be read any more is no help, and no obstacle."""
    try:
        return read(backup_of(path))
    except Unparsable:
        return None


def _is_worth_keeping(client: Client, path: Path, before: str) -> bool:
    """Whether a copy of the file as it is now is of use, and harmless."""
    there = installed_entry(client, before)
    if there is None:
        return True
    if "CLERK_SECRET_KEY" in json.dumps(there):
        # Whoever takes the key out of the file does not want it in a copy.
        return False
    # Where nothing but our entry came since, the copy from before that is the one to keep.
    return _changed(client, path, before, None) not in ("", _backup(path))


def _unreadable(client: Client, path: Path, error: Unparsable) -> UnreadableFile:
    return UnreadableFile(
        f"{path}, line {error.line}, column {error.column}: {error.reason}.",
        next_step=(
            "The file was left alone. Correct it and run this again, or place by hand what "
            f"`deskclerk install {client.name} --print` prints."
        ),
    )


def _state_of(entry: Entry | None) -> str:
    return "deskclerk is not in" if entry is None else "deskclerk stands so already in"


def _ask(client: Client) -> None:
    if not is_terminal(sys.stdin):
        raise InvalidRequest(
            "Nobody is at a terminal to say yes; nothing was written.",
            next_step=f"`deskclerk install {client.name} --yes` writes without asking; --dry-run only shows.",
        )
    if not click.confirm("Write this?", err=True):
        raise click.ClickException("Nothing was written.")


def _done(state: State, client: Client, wanted: Wanted, entry: Entry | None, path: Path) -> str:
    """What a person is told afterwards: where it stands, and what is left for them to do."""
    if entry is None:
        return f"Removed from {path}."
    said = [f"Written to {path}.", client.after]
    if wanted.scope == "project":
        said.append(client.project_note)
        if not wanted.url and not wanted.uvx:
            said.append("It names a path of this machine; --with uvx writes an entry for everybody.")
    if wanted.with_key:
        said.append("The secret key now stands in that file as well: keep it from others.")
    elif not wanted.url and _key_is_missed(state):
        said.append(
            "CLERK_SECRET_KEY, which is set here, was not written: store the key with `deskclerk console`, "
            "under Connect. Until then the client works on the sandbox."
        )
    return " ".join(part for part in said if part)


def _key_is_missed(state: State) -> bool:
    """Whether a key is set here that the settings file, which the client's desk reads, does not have."""
    settings = state.settings()
    stored = Settings.load(state.overrides | {"home": settings.home}, environ={})
    return settings.kind != "sandbox" and stored.kind == "sandbox"


def _say(state: State, facts: dict[str, Any], text: str) -> None:
    """One JSON line where lines are wanted, a sentence for a person."""
    if state.tables:
        click.echo(text)
    else:
        click.echo(json.dumps(facts, ensure_ascii=False, separators=(",", ":")))
