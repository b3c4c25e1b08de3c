"""The README's buttons: what a click gives to the client, read as the client reads it."""

import base64
import json
import re
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

from deskclerk.errors import InvalidRequest
from deskclerk.faces.clients.clients import CLIENTS, Server, client_named
from deskclerk.faces.clients.links import HAVE_LINKS, link_for

ROOT = Path(__file__).parents[3]
STARTED = {"command": "uvx", "args": ["deskclerk", "mcp"]}


def buttons():
    """The README's buttons: what they say, their image, where they lead."""
    found = re.findall(
        r"\[!\[(Install in [^]]+)\]\(([^)]+)\)\]\(([^)]+)\)", (ROOT / "README.md").read_text("utf-8")
    )
    return {title: (image, urlsplit(link)) for title, image, link in found}


@pytest.mark.promise("installed-by-a-click")
def test_a_button_of_the_readme_gives_its_client_the_entry_that_starts_what_is_published():
    _, cursor = buttons()["Install in Cursor"]
    query = parse_qs(cursor.query)
    assert (cursor.scheme, cursor.netloc, cursor.path) == ("https", "cursor.com", "/en/install-mcp")
    assert query["name"] == ["deskclerk"]
    assert json.loads(base64.b64decode(query["config"][0], validate=True)) == STARTED
    _, code = buttons()["Install in VS Code"]
    query = parse_qs(code.query)
    assert (code.scheme, code.netloc, code.path) == ("https", "vscode.dev", "/redirect/mcp/install")
    assert query["name"] == ["deskclerk"]
    assert json.loads(query["config"][0]) == {"type": "stdio"} | STARTED


@pytest.mark.promise("installed-by-a-click")
def test_the_images_of_the_buttons_are_here_and_show_what_they_say():
    assert len(buttons()) == len(HAVE_LINKS)
    for title, (image, _) in buttons().items():
        assert f">{title}</text>" in (ROOT / image).read_text("utf-8")


@pytest.mark.parametrize("name", sorted({client.name for client in CLIENTS} - set(HAVE_LINKS)))
def test_a_client_without_links_is_told_what_to_do_instead(name):
    client = client_named(name)
    with pytest.raises(InvalidRequest) as refused:
        link_for(client, client.entry(Server(("deskclerk", "mcp"))))
    assert f"`deskclerk install {name}` writes its file." in refused.value.next_step
