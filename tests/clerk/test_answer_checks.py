"""What is believed of an answer, and how much of it is read."""

import asyncio
import gzip
import json
import tracemalloc
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import httpx2
import pytest
import stamina

from deskclerk.catalogue import (
    ACTIONS,
    BanUser,
    CreateUser,
    DeleteUser,
    GetDomain,
    GetOrgMembership,
    GetUser,
    ListOrganizations,
    ListUsers,
    UpdateUser,
)
from deskclerk.clerk.client import Clerk
from deskclerk.errors import ClerkError, ClerkUnavailable, OutcomeUnknown, RateLimited

pytestmark = pytest.mark.anyio
USER = {"object": "user", "id": "user_1"}
BAN, GET = BanUser(user_id="user_1"), GetUser(user_id="user_1")


@pytest.fixture(autouse=True)
def no_waiting():
    with stamina.set_testing(True, attempts=4, cap=True):
        yield


class Pieces(httpx2.AsyncByteStream):
    """A body that comes piece by piece, and then never ends where `stalls`."""

    def __init__(self, pieces, *, stalls=False):
        self.pieces, self.stalls = pieces, stalls
        self.given, self.closed = 0, False

    async def __aiter__(self):
        for piece in self.pieces:
            self.given += 1
            yield piece
        if self.stalls:
            await asyncio.Event().wait()

    async def aclose(self):
        self.closed = True


def answering(*answers, **options):
    """A client of a Clerk that gives these answers, the last of them for ever; the requests are kept."""
    left, asked = list(answers), []

    def answer(request):
        asked.append(request)
        found = left.pop(0) if len(left) > 1 else left[0]
        return found() if callable(found) else httpx2.Response(200, json=found)

    client = Clerk("https://clerk.test", "sk_test_x", transport=httpx2.MockTransport(answer), **options)
    client.asked = asked
    return client


async def refused(action, *answers, **options):
    async with answering(*answers, **options) as clerk:
        with pytest.raises(ClerkError) as caught:
            await clerk.perform(action)
    caught.value.requests = len(clerk.asked)
    return caught.value


NO_USER = [
    [],
    [USER],
    {},
    "done",
    7,
    None,
    {"object": "organization", "id": "org_1"},
    {"errors": [{"message": "no"}]},
    {"data": [USER], "total_count": 1},
]


@pytest.mark.promise("answers-are-checked")
@pytest.mark.parametrize("answer", NO_USER, ids=json.dumps)
@pytest.mark.parametrize(
    "action", [BAN, CreateUser(), DeleteUser(user_id="user_1")], ids=lambda it: it.spec.verb
)
async def test_a_write_is_believed_only_by_an_answer_of_its_own_kind(action, answer):
    error = await refused(action, answer)
    assert type(error) is OutcomeUnknown
    assert error.requests == 1
    assert "Read the target" in error.next_step


@pytest.mark.promise("answers-are-checked")
@pytest.mark.parametrize("answer", [[], "done", None, {"object": "organization"}], ids=json.dumps)
async def test_a_read_that_is_answered_with_something_else_is_an_error(answer):
    error = await refused(GET, answer)
    assert not isinstance(error, OutcomeUnknown)
    assert "CLERK_API_URL" in error.next_step


@pytest.mark.parametrize("status", [200, 204])
async def test_an_empty_answer_is_no_user(status):
    error = await refused(GET, lambda: httpx2.Response(status))
    assert "not one with object 'user'" in error.message
    assert type(await refused(BAN, lambda: httpx2.Response(status))) is OutcomeUnknown


@pytest.mark.promise("answers-are-checked")
@pytest.mark.parametrize("action", [ListUsers(), ListOrganizations(), GetDomain(domain_id="dmn_1")])
@pytest.mark.parametrize("answer", [{}, USER, [1], {"data": {}}, {"data": ["x"]}], ids=json.dumps)
async def test_a_list_is_believed_only_as_a_list_of_objects(action, answer):
    assert "not a list of objects" in (await refused(action, answer)).message


async def test_the_first_of_two_requests_has_to_be_answered_rightly_too():
    update = UpdateUser(user_id="user_1", first_name="Ada", public_metadata={"a": 1})
    error = await refused(update, [], USER)
    assert (type(error), error.requests) == (OutcomeUnknown, 1)


async def test_fields_and_values_that_nobody_knew_do_not_matter():
    answer = USER | {"novel": {"deep": [1, None]}, "banned": "perhaps"}
    async with answering(answer) as clerk:
        assert await clerk.perform(BAN) == answer


def test_every_action_knows_what_its_operation_answers():
    odd = {"allow-list entry": "allowlist_identifier", "block-list entry": "blocklist_identifier"}
    for action in ACTIONS:
        resource = action.spec.resource
        assert resource.object == odd.get(resource.one, resource.one.lower().replace(" ", "_"))
    assert GetOrgMembership.spec.in_list
    assert GetDomain.spec.in_list


LARGE = 2**20


@pytest.mark.promise("answers-are-bounded")
@pytest.mark.parametrize(("action", "kind"), [(GET, ClerkError), (BAN, OutcomeUnknown)])
@pytest.mark.parametrize("packed", [False, True])
async def test_an_answer_beyond_its_bound_is_left_and_the_connection_closed(action, kind, packed):
    if packed:  # a piece of 100 KB that unpacks to 100 MB
        pieces, headers = [gzip.compress(b" " * 100 * LARGE)] * 50, {"content-encoding": "gzip"}
    else:
        pieces, headers = [b" " * 65_536] * 5_000, {}
    body = Pieces(pieces)
    tracemalloc.start()
    try:
        error = await refused(
            action, lambda: httpx2.Response(200, stream=body, headers=headers), largest=LARGE
        )
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert type(error) is kind
    assert error.requests == 1
    assert body.closed
    assert body.given <= 20
    assert peak < 8 * LARGE
    assert "1,048,576 bytes" in error.message
    assert error.next_step


async def test_an_error_with_an_endless_page_is_told_by_its_status():
    body = Pieces([b"<p>" * 65_536] * 50)
    error = await refused(BAN, lambda: httpx2.Response(502, stream=body), largest=LARGE)
    assert (type(error), error.status) == (OutcomeUnknown, 502)


async def test_what_is_packed_within_the_bound_is_read():
    body = Pieces([gzip.compress(json.dumps(USER).encode())])
    async with answering(
        lambda: httpx2.Response(200, stream=body, headers={"content-encoding": "gzip"})
    ) as clerk:
        assert await clerk.perform(GET) == USER
    assert clerk.asked[0].headers["accept-encoding"] == "gzip"


@pytest.mark.parametrize("packed", [b"no gzip", gzip.compress(json.dumps(USER).encode(), mtime=0)[:-9]])
async def test_what_does_not_unpack_is_no_answer(packed):
    def answer():
        return httpx2.Response(200, stream=Pieces([packed]), headers={"content-encoding": "gzip"})

    assert type(await refused(BAN, answer)) is OutcomeUnknown
    assert type(await refused(GET, answer)) is ClerkUnavailable


@pytest.mark.promise("answers-are-bounded")
@pytest.mark.parametrize(("action", "kind"), [(GET, ClerkUnavailable), (BAN, OutcomeUnknown)])
async def test_an_answer_that_drips_is_waited_for_as_long_as_one_request_may_take(action, kind):
    def drips():
        return httpx2.Response(200, stream=Pieces([b"{"], stalls=True))

    error = await refused(action, drips, timeout=0.05, retry_seconds=0)
    assert type(error) is kind
    assert "answer within 0.05 s" in error.message


@pytest.mark.promise("answers-are-bounded")
@pytest.mark.parametrize(
    "text",
    ["[" * 100_000, '{"a":' * 300 + "1" + "}" * 300, '{"object": "user", "n": NaN}', '{"object": "user"'],
    ids=len,
)
async def test_json_that_no_program_should_read_is_no_answer(text):
    error = await refused(BAN, lambda: httpx2.Response(200, content=text.encode()))
    assert type(error) is OutcomeUnknown


@pytest.mark.promise("every-error-has-a-next-step")
@pytest.mark.parametrize(
    "where", ["https://evil.test/v1/users/user_1?secret=1", "/login", "", "//[", "x" * 5_000]
)
async def test_a_redirect_is_not_followed_and_says_what_the_address_should_be(where):
    error = await refused(BAN, lambda: httpx2.Response(307, headers={"location": where}))
    assert error.requests == 1
    assert "CLERK_API_URL" in error.next_step
    assert "not carried out" in error.next_step
    assert "secret" not in str(error)


@pytest.mark.promise("rate-limits-are-kept")
@pytest.mark.parametrize("form", ["seconds", "moment"])
async def test_a_wait_is_told_in_whichever_form_clerk_says_it(form):
    later = datetime.now(UTC) + timedelta(seconds=120)
    said = "120" if form == "seconds" else format_datetime(later, usegmt=True)
    error = await refused(BAN, lambda: httpx2.Response(429, headers={"retry-after": said}))
    assert type(error) is RateLimited
    assert error.requests == 1
    assert 118 <= error.retry_after <= 120
    assert "Wait 1" in error.next_step


@pytest.mark.parametrize("said", ["soon", "nan", "inf", "-5", "Fri, 99 Nov 2026 00:00:00 GMT"])
async def test_a_wait_that_is_none_is_not_believed(said):
    error = await refused(BAN, lambda: httpx2.Response(429, headers={"retry-after": said}))
    assert error.retry_after in (None, 0.0)


@pytest.mark.promise("every-error-has-a-next-step")
@pytest.mark.parametrize(
    "status", [300, 302, 400, 401, 402, 403, 404, 405, 409, 410, 418, 422, 429, 500, 501, 503]
)
@pytest.mark.parametrize("action", [GET, BAN])
async def test_every_error_has_a_next_step(action, status):
    assert (await refused(action, lambda: httpx2.Response(status), retry_seconds=0)).next_step
