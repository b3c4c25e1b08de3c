"""The kept text of a user's answer is always what its rows say, whoever changed a part of it."""

import gzip
import json

import pytest
from sqlalchemy import delete, select, text, update

from deskclerk.database import open_database
from deskclerk.sandbox import KEY, open_sandbox
from deskclerk.sandbox.controls.clock import Nothing
from deskclerk.sandbox.controls.data import restore, snapshot
from deskclerk.sandbox.controls.faults import AddFault, add_fault
from deskclerk.sandbox.opening import INSTANCE
from deskclerk.sandbox.seed.generated import generate
from deskclerk.sandbox.store.tables import email_addresses, user_documents, users
from deskclerk.sandbox.users.documents import _assemble
from deskclerk.sandbox.users.fields import blank, folded
from tests.sandbox.conftest import NOON, Client
from tests.sandbox.rows import link, sign_in
from tests.sandbox.store.test_migrations import INSTANCE as OLD_INSTANCE
from tests.sandbox.store.test_migrations import upgrade
from tests.statements import statements

pytestmark = pytest.mark.anyio

ADA = {
    "email_address": ["ada@example.com"],
    "username": "ada_l",
    "first_name": "Ada",
    "password": "Correct-9-x",
}


async def kept(clerk):
    """The kept texts by user, and what the rows say."""
    async with clerk.sandbox.store.transaction(reads=True) as connection:
        texts = (await connection.execute(select(user_documents))).all()
        ids = (await connection.execute(select(users.c.id))).scalars().all()
        made = await _assemble(connection, INSTANCE.id, ids)
    return {row.user_id: json.loads(row.document) for row in texts}, {item[0]["id"]: item[0] for item in made}


async def whole(clerk):
    """Every user has its text, and every text is true."""
    texts, made = await kept(clerk)
    assert texts == made
    return texts


@pytest.mark.promise("kept-answers-are-true")
async def test_whatever_changes_a_user_renews_its_text(clerk):
    ada = await clerk.post("/users", ADA)
    key, email = ada["id"], ada["email_addresses"][0]["id"]
    steps = [
        ("PATCH", f"/users/{key}", {"last_name": "Lovelace", "username": None}),
        ("PATCH", f"/users/{key}/metadata", {"public_metadata": {"plan": "team"}}),
        ("POST", f"/users/{key}/ban", None),
        ("POST", f"/users/{key}/lock", None),
        ("POST", "/email_addresses", {"user_id": key, "email_address": "b@example.com", "verified": True}),
        ("POST", "/phone_numbers", {"user_id": key, "phone_number": "+15551230000", "verified": True}),
        ("PATCH", f"/email_addresses/{email}", {"verified": False}),
        ("DELETE", f"/email_addresses/{email}", None),
        ("DELETE", f"/users/{key}/mfa", None),
        ("POST", f"/users/{key}/unlock", None),
    ]
    for method, path, body in steps:
        status, answer = await clerk.ask(method, path, json=body)
        assert status == 200, (path, answer)
        texts = await whole(clerk)
        told = await clerk.get(f"/users/{key}")
        assert (told | {"locked": 0}).items() >= {"id": key, "banned": texts[key]["banned"]}.items()
    assert await clerk.get("/users") == [await clerk.get(f"/users/{key}")]


async def test_who_loses_an_address_to_another_is_told_so(clerk):
    first = await clerk.post("/users", {"username": "first_one"})
    body = {"user_id": first["id"], "email_address": "shared@example.com"}
    mail = await clerk.post("/email_addresses", body)
    async with clerk.sandbox.store.transaction(reads=False) as connection:
        # As an address that nobody has verified: others may hold it too.
        change = update(email_addresses).where(email_addresses.c.id == mail["id"])
        await connection.execute(change.values(held_by=first["id"]))
    await clerk.post("/users", {"email_address": ["shared@example.com"]})
    assert (await clerk.get(f"/users/{first['id']}"))["email_addresses"] == []
    await whole(clerk)


CHANGES = {
    "users": "UPDATE users SET first_name = 'Eve'",
    "email_addresses": "UPDATE email_addresses SET verified = false",
    "email_addresses, one less": "DELETE FROM email_addresses",
    "phone_numbers": "UPDATE phone_numbers SET phone_number = '+15550000000'",
    "external_accounts": "UPDATE external_accounts SET first_name = 'Eve'",
    "external_accounts, one less": "DELETE FROM external_accounts",
}


@pytest.mark.promise("kept-answers-are-true")
@pytest.mark.parametrize("name", CHANGES)
async def test_the_database_forgets_a_text_whose_parts_change_behind_the_rules(clerk, name):
    made = await clerk.post("/users", ADA | {"phone_number": ["+15551230001"]})
    await link(clerk, made["id"], "oauth_google", "g-1", "ada@example.com")
    before = await clerk.get(f"/users/{made['id']}")
    async with clerk.sandbox.store.transaction(reads=False) as connection:
        await connection.execute(text(CHANGES[name]))
    assert made["id"] not in (await kept(clerk))[0]
    (listed,) = await clerk.get("/users")
    assert listed == await clerk.get(f"/users/{made['id']}") != before


async def test_a_picture_is_where_the_sandbox_was_reached_and_a_lock_ends_by_the_clock(clerk, clock):
    key = (await clerk.post("/users", ADA))["id"]
    png = {"file": ("a.png", b"\x89PNG\r\n\x1a\n0", "image/png")}
    assert (await clerk.http.post(f"/users/{key}/profile_image", files=png)).status_code == 200
    await clerk.post(f"/users/{key}/lock")
    for host in ("one.localhost", "two.localhost"):
        shown = (await clerk.http.get(f"/users/{key}", headers={"Host": host})).json()
        assert shown["image_url"].startswith(f"http://{host}/images/")
        assert shown["has_image"]
        assert shown["locked"]
    clock.advance(INSTANCE.lockout_seconds * 1000)
    (shown,) = await clerk.get("/users")
    assert (shown["locked"], shown["has_image"]) == (False, True)
    await whole(clerk)


async def test_the_company_and_generated_people_have_their_texts(company, clerk):
    assert len(await whole(company)) > 40
    await generate(clerk.sandbox.store, INSTANCE.id, 300)
    assert len(await whole(clerk)) == 300


async def test_a_snapshot_has_no_texts_and_what_is_restored_has(clerk):
    await clerk.post("/users", ADA)
    store = clerk.sandbox.store
    content = await snapshot(store, Nothing())
    await restore(store, content)
    assert len(await whole(clerk)) == 1
    assert b"user_documents" not in gzip.decompress(content)


async def test_a_database_of_an_older_release_gets_its_texts_when_it_is_opened(tmp_path):
    location = tmp_path / "sandbox.db"
    database = open_database(location)
    async with database.writing() as connection:
        await connection.run_sync(upgrade, "0006")
        await connection.execute(OLD_INSTANCE, {"key": KEY})
        row = {**blank(NOON), **folded({}), "id": "user_old", "instance_id": "ins_old", "banned": False}
        await connection.execute(users.insert().values(row))
    await database.dispose()
    async with (
        open_sandbox(location, seed=False) as sandbox,
        sandbox.store.transaction(reads=True) as connection,
    ):
        (text_of,) = (await connection.execute(select(user_documents))).all()
    assert json.loads(text_of.document)["id"] == "user_old"


def asked(seen):
    """The statements that are questions or changes."""
    steps = ("BEGIN", "COMMIT", "ROLLBACK", "SAVEPOINT", "RELEASE", "PRAGMA", "SET ")
    # SQLite tells a statement again when a trigger of it is through.
    return list(dict.fromkeys(str(text) for text, _ in seen if not str(text).startswith(steps)))


@pytest.mark.promise("kept-answers-are-true")
@pytest.mark.parametrize(
    ("path", "most", "transactions"),
    [
        ("/users/{user}", 1, 0),
        ("/users?limit=10", 1, 0),
        ("/users?limit=10&order_by=last_name", 1, 0),
        # Beside the answer: whether the controls are as they were, whether organizations are on.
        ("/organizations/{organization}", 3, 1),
        ("/organizations/{organization}/memberships", 5, 1),
        ("/users?email_address=ada@example.com", 2, 1),
    ],
)
async def test_an_answer_is_one_statement(company, monkeypatch, path, most, transactions):
    sqlite = company.sandbox.store.database.dialect.name == "sqlite"
    (user,) = await company.get("/users?limit=1")
    organization = (await company.get("/organizations"))["data"][0]["id"]
    path = path.format(user=user["id"], organization=organization)
    await company.get(path)
    with statements(company.sandbox.store.database, monkeypatch) as seen:
        await company.get(path)
    assert 1 <= len(asked(seen)) <= most + (not sqlite), seen
    if sqlite:
        assert sum(statement.startswith("BEGIN") for statement, _ in seen) == transactions


async def test_a_user_is_made_in_one_transaction_of_few_statements(clerk, monkeypatch):
    await clerk.post("/users", {"username": "before_it"})
    with statements(clerk.sandbox.store.database, monkeypatch) as seen:
        await clerk.post("/users", {"email_address": ["ada@example.com"], "first_name": "Ada"})
    assert len(asked(seen)) <= 13, asked(seen)
    if clerk.sandbox.store.database.dialect.name == "sqlite":
        assert sum(statement.startswith("COMMIT") for statement, _ in seen) == 1


async def test_a_user_without_a_text_is_made_of_the_rows_in_one_statement(clerk, monkeypatch):
    key = (await clerk.post("/users", ADA))["id"]
    await sign_in(clerk, key)
    before = await clerk.get(f"/users/{key}")
    async with clerk.sandbox.store.transaction(reads=False) as connection:
        await connection.execute(delete(user_documents))
    assert await clerk.get(f"/users/{key}") == before
    with statements(clerk.sandbox.store.database, monkeypatch) as seen:
        assert await clerk.get("/users") == [before]
    assert sum("email_addresses" in str(statement) for statement, _ in seen) == 1


async def test_what_another_process_sets_counts_at_the_next_request(databases, empty_database):
    with databases.copied(empty_database) as place:
        async with open_sandbox(place, seed=False) as one, open_sandbox(place, seed=False) as other:
            clerk = Client(one)
            async with clerk.http:
                key = (await clerk.post("/users", {"username": "ada_l"}))["id"]
                await clerk.get(f"/users/{key}")
                await add_fault(other.store, AddFault(path="/users/*", status=503))
                assert (await clerk.ask("GET", f"/users/{key}"))[0] == 503
