"""`deskclerk hosted` for whoever operates a desk: workspaces, the way into them, and their limits."""

import asyncio
import base64
import json

import pytest
from pydantic import SecretStr
from sqlalchemy import select

from deskclerk.desk.journal.tables import events
from deskclerk.errors import InvalidSettings
from deskclerk.faces.cli.main import main
from deskclerk.hosted.errors import NotHere
from deskclerk.hosted.limits import WorkspaceLimits
from deskclerk.hosted.parts import Needed
from deskclerk.hosted.people.invitations import Invitations
from deskclerk.hosted.people.persons import Person
from deskclerk.settings import Settings

pytestmark = pytest.mark.anyio
PAGES = "https://desk.example.com"
SOL = Person("prs_sol", "Sol", "sol@example.com")


@pytest.fixture
def operator(url, monkeypatch, capsys):
    """Runs a command: its exit code, lines and errors."""
    monkeypatch.setenv("DESKCLERK_DATABASE", url)
    monkeypatch.setenv("DESKCLERK_VAULT_KEY", base64.b64encode(bytes(32)).decode())
    monkeypatch.setenv("DESKCLERK_PUBLIC_URL", PAGES)

    async def run(*words):
        code = await asyncio.to_thread(main, ["hosted", *words])
        out, err = capsys.readouterr()
        return code, [json.loads(line) for line in out.splitlines()], err

    return run


def secret_of(line):
    assert line["invitation"].startswith(f"{PAGES}/invitations/")
    return line["invitation"].rpartition("/")[2]


async def test_a_hosted_desk_says_which_setting_it_lacks_and_starts_without_those_that_are_optional():
    some = {
        "database": SecretStr("postgresql:///desk"),
        "redis": SecretStr("redis://127.0.0.1"),
        "vault_key": SecretStr(base64.b64encode(bytes(32)).decode()),
        "public_url": PAGES,
        "issuer": "https://issuer.example",
        "client_id": "desk",
    }
    assert Needed.of(Settings(**some)).public_url == PAGES
    for name in some:
        with pytest.raises(InvalidSettings, match=f"DESKCLERK_{name.upper()}"):
            Needed.of(Settings(**{**some, name: None}))


@pytest.mark.parametrize(
    "words", [["create-workspace", "acme", "--owner", SOL.email], ["invite", "there", SOL.email]]
)
async def test_without_an_address_for_its_pages_no_link_is_made_and_no_slug_is_taken(
    operator, monkeypatch, workspaces, words
):
    there = await workspaces.create("there", "There")
    monkeypatch.delenv("DESKCLERK_PUBLIC_URL")
    code, lines, told = await operator(*words)
    assert (code, lines) == (2, [])
    assert "DESKCLERK_PUBLIC_URL is not set" in told
    assert [item.id for item in await workspaces.all()] == [there.id]


async def test_a_first_owner_who_was_late_is_invited_again_and_the_journal_has_it(
    operator, hosted, workspaces
):
    _, (made,), _ = await operator("create-workspace", "acme", "--owner", SOL.email)
    code, (line,), _ = await operator("invite", "acme", "Sol@example.com")
    assert (code, line["workspace"], line["role"]) == (0, "acme", "owner")
    invitations = Invitations(hosted)
    with pytest.raises(NotHere):
        await invitations.find(secret_of(made), SOL)
    found = await invitations.find(secret_of(line), SOL)
    assert (found.workspace, found.role) == (made["id"], "owner")
    _, (line,), _ = await operator("invite", "acme", "ben@example.com", "--role", "viewer")
    async with hosted.of(made["id"]).reading() as connection:
        rows = await connection.execute(
            select(events.c.signed, events.c.note).where(events.c.action == "workspace_changed")
        )
        assert [tuple(row) for row in rows] == [
            ("cli, operator", "invited sol@example.com as owner"),
            ("cli, operator", "invited ben@example.com as viewer"),
        ]
    code, lines, told = await operator("invite", "acme", "nobody")
    assert (code != 0, lines) == (True, [])
    assert "accepted: an e-mail address" in told


async def test_a_limit_that_is_set_leaves_the_others_as_they_are(operator, workspaces):
    made = await workspaces.create("acme", "Acme")
    await workspaces.set_limits(made.id, {"of_a_newer_version": 7}, 30)

    async def stored():
        record = await workspaces.load(made.id)
        return record.limits, record.keep_days

    await operator("limits", "acme", "open_jobs=20")
    code, (shown,), _ = await operator("limits", "acme", "messages_per_minute=60")
    assert (code, shown["open_jobs"], shown["messages_per_minute"]) == (0, 20, 60)
    kept = {"of_a_newer_version": 7, "open_jobs": 20, "messages_per_minute": 60}
    assert await stored() == (kept, 30)
    for wrong in ("open_jobs=0", "open_job=5", "open_job=default", "open_jobs="):
        code, lines, _ = await operator("limits", "acme", "plans_waiting=7", wrong)
        assert (code != 0, lines) == (True, [])
    assert await stored() == (kept, 30)
    # By its number and by name: both follow what all have from then on.
    usual = WorkspaceLimits().messages_per_minute
    await operator("limits", "acme", "open_jobs=default", f"messages_per_minute={usual}")
    assert await stored() == ({"of_a_newer_version": 7}, 30)
