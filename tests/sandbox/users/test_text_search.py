"""Search and orders go through indexes, and find what they would find without them."""

import pytest
from sqlalchemy import delete, make_url, text

from deskclerk.sandbox import open_sandbox
from deskclerk.sandbox.opening import INSTANCE
from deskclerk.sandbox.seed.generated import generate
from deskclerk.sandbox.store.tables import user_documents
from deskclerk.sandbox.users import text_search
from deskclerk.sandbox.users.documents import fill_documents
from deskclerk.sandbox.users.identifications import TABLES
from tests.sandbox.conftest import Client, ManualClock, opened
from tests.statements import statements

pytestmark = pytest.mark.anyio


async def found(clerk, **filters):
    return [row["username"] for row in await clerk.get("/users", {"order_by": "username", **filters})]


async def test_the_index_follows_every_change_of_a_user(clerk):
    made = await clerk.post("/users", {"username": "ada_l", "first_name": "Ada", "last_name": "Lovelace"})
    assert await found(clerk, query="lovel") == ["ada_l"]
    await clerk.patch(f"/users/{made['id']}", {"last_name": "Byron", "username": "countess"})
    assert await found(clerk, query="lovel") == []
    assert await found(clerk, query="ada byr") == await found(clerk, query="UNTES") == ["countess"]
    assert await found(clerk, query=made["id"][8:20].swapcase()) == ["countess"]
    await clerk.delete(f"/users/{made['id']}")
    await clerk.post("/users", {"username": "another"})
    assert await found(clerk, query="byron") == await found(clerk, query=made["id"]) == []


async def test_texts_sort_by_code_point_on_every_server(clerk):
    names = ["ada", "Zoe", "Ánh", "adam", "Ad-a", "ad_b", "Bo"]
    for name in names:
        await clerk.post("/users", {"first_name": name, "skip_user_requirement": True})
    rows = await clerk.get("/users", {"order_by": "first_name"})
    assert [row["first_name"] for row in rows] == sorted(names)


async def test_addresses_are_found_until_their_user_is_deleted(clerk):
    body = {
        "username": "reachable",
        "email_address": ["odd_name@example.com"],
        "phone_number": ["+15550100123"],
        "web3_wallet": ["0x52908400098527886e0f7030069857d2e4169ee7"],
    }
    made = await clerk.post("/users", body)
    sought = {"query": "dd_nam"}, {"phone_number_query": "0100123"}, {"query": "98527886E"}
    for filters in (*sought, {"email_address_query": "ODD_"}):
        assert await found(clerk, **filters) == ["reachable"], filters
    assert await found(clerk, email_address_query="odd%name") == []
    await clerk.delete(f"/users/{made['id']}")
    await clerk.post("/users", {**body, "username": "again"})
    assert [await found(clerk, **filters) for filters in sought] == [["again"]] * 3


async def test_without_the_right_to_trigrams_search_works_and_says_that_it_is_slow(databases, clock):
    place = databases.new()
    if "://" not in str(place):
        pytest.skip("SQLite has its trigrams built in")
    name = make_url(place).database
    databases.run("CREATE ROLE guest LOGIN")
    databases.run("GRANT ALL ON SCHEMA public TO guest", name)
    with pytest.warns(UserWarning, match="pg_trgm cannot be created"):
        rows = await searched(place.replace("deskclerk@", "guest@"), clock)
    assert len(rows) == 1


async def searched(place, clock):
    async with open_sandbox(place, clock=clock) as sandbox:
        client = Client(sandbox)
        async with client.http:
            return await client.get("/users", {"query": "lindqv"})


@pytest.mark.parametrize("name", ["query", "name_query", "username_query", "email_address_query"])
async def test_few_and_many_are_found_alike(company, monkeypatch, name):
    texts = (
        "a",
        "an",
        "ann",
        "example.com",
        "_",
        "o's",
        '"',
        "%",
        "ø",
        "lindqv",
        "ali",
        "ZZZ",
        "user_",
        "55501",
    )
    for sought in texts:
        ways = []
        for few in (text_search.FEW, 0):
            monkeypatch.setattr(text_search, "FEW", few)
            rows = await company.get("/users", {name: sought, "limit": 500})
            ways.append([row["id"] for row in rows])
            ways.append((await company.get("/users/count", {name: sought}))["total_count"])
        monkeypatch.undo()
        assert ways[0] == ways[2], sought
        assert ways[1] == ways[3] == len(ways[0]), sought


@pytest.fixture(scope="module")
async def large(databases, empty_database):
    """A client of a sandbox with three thousand people, which planners take for many."""
    async with opened(databases, empty_database, ManualClock()) as client:
        await generate(client.sandbox.store, INSTANCE.id, 3_000)
        yield client


@pytest.fixture
def plans(monkeypatch):
    """What the database says of how it carries out the statements of one request, each of them."""

    async def plans(clerk, path, params, *, no_sort=False):
        database = clerk.sandbox.store.database
        with statements(database, monkeypatch) as seen:
            await clerk.get(path, params)
        sqlite, told = database.dialect.name == "sqlite", []
        async with database.reading() as connection:
            if not sqlite:  # what would be small enough to read whole, or to sort, is not in a large instance
                for setting in ("seqscan", *(("sort", "incremental_sort") if no_sort else ())):
                    await connection.execute(text(f"SET LOCAL enable_{setting} = off"))
            for statement, parameters in seen:
                asks_the_state = "FROM sandbox_state" in statement and "users" not in statement
                if statement.lstrip().startswith("SELECT") and not asks_the_state:
                    told.append(await explained(connection, statement, parameters))
        return told

    return plans


async def explained(connection, statement, parameters):
    if connection.dialect.name == "sqlite":
        rows = connection.driver.execute(f"EXPLAIN QUERY PLAN {statement}").fetchall()
    else:
        rows = await (await connection.driver.execute(f"EXPLAIN {statement}", parameters)).fetchall()
    # The state's table has one row: reading all of it is reading that.
    return "\n".join(line for row in rows if (line := str(row[-1])) != "SCAN sandbox_state")


ORDERS = [
    ("created_at", "users_created", "users_created"),
    ("updated_at", "users_updated", "users_updated"),
    ("last_active_at", "users_active", "descending_users_active"),
    ("last_sign_in_at", "users_signed_in", "descending_users_signed_in"),
    ("username", "users_by_username", "descending_users_by_username"),
    ("first_name", "users_by_first_name", "descending_users_by_first_name"),
    ("last_name", "users_by_last_name", "descending_users_by_last_name"),
]


@pytest.mark.promise("sandbox-at-size")
@pytest.mark.parametrize(("name", "ascending", "descending"), ORDERS)
async def test_a_page_in_an_order_is_read_off_an_index(large, plans, name, ascending, descending):
    sqlite = large.sandbox.store.database.dialect.name == "sqlite"
    for sign, index in (("+", ascending), ("-", ascending if sqlite else descending)):
        page, *_ = await plans(large, "/users", {"order_by": sign + name}, no_sort=True)
        assert index in page
        assert "SCAN" not in page
        assert "ORDER BY" not in page
        assert "Sort" not in page


@pytest.mark.parametrize("name", ["email_address", "phone_number"])
async def test_a_page_by_address_is_read_off_the_addresses(large, plans, name):
    for sign in "+-":
        page, *_ = await plans(large, "/users", {"order_by": sign + name}, no_sort=True)
        table = TABLES[name].name
        assert f"{table}_value" in page or f"sqlite_autoindex_{table}_2" in page
        assert "SCAN" not in page
        assert "ORDER BY" not in page
        assert "Sort" not in page


@pytest.mark.parametrize("sign", ["+", "-"])
async def test_pages_by_address_have_everybody_once_those_without_last(large, sign):
    told, offset = [], 0
    while rows := await large.get(
        "/users", {"order_by": f"{sign}phone_number", "limit": 500, "offset": offset}
    ):
        told += [(row["id"], (row["phone_numbers"] or [{}])[0].get("phone_number")) for row in rows]
        offset += 500
    numbers = [number for _, number in told]
    assert len({key for key, _ in told}) == len(told) == 3_000
    assert numbers[:1_000] == sorted(numbers[:1_000], reverse=sign == "-")
    assert numbers[1_000:] == [None] * 2_000


FILTERS = [
    ({"email_address": "a@example.com"}, ("sqlite_autoindex_email_addresses_2", "email_addresses_value")),
    ({"phone_number": "+15550101000"}, ("sqlite_autoindex_phone_numbers_2", "phone_numbers_value")),
    ({"username": "ada"}, ("users_by_username", "users_username", "users_3")),
    ({"external_id": "crm-1000"}, ("users_autoindex", "users_external_id", "autoindex_users_2")),
    ({"user_id": "user_x"}, ("sqlite_autoindex_users_1", "users_pkey")),
    ({"banned": "true"}, ("users_banned", "users_banned")),
    ({"organization_id": "org_x"}, ("autoindex_memberships_2", "memberships_member", "memberships_created")),
    ({"last_active_at_since": "1780200000000"}, ("users_active", "users_active")),
]


@pytest.mark.promise("sandbox-at-size")
@pytest.mark.parametrize(("params", "indexes"), FILTERS, ids=lambda value: str(value)[:30])
async def test_no_filter_reads_a_whole_table(large, plans, params, indexes):
    told = "\n".join(await plans(large, "/users", params))
    assert any(index in told for index in indexes), told
    for scan in (
        "SCAN users",
        "SCAN email",
        "Seq Scan on users",
        "INDEX users_created",
        "using users_created",
    ):
        assert scan not in told, told


async def test_what_belongs_to_the_users_of_a_page_is_read_by_their_ids(large, plans):
    sqlite = large.sandbox.store.database.dialect.name == "sqlite"
    async with large.sandbox.store.transaction(reads=False) as connection:
        await connection.execute(delete(user_documents))
    *_, page, whole = await plans(large, "/users", {"username_query": "ada", "offset": 3})
    assert "user_documents" in page
    if sqlite:
        assert whole.count("(user_id=?)") == 5
        assert "SCAN users" not in whole
    else:
        assert "Seq Scan" not in whole
    async with large.sandbox.store.transaction(reads=False) as connection:
        await fill_documents(connection)


async def test_a_page_behind_a_cursor_begins_at_the_cursor(large, plans):
    first, *_ = await large.get("/users")
    told = await plans(large, "/users", {"starting_after": first["id"]}, no_sort=True)
    page = next(plan for plan in told if "created" in plan)
    assert "users_created" in page
    assert "(created_at,id)<" in page or "ROW(created_at, (id)::text) <" in page


@pytest.mark.promise("sandbox-at-size")
@pytest.mark.parametrize("name", ["query", "name_query", "email_address_query", "phone_number_query"])
async def test_a_text_is_sought_in_the_trigram_index(plans, large, name):
    first, *_ = await plans(large, "/users", {name: "lindqvist"})
    sqlite = large.sandbox.store.database.dialect.name == "sqlite"
    assert ("search_index VIRTUAL TABLE INDEX" if sqlite else "Bitmap Index Scan on search_") in first
    assert "SCAN users" not in first
    assert "Seq Scan" not in first


async def test_the_members_of_an_organization_are_read_off_an_index(plans, large):
    one = (await large.get("/organizations"))["data"][0]["id"]
    told = await plans(large, f"/organizations/{one}/memberships", None)
    assert any("memberships_created" in plan for plan in told)
    assert not any("SCAN memberships" in plan or "Seq Scan on memberships" in plan for plan in told)
