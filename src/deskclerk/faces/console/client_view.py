"""What the page Connect shows of each AI client: what is typed, clicked or pasted to have deskclerk there."""

import shutil
from collections.abc import Iterator
from dataclasses import dataclass

from deskclerk.errors import InvalidRequest
from deskclerk.faces.clients.clients import CLIENTS, Client, Server
from deskclerk.faces.clients.configuration import flags_of, shell_line, start_words, typed_words
from deskclerk.faces.clients.links import HAVE_LINKS, Link, link_for
from deskclerk.settings import Settings, UserFolders


@dataclass(frozen=True, slots=True)
class Way:
    """One way to the desk: what is typed for it, what is clicked, what is pasted by hand.

    `command` is empty where the client has no file here.
    """

    label: str
    command: str
    link: Link | None
    text: str


@dataclass(frozen=True, slots=True)
class ClientCard:
    """One client: its file, whether it is used here, and the ways that it can take."""

    name: str
    title: str
    file: str
    found: bool
    ways: tuple[Way, ...]


def client_cards(settings: Settings, url: str | None) -> list[ClientCard]:
    """Every client; `url` is that of MCP over HTTP, None if none is served."""
    folders = UserFolders.find()
    return [
        ClientCard(
            name=client.name,
            title=client.title,
            file=_file(client, folders),
            found=client.is_here(folders, shutil.which),
            ways=tuple(_ways(client, settings, url, has_file=bool(client.user(folders)))),
        )
        for client in CLIENTS
    ]


def _file(client: Client, folders: UserFolders) -> str:
    names = client.user(folders)
    if not names:
        return "no file is documented for this system"
    file = next((name for name in names if name.exists()), names[0])
    return str(file).replace(str(folders.home), "~", 1)


def _ways(client: Client, settings: Settings, url: str | None, *, has_file: bool) -> Iterator[Way]:
    install = [*typed_words(), "install", client.name]
    if url:
        served = Server(url=url, bearer=settings.token is not None)
        try:
            text = client.form.show(client.keys, client.entry(served))
        except InvalidRequest:
            # It reaches no server by HTTP, or none that wants a token: then it starts one itself.
            pass
        else:
            words = [*install, "--http", url, *(["--bearer"] if served.bearer else [])]
            yield Way("reaches this server", shell_line(words), _link(client, served), text)
    started = Server((*start_words(), "mcp", *flags_of(settings)))
    pasted = Server(started.command, _environment(settings))
    yield Way(
        "starts deskclerk itself",
        shell_line([*install, *flags_of(settings)]) if has_file else "",
        # A link goes through a browser's history, and a command through a shell's: neither has a key.
        _link(client, started),
        client.form.show(client.keys, client.entry(pasted)),
    )


def _link(client: Client, server: Server) -> Link | None:
    return link_for(client, client.entry(server)) if client.name in HAVE_LINKS else None


def _environment(settings: Settings) -> tuple[tuple[str, str], ...]:
    """Where a key from outside of the stored ones is in force: its place, for whoever has it to fill in."""
    if not settings.secret_key:
        return ()
    found = [("CLERK_SECRET_KEY", "<your secret key>")]
    return tuple(found + ([("CLERK_API_URL", settings.api_url)] if settings.api_url else []))
