"""A generated company: as large as asked for, the same for the same seed, of people that rules accept."""

import pytest

from deskclerk.sandbox.opening import INSTANCE
from deskclerk.sandbox.seed import generated
from deskclerk.sandbox.seed.generated import generate
from deskclerk.sandbox.store.tables import memberships, users

pytestmark = pytest.mark.anyio


async def ids(clerk, table=users):
    async with clerk.sandbox.store.transaction(reads=True) as connection:
        return (await connection.execute(table.select().with_only_columns(table.c.id))).scalars().all()


async def test_a_company_has_the_people_asked_for_and_tells_how_far_it_is(clerk, monkeypatch):
    monkeypatch.setattr(generated, "AT_ONCE", 100)
    told = []
    await generate(clerk.sandbox.store, INSTANCE.id, 250, progress=lambda *step: told.append(step))
    assert told == [(100, 250), (100, 250), (50, 250)]
    assert (await clerk.get("/users/count"))["total_count"] == 250
    assert len(await ids(clerk, memberships)) == 150
    for path in ("/users", "/organizations", "/sessions"):
        assert len(await clerk.get(path, {"limit": 500, "paginated": "true"})) > 1


async def test_the_same_seed_makes_the_same_company_and_another_another(clerk, databases, empty_database):
    from deskclerk.sandbox import open_sandbox  # noqa: PLC0415 - a second one

    await generate(clerk.sandbox.store, INSTANCE.id, 50)
    first = sorted(await ids(clerk))
    for seed, same in ((1, True), (2, False)):
        with databases.copied(empty_database) as place:
            async with open_sandbox(place, seed=False) as sandbox:
                await generate(sandbox.store, INSTANCE.id, 50, seed=seed)
                async with sandbox.store.transaction(reads=True) as connection:
                    rows = await connection.execute(users.select().with_only_columns(users.c.id))
                    assert (sorted(rows.scalars()) == first) is same


async def test_more_people_come_to_those_who_are_there_and_can_be_found(clerk):
    await clerk.post("/users", {"username": "before", "email_address": ["before@example.com"]})
    for _ in range(2):
        await generate(clerk.sandbox.store, INSTANCE.id, 60)
    assert (await clerk.get("/users/count"))["total_count"] == 121
    (last,) = await clerk.get("/users", {"email_address_query": ".120@example.com"})
    assert last["primary_email_address_id"] == last["email_addresses"][0]["id"]
    assert (await clerk.patch(f"/users/{last['id']}", {"first_name": "Changed"}))["first_name"] == "Changed"
