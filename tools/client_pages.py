"""The pages of docs/clients/, one for each client: what follows from its declaration, what is known of it.

Files, entries and keys come from `faces/clients/clients.py`. What a declaration cannot say stands here:
where its facts are documented, how a person signs in it, what is known not to work, each with its source.
"""

import textwrap
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from deskclerk.errors import InvalidRequest
from deskclerk.faces.cli.install.files import backup_of
from deskclerk.faces.cli.install.showing import change_lines
from deskclerk.faces.clients.clients import CLIENTS, TOKEN, Client, Server
from deskclerk.faces.clients.editing import with_entry
from deskclerk.settings import System, UserFolders

_DIALOGUE = "In the client's own dialogue."
_NONE = "At a terminal or in the console: no dialogue is known."
_WIDTH = 110


@dataclass(frozen=True)
class Known:
    """What is known of a client beside its declaration, each statement with where it was found."""

    sources: tuple[str, ...]
    """Where its files and its entry are documented."""
    signs: str
    """How a person signs: in the client's dialogue, or outside of it."""
    about_signing: tuple[tuple[str, str], ...] = ()
    limits: tuple[tuple[str, str], ...] = ()
    places: str = ""
    """What moves its files."""


_ISSUES = "https://github.com"
_MATRIX = "https://dev.to/serverdex/which-mcp-clients-support-which-features-i-read-the-docs-59kb"
KNOWN = {
    "claude-code": Known(
        sources=("https://code.claude.com/docs/en/mcp",),
        signs=_DIALOGUE,
        about_signing=(
            (
                "The command line declares a dialogue and shows a form",
                f"{_ISSUES}/anthropics/claude-code/issues/96043",
            ),
            (
                "A hook called `Elicitation` answers it in your place: whoever sets one signs by it",
                "https://developersdigest.tech/guides/elicitation-hook",
            ),
            (
                "Started inside another program it may declare none: then sign outside of it",
                f"{_ISSUES}/anthropics/claude-code/issues/65572",
            ),
        ),
        limits=(
            (
                "Of a prompt's argument only the first word arrives",
                f"{_ISSUES}/anthropics/claude-code/issues/14210",
            ),
            ("The model sees the structured answer alone", f"{_ISSUES}/anthropics/claude-code/issues/79944"),
        ),
        places="`CLAUDE_CONFIG_DIR`, where it is set, is the folder of `.claude.json`.",
    ),
    "claude-desktop": Known(
        sources=("https://modelcontextprotocol.io/docs/develop/connect-local-servers",),
        signs=_NONE,
        about_signing=(
            ("The application has no dialogue", f"{_ISSUES}/anthropics/claude-code/issues/41347"),
            ("Its Code tab declares none either", f"{_ISSUES}/anthropics/claude-code/issues/96043"),
        ),
        limits=(
            (
                "No file is documented for Linux",
                "https://modelcontextprotocol.io/docs/develop/connect-local-servers",
            ),
        ),
        places=(
            "On Windows, installed as a package (since February 2026), it reads the file in the package's "
            "own folder, `%LOCALAPPDATA%\\Packages\\Claude_…\\LocalCache\\Roaming\\Claude`, and not the one "
            "above ([claude-code#26073](https://github.com/anthropics/claude-code/issues/26073)): "
            "`deskclerk install` writes it there where there is such a package."
        ),
    ),
    "cursor": Known(
        sources=("https://cursor.com/docs/mcp",),
        signs=_DIALOGUE,
        about_signing=(
            ("Its documents list elicitation", "https://cursor.com/docs/mcp"),
            (
                (
                    "Version 3.10.20 was seen to drop the question of a server that it starts itself, and to "
                    "answer nothing. The call then hangs until the plan expires; sign outside of it, and "
                    "have the agent ask again"
                ),
                f"{_ISSUES}/gleanwork/glean-plugins-vnext/pull/39",
            ),
        ),
        limits=(
            (
                (
                    "Beyond about 40 tools of all servers together it chooses worse; `core` alone has 48: "
                    "`--tools lean` has three"
                ),
                "https://mcptrove.com/blog/cursor-tool-limit-math",
            ),
            (
                "A server's and a tool's name have at most 60 characters together, as every tool here does",
                f"{_ISSUES}/ComposioHQ/composio/issues/2788",
            ),
        ),
    ),
    "vscode": Known(
        sources=(
            "https://code.visualstudio.com/docs/copilot/reference/mcp-configuration",
            "https://code.visualstudio.com/docs/getstarted/settings#_settings-file-locations",
        ),
        signs=_DIALOGUE,
        about_signing=(
            (
                "The dialogue, as one of its makers shows it",
                "https://den.dev/blog/vscode-mcp-elicitations-stop-guessing",
            ),
        ),
        limits=(("The model sees the structured answer alone", f"{_ISSUES}/microsoft/vscode/issues/290063"),),
    ),
    "codex": Known(
        sources=("https://developers.openai.com/codex/mcp",),
        signs=f"{_DIALOGUE[:-1]}, in versions from April 2026 on.",
        about_signing=(
            (
                (
                    "Earlier ones declare a dialogue and decline by themselves. A no is final for that "
                    "request: update Codex, or sign nothing through it"
                ),
                f"{_ISSUES}/openai/codex/issues/6992",
            ),
            ("Its changelog of April 2026 names elicitations", f"{_ISSUES}/bug-ops/zeph/issues/3141"),
        ),
        places="`CODEX_HOME`, where it is set, is the folder of `config.toml`.",
    ),
    "gemini": Known(
        sources=(
            "https://geminicli.com/docs/tools/mcp-server/",
            "https://geminicli.com/docs/cli/configuration",
        ),
        signs=_NONE,
        about_signing=(("It declares none", f"{_ISSUES}/google-gemini/gemini-cli/issues/28074"),),
    ),
    "windsurf": Known(
        sources=("https://docs.windsurf.com/windsurf/cascade/mcp",),
        signs=_NONE,
        about_signing=(("Its documents do not speak of one", _MATRIX),),
        limits=(
            (
                "Cascade takes 100 tools of all servers together: `core` and one or two more toolsets",
                "https://docs.windsurf.com/windsurf/cascade/mcp",
            ),
        ),
    ),
    "zed": Known(
        sources=("https://zed.dev/docs/ai/mcp", "https://zed.dev/docs/configuring-zed"),
        signs=_NONE,
        about_signing=(("Its documents say that it has none", _MATRIX),),
        places="On Linux `XDG_CONFIG_HOME`, where it is set, stands for `~/.config`.",
    ),
    "goose": Known(
        sources=("https://block.github.io/goose/docs/guides/config-files",),
        signs=_DIALOGUE,
        about_signing=(
            ("On the desktop and in the terminal", f"{_ISSUES}/aaif-goose/goose/pull/5965"),
            (
                "Not yet in the form of MCP 2026-07-28; with the one before, which it speaks, it works",
                f"{_ISSUES}/aaif-goose/goose/issues/11194",
            ),
        ),
    ),
    "opencode": Known(
        sources=("https://opencode.ai/docs/mcp-servers", "https://opencode.ai/docs/migrate-v1.md"),
        signs=f"{_DIALOGUE[:-1]}, in versions from July 2026 on.",
        about_signing=(("Merged then", f"{_ISSUES}/anomalyco/opencode/pull/35064"),),
        places="The file is `opencode.json` or `opencode.jsonc`, whichever there is.",
    ),
}
"""By the client's name; a client without an entry here has no page, which stops the generator."""

_HEAD = """\
# {title}

Generated from `src/deskclerk.faces.clients.clients.py` and `tools/client_pages.py` by
`tools/generate_docs.py`. All that `deskclerk install` does, and its options:
[installing deskclerk](../install.md).
"""
_SANDBOX_KEY = """\
No key stands in that file: your Clerk secret key belongs in deskclerk's own settings, where
`deskclerk console` puts it under Connect. Until then {title} works on the sandbox.
"""
_ELSEWHERE = """\
Where no dialogue comes up, or it was closed, the plan waits: `deskclerk pending` lists it,
`deskclerk approve ID` shows and signs it, and so does the console ([who signs](../signing.md)). Then have the
agent ask for the same again: it happens once.
"""


def client_pages() -> dict[str, str]:
    """Every page's text by its name."""
    return {client.name: _page(client, KNOWN[client.name]) for client in CLIENTS}


def client_list() -> str:
    """The rows of the table in docs/install.md: each client with how a person signs in it."""
    rows = ["| client | installed with | a person signs |", "| --- | --- | --- |"]
    rows += [
        f"| [{client.title}](clients/{client.name}.md) | `deskclerk install {client.name}` | "
        f"{_lower(KNOWN[client.name].signs.split(':')[0].rstrip('.'))} |"
        for client in CLIENTS
    ]
    return "\n".join(rows)


def _page(client: Client, known: Known) -> str:
    parts = [_HEAD.format(title=client.title), *_installing(client), "## Its files", ""]
    parts += [*_files(client), *([*_wrapped(known.places), ""] if known.places else [])]
    parts += [f"The entry stands below `{client.keys[0]}`. Documented by {_links(known.sources)}.", ""]
    parts += ["## How a person signs", "", known.signs, "", *_statements(known.about_signing), _ELSEWHERE]
    parts += ["## A desk that is served", "", *_served(client)]
    if known.limits:
        parts += ["## What to know", "", *_statements(known.limits)]
    return "\n".join(parts).rstrip() + "\n"


def _installing(client: Client) -> Iterator[str]:
    folders = _folders("linux")
    entry = client.entry(Server(command=("…/deskclerk", "mcp")))
    if not client.user(folders):
        yield from ("```console", f"$ deskclerk install {client.name} --print")
        yield from (client.form.show(client.keys, entry).rstrip("\n"), "```", "")
        then = f"On macOS and Windows `deskclerk install {client.name}` shows the change, asks and writes it."
    else:
        file = str(client.user(folders)[0]).replace("~", "…", 1)
        text = with_entry(client.form, "", client.keys, entry)
        yield from ("```console", f"$ deskclerk install {client.name}", *change_lines(file, "", text))
        yield from ("Write this? [y/N]: y", "…", "```", "")
        then = f"A file that was there before stays beside it, as `{backup_of(Path(file)).name}`."
    then += f" {client.after} `deskclerk install {client.name} --remove` takes the entry out again."
    yield from _wrapped(then)
    yield from ("", _SANDBOX_KEY.format(title=client.title))


def _files(client: Client) -> Iterator[str]:
    yield from ("| | for every project | for one project |", "| --- | --- | --- |")
    project = f"`{client.project[0]}`" if client.project else "none"
    systems: tuple[tuple[str, System], ...] = (("Linux", "linux"), ("macOS", "macos"), ("Windows", "windows"))
    for title, system in systems:
        found = client.user(_folders(system))
        place = str(found[0]) if found else ""
        if system == "windows":
            place = place.replace("~", "%USERPROFILE%", 1).replace("/", "\\")
        yield f"| {title} | {f'`{place}`' if place else 'none is documented'} | {project} |"
    yield ""
    if client.project_note:
        yield from (client.project_note, "")


def _served(client: Client) -> Iterator[str]:
    url = "http://127.0.0.1:8765/mcp"
    words = f"$ deskclerk install {client.name} --print --http {url}"
    try:
        entry = client.entry(Server(url=url, bearer=bool(client.variable or client.name == "codex")))
    except InvalidRequest as error:
        yield from (*_wrapped(f"{error.message} {error.next_step}"), "")
        return
    yield "`deskclerk serve` says its address; this is the entry with it, in place of a command to start:\n"
    bearer = client.variable or client.name == "codex"
    yield from ("```console", f"{words}{' --bearer' if bearer else ''}")
    yield from (client.form.show(client.keys, entry).rstrip("\n"), "```", "")
    if bearer:
        yield f"With `--bearer` it sends the token that it finds in `{TOKEN}`; only that name is written.\n"
    else:
        yield f"Its file is not known to name a variable, so that a token (`{TOKEN}`) is yours to add.\n"


def _statements(statements: tuple[tuple[str, str], ...]) -> list[str]:
    lines = [f"- {text} ([{_name(source)}]({source}))." for text, source in statements]
    return [line for text in lines for line in _wrapped(text, "  ")] + [""] * bool(statements)


def _wrapped(text: str, indent: str = "") -> list[str]:
    return textwrap.wrap(
        text, _WIDTH, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False
    )


def _lower(text: str) -> str:
    return text[:1].lower() + text[1:]


def _links(sources: tuple[str, ...]) -> str:
    return ", ".join(f"[{_name(source)}]({source})" for source in sources)


def _name(source: str) -> str:
    """A short name for an address: the issue, or the site."""
    parts = source.removeprefix("https://").split("/")
    if parts[0] == "github.com":
        return f"{parts[2]}#{parts[4]}"
    return parts[0].removeprefix("www.")


def _folders(system: System) -> UserFolders:
    home = Path("~")
    return UserFolders(
        system=system,
        home=home,
        config=home / ".config",
        roaming=Path("%APPDATA%"),
        local=Path("%LOCALAPPDATA%"),
        claude=home,
        codex=home / ".codex",
    )
