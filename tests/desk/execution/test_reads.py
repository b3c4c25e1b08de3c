"""Reads: how many there are of a list, where that is asked for or a model would miss it."""

import json

import httpx2
import pytest

from deskclerk.catalogue import ListAllowlist, ListDomains, ListOrganizations, ListUsers
from deskclerk.clerk.client import Clerk
from deskclerk.desk import Caller, Desk
from deskclerk.settings import Settings

pytestmark = pytest.mark.anyio

MODEL, PERSON = Caller("mcp"), Caller("cli")


@pytest.fixture
async def desk(tmp_path, desk_at_home):
    """A desk before a Clerk of 25 users and as many of everything else; `asked` is what reached it."""
    asked = []

    def answer(request):
        path = request.url.path.removeprefix("/v1")
        asked.append(f"{path}?{request.url.query.decode()}")
        if path == "/users/count" and desk.broken:
            return httpx2.Response(
                403, json={"errors": [{"message": "No.", "code": "authorization_invalid"}]}
            )
        if path == "/users/count":
            return httpx2.Response(200, json={"object": "total_count", "total_count": 25})
        limit = int(request.url.params.get("limit", 10))
        kind = {"/users": "user", "/organizations": "organization", "/domains": "domain"}.get(path, "")
        kind = kind or "allowlist_identifier"
        items = [{"id": f"x_{number}", "object": kind} for number in range(min(limit, 25))]
        body = items if path == "/users" else {"data": items, "total_count": 25}
        return httpx2.Response(200, content=json.dumps(body), headers={"content-type": "application/json"})

    async with (
        Clerk("https://clerk.test", "sk_test_x", transport=httpx2.MockTransport(answer)) as clerk,
        Desk.open(Settings(home=tmp_path / "home", secret_key="sk_test_x"), clerk=clerk) as desk,
    ):
        desk.asked, desk.broken = asked, False
        yield desk


async def test_a_model_is_told_how_many_users_there_are(desk):
    value = (await desk.perform(ListUsers(query="ada", banned=False, limit=3), caller=MODEL)).value
    assert (len(value["items"]), value["total"]) == (3, 25)
    assert desk.asked == ["/users?query=ada&banned=false&limit=3", "/users/count?query=ada&banned=false"]


async def test_nobody_counts_what_is_all_on_the_page(desk):
    value = (await desk.perform(ListUsers(limit=100), caller=MODEL)).value
    assert (value["next"], value["total"]) == (None, 25)
    value = (await desk.perform(ListUsers(limit=100, offset=7), caller=MODEL)).value
    assert (value["next"], value["total"]) == (None, 32)
    assert len(desk.asked) == 2
    # Behind a cursor nobody knows how many came before.
    await desk.perform(ListUsers(limit=100, starting_after="user_1"), caller=MODEL)
    assert desk.asked[-1] == "/users/count?"


async def test_nobody_counts_for_whoever_does_not_read_it(desk):
    assert (await desk.perform(ListUsers(limit=3), caller=PERSON)).value["total"] is None
    assert len(desk.asked) == 1


@pytest.mark.parametrize("caller", [MODEL, PERSON])
@pytest.mark.parametrize(
    ("action", "asked"),
    [
        (ListUsers(limit=0, order_by="created_at", offset=5), "/users/count?"),
        (ListOrganizations(limit=0), "/organizations?limit=1"),
        (ListAllowlist(limit=0), "/allowlist_identifiers?paginated=true&limit=1"),
        (ListAllowlist(limit=0, paginated=False), "/allowlist_identifiers?paginated=true&limit=1"),
    ],
)
async def test_a_limit_of_none_asks_for_the_total_alone(desk, action, asked, caller):
    assert (await desk.perform(action, caller=caller)).value == {"items": [], "total": 25, "next": None}
    assert desk.asked == [asked]


async def test_of_a_list_that_clerk_gives_whole_the_desk_counts(desk):
    value = (await desk.perform(ListDomains(limit=0), caller=MODEL)).value
    assert value["items"] == []
    assert value["total"] == 10
    assert value["next"] is None


async def test_a_list_that_cannot_be_counted_is_answered_all_the_same_and_says_so(desk):
    desk.broken = True
    answer = await desk.perform(ListUsers(limit=3), caller=MODEL)
    assert (len(answer.value["items"]), answer.value["total"]) == (3, None)
    assert "could not be found out" in answer.notes[0]
