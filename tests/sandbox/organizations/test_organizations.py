"""Organizations: what is made, found, changed and deleted."""

import asyncio

import pytest

from tests.sandbox.companies import join, organization, user
from tests.sandbox.rows import sign_in

pytestmark = pytest.mark.anyio

NOBODY = "user_2nobody"


async def test_a_new_organization_has_clerks_defaults(clerk, clock):
    answer = await clerk.post("/organizations", {"name": "Acme"})
    assert answer.pop("id").startswith("org_")
    assert answer.pop("image_url").startswith("https://")
    assert answer == {
        "object": "organization",
        "name": "Acme",
        "slug": "acme",
        "has_image": False,
        "max_allowed_memberships": 5,
        "admin_delete_enabled": True,
        "public_metadata": {},
        "private_metadata": {},
        "role_set_key": "role_set:default",
        "created_at": clock.now(),
        "updated_at": clock.now(),
    }


async def test_who_creates_an_organization_becomes_its_admin(clerk):
    ada = await user(clerk)
    acme = await clerk.post("/organizations", {"name": "Acme", "created_by": ada})
    assert acme["created_by"] == ada
    (member,) = (await clerk.get(f"/organizations/{acme['id']}/memberships"))["data"]
    assert (member["public_user_data"]["user_id"], member["role"]) == (ada, "org:admin")


async def test_an_unknown_creator_is_refused_and_nothing_is_made(clerk):
    asked = {"name": "Acme", "created_by": NOBODY}
    assert await clerk.refused("POST", "/organizations", json=asked) == (
        400,
        "organization_creator_not_found",
        None,
    )
    assert (await clerk.get("/organizations"))["total_count"] == 0


@pytest.mark.parametrize(
    ("body", "code", "param"),
    [
        ({}, "form_param_missing", "name"),
        ({"name": ""}, "form_param_min_length_exceeded", "name"),
        ({"name": "   "}, "form_param_value_invalid", "name"),
        ({"name": "n" * 257}, "form_param_max_length_exceeded", "name"),
        ({"name": "See https://evil.example"}, "form_param_value_invalid", "name"),
        ({"name": "See www.evil.example"}, "form_param_value_invalid", "name"),
        ({"name": "<b>Acme</b>"}, "form_param_value_invalid", "name"),
        ({"name": "Acme", "slug": "Acme"}, "form_param_format_invalid", "slug"),
        ({"name": "Acme", "slug": "a_b"}, "form_param_format_invalid", "slug"),
        ({"name": "Acme", "slug": ""}, "form_param_format_invalid", "slug"),
        (
            {"name": "Acme", "max_allowed_memberships": -1},
            "form_param_value_invalid",
            "max_allowed_memberships",
        ),
        ({"name": "Acme", "created_at": "yesterday"}, "form_param_format_invalid", "created_at"),
        ({"name": "Acme", "role_set_key": "role_set:none"}, "form_resource_not_found", "role_set_key"),
        (
            {"name": "Acme", "public_metadata": {"a": "b" * 8200}},
            "form_param_exceeds_allowed_size",
            "public_metadata",
        ),
        ({"name": "Acme", "admin_delete_enabled": True}, "form_param_unknown", "admin_delete_enabled"),
    ],
)
async def test_what_cannot_stand_is_refused(clerk, body, code, param):
    assert await clerk.refused("POST", "/organizations", json=body) == (422, code, param)


async def test_a_name_with_a_dot_or_a_comparison_is_no_link_and_no_tag(clerk):
    for name in ("Acme.com & Sons", "a < b > c", "3 <3"):
        assert (await clerk.post("/organizations", {"name": name}))["name"] == name


async def test_a_slug_is_made_of_the_name_and_is_unique(clerk):
    slugs = [(await clerk.post("/organizations", {"name": "Ünited  Acme!"}))["slug"] for _ in range(3)]
    assert slugs[0] == "united-acme"
    assert all(slug.startswith("united-acme-") for slug in slugs[1:])
    assert len(set(slugs)) == 3
    assert (await clerk.post("/organizations", {"name": "株式会社"}))["slug"] == "organization"


async def test_a_slug_that_is_in_use_is_refused(clerk):
    taken = (422, "form_identifier_exists", "slug")
    await organization(clerk, slug="acme")
    other = await organization(clerk, "Other")
    assert await clerk.refused("POST", "/organizations", json={"name": "B", "slug": "acme"}) == taken
    assert await clerk.refused("PATCH", f"/organizations/{other}", json={"slug": "acme"}) == taken
    assert (await clerk.get(f"/organizations/{other}"))["slug"] == "other"


async def test_of_two_requests_for_one_slug_at_once_one_is_carried_out(clerk):
    body = {"name": "Acme", "slug": "acme"}
    answers = await asyncio.gather(*(clerk.ask("POST", "/organizations", json=body) for _ in range(4)))
    assert sorted(status for status, _ in answers) == [200, 422, 422, 422]
    assert (await clerk.get("/organizations"))["total_count"] == 1


async def test_an_organization_is_read_by_its_id_or_its_slug(clerk):
    acme = await clerk.post("/organizations", {"name": "Acme", "slug": "the-acme"})
    assert await clerk.get(f"/organizations/{acme['id']}") == acme
    assert await clerk.get("/organizations/the-acme") == acme
    assert await clerk.refused("GET", "/organizations/none") == (404, "resource_not_found", None)


async def test_counts_are_answered_when_they_are_asked_for(clerk, clock):
    acme = await organization(clerk, created_by=await user(clerk))
    await join(clerk, acme, await user(clerk, "bob"))
    invitations = f"/organizations/{acme}/invitations"
    for name, days in (("cy", 1), ("di", 30)):
        body = {"email_address": f"{name}@example.com", "role": "org:member", "expires_in_days": days}
        await clerk.post(invitations, body)
    clock.advance(24 * 3_600_000)
    empty = await organization(clerk, "Empty")
    asked = {"include_members_count": "true", "include_missing_member_with_elevated_permissions": "true"}
    counts = ("members_count", "pending_invitations_count", "missing_member_with_elevated_permissions")
    full = await clerk.get(f"/organizations/{acme}", asked)
    assert [full[name] for name in counts] == [2, 1, False]
    listed = {item["id"]: item for item in (await clerk.get("/organizations", asked))["data"]}
    assert [listed[acme][name] for name in counts] == [2, 1, False]
    assert [listed[empty][name] for name in counts] == [0, 0, True]
    assert not set(counts) & (await clerk.get(f"/organizations/{acme}")).keys()


@pytest.fixture
async def three(clerk, clock):
    """The ids of three organizations by name, made one second after another."""
    people = {name: await user(clerk, name) for name in ("ada", "bob")}
    ids = {}
    for name, creator in (("Beta", "ada"), ("alpha 100%", "bob"), ("Gamma", None)):
        ids[name] = await organization(clerk, name, created_by=people.get(creator))
        clock.advance(1000)
    await join(clerk, ids["Beta"], people["bob"])
    return ids | people


@pytest.fixture
def found(clerk, three):
    """Asks for organizations; answers their names."""

    async def find(**query):
        answer = await clerk.get("/organizations", query)
        if not {"limit", "offset"} & query.keys():
            assert answer["total_count"] == len(answer["data"])
        return [item["name"] for item in answer["data"]]

    return find


@pytest.mark.parametrize(
    ("order", "names"),
    [
        (None, ["Gamma", "alpha 100%", "Beta"]),
        ("created_at", ["Beta", "alpha 100%", "Gamma"]),
        ("-name", ["Gamma", "Beta", "alpha 100%"]),
        ("+name", ["alpha 100%", "Beta", "Gamma"]),
        ("-members_count", ["Beta", "alpha 100%", "Gamma"]),
        ("members_count", ["Gamma", "alpha 100%", "Beta"]),
    ],
)
async def test_every_order(found, order, names):
    assert await found(**({"order_by": order} if order else {})) == names


async def test_an_unknown_order_is_refused(clerk):
    refused = await clerk.refused("GET", "/organizations", params={"order_by": "slug"})
    assert refused == (422, "form_param_value_invalid", "order_by")


async def test_a_text_is_sought_in_names_and_slugs_and_as_a_whole_id(found, three):
    assert await found(query="BET") == ["Beta"]
    assert await found(query="a-100") == ["alpha 100%"]
    assert await found(query="0%") == ["alpha 100%"]
    assert await found(query="%") == ["alpha 100%"]
    assert await found(query=three["Gamma"]) == ["Gamma"]
    assert await found(query=three["Gamma"][:10]) == []


async def test_members_and_ids_include_and_exclude(found, three):
    ada, bob, beta = three["ada"], three["bob"], three["Beta"]
    assert await found(user_id=ada) == ["Beta"]
    assert await found(user_id=[ada, f"+{bob}"]) == ["alpha 100%", "Beta"]
    assert await found(user_id=f"-{ada}") == ["Gamma", "alpha 100%"]
    assert await found(user_id=[bob, f"-{ada}"]) == ["alpha 100%"]
    assert await found(user_id=NOBODY) == []
    assert await found(organization_id=[beta, "org_none"]) == ["Beta"]
    assert await found(organization_id=f"-{beta}") == ["Gamma", "alpha 100%"]


async def test_pages_follow_one_another(clerk, three):
    first = await clerk.get("/organizations", {"limit": 2})
    second = await clerk.get("/organizations", {"limit": 2, "offset": 2})
    assert [len(page["data"]) for page in (first, second)] == [2, 1]
    assert (first["total_count"], second["total_count"]) == (3, 3)


async def test_what_is_given_changes_and_null_changes_nothing(clerk, clock):
    acme = await clerk.post("/organizations", {"name": "Acme", "public_metadata": {"a": 1}})
    clock.advance(5)
    body = {"name": "Bcme", "slug": None, "max_allowed_memberships": 0, "admin_delete_enabled": False}
    changed = await clerk.patch(f"/organizations/{acme['id']}", body)
    news = {"name": "Bcme", "max_allowed_memberships": 0, "admin_delete_enabled": False}
    assert changed == acme | news | {"updated_at": clock.now()}
    assert (await clerk.get("/organizations", {"query": "bcme"}))["total_count"] == 1
    early = await clerk.patch(f"/organizations/{acme['id']}", {"created_at": "2020-01-01T00:00:00Z"})
    assert early["created_at"] == 1_577_836_800_000


async def test_metadata_is_merged_deeply_and_null_deletes(clerk):
    body = {"name": "Acme", "public_metadata": {"a": {"b": 1, "c": 2}, "d": 3}, "private_metadata": {"e": 1}}
    acme = await organization(clerk, **body)
    change = {"public_metadata": {"a": {"b": None, "f": [1]}, "d": None}}
    answer = await clerk.patch(f"/organizations/{acme}/metadata", change)
    assert answer["public_metadata"] == {"a": {"c": 2, "f": [1]}}
    assert answer["private_metadata"] == {"e": 1}
    status, answer = await clerk.ask(
        "PUT", f"/organizations/{acme}/metadata", json={"public_metadata": {"z": 1}}
    )
    assert (status, answer["public_metadata"], answer["private_metadata"]) == (200, {"z": 1}, {"e": 1})


async def test_metadata_is_no_field_of_patch_since_the_newest_api_version(clerk):
    acme = await organization(clerk, public_metadata={"a": 1})
    place, body = f"/organizations/{acme}", {"public_metadata": {"b": 2}}
    assert await clerk.refused("PATCH", place, json=body) == (422, "form_param_unknown", "public_metadata")
    older = {"Clerk-API-Version": "2025-11-10"}
    status, answer = await clerk.ask("PATCH", place, json=body, headers=older)
    assert (status, answer["public_metadata"]) == (200, {"b": 2})


async def test_deleting_takes_members_invitations_and_active_sessions_along(clerk):
    ada = await user(clerk)
    acme = await organization(clerk, created_by=ada)
    body = {"email_address": "bob@example.com", "role": "org:member"}
    await clerk.post(f"/organizations/{acme}/invitations", body)
    session = await sign_in(clerk, ada, last_active_organization_id=acme)
    deleted = await clerk.delete(f"/organizations/{acme}")
    assert deleted == {"object": "organization", "id": acme, "deleted": True}
    assert (await clerk.get(f"/sessions/{session['id']}"))["last_active_organization_id"] is None
    for end in ("", "/memberships", "/invitations"):
        refused = await clerk.refused("GET", f"/organizations/{acme}{end}")
        assert refused == (404, "resource_not_found", None)
    assert await clerk.get("/users", {"organization_id": acme}) == []


async def test_an_organization_outlives_who_created_it(clerk):
    ada = await user(clerk)
    acme = await organization(clerk, created_by=ada)
    await clerk.delete(f"/users/{ada}")
    answer = await clerk.get(
        f"/organizations/{acme}", {"include_missing_member_with_elevated_permissions": "true"}
    )
    assert "created_by" not in answer
    assert answer["missing_member_with_elevated_permissions"] is True
    assert (await clerk.get(f"/organizations/{acme}/memberships"))["total_count"] == 0


@pytest.mark.parametrize(
    ("method", "end"),
    [("GET", ""), ("PATCH", ""), ("DELETE", ""), ("PATCH", "/metadata"), ("PUT", "/metadata")],
)
async def test_an_unknown_organization_is_not_found(clerk, method, end):
    refused = await clerk.refused(method, f"/organizations/org_none{end}", json={})
    assert refused == (404, "resource_not_found", None)
