"""`deskclerk hosted` for whoever operates a desk: workspaces, the way into them, and their limits."""

import asyncio
import base64
import json

import pytest
from pydantic import SecretStr
from sqlalchemy import select

from deskclerk.desk.journal.tables import events
from deskclerk.errors import ApprovalRefused, InvalidSettings
from deskclerk.faces.cli.main import main
from deskclerk.hosted.errors import NotHere
from deskclerk.hosted.limits import WorkspaceLimits
from deskclerk.hosted.parts import Needed
from deskclerk.hosted.people.invitations import Invitations
from deskclerk.hosted.people.passkeys import Passkeys
from deskclerk.hosted.people.persons import Person, arrived
from deskclerk.hosted.people.sessions import PersonSessions
from deskclerk.hosted.people.sign_in import Claims
from deskclerk.settings import Settings
from tests.hosted.people.authenticator import Authenticator

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


async def notes(hosted, workspace):
    """Who changed what of a workspace, by its journal."""
    query = select(events.c.signed, events.c.note).where(events.c.action == "workspace_changed")
    async with hosted.of(workspace).reading() as connection:
        return [tuple(row) for row in await connection.execute(query.order_by(events.c.seq))]


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
    assert await notes(hosted, made["id"]) == [
        ("cli, operator", "invited sol@example.com as owner"),
        ("cli, operator", "invited ben@example.com as viewer"),
    ]
    code, lines, told = await operator("invite", "acme", "nobody")
    assert (code != 0, lines) == (True, [])
    assert "accepted: an e-mail address" in told


async def came(hosted, subject, email="sol@example.com", verified=True):
    """Somebody who has signed in at the issuer."""
    claims = Claims(subject, email, email_verified=verified, name="Sol")
    async with hosted.whole.writing() as connection:
        return await arrived(connection, "https://issuer.example", claims)


@pytest.mark.parametrize("by", ["id", "address"])
async def test_whoever_lost_their_passkeys_is_signed_out_and_adds_a_first_one_anew(
    operator, hosted, workspaces, by
):
    sol, kim = await came(hosted, "sol"), await came(hosted, "kim", "kim@example.com")
    theirs = [await workspaces.create(slug, slug.title(), sol.id) for slug in ("acme", "bolt")]
    other = await workspaces.create("other", "Other", kim.id)
    passkeys, sessions = Passkeys(hosted.whole, PAGES), PersonSessions(hosted.whole)
    laptop, phone, kims = (Authenticator(PAGES, "desk.example.com") for _ in range(3))
    for person, key in ((sol, laptop), (kim, kims)):
        await passkeys.add(person, key.make(await passkeys.ask_for_new(person)), "Laptop", fresh=True)
    yes = laptop.sign(await passkeys.ask_about_change(sol))
    await passkeys.add(sol, phone.make(await passkeys.ask_for_new(sol)), "Phone", yes=yes)
    cookies = [await sessions.begin(person, "Firefox") for person in (sol, sol, kim)]
    asked = await passkeys.ask_about(sol, "plan_1", "aa")

    code, (line,), _ = await operator("reset-passkeys", sol.id if by == "id" else " Sol@Example.com")
    told = {"person": sol.id, "passkeys_removed": 2, "signed_out": 2, "workspaces": ["acme", "bolt"]}
    assert (code, line) == (0, told)
    assert [len(await passkeys.of(person.id)) for person in (sol, kim)] == [0, 1]
    assert [await sessions.find(cookie) is not None for cookie in cookies] == [False, False, True]
    with pytest.raises(ApprovalRefused):
        await passkeys.check(sol.id, "plan_1", "aa", laptop.sign(asked))
    noted = f"removed all passkeys of Sol ({sol.id}), 2, and signed them out everywhere"
    for record, lines in ((theirs[0], [noted]), (theirs[1], [noted]), (other, [])):
        assert await notes(hosted, record.id) == [("cli, operator", line) for line in lines]


async def test_who_is_named_by_nothing_or_by_what_others_have_too_keeps_their_passkeys(operator, hosted):
    sol, twin = await came(hosted, "sol"), await came(hosted, "sol-again")
    cookie = await PersonSessions(hosted.whole).begin(sol, "Firefox")
    code, lines, told = await operator("reset-passkeys", "sol@example.com")
    assert (code, lines) == (2, [])
    assert "2 people have the address sol@example.com" in told
    assert sol.id in told
    assert twin.id in told
    await came(hosted, "mallory", "kim@example.com", verified=False)
    for nobody in ("kim@example.com", "per_nobody", "Sol", "", "%"):
        code, lines, told = await operator("reset-passkeys", nobody)
        assert (code, lines) == (2, [])
        assert "Nobody who has signed in is" in told
    assert await PersonSessions(hosted.whole).find(cookie)


async def test_a_limit_that_is_set_leaves_the_others_as_they_are(operator, workspaces, hosted):
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
    assert "open_job: no limit is called so" in (await operator("limits", "acme", "open_job=5"))[2]
    for wrong in ("open_jobs=0", "open_job=5", "open_job=default", "open_jobs="):
        code, lines, _ = await operator("limits", "acme", "plans_waiting=7", wrong)
        assert (code != 0, lines) == (True, [])
    assert await stored() == (kept, 30)
    # By its number and by name: both follow what all have from then on.
    usual = WorkspaceLimits().messages_per_minute
    await operator("limits", "acme", "open_jobs=default", f"messages_per_minute={usual}")
    assert await stored() == ({"of_a_newer_version": 7}, 30)
    said = ["open_jobs=20", "messages_per_minute=60", f"open_jobs=default, messages_per_minute={usual}"]
    assert await notes(hosted, made.id) == [("cli, operator", f"set limits: {what}") for what in said]


async def test_how_long_a_journal_is_kept_is_shown_where_no_days_are_named_and_stays(
    operator, workspaces, hosted
):
    made = await workspaces.create("acme", "Acme")
    for words, kept in (([], None), (["365"], 365), ([], 365), (["0"], None), (["36500"], 36_500)):
        code, (line,), _ = await operator("keep", "acme", *words)
        assert (code, line) == (0, {"workspace": "acme", "keep_days": kept})
        assert (await workspaces.load(made.id)).keep_days == kept
    for wrong in ("36501", "99999999999", "-1", "a"):
        code, lines, told = await operator("keep", "acme", wrong)
        assert (code, lines) == (2, [])
        assert "error: " in told
    assert (await workspaces.load(made.id)).keep_days == 36_500
    said = ("for 365 days", "always", "for 36500 days")
    assert [what for _, what in await notes(hosted, made.id)] == [
        f"set that the journal is kept {how}" for how in said
    ]
