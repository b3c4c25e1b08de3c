"""Domains: the primary one and its satellites."""

import asyncio

import pytest

pytestmark = pytest.mark.anyio


def asking(name="shop.example.com", **more):
    return {"name": name, "is_satellite": True, **more}


async def test_an_instance_begins_with_its_primary_domain(clerk):
    answer = await clerk.get("/domains")
    (primary,) = answer["data"]
    assert answer["total_count"] == 1
    assert primary.pop("id").startswith("dmn_")
    assert primary == {
        "object": "domain",
        "name": "sandbox.clerk.accounts.dev",
        "is_satellite": False,
        "frontend_api_url": "https://sandbox.clerk.accounts.dev",
        "accounts_portal_url": "https://sandbox.accounts.dev",
        "proxy_url": None,
        "development_origin": "",
        "cname_targets": None,
    }


async def test_the_primary_domain_cannot_be_deleted(clerk):
    (primary,) = (await clerk.get("/domains"))["data"]
    refused = await clerk.refused("DELETE", f"/domains/{primary['id']}")
    assert refused == (403, "operation_not_allowed_on_primary_domain", None)
    assert (await clerk.get("/domains"))["total_count"] == 1


async def test_satellites_are_listed_behind_the_primary_domain_without_pages(clerk, clock):
    clock.advance(-1000)  # a satellite older than the primary domain still comes behind it
    names = [f"s{number}.example.com" for number in range(12)]
    for name in names:
        made = await clerk.post("/domains", asking(name))
        assert (made["is_satellite"], made["accounts_portal_url"]) == (True, None)
        clock.advance(1)
    answer = await clerk.get("/domains")
    assert [item["name"] for item in answer["data"]][1:] == names
    assert answer["total_count"] == 13


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("Shop.Example.com", "shop.example.com"),
        ("localhost:3000", "localhost:3000"),
        ("a-b.c:65535", "a-b.c:65535"),
    ],
)
async def test_a_name_is_a_host_and_a_port_if_need_be(clerk, given, kept):
    assert (await clerk.post("/domains", asking(given)))["name"] == kept


@pytest.mark.parametrize(
    "name",
    [
        "",
        "https://shop.example.com",
        "shop.example.com/x",
        "-a.com",
        "a..com",
        "a_b.com",
        "a b.com",
        "a.com:0",
        "a.com:65536",
        "a.com:",
        f"{'a' * 64}.com",
        "a." * 127 + "com",
    ],
)
async def test_what_is_no_host_name_is_refused(clerk, name):
    refused = await clerk.refused("POST", "/domains", json=asking(name))
    assert refused == (422, "form_param_format_invalid", "name")


async def test_only_a_satellite_without_a_proxy_can_be_added(clerk):
    for body, refused in (
        ({"name": "shop.example.com"}, (422, "form_param_missing", "is_satellite")),
        (asking(is_satellite=False), (422, "form_param_value_invalid", "is_satellite")),
        (
            asking(proxy_url="https://shop.example.com/__clerk"),
            (400, "request_invalid_for_environment", "proxy_url"),
        ),
    ):
        assert await clerk.refused("POST", "/domains", json=body) == refused
    assert (await clerk.post("/domains", asking(proxy_url=None)))["proxy_url"] is None


async def test_a_name_is_unique(clerk):
    answers = await asyncio.gather(*(clerk.ask("POST", "/domains", json=asking()) for _ in range(3)))
    assert sorted(status for status, _ in answers) == [200, 422, 422]
    taken = (422, "form_already_exists", "name")
    assert await clerk.refused("POST", "/domains", json=asking("SHOP.example.com")) == taken
    assert await clerk.refused("POST", "/domains", json=asking("sandbox.clerk.accounts.dev")) == taken


async def test_a_satellite_is_deleted_once(clerk):
    made = await clerk.post("/domains", asking())
    place = f"/domains/{made['id']}"
    assert await clerk.delete(place) == {"object": "domain", "id": made["id"], "deleted": True}
    assert await clerk.refused("DELETE", place) == (404, "resource_not_found", None)
