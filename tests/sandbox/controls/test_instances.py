"""Several instances in one database: each key opens its own."""

import dataclasses

import pytest

from deskclerk.sandbox import KEY, open_sandbox
from deskclerk.sandbox.opening import INSTANCE
from deskclerk.sandbox.store.tables import instances
from tests.sandbox.conftest import Client

pytestmark = pytest.mark.anyio
SECOND = dataclasses.replace(
    INSTANCE, id="ins_second", secret_key="sk_test_second", slug="second", user_quota=2
)


@pytest.fixture
async def pair(databases, clock, empty_database):
    """Clients of two instances in one database; the second holds two users at most."""
    row = dataclasses.asdict(SECOND) | {"created_at": clock.now()}
    with databases.copied(empty_database) as place:
        async with (
            open_sandbox(place, seed=False, clock=clock) as sandbox,
            sandbox.store.transaction(reads=False) as connection,
        ):
            await connection.execute(instances.insert().values(**row))
        async with open_sandbox(place, seed=False, clock=clock) as sandbox:
            first, second = Client(sandbox), Client(sandbox)
            second.http.headers["Authorization"] = f"Bearer {SECOND.secret_key}"
            async with first.http, second.http:
                yield first, second


async def test_an_instance_neither_sees_nor_changes_anothers_users(pair):
    first, second = pair
    user = await first.post("/users", {"username": "mine", "email_address": ["me@example.com"]})
    path = f"/users/{user['id']}"
    assert await second.get("/users") == []
    assert await second.get("/users", {"email_address": ["me@example.com"]}) == []
    for method, where in (("GET", path), ("PATCH", path), ("DELETE", path), ("POST", f"{path}/ban")):
        assert await second.refused(method, where) == (404, "resource_not_found", None)
    assert await first.get(path) == user


async def test_two_instances_may_each_have_the_same_identifiers(pair):
    body = {"username": "twin", "email_address": ["twin@example.com"], "external_id": "e"}
    ids = {(await clerk.post("/users", body))["id"] for clerk in pair}
    assert len(ids) == 2


async def test_a_quota_of_users_is_kept_where_there_is_one(pair):
    first, second = pair
    for number in range(2):
        await second.post("/users", {"username": f"user-{number}"})
    refused = await second.refused("POST", "/users", json={"username": "user-3"})
    assert refused == (403, "user_quota_exceeded", None)
    for number in range(3):
        await first.post("/users", {"username": f"user-{number}"})


async def test_the_embedded_sandboxs_key_is_known(pair):
    first, _ = pair
    assert first.http.headers["Authorization"] == f"Bearer {KEY}" == "Bearer sk_test_sandbox"
    assert INSTANCE.user_quota is None


async def test_connections_and_their_domains_are_one_instances(pair):
    first, second = pair
    body = {"name": "Acme", "provider": "saml_custom", "domains": ["acme.example"]}
    mine, theirs = [await clerk.post("/saml_connections", body) for clerk in pair]
    assert [item["id"] for item in (await second.get("/saml_connections"))["data"]] == [theirs["id"]]
    for path in (
        f"/saml_connections/{mine['id']}",
        f"/enterprise_connections/{mine['enterprise_connection_id']}",
    ):
        for method in ("GET", "PATCH", "DELETE"):
            assert (await second.refused(method, path))[:2] == (404, "resource_not_found")
    team = await first.post("/organizations", {"name": "Acme"})
    refused = (404, "resource_not_found", None)
    body = {**body, "domains": ["more.example"], "organization_id": team["id"]}
    assert await second.refused("POST", "/saml_connections", json=body) == refused
    _, token = await first.ask("POST", "/admin_portal_link_tokens", json={})
    assert await second.refused("POST", f"/admin_portal_link_tokens/{token['id']}/revoke") == refused
