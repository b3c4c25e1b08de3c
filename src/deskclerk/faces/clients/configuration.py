"""What an MCP client is told, so that it starts deskclerk itself or reaches a server that runs."""

import shlex
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from deskclerk.settings import Settings


def claude_code(settings: "Settings", url: str | None = None) -> str:
    """The command that tells Claude Code of a server at a URL, or of one to start."""
    if url:
        header = ' --header "Authorization: Bearer $DESKCLERK_TOKEN"' if settings.token else ""
        return f"claude mcp add --transport http deskclerk {url}{header}"
    server = stdio_configuration(settings)["mcpServers"]["deskclerk"]
    return f"claude mcp add deskclerk -- {shell_line([server['command'], *server['args']])}"


def shell_line(words: list[str]) -> str:
    """Words as a shell takes them; Windows' shells know double quotes."""
    return subprocess.list2cmdline(words) if sys.platform == "win32" else shlex.join(words)


def stdio_configuration(settings: "Settings") -> dict[str, Any]:
    """What a client needs to start deskclerk itself; the key is left for its owner to fill in."""
    server: dict[str, Any] = {"command": program(), "args": ["mcp", *flags_of(settings)]}
    if settings.secret_key:
        server["env"] = {"CLERK_SECRET_KEY": "<your secret key>"}
        if settings.api_url:
            server["env"]["CLERK_API_URL"] = settings.api_url
    return {"mcpServers": {"deskclerk": server}}


def http_configuration(settings: "Settings", url: str) -> dict[str, Any]:
    """What a client needs to reach a server that runs already."""
    server: dict[str, Any] = {"type": "http", "url": url}
    if settings.token:
        server["headers"] = {"Authorization": "Bearer <DESKCLERK_TOKEN>"}
    return {"mcpServers": {"deskclerk": server}}


def flags_of(settings: "Settings") -> list[str]:
    """The flags that give another process the same desk."""
    flags = ["--read-only"] if settings.read_only or settings.access == "read" else []
    flags += ["--tools", ",".join(settings.tools)] if settings.tools else []
    flags += ["--toolsets", ",".join(settings.toolsets)] if settings.toolsets != ("core",) else []
    flags += ["--instance", settings.instance] if settings.instance else []
    return flags + (["--home", str(settings.home.expanduser().absolute())] if settings.home else [])


def program() -> str:
    """This program as another process can start it."""
    own = Path(sys.argv[0])
    if sys.platform == "win32" and own.name == "deskclerk":
        # What pip installs there takes the ending off before Python sees it.
        own = own.with_suffix(".exe")
    if own.name.startswith("deskclerk") and own.exists():
        return str(own.absolute())
    return shutil.which("deskclerk") or "deskclerk"


def start_words() -> list[str]:
    """This program as another process can start it: by absolute paths, and by Python where it has no file."""
    own = program()
    return [own] if Path(own).is_absolute() else [sys.executable, "-m", "deskclerk"]


def typed_words() -> list[str]:
    """This program as a person types it: by its bare name where a shell finds this very one under it."""
    words, found = start_words(), shutil.which("deskclerk")
    return ["deskclerk"] if found and len(words) == 1 and Path(found).samefile(words[0]) else words
