"""A copy of the database, without the vault key, gives no secret away."""

import base64
import json
import subprocess

import pytest
from pydantic import SecretStr
from sqlalchemy import select

from deskclerk.hosted.retention.leaving import Leaving
from deskclerk.hosted.vault.tables import data_keys
from tests.databases import server_programs
from tests.hosted.vault.conftest import KEY
from tests.hosted.vault.test_rotation import HOOK, HOOK_SECRET, LIVE, fill

pytestmark = pytest.mark.anyio
MARKS = (LIVE, "named-canary", "handed-over-canary", "item-canary", HOOK, HOOK_SECRET)
SHOWN = "Portal that everybody may see"


def forms(secret):
    """How a secret could stand in a dump: as it is, in hex, in base64 wherever a group of three begins."""
    yield secret
    yield secret.hex().encode()
    for before in range(3):
        whole = base64.b64encode(b"\0" * before + secret + b"\0\0\0")
        # Without the groups that it shares with what stands before and behind it.
        inner = whole[4 if before else 0 : (before + len(secret)) // 3 * 4]
        yield inner
        yield inner.replace(b"+", b"-").replace(b"/", b"_")


def found_in(dump, secret):
    return [form for form in forms(secret) if form.lower() in dump.lower()]


def dumped(url):
    ran = subprocess.run([server_programs() / "pg_dump", url], capture_output=True, check=True)
    return ran.stdout


@pytest.mark.promise("a-dump-gives-nothing-away")
async def test_a_dump_holds_no_secret_plain_in_hex_or_in_base64(one, acme, url):
    await fill(one, acme)
    await one.handovers(acme).keep(
        {"object": "oauth_application", "id": "x", "name": SHOWN, "client_secret": LIVE}
    )
    digest_key = await one.secrets(acme).digest_key()
    data_key = (await one.vault.keys.newest(acme)).key
    dump = dumped(url)
    secrets = [
        *(mark.encode() for mark in MARKS),
        digest_key,
        bytes.fromhex(digest_key.decode()),
        data_key,
        KEY,
    ]
    assert {secret: found_in(dump, secret) for secret in secrets} == {key: [] for key in secrets}
    # What is no secret is there: it is the right database, and there is something in it.
    assert SHOWN.encode() in dump
    async with one.database.of(acme).reading() as connection:
        assert (await connection.execute(select(data_keys.c.wrapped))).scalar().encode() in dump


async def test_what_a_workspace_takes_along_has_nothing_sealed_and_no_key_in_it(one, acme):
    await fill(one, acme)
    lines = [line async for line in Leaving(one.database).export(acme)]
    tables = {json.loads(line)["table"] for line in lines}
    assert {"data_keys", "sealed_secrets", "handovers", "instances", "job_items"} <= tables
    assert [line for line in lines if "dk1." in line or "local:" in line] == []


async def test_the_search_finds_what_is_there_in_any_of_these_forms(one, acme, url):
    secret = b"?made~up>secret"
    for number, form in enumerate(forms(secret)):
        await one.workspaces.create(f"w{number}", f"x{form.decode()}x")
    shifted = [base64.b64encode(b"a" * before + secret + b"tail").decode() for before in range(3)]
    for number, name in enumerate(shifted):
        assert found_in(name.encode(), secret), number
    dump = dumped(url)
    assert len(found_in(dump, secret)) == len(list(forms(secret)))


async def test_a_key_of_an_instance_is_asked_of_the_vault_and_not_of_the_row(one, acme):
    await one.workspaces.add_instance(acme, "prod", SecretStr(LIVE))
    _, key = await one.workspaces.key_of(acme, "prod")
    assert key.get_secret_value() == LIVE
