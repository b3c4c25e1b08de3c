import asyncio
import json
import time

import httpx2
import pytest
import stamina

from deskclerk.catalogue import (
    BanUser,
    CreateOrganization,
    GetDomain,
    GetUser,
    ListOrganizations,
    ListUsers,
    OtherKey,
    Request,
    Verb,
)
from deskclerk.clerk.client import Clerk, open_connections
from deskclerk.clerk.paging import every_page, page_of
from deskclerk.errors import (
    ClerkError,
    ClerkUnavailable,
    Conflict,
    KeyRejected,
    NotFound,
    OutcomeUnknown,
    PlanRequired,
    RateLimited,
    Unprocessable,
)

pytestmark = pytest.mark.anyio
KEY = "sk_test_0123456789secret"
USER = {"object": "user", "id": "user_1"}


@pytest.fixture(autouse=True)
def no_waiting():
    with stamina.set_testing(True, attempts=4, cap=True):
        yield


class Upstream:
    """A Clerk that answers from a list, and then with its last answer for ever."""

    def __init__(self, *answers):
        self.answers = list(answers)
        self.requests = []

    async def __call__(self, request):
        self.requests.append(request)
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, Exception):
            raise answer
        return answer() if callable(answer) else answer

    def client(self, **options):
        return Clerk("https://clerk.test", KEY, transport=httpx2.MockTransport(self), **options)


def says(status, code="some_code", param=None, headers=None, message="No."):
    meta = {"param_name": param} if param else {}
    body = {
        "errors": [{"message": message, "long_message": message, "code": code, "meta": meta}],
        "clerk_trace_id": "f" * 32,
    }
    return lambda: httpx2.Response(status, json=body, headers=headers)


def ok(value):
    return lambda: httpx2.Response(200, json=value)


async def failure(upstream, action, **options):
    async with upstream.client(**options) as clerk:
        with pytest.raises(ClerkError) as caught:
            await clerk.perform(action)
    return caught.value


async def test_a_request_carries_key_version_and_body():
    made = {"object": "organization", "id": "org_1"}
    upstream = Upstream(ok(made))
    async with upstream.client() as clerk:
        assert await clerk.perform(CreateOrganization(name="Acme")) == made
    request = upstream.requests[0]
    assert (request.method, str(request.url)) == ("POST", "https://clerk.test/v1/organizations")
    assert request.headers["authorization"] == f"Bearer {KEY}"
    assert request.headers["clerk-api-version"] == "2026-05-12"
    assert json.loads(request.content) == {"name": "Acme"}


async def test_a_write_without_arguments_has_no_body():
    upstream = Upstream(ok(USER))
    async with upstream.client() as clerk:
        await clerk.perform(BanUser(user_id="user_1"))
    assert upstream.requests[0].content == b""


@pytest.mark.promise("a-refused-write-is-explained")
@pytest.mark.parametrize(
    ("status", "code", "kind"),
    [
        (400, "duplicate_record", Conflict),
        (400, "bad_request", Unprocessable),
        (401, "clerk_key_invalid", KeyRejected),
        (402, "unsupported_subscription_plan_features", PlanRequired),
        (403, "authorization_invalid", KeyRejected),
        (403, "organization_membership_quota_exceeded", Conflict),
        (404, "resource_not_found", NotFound),
        (409, "conflict", Conflict),
        (422, "form_identifier_exists", Conflict),
        (422, "form_param_format_invalid", Unprocessable),
        (429, "too_many_requests", RateLimited),
        (501, "feature_not_implemented", ClerkError),
    ],
)
async def test_each_refusal_is_of_its_class_with_code_and_trace(status, code, kind):
    error = await failure(Upstream(says(status, code)), BanUser(user_id="user_1"))
    assert type(error) is kind
    assert (error.status, error.code, error.trace_id) == (status, code, "f" * 32)


@pytest.mark.promise("a-rejected-key-is-explained")
@pytest.mark.parametrize("status", [401, 403])
async def test_a_rejected_key_says_where_to_make_a_new_one(status):
    error = await failure(Upstream(says(status, "authorization_invalid")), GetUser(user_id="user_1"))
    assert "Clerk Dashboard, API Keys, Secret key" in str(error)


@pytest.mark.promise("a-refused-write-is-explained")
async def test_a_refused_write_says_which_field_and_what_is_accepted():
    upstream = Upstream(says(422, "form_param_format_invalid", "max_allowed_memberships"))
    error = await failure(upstream, CreateOrganization(name="Acme", max_allowed_memberships=3))
    assert error.param == "max_allowed_memberships"
    assert "must be integer from 0" in error.next_step


@pytest.mark.promise("a-refused-write-is-explained")
async def test_a_refused_write_without_a_field_says_what_the_action_requires():
    error = await failure(Upstream(says(422, "form_data_missing")), CreateOrganization(name="Acme"))
    assert "requires: name" in error.next_step


@pytest.mark.parametrize("status", [429, 502, 503, 504])
async def test_a_read_is_tried_again_after(status):
    upstream = Upstream(says(status), ok([]))
    async with upstream.client() as clerk:
        assert await clerk.perform(ListUsers()) == []
    assert len(upstream.requests) == 2


@pytest.mark.promise("retried-only-where-it-did-not-happen")
@pytest.mark.parametrize("status", [500, 502, 503, 504])
async def test_a_write_is_not_sent_twice_after(status):
    upstream = Upstream(says(status))
    error = await failure(upstream, BanUser(user_id="user_1"))
    assert type(error) is OutcomeUnknown
    assert len(upstream.requests) == 1


@pytest.mark.promise("at-most-once")
@pytest.mark.parametrize(
    "loss", [httpx2.ReadTimeout, httpx2.ReadError, httpx2.WriteError, httpx2.RemoteProtocolError]
)
async def test_a_write_whose_answer_is_lost_is_sent_once_and_its_outcome_unknown(loss):
    upstream = Upstream(loss("gone"))
    error = await failure(upstream, BanUser(user_id="user_1"))
    assert type(error) is OutcomeUnknown
    assert len(upstream.requests) == 1


@pytest.mark.promise("retried-only-where-it-did-not-happen")
@pytest.mark.parametrize("loss", [httpx2.ConnectError, httpx2.ConnectTimeout])
async def test_a_write_that_never_left_is_tried_again(loss):
    upstream = Upstream(loss("refused"), ok(USER))
    async with upstream.client() as clerk:
        assert await clerk.perform(BanUser(user_id="user_1")) == USER


@pytest.mark.promise("retried-only-where-it-did-not-happen")
async def test_a_write_refused_with_429_is_tried_again():
    upstream = Upstream(says(429, headers={"Retry-After": "0"}), ok(USER))
    async with upstream.client() as clerk:
        assert await clerk.perform(BanUser(user_id="user_1")) == USER


@pytest.mark.promise("tries-end")
async def test_tries_end():
    upstream = Upstream(httpx2.ReadError("gone"))
    error = await failure(upstream, ListUsers())
    assert type(error) is ClerkUnavailable
    assert len(upstream.requests) == 4


@pytest.mark.promise("rate-limits-are-kept")
async def test_a_wait_that_is_too_long_is_not_waited_for_and_told():
    upstream = Upstream(says(429, headers={"Retry-After": "120"}))
    error = await failure(upstream, ListUsers(), retry_seconds=45)
    assert len(upstream.requests) == 1
    assert error.retry_after == 120
    assert "Wait 120 seconds" in str(error)


async def test_a_yes_that_cannot_be_read_is_not_taken_for_a_no():
    upstream = Upstream(lambda: httpx2.Response(200, content=b'{"id": "us'))
    error = await failure(upstream, BanUser(user_id="user_1"))
    assert type(error) is OutcomeUnknown
    assert "probably happened" in str(error)


@pytest.mark.parametrize(
    "body", [b"", b"<html>", b"[]", b'{"errors": "x"}', b'{"errors": [1]}', b'{"errors": []}']
)
async def test_an_error_without_clerks_envelope_is_still_one_of_ours(body):
    error = await failure(Upstream(lambda: httpx2.Response(404, content=body)), GetUser(user_id="user_1"))
    assert type(error) is NotFound


@pytest.mark.promise("the-key-is-nowhere")
@pytest.mark.parametrize(
    "answer",
    [
        says(401, message=f"{KEY} is no key."),
        says(500, message=KEY),
        says(422, code=KEY, headers={"x-clerk-trace-id": KEY}),
        httpx2.ReadTimeout("x"),
        httpx2.ConnectError("x"),
    ],
)
async def test_the_key_is_in_no_error(answer):
    error = await failure(Upstream(answer), BanUser(user_id="user_1"))
    chain = f"{error!r} {error} {error.__cause__!r} {error.as_dict()}"
    assert KEY not in chain
    assert error.__cause__ is None


async def test_unknown_fields_and_values_pass_through():
    value = {"id": "user_1", "status": "brand_new", "novel": {"deep": [1, None]}}
    async with Upstream(ok(value)).client() as clerk:
        assert await clerk.perform(GetUser(user_id="user_1")) == value


@pytest.mark.parametrize("path", ["/users/a/../b", "/users/"])
async def test_a_request_reaches_the_path_it_names(path):
    upstream = Upstream(ok({}))
    async with upstream.client() as clerk:
        await clerk.send(Request(Verb.GET, path))
    assert upstream.requests[0].url.path.startswith("/v1/")


class Shelf:
    """A list of things, newest first, to which one is added before every page but the first."""

    def __init__(self, count, wrapped):
        self.items = [{"id": f"x_{number:04}"} for number in range(count, 0, -1)]
        self.wrapped = wrapped
        self.asked = []

    async def __call__(self, action):
        if self.asked:
            self.items.insert(0, {"id": f"new_{len(self.asked)}"})
        self.asked.append(action.given("query"))
        start = action.offset or 0
        if getattr(action, "starting_after", None):
            ids = [item["id"] for item in self.items]
            start = ids.index(action.starting_after) + 1
        page = self.items[start : start + (action.limit or 10)]
        return {"data": page, "total_count": len(self.items)} if self.wrapped else page


@pytest.mark.parametrize(
    ("action", "wrapped"),
    [
        (ListUsers(limit=7), False),
        (ListOrganizations(limit=7), True),
        (ListUsers(limit=7, order_by="username"), False),
    ],
)
async def test_paging_gives_everything_once_although_items_are_added_meanwhile(action, wrapped):
    shelf = Shelf(50, wrapped)
    given = [item["id"] async for page in every_page(action, shelf) for item in page.items]
    assert len(given) == len(set(given))
    assert {f"x_{number:04}" for number in range(1, 51)} <= set(given)


async def test_users_are_paged_by_cursor_in_creation_order_only():
    by_cursor, by_offset = Shelf(20, wrapped=False), Shelf(20, wrapped=False)
    assert [page async for page in every_page(ListUsers(limit=10), by_cursor)]
    assert [page async for page in every_page(ListUsers(limit=10, order_by="username"), by_offset)]
    assert "starting_after" in by_cursor.asked[1]
    assert by_offset.asked[1]["offset"] == 10


@pytest.mark.parametrize("answer", [{}, {"data": None}, "text", None, [1], {"data": ["x"]}])
@pytest.mark.parametrize("action", [ListUsers(), GetDomain(domain_id="dmn_1")])
async def test_an_answer_that_is_no_list_is_an_error_of_ours(answer, action):
    async with Upstream(ok(answer)).client() as clerk:
        with pytest.raises(ClerkError, match="not a list"):
            page_of(await clerk.perform(action))


async def test_clients_that_share_connections_each_send_their_own_key_and_no_cookie_of_another():
    upstream = Upstream(httpx2.Response(200, json=USER, headers={"Set-Cookie": "lb=one; Path=/"}))
    shared = open_connections(transport=httpx2.MockTransport(upstream))
    keys = "sk_test_one", "sk_test_two"
    async with shared:
        for key in keys:
            async with Clerk("https://clerk.test", key, connections=shared) as clerk:
                await clerk.perform(GetUser(user_id="user_1"))
        # Each has closed itself, and what they share is still open for the next.
        async with Clerk("https://clerk.test", keys[0], connections=shared) as clerk:
            await clerk.perform(GetUser(user_id="user_1"))
            sent = Request(Verb.GET, "/users/user_1", key=OtherKey("machine_secret_key", "ak_other"))
            await clerk.send(sent)
            await clerk.perform(GetUser(user_id="user_1"))
    said = [request.headers["authorization"].removeprefix("Bearer ") for request in upstream.requests]
    assert said == [*keys, keys[0], "ak_other", keys[0]]
    assert not any("cookie" in request.headers for request in upstream.requests)
    assert shared.is_closed


class UsedUp:
    """A rate budget of which nothing is left for as long as anybody waits."""

    async def spend(self, request):
        del request
        await asyncio.Event().wait()


async def test_a_write_that_gets_no_turn_is_certainly_not_sent():
    upstream = Upstream(ok(USER))
    async with upstream.client(budget=UsedUp(), timeout=0.05, retry_seconds=0.05) as clerk:
        with pytest.raises(RateLimited, match=r"within 1 s\. Nothing was sent"):
            await clerk.perform(BanUser(user_id="user_1"))
    assert upstream.requests == []


async def test_no_try_of_a_write_begins_after_its_last_one():
    refused = says(429, headers={"Retry-After": "30"})
    upstream = Upstream(refused, ok(USER))
    async with upstream.client() as clerk:
        with pytest.raises(RateLimited, match="Nothing was sent"):
            await clerk.perform(BanUser(user_id="user_1"), last_try=time.monotonic())
        assert upstream.requests == []
        # What Clerk said is told, and nothing is waited for that would come too late.
        with pytest.raises(RateLimited) as told:
            await clerk.perform(BanUser(user_id="user_1"), last_try=time.monotonic() + 20)
        assert told.value.retry_after == 30
        assert len(upstream.requests) == 1
        assert await clerk.perform(GetUser(user_id="user_1"), last_try=time.monotonic()) == USER


async def test_how_long_a_write_may_be_under_way_follows_from_the_settings():
    for timeout, retry_seconds, seconds in ((30, 45, 135), (30, 0, 120), (600, 3600, 4260)):
        async with Upstream().client(timeout=timeout, retry_seconds=retry_seconds) as clerk:
            assert clerk.under_way_seconds == seconds
            assert clerk.last_try() <= time.monotonic() + seconds - timeout - 60
