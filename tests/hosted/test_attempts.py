"""Who reaches for what is another workspace's is written down in their own."""

import pytest

from deskclerk.desk.caller import Caller
from deskclerk.desk.journal.journal import Journal
from deskclerk.desk.journal.records import EntryFilter
from deskclerk.desk.misses import missed
from deskclerk.faces.hosted import reaching
from deskclerk.hosted.attempts import ACTION, JournalledAttempts
from deskclerk.hosted.limits import reached

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


async def test_who_may_ask_no_more_gets_that_for_an_answer_and_nothing_of_what_was_asked_for():
    sent = []

    async def note(_asked):
        raise reached("requests_per_minute", 1, retry_after=20)

    async def page(_scope, _receive, send):
        missed("plan_1")
        await send({"type": "http.response.start", "status": 404, "headers": []})
        await send({"type": "http.response.body", "body": b"no such plan"})

    async def send(message):
        sent.append(message)

    scope = {"type": "http", "method": "GET", "path": "/", "headers": [], "query_string": b""}
    await reaching.serve(page, note, scope, None, send)
    start, body = sent
    assert start["status"] == 429
    assert b"Ask again in 20 seconds" in body["body"]
