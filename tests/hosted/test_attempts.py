"""Who reaches for what is another workspace's is written down in their own."""

import pytest

from deskclerk.desk.caller import Caller
from deskclerk.desk.journal.journal import Journal
from deskclerk.desk.journal.records import EntryFilter
from deskclerk.hosted.attempts import ACTION, JournalledAttempts

pytestmark = pytest.mark.anyio


async def test_an_attempt_stands_in_the_askers_journal_and_nowhere_else(hosted, workspaces):
    acme = (await workspaces.create("acme", "Acme")).id
    bolt = (await workspaces.create("bolt", "Bolt")).id
    await JournalledAttempts(hosted).note(acme, Caller("mcp", "bot", "token-a"), "/mcp/bolt\n\x1b[2Jprod")
    mine, theirs = (Journal(hosted.storage(workspace)) for workspace in (acme, bolt))
    (line,) = await mine.entries(EntryFilter())
    assert (line["action"], line["outcome"], line["token"]) == (ACTION, "not_found", "token-a")
    assert line["target"] == "/mcp/bolt [2Jprod"
    assert await theirs.entries(EntryFilter()) == []
    check = await mine.verify()
    assert (check.fault, check.head.seq) == (None, 1)
