"""The clients that we know: their files on each system, and how each writes down a server.

Where each fact comes from stands in tools/client_pages.py, and on the client's page in docs/clients/.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from deskclerk.errors import InvalidRequest
from deskclerk.faces.clients import jsonc, toml, yaml
from deskclerk.faces.clients.editing import Entry, Format, Unparsable, entry_at
from deskclerk.settings import UserFolders

NAME = "deskclerk"
TOKEN = "DESKCLERK_TOKEN"  # noqa: S105 - its name
"""The environment variable that a client reads a served desk's token from."""


@dataclass(frozen=True, slots=True)
class Server:
    """How a client reaches the desk: a command that it starts, or the URL of one that is served."""

    command: tuple[str, ...] = ()
    environment: tuple[tuple[str, str], ...] = ()
    url: str | None = None
    bearer: bool = False
    """Whether the served desk wants a token, which the client reads from its environment."""


@dataclass(frozen=True, slots=True)
class Client:
    """One client: the files that it reads, and the entry that it understands."""

    name: str
    title: str
    form: Format
    keys: tuple[str, ...]
    user: Callable[[UserFolders], tuple[Path, ...]]
    """Its file for every project, then other names of it; none on a system that it is not made for."""
    project: tuple[str, ...] = ()
    """Its file within a project, where it has one."""
    signs: Callable[[UserFolders], tuple[Path, ...]] | None = None
    """What shows that it is used here, where the folder of its file does not."""
    program: str = ""
    start: Callable[[Server], Entry] | None = None
    http: Callable[[Server], Entry] | None = None
    variable: str = ""
    """How its file names an environment variable within a header; empty if it cannot."""
    after: str = ""
    """What the person does then."""
    project_note: str = ""

    def files(self, folders: UserFolders, scope: str, project: Path) -> tuple[Path, ...]:
        """The names that the file may have; InvalidRequest where there is no such file."""
        if scope == "project":
            if not self.project:
                raise InvalidRequest(
                    f"{self.title} has no file for a single project.", next_step="Leave --scope out."
                )
            return tuple(project / name for name in self.project)
        found = self.user(folders)
        if not found:
            raise InvalidRequest(
                f"{self.title} documents no file on this system.",
                next_step=f"`deskclerk install {self.name} --print` prints the entry for you to place.",
            )
        return found

    def file(self, folders: UserFolders, scope: str, project: Path) -> Path:
        """The file that there is, else the one to make."""
        names = self.files(folders, scope, project)
        return next((name for name in names if name.exists()), names[0])

    def keys_in(self, text: str) -> tuple[str, ...]:
        """Where the entry stands in a text of this client's."""
        if self.name != "opencode":
            return self.keys
        # Version 2 also reads what version 1 wrote; a file that is already of its own shape stays so.
        servers = entry_at(self.form.parse(text), ("mcp", "servers"))
        own = isinstance(servers, dict) and not {"type", "enabled"} & {*servers}
        return ("mcp", "servers", NAME) if own else self.keys

    def entry(self, server: Server) -> Entry:
        """The entry for a server; InvalidRequest for one that this client cannot reach."""
        if server.url is None:
            return _stdio(server) if self.start is None else self.start(server)
        if self.http is None:
            raise InvalidRequest(
                f"{self.title}'s file has no place for a server that is reached by HTTP.",
                next_step=f"Leave --http out: {self.title} starts deskclerk itself.",
            )
        entry = self.http(server)
        if server.bearer:
            if self.name == "codex":
                entry["bearer_token_env_var"] = TOKEN
            elif self.variable:
                entry["headers"] = {"Authorization": f"Bearer {self.variable.format(TOKEN)}"}
            else:
                raise InvalidRequest(
                    f"{self.title}'s file names no environment variable, and a token is not written into it.",
                    next_step="Leave --bearer out and add the header by hand.",
                )
        return entry

    def is_here(self, folders: UserFolders, which: Callable[[str], str | None]) -> bool:
        """Whether the client seems to be used by this user."""
        paths = self.signs(folders) if self.signs else [path.parent for path in self.user(folders)]
        return any(path.exists() for path in paths) or bool(self.program and which(self.program))


def _stdio(server: Server) -> Entry:
    entry: Entry = {"command": server.command[0], "args": list(server.command[1:])}
    return entry | ({"env": dict(server.environment)} if server.environment else {})


def _by(key: str, **more: Any) -> Callable[[Server], Entry]:
    """An entry of a URL under this key."""
    return lambda server: {**more, key: server.url}


def _open_code(server: Server) -> Entry:
    entry: Entry = {"type": "local", "command": list(server.command)}
    return entry | ({"environment": dict(server.environment)} if server.environment else {})


def _goose(server: Server) -> Entry:
    return {
        "type": "stdio",
        "name": NAME,
        "description": "A Clerk instance",
        "enabled": True,
        "cmd": server.command[0],
        "args": list(server.command[1:]),
        "envs": dict(server.environment),
        "timeout": 300,
    }


def _goose_http(server: Server) -> Entry:
    said = {"name": NAME, "description": "A Clerk instance", "enabled": True}
    return {"type": "streamable_http", **said, "uri": server.url, "timeout": 300}


def _application(folder: str) -> Callable[[UserFolders], Path]:
    """Where a desktop application keeps its settings on each system."""

    def place(folders: UserFolders) -> Path:
        roots = {
            "macos": folders.home / "Library" / "Application Support",
            "windows": folders.roaming,
            "linux": folders.config,
        }
        return roots[folders.system] / folder

    return place


def _claude_desktop(folders: UserFolders) -> tuple[Path, ...]:
    if folders.system == "linux":
        return ()
    roots = [_application("Claude")(folders)]
    if folders.system == "windows":
        # Installed as a package it reads its own copy of the folder, and never the one beside it.
        packages = sorted((folders.local / "Packages").glob("Claude_*"))
        roots = [package / "LocalCache" / "Roaming" / "Claude" for package in packages] or roots
    return tuple(root / "claude_desktop_config.json" for root in roots)


def _zed(folders: UserFolders) -> tuple[Path, ...]:
    roots = {
        "windows": folders.roaming / "Zed",
        "macos": folders.home / ".config" / "zed",
        "linux": folders.config / "zed",
    }
    return (roots[folders.system] / "settings.json",)


def _goose_file(folders: UserFolders) -> tuple[Path, ...]:
    if folders.system == "windows":
        return (folders.roaming / "Block" / "goose" / "config" / "config.yaml",)
    return (folders.home / ".config" / "goose" / "config.yaml",)


CLIENTS: Sequence[Client] = (
    Client(
        name="claude-code",
        title="Claude Code",
        form=jsonc,
        keys=("mcpServers", NAME),
        user=lambda folders: (folders.claude / ".claude.json",),
        project=(".mcp.json",),
        signs=lambda folders: (folders.claude / ".claude.json", folders.home / ".claude"),
        program="claude",
        start=lambda server: {"type": "stdio", **_stdio(server)},
        http=_by("url", type="http"),
        variable="${{{}}}",
        after="Start Claude Code anew; /mcp shows it.",
        project_note="Claude Code asks whoever opens the project before it starts a server of .mcp.json.",
    ),
    Client(
        name="claude-desktop",
        title="Claude Desktop",
        form=jsonc,
        keys=("mcpServers", NAME),
        user=_claude_desktop,
        after="Quit Claude Desktop wholly and start it again.",
    ),
    Client(
        name="cursor",
        title="Cursor",
        form=jsonc,
        keys=("mcpServers", NAME),
        user=lambda folders: (folders.home / ".cursor" / "mcp.json",),
        project=(".cursor/mcp.json",),
        program="cursor",
        http=_by("url"),
        variable="${{env:{}}}",
        after="Cursor lists it in its settings, under MCP.",
    ),
    Client(
        name="vscode",
        title="VS Code",
        form=jsonc,
        keys=("servers", NAME),
        user=lambda folders: (_application("Code")(folders) / "User" / "mcp.json",),
        project=(".vscode/mcp.json",),
        program="code",
        start=lambda server: {"type": "stdio", **_stdio(server)},
        http=_by("url", type="http"),
        variable="${{env:{}}}",
        after="VS Code's command MCP: List Servers starts it.",
    ),
    Client(
        name="codex",
        title="Codex",
        form=toml,
        keys=("mcp_servers", NAME),
        user=lambda folders: (folders.codex / "config.toml",),
        project=(".codex/config.toml",),
        program="codex",
        http=_by("url"),
        after="Start Codex anew; /mcp shows it.",
        project_note="Codex reads a project's file only where the project is trusted.",
    ),
    Client(
        name="gemini",
        title="Gemini CLI",
        form=jsonc,
        keys=("mcpServers", NAME),
        user=lambda folders: (folders.home / ".gemini" / "settings.json",),
        project=(".gemini/settings.json",),
        program="gemini",
        http=_by("httpUrl"),
        variable="${{{}}}",
        after="Start Gemini CLI anew; /mcp shows it.",
    ),
    Client(
        name="windsurf",
        title="Windsurf",
        form=jsonc,
        keys=("mcpServers", NAME),
        user=lambda folders: (folders.home / ".codeium" / "windsurf" / "mcp_config.json",),
        program="windsurf",
        http=_by("serverUrl"),
        variable="${{env:{}}}",
        after="Refresh the MCP servers in Windsurf's Cascade panel.",
    ),
    Client(
        name="zed",
        title="Zed",
        form=jsonc,
        keys=("context_servers", NAME),
        user=_zed,
        project=(".zed/settings.json",),
        program="zed",
        start=lambda server: {"source": "custom", **_stdio(server)},
        http=_by("url"),
        after="Zed's Agent Panel shows it in its settings.",
    ),
    Client(
        name="goose",
        title="Goose",
        form=yaml,
        keys=("extensions", NAME),
        user=_goose_file,
        program="goose",
        start=_goose,
        http=_goose_http,
        after="Start a new Goose session.",
    ),
    Client(
        name="opencode",
        title="OpenCode",
        form=jsonc,
        keys=("mcp", NAME),
        user=lambda folders: tuple(
            folders.config / "opencode" / name for name in ("opencode.json", "opencode.jsonc")
        ),
        project=("opencode.json", "opencode.jsonc"),
        program="opencode",
        start=_open_code,
        http=_by("url", type="remote"),
        variable="{{env:{}}}",
        after="Start OpenCode anew.",
    ),
)
"""Every client, in the order in which they are listed."""


def client_named(name: str) -> Client:
    """The client of that name."""
    return next(client for client in CLIENTS if client.name == name)


def installed_entry(client: Client, text: str) -> Any:
    """What stands under our name in a client's text; Unparsable where it cannot be read."""
    return entry_at(client.form.parse(text), client.keys_in(text))


__all__ = ["CLIENTS", "NAME", "TOKEN", "Client", "Server", "Unparsable", "client_named", "installed_entry"]
