"""OAuth applications."""

import pytest

from deskclerk.sandbox.store.tables import metadata

pytestmark = pytest.mark.anyio

PLACE = "/oauth_applications"


async def test_an_application_has_clerks_defaults_and_shows_its_secret_once(clerk, clock):
    made = await clerk.post(PLACE, {"name": "Reports", "redirect_uris": ["https://reports.example/back"]})
    secret = made.pop("client_secret")
    assert len(secret) == 32
    read = await clerk.get(f"{PLACE}/{made['id']}")
    listed = (await clerk.get(PLACE))["data"]
    changed = await clerk.patch(f"{PLACE}/{made['id']}", {"name": "Reports"})
    assert made == read == listed[0] == changed
    assert made.pop("id").startswith("oa_")
    assert made.pop("instance_id").startswith("ins_")
    assert len(made.pop("client_id")) == 16
    base = "http://sandbox.localhost"
    assert made == {
        "object": "oauth_application",
        "name": "Reports",
        "client_uri": None,
        "client_image_url": None,
        "dynamically_registered": False,
        "consent_screen_enabled": True,
        "pkce_required": False,
        "public": False,
        "scopes": "profile email",
        "redirect_uris": ["https://reports.example/back"],
        "callback_url": "https://reports.example/back",
        "authorize_url": f"{base}/oauth/authorize",
        "token_fetch_url": f"{base}/oauth/token",
        "user_info_url": f"{base}/oauth/userinfo",
        "discovery_url": f"{base}/.well-known/openid-configuration",
        "token_introspection_url": f"{base}/oauth/token_info",
        "created_at": clock.now(),
        "updated_at": clock.now(),
    }


async def test_the_secret_is_not_in_the_database(clerk):
    made = await clerk.post(PLACE, {"name": "Reports"})
    async with clerk.sandbox.store.database.reading() as connection:
        rows = [row for table in metadata.sorted_tables for row in await connection.execute(table.select())]
    kept = repr(rows)
    assert made["client_id"] in kept
    assert made["client_secret"] not in kept


async def test_a_public_application_has_no_secret_and_needs_pkce(clerk):
    made = await clerk.post(PLACE, {"name": "Mobile", "public": True})
    assert (made["public"], made["pkce_required"], "client_secret" in made) == (True, True, False)
    refused = (422, "form_public_client_requires_pkce", "pkce_required")
    body = {"name": "Mobile", "public": True, "pkce_required": False}
    assert await clerk.refused("POST", PLACE, json=body) == refused
    place = f"{PLACE}/{made['id']}"
    assert await clerk.refused("PATCH", place, json={"pkce_required": False}) == refused
    private = await clerk.patch(place, {"public": False, "pkce_required": False})
    assert (private["public"], private["pkce_required"]) == (False, False)


async def test_addresses_of_any_scheme_are_taken_and_the_older_name_is_the_first(clerk):
    uris = ["https://a.example/x?y=1", "http://localhost:3000", "myapp://back", "com.example.app:/back"]
    made = await clerk.post(PLACE, {"name": "Any", "redirect_uris": uris, "callback_url": None})
    assert (made["redirect_uris"], made["callback_url"]) == (uris, uris[0])
    old = await clerk.post(PLACE, {"name": "Old", "callback_url": "myapp://old"})
    assert (old["redirect_uris"], old["callback_url"]) == (["myapp://old"], "myapp://old")
    mixed = await clerk.post(PLACE, {"name": "Both", "callback_url": uris[1], "redirect_uris": uris[:2]})
    assert mixed["redirect_uris"] == [uris[1], uris[0]]
    none = await clerk.patch(f"{PLACE}/{old['id']}", {"redirect_uris": []})
    assert (none["redirect_uris"], none["callback_url"]) == ([], "")


@pytest.mark.parametrize(
    ("change", "refused"),
    [
        ({"name": ""}, (422, "form_param_min_length_exceeded", "name")),
        ({"name": "n" * 257}, (422, "form_param_max_length_exceeded", "name")),
        ({"redirect_uris": ["nowhere"]}, (422, "form_param_format_invalid", "redirect_uris")),
        ({"redirect_uris": ["https://a b"]}, (422, "form_param_format_invalid", "redirect_uris")),
        ({"redirect_uris": ["https://" + "a" * 1024]}, (422, "form_param_format_invalid", "redirect_uris")),
        ({"redirect_uris": ["a://b", "a://b"]}, (400, "duplicate_record", None)),
        ({"callback_url": "nowhere"}, (422, "form_param_format_invalid", "callback_url")),
        ({"scopes": "profile everything"}, (422, "form_param_value_invalid", "scopes")),
        ({"scopes": " "}, (422, "form_param_value_invalid", "scopes")),
        ({"client_id": "mine"}, (422, "form_param_unknown", "client_id")),
    ],
)
async def test_what_cannot_stand_is_refused(clerk, change, refused):
    assert await clerk.refused("POST", PLACE, json={"name": "Reports"} | change) == refused
    made = await clerk.post(PLACE, {"name": "Reports"})
    assert await clerk.refused("PATCH", f"{PLACE}/{made['id']}", json=change) == refused


async def test_what_is_given_changes_and_null_changes_nothing(clerk, clock):
    made = await clerk.post(PLACE, {"name": "Reports", "scopes": "email  profile email"})
    assert made["scopes"] == "email profile"
    del made["client_secret"]
    clock.advance(5)
    body = {"name": None, "scopes": "public_metadata", "consent_screen_enabled": False, "public": None}
    changed = await clerk.patch(f"{PLACE}/{made['id']}", body)
    news = {"scopes": "public_metadata", "consent_screen_enabled": False, "updated_at": clock.now()}
    assert changed == made | news


@pytest.fixture
async def found(clerk, clock):
    """Three applications; asks for applications and answers their names."""
    for name in ("Beta", "alpha_1", "ÉGamma"):
        await clerk.post(PLACE, {"name": name})
        clock.advance(1000)

    async def find(**query):
        answer = await clerk.get(PLACE, query)
        assert "limit" in query or answer["total_count"] == len(answer["data"])
        return [item["name"] for item in answer["data"]]

    return find


async def test_applications_are_ordered_and_paged(found):
    assert await found() == ["Beta", "alpha_1", "ÉGamma"]
    assert await found(order_by="-created_at") == ["ÉGamma", "alpha_1", "Beta"]
    assert await found(order_by="name") == ["alpha_1", "Beta", "ÉGamma"]
    assert await found(order_by=["-name", "created_at"], limit=1, offset=1) == ["Beta"]


async def test_applications_are_sought_by_part_of_the_name_or_by_client_id(clerk, found):
    assert await found(name_query="ALPHA") == ["alpha_1"]
    assert await found(name_query="égam") == ["ÉGamma"]
    assert await found(name_query="a_") == ["alpha_1"]
    (beta,) = (await clerk.get(PLACE, {"name_query": "bet"}))["data"]
    assert await found(name_query=beta["client_id"]) == ["Beta"]
    assert await found(name_query=beta["client_id"][:-1]) == []


async def test_an_application_is_deleted_once(clerk):
    made = await clerk.post(PLACE, {"name": "Reports"})
    place = f"{PLACE}/{made['id']}"
    assert await clerk.delete(place) == {"object": "oauth_application", "id": made["id"], "deleted": True}
    for method in ("GET", "PATCH", "DELETE"):
        refused = await clerk.refused(method, place, json={"name": "x"})
        assert refused == (404, "resource_not_found", None)


async def test_a_logo_is_shown_until_another_takes_its_place_or_the_application_goes(clerk):
    made = await clerk.post(PLACE, {"name": "Reports"})
    place = f"{PLACE}/{made['id']}"
    shown = []
    for ending in (b"one", b"two"):
        file = {"file": ("logo.png", b"\x89PNG\r\n\x1a\n" + ending, "image/png")}
        status, answer = await clerk.ask("PUT", f"{place}/logo", files=file)
        assert status == 200
        assert (await clerk.get(place))["client_image_url"] == answer["client_image_url"]
        shown.append(answer["client_image_url"])
    old, new = [await clerk.http.get(url) for url in shown]
    assert (old.status_code, new.status_code) == (404, 200)
    assert new.content.endswith(b"two")
    await clerk.delete(place)
    assert (await clerk.http.get(shown[1])).status_code == 404


async def test_a_picture_that_an_application_shows_stays_when_a_user_drops_it(clerk):
    made = await clerk.post(PLACE, {"name": "Reports"})
    file = {"file": ("logo.png", b"\x89PNG\r\n\x1a\n", "image/png")}
    _, answer = await clerk.ask("PUT", f"{PLACE}/{made['id']}/logo", files=file)
    url = answer["client_image_url"]
    key = (await clerk.post("/users", {"username": "ada_l"}))["id"]
    await clerk.patch(f"/users/{key}", {"profile_image_id": url.rpartition("/")[2]})
    await clerk.delete(f"/users/{key}/profile_image")
    assert (await clerk.http.get(url)).status_code == 200
