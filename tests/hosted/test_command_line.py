"""Commands on the database of a hosted desk: the operator's, and those of one machine, which are refused."""

import asyncio
import base64
import json

import pytest
from pydantic import SecretStr
from sqlalchemy import make_url, text

from deskclerk.catalogue import ListUsers
from deskclerk.desk.caller import Caller
from deskclerk.desk.instances.instance import Instance
from deskclerk.desk.journal.journal import Journal
from deskclerk.errors import InvalidSettings
from deskclerk.faces.cli.main import main
from deskclerk.hosted.database import HostedDatabase

pytestmark = pytest.mark.anyio
HERE = Instance("test:abc", "test", "test instance", "https://api.clerk.com")


@pytest.fixture
def run(url, monkeypatch, capsys, tmp_path):
    """Runs a command with the settings of an operator: its exit code, what it prints, and its errors."""
    monkeypatch.setenv("DESKCLERK_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("DESKCLERK_DATABASE", url)

    async def ran(*words, vault=True):
        if vault:
            monkeypatch.setenv("DESKCLERK_VAULT_KEY", base64.b64encode(bytes(32)).decode())
        code = await asyncio.to_thread(main, list(words))
        return code, *capsys.readouterr()

    return ran


async def filled(hosted, workspaces, slug, lines=3):
    """A workspace whose journal has so many lines."""
    made = await workspaces.create(slug, slug.title())
    journal = Journal(hosted.storage(made.id))
    for _ in range(lines):
        await journal.read(HERE, Caller("mcp"), ListUsers.parse({}), "done")
        await journal.flush()
    return made.id


async def removed(server, url, workspace, seq):
    """Somebody who administers the database takes a line out of a journal."""
    database = make_url(url).database
    server.run("ALTER TABLE events DISABLE TRIGGER USER", database)
    server.run(f"DELETE FROM events WHERE workspace = '{workspace}' AND seq = {seq}", database)
    server.run("ALTER TABLE events ENABLE TRIGGER USER", database)


async def test_the_operator_checks_the_journals_of_all_workspaces_or_of_one(
    server, hosted, workspaces, url, run
):
    acme = await filled(hosted, workspaces, "acme")
    await filled(hosted, workspaces, "bolt", 2)
    code, out, _ = await run("hosted", "verify")
    assert code == 0
    acmes, bolts = (json.loads(line) for line in out.splitlines())
    assert (acmes["workspace"], acmes["ok"], acmes["lines"]) == ("acme", True, 3)
    assert (bolts["workspace"], bolts["ok"], bolts["lines"]) == ("bolt", True, 2)
    assert bolts["head"].startswith("2:")
    await removed(server, url, acme, 2)
    code, out, _ = await run("hosted", "verify")
    acmes, bolts = (json.loads(line) for line in out.splitlines())
    assert (code, bolts["ok"]) == (1, True)
    assert (acmes["ok"], acmes["lines"]) == (False, 1)
    assert acmes["fault"]["problem"] == "removed: line 2 is missing"
    assert (await run("hosted", "verify", "acme"))[0] == 1
    code, out, _ = await run("hosted", "verify", "bolt")
    assert (code, len(out.splitlines())) == (0, 1)
    code, _, told = await run("hosted", "verify", "nobody")
    assert code == 2
    assert "There is no workspace nobody." in told


async def test_a_checkpoint_that_somebody_put_there_is_told_of_its_workspace_and_the_others_are_checked(
    server, hosted, workspaces, url, run
):
    acme = await filled(hosted, workspaces, "acme")
    await filled(hosted, workspaces, "bolt")
    forged = f"('{acme}', 1, '{'0' * 64}', 1, 'AAAA')"
    server.run(
        f"INSERT INTO checkpoints (workspace, seq, hash, made_at, signature) VALUES {forged}",
        make_url(url).database,
    )
    code, out, _ = await run("hosted", "verify")
    acmes, bolts = (json.loads(line) for line in out.splitlines())
    assert (code, acmes["ok"], bolts["ok"]) == (1, False, True)
    assert "checkpoint is not signed" in acmes["message"]


@pytest.mark.parametrize(
    "words",
    [("journal", "verify"), ("pending",), ("users", "list"), ("jobs", "list"), ("doctor",), ("serve",)],
)
async def test_a_desk_of_one_machine_refuses_the_database_of_a_hosted_one(hosted, workspaces, run, words):
    await filled(hosted, workspaces, "acme")
    code, out, told = await run(*words, vault=False)
    assert (code, out) == (2, "")
    assert "is the database of a hosted desk" in told
    assert "deskclerk serve --hosted" in told


async def test_the_database_of_a_newer_or_older_hosted_desk_is_refused_before_it_is_migrated(
    hosted, run, monkeypatch
):
    async with hosted.whole.writing() as connection:
        await connection.execute(text("UPDATE deskclerk_desk_version SET version_num = '0001'"))
    code, _, told = await run("pending", vault=False)
    assert code == 2
    assert "is the database of a hosted desk" in told
    async with hosted.whole.reading() as connection:
        query = text("SELECT version_num FROM deskclerk_desk_version")
        assert (await connection.execute(query)).scalar() == "0001"


async def test_a_hosted_desk_refuses_the_database_of_a_desk_of_one_machine(server, run, monkeypatch):
    url = server.new()
    monkeypatch.setenv("DESKCLERK_DATABASE", url)
    assert (await run("users", "list", vault=False))[0] == 0
    with pytest.raises(InvalidSettings, match="of a desk that is not hosted"):
        await HostedDatabase.open(SecretStr(url))
    # It is left as it was.
    assert (await run("journal", "verify", vault=False))[0] == 0
