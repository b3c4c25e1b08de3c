"""Every filter and every order of GET /users, on four people."""

import pytest

from deskclerk.sandbox.store.tables import memberships, organizations
from tests.sandbox.conftest import NOON
from tests.sandbox.rows import add, link, set_user

pytestmark = pytest.mark.anyio

PEOPLE = {
    "ada": {
        "email_address": ["zed@example.com", "ada@example.org"],
        "username": "Some_Cool_User",
        "first_name": "Élodie",
        "last_name": "Okafor",
        "external_id": "e-1",
        "created_at": "2024-01-01T00:00:00Z",
    },
    "bob": {
        "email_address": ["bob_100%@example.com"],
        "phone_number": ["+15550100002"],
        "first_name": "Bob",
        "external_id": "e-2",
        "created_at": "2024-01-02T00:00:00Z",
    },
    "cy": {
        "phone_number": ["+15550100001"],
        "username": "cyrus",
        "last_name": "Abe",
        "created_at": "2024-01-03T00:00:00Z",
        "banned": True,
    },
    "di": {"web3_wallet": ["0x" + "ab" * 20], "created_at": "2024-01-03T00:00:00Z"},
}


@pytest.fixture(scope="module")
async def ids(shared):
    """The people's ids by their short names; `di` is made in the same moment as `cy`."""
    made = {}
    for name, body in PEOPLE.items():
        made[name] = (await shared.post("/users", body))["id"]
        shared.sandbox.store.clock.advance(1000)
    times = {"ada": (500, 700), "bob": (600, 600), "cy": (700, None)}
    for name, (active, signed_in) in times.items():
        await set_user(shared, made[name], last_active_at=active, last_sign_in_at=signed_in)
    await add_organizations(shared, made)
    await link(shared, made["bob"], "oauth_google", "117", "bob_100%@example.com")
    await link(shared, made["ada"], "oauth_github", "117", "x@example.com")
    return made


async def add_organizations(clerk, ids):
    for org, members in {"org_1": ["ada", "bob"], "org_2": ["bob", "cy"]}.items():
        await add(
            clerk,
            organizations,
            id=org,
            name=org,
            name_folded=org,
            slug=org,
            max_allowed_memberships=0,
            admin_delete_enabled=True,
            public_metadata={},
            private_metadata={},
        )
        for name in members:
            await add(
                clerk,
                memberships,
                id=f"{org}_{name}",
                organization_id=org,
                user_id=ids[name],
                role="org:member",
                public_metadata={},
                private_metadata={},
            )


@pytest.fixture
def found(shared, ids):
    """Asks for users; answers their short names."""
    names = {key: name for name, key in ids.items()}

    async def find(given=None, /, **more):
        answer = await shared.get("/users", given or more)
        counted = await shared.get("/users/count", given or more)
        if not {"limit", "offset", "starting_after"} & set(given or more):
            assert counted["total_count"] == len(answer)
        return [names[item["id"]] for item in answer]

    return find


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({"email_address": ["ADA@example.org", "none@example.org"]}, "ada"),
        ({"email_address": ["zed@example.com", "bob_100%@example.com"]}, "bob ada"),
        ({"email_address[]": ["zed@example.com", "bob_100%@example.com"]}, "bob ada"),
        ({"phone_number": ["+15550100001"]}, "cy"),
        ({"phone_number": [" 15550100001"]}, "cy"),
        ({"username": ["some_cool_user", "cyrus"]}, "cy ada"),
        ({"web3_wallet": ["0x" + "AB" * 20]}, "di"),
        ({"external_id": ["e-1", "+e-2", "e-9"]}, "bob ada"),
        ({"external_id": [" e-2"]}, "bob"),
        ({"external_id": ["-e-1"]}, "di cy bob"),
        ({"external_id": ["e-1", "e-2", "-e-1"]}, "bob"),
        ({"email_address_query": "EXAMPLE.c"}, "bob ada"),
        ({"email_address_query": "_100%"}, "bob"),
        ({"email_address_query": "%"}, "bob"),
        ({"phone_number_query": "5550100"}, "cy bob"),
        ({"username_query": "cooluser"}, ""),
        ({"username_query": "COOL_user"}, "ada"),
        ({"name_query": "ÉLO"}, "ada"),
        ({"name_query": "élodie ok"}, "ada"),
        ({"query": "abe"}, "cy"),
        ({"query": "okaf"}, "ada"),
        ({"query": "cyru"}, "cy"),
        ({"query": "0100002"}, "bob"),
        ({"query": "ababab"}, "di"),
        ({"query": "ada@"}, "ada"),
        ({"query": ""}, "di cy bob ada"),
        ({"banned": "true"}, "cy"),
        ({"banned": "false"}, "di bob ada"),
        ({"last_active_at_before": 600}, "ada"),
        ({"last_active_at_after": 600}, "cy"),
        ({"last_active_at_since": 600}, "cy bob"),
        ({"last_sign_in_at_before": 700}, "bob"),
        ({"last_sign_in_at_after": 600}, "ada"),
        ({"created_at_before": 1704153600000}, "ada"),
        ({"created_at_after": 1704153600000}, "di cy"),
        ({"banned": "false", "email_address_query": "zed"}, "ada"),
    ],
)
async def test_a_filter_lets_through_whom_it_names(found, query, expected):
    assert await found(query) == expected.split()


async def test_a_part_of_an_id_finds_its_user(found, ids):
    assert await found(query=ids["bob"][5:].lower()) == ["bob"]


async def test_users_are_included_and_excluded_by_id_and_unknown_ids_ignored(found, ids):
    assert await found(user_id=[ids["ada"], "+" + ids["bob"], "user_none"]) == ["bob", "ada"]
    assert await found(user_id=[" " + ids["ada"]]) == ["ada"]
    assert await found(user_id=["-" + ids["ada"], "-" + ids["cy"]]) == ["di", "bob"]
    assert await found(user_id=["user_none"]) == []


async def test_users_are_included_and_excluded_by_organization(found):
    assert await found(organization_id=["org_1"]) == ["bob", "ada"]
    assert await found(organization_id=["org_1", "org_2"]) == ["cy", "bob", "ada"]
    assert await found(organization_id=["org_1", "-org_2"]) == ["ada"]
    assert await found(organization_id=["-org_1"]) == ["di", "cy"]


async def test_users_are_found_by_their_account_at_a_provider(shared, found, ids):
    assert await found({"provider": "oauth_google", "provider_user_id": ["117", "9"]}) == ["bob"]
    user = await shared.get(f"/users/{ids['bob']}")
    (account,) = user["external_accounts"]
    linked = [{"type": "oauth_google", "id": account["identification_id"]}]
    assert user["email_addresses"][0]["linked_to"] == linked


@pytest.mark.parametrize(
    ("query", "param"),
    [({"provider": "oauth_google"}, "provider_user_id"), ({"provider_user_id": ["1"]}, "provider")],
)
async def test_half_a_provider_filter_is_refused(shared, query, param):
    for path in ("/users", "/users/count"):
        refused = await shared.refused("GET", path, params=query)
        assert refused == (422, "form_conditional_param_missing", param)


@pytest.mark.parametrize(
    ("order", "expected"),
    [
        ("created_at", "ada bob cy di"),
        ("+created_at", "ada bob cy di"),
        (" created_at", "ada bob cy di"),
        ("-created_at", "di cy bob ada"),
        ("updated_at", "ada bob cy di"),
        ("-updated_at", "di cy bob ada"),
        ("email_address", "bob ada cy di"),
        ("-email_address", "ada bob di cy"),
        ("phone_number", "cy bob ada di"),
        ("-phone_number", "bob cy di ada"),
        ("web3wallet", "di ada bob cy"),
        ("username", "cy ada bob di"),
        ("-username", "ada cy di bob"),
        ("first_name", "bob ada cy di"),
        ("last_name", "cy ada bob di"),
        ("last_active_at", "ada bob cy di"),
        ("-last_active_at", "cy bob ada di"),
        ("last_sign_in_at", "bob ada cy di"),
        ("-last_sign_in_at", "ada bob di cy"),
    ],
)
async def test_every_order_works_both_ways_with_the_valueless_last(found, order, expected):
    assert await found(order_by=order) == expected.split()
    paged = [name for offset in range(4) for name in await found(order_by=order, limit=1, offset=offset)]
    assert paged == expected.split()


async def test_an_unknown_order_is_refused_and_of_several_the_first_counts(shared, found):
    refused = await shared.refused("GET", "/users", params={"order_by": "shoe_size"})
    assert refused == (422, "form_param_value_invalid", "order_by")
    assert await found(order_by=["created_at", "-created_at"]) == ["ada", "bob", "cy", "di"]


@pytest.mark.parametrize("order", ["created_at", "-created_at"])
async def test_a_cursor_walks_over_all_users_once(found, ids, order):
    seen, cursor = [], {}
    for _ in ids:
        seen += await found({"order_by": order, "limit": 1} | cursor)
        cursor = {"starting_after": ids[seen[-1]]}
    assert await found({"order_by": order} | cursor) == []
    assert seen == await found(order_by=order)


@pytest.mark.parametrize(
    "more", [{"order_by": "username"}, {"offset": 1}, {"starting_after": "user_none"}], ids=str
)
async def test_a_cursor_is_refused_where_it_cannot_work(shared, ids, more):
    query = {"starting_after": ids["ada"]} | more
    refused = await shared.refused("GET", "/users", params=query)
    assert refused == (422, "form_param_value_invalid", "starting_after")


async def test_a_filter_takes_at_most_a_hundred_values(shared):
    values = [f"user_{number}" for number in range(101)]
    assert await shared.get("/users", {"user_id": values[:100]}) == []
    refused = await shared.refused("GET", "/users", params={"user_id": values})
    assert refused == (422, "form_param_array_size_exceeded", "user_id")


async def test_a_page_holds_ten_users_unless_asked_otherwise(clerk, clock):
    for number in range(12):
        await clerk.post("/users", {"username": f"user-{number}"})
        clock.advance(1)
    assert len(await clerk.get("/users")) == 10
    assert len(await clerk.get("/users", {"limit": 500})) == 12
    assert (await clerk.get("/users"))[0]["created_at"] == NOON + 11
