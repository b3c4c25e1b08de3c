"""Links that install deskclerk with one click, and buttons for a page, for the clients that have them."""

import base64
import json
from dataclasses import dataclass
from urllib.parse import quote

from deskclerk.errors import InvalidRequest
from deskclerk.faces.cli.install.clients import NAME, Client
from deskclerk.faces.cli.install.editing import Entry


@dataclass(frozen=True, slots=True)
class Link:
    """What a browser opens, what a web page may link to, and the same as a button in Markdown."""

    link: str
    web: str
    button: str


def link_for(client: Client, entry: Entry) -> Link:
    """The client's link for an entry; InvalidRequest for a client that has none."""
    if client.name == "cursor":
        # Cursor takes the entry without its name, as base64 whose signs mean something else in a query.
        config = quote(base64.b64encode(_compact(entry).encode()).decode(), safe="")
        query = f"name={NAME}&config={config}"
        link = f"cursor://anysphere.cursor-deeplink/mcp/install?{query}"
        web = f"https://cursor.com/en/install-mcp?{query}"
        image, text = "https://cursor.com/deeplink/mcp-install-dark.svg", "Install in Cursor"
    elif client.name == "vscode":
        link = f"vscode:mcp/install?{quote(_compact({'name': NAME, **entry}), safe='')}"
        # Pages such as GitHub's do not link to vscode: themselves.
        web = f"https://insiders.vscode.dev/redirect?url={quote(link, safe='')}"
        image, text = "https://img.shields.io/badge/VS_Code-Install-0098FF", "Install in VS Code"
    else:
        raise InvalidRequest(
            f"{client.title} documents no link that installs a server.",
            next_step=f"Links: cursor, vscode. `deskclerk install {client.name}` writes its file.",
        )
    return Link(link, web, f"[![{text}]({image})]({web})")


def _compact(value: object) -> str:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)
