"""Links that install deskclerk with one click, and buttons for a page, for the clients that have them."""

import base64
import json
from dataclasses import dataclass
from urllib.parse import quote, urlencode

from deskclerk.errors import InvalidRequest
from deskclerk.faces.clients.clients import NAME, Client
from deskclerk.faces.clients.editing import Entry

HAVE_LINKS = ("cursor", "vscode")
"""The clients that document a link which installs a server."""


@dataclass(frozen=True, slots=True)
class Link:
    """What a browser opens, and what a web page may link to: pages do not lead to programs themselves."""

    title: str
    link: str
    web: str
    image: str
    """Where the client's own button is drawn."""

    def button(self, image: str | None = None) -> str:
        """The link as a button in Markdown, with the client's own image or another."""
        return f"[![{self.title}]({image or self.image})]({self.web})"


def link_for(client: Client, entry: Entry) -> Link:
    """The client's link for an entry; InvalidRequest for a client that has none."""
    if client.name not in HAVE_LINKS:
        raise InvalidRequest(
            f"{client.title} documents no link that installs a server.",
            next_step=f"Links: {', '.join(HAVE_LINKS)}. `deskclerk install {client.name}` writes its file.",
        )
    title = f"Install in {client.title}"
    if client.name == "cursor":
        # Cursor takes the entry without its name, as base64 whose signs mean something else in a query.
        query = urlencode({"name": NAME, "config": base64.b64encode(_compact(entry).encode()).decode()})
        return Link(
            title,
            link=f"cursor://anysphere.cursor-deeplink/mcp/install?{query}",
            web=f"https://cursor.com/en/install-mcp?{query}",
            image="https://cursor.com/deeplink/mcp-install-dark.svg",
        )
    return Link(
        title,
        link=f"vscode:mcp/install?{quote(_compact({'name': NAME, **entry}), safe='')}",
        web="https://vscode.dev/redirect/mcp/install?"
        + urlencode({"name": NAME, "config": _compact(entry)}, quote_via=quote),
        image="https://img.shields.io/badge/VS_Code-Install-0098FF",
    )


def _compact(value: object) -> str:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)
