"""The fixtures for tests, over a real port: controls, isolation, faults, time, rate limits."""

import json
import threading
import time
import urllib.error
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import httpx2
import pytest
from svix.webhooks import Webhook, WebhookVerificationError

from deskclerk.errors import InvalidRequest
from deskclerk.testing import sandbox_server

SECONDS = 20
SEED = """\
users:
  - id: user_ada
    email_address: [ada@example.com]
    password: a long and unusual passphrase
    created_at: 2025-01-01
organizations:
  - {id: org_acme, name: Acme, created_by: user_ada}
invitations:
  - {id: inv_bob, email_address: bob@example.com, expires_in_days: 3}
jwt_templates:
  - {id: jtmp_api, name: api, claims: {role: admin}}
allowlist_identifiers:
  - {id: alid_all, identifier: "*@example.com"}
oauth_applications:
  - {id: oa_portal, name: Portal, redirect_uris: ["http://localhost/cb"]}
domains:
  - {id: dmn_shop, name: shop.example.com, is_satellite: true}
"""


@pytest.fixture
def api(clerk_sandbox):
    headers = {"authorization": f"Bearer {clerk_sandbox.secret_key}", "clerk-api-version": "2026-05-12"}
    with httpx2.Client(base_url=clerk_sandbox.api_url, headers=headers) as client:
        yield client


def refused(answer):
    return answer.status_code, answer.json()["errors"][0]["code"]


@pytest.mark.promise("sandbox-controls")
def test_a_seed_file_makes_everything_under_its_pinned_ids(clerk_sandbox, api):
    assert clerk_sandbox.seed(SEED)["seeded"]["users"] == 1
    for path in ("users/user_ada", "organizations/org_acme", "jwt_templates/jtmp_api"):
        assert api.get(f"/{path}").json()["id"] == path.partition("/")[2]
    assert api.get("/organizations/org_acme/memberships").json()["data"][0]["role"] == "org:admin"
    assert [item["id"] for item in api.get("/invitations").json()] == ["inv_bob"]
    assert clerk_sandbox.outbox.list() == []


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("users:\n  - frist_name: Ada", "seed:2: users[0].frist_name"),
        ("people: []", "seed:1: people"),
        ("users:\n  - username: a\n    username: b", "seed:3: users[0].username"),
        ("users:\n  - id: org_1", "seed:2: users[0].id"),
        ("memberships:\n  - role: org:admin", "seed:2: memberships[0]: organization_id is needed"),
        ("users:\n  - username: ada_l\n  - username: ada_l", "seed:3: users[1]"),
        ("users: 3", "seed:1: users"),
        ("users: [", "seed is not YAML"),
    ],
)
def test_what_is_wrong_in_a_seed_is_named_with_its_place_and_nothing_is_put_in(
    clerk_sandbox, api, text, place
):
    with pytest.raises(InvalidRequest) as caught:
        clerk_sandbox.seed(text)
    assert caught.value.message.startswith(place)
    assert api.get("/users").json() == []


@pytest.mark.promise("sandbox-controls")
def test_an_invitation_expires_by_the_sandboxs_clock(clerk_sandbox, api):
    clerk_sandbox.clock.freeze("2030-01-01")
    clerk_sandbox.seed(SEED)
    assert api.get("/invitations").json()[0]["status"] == "pending"
    clerk_sandbox.clock.advance("3d")
    assert api.get("/invitations").json()[0]["status"] == "expired"
    assert str(clerk_sandbox.clock) == "2030-01-04T00:00:00.000Z"
    clerk_sandbox.clock.release()
    clerk_sandbox.clock.set("2029-12-31T23:00:00Z")
    assert api.get("/invitations").json()[0]["status"] == "pending"


@pytest.mark.promise("sandbox-controls")
def test_a_fault_is_met_by_so_many_requests_to_its_path(clerk_sandbox, api):
    clerk_sandbox.faults.add("GET", "/users/{user_id}", status=503, retry_after=7, count=2)
    for _ in range(2):
        answer = api.get("/users/user_1")
        assert refused(answer) == (503, "service_unavailable")
        assert answer.headers["retry-after"] == "7"
        assert answer.headers["content-type"] == "application/json"
    assert refused(api.get("/users/user_1")) == (404, "resource_not_found")
    assert api.get("/users").status_code == 200
    assert [item["hits"] for item in clerk_sandbox.faults.list()] == [2]


def test_a_fault_may_tell_to_try_again_at_once(clerk_sandbox, api):
    assert clerk_sandbox.faults.add("GET", status=429, retry_after=0)["retry_after"] == 0
    assert api.get("/users").headers["retry-after"] == "0"


@pytest.mark.parametrize(
    ("control", "given"),
    [
        ("set", {"to": -(10**14)}),
        ("set", {"to": "2014-05-13T16:53:19Z"}),
        ("freeze", {"at": "2150-06-20"}),
        ("advance", {"by": "7000w"}),
    ],
)
def test_the_clock_takes_no_time_at_which_nothing_could_be_made(clerk_sandbox, api, control, given):
    with pytest.raises(InvalidRequest, match=r"time is within 2014-05-13T16:53:20\.000Z and 2150"):
        clerk_sandbox.control(f"clock.{control}", **given)
    assert clerk_sandbox.control("clock")["ahead"] == 0
    assert api.post("/users", json={"username": "adam_"}).status_code == 200


def test_a_dropped_connection_carries_nothing_out_and_half_an_answer_does(clerk_sandbox, api):
    clerk_sandbox.faults.add("POST", "/users", drop=True, count=1)
    clerk_sandbox.faults.add("POST", "/users", truncate=True, count=1)
    for username in ("dropped", "truncated"):
        with pytest.raises(httpx2.TransportError):
            api.post("/users", json={"username": username})
    assert [user["username"] for user in api.get("/users").json()] == ["truncated"]


def test_a_delay_comes_before_the_answer(clerk_sandbox, api):
    clerk_sandbox.faults.add("*", "*", delay=30, count=1)
    with pytest.raises(httpx2.ReadTimeout):
        api.get("/users", timeout=0.2)
    clerk_sandbox.faults.clear()
    assert api.get("/users").status_code == 200


@pytest.mark.promise("sandbox-controls")
def test_rate_limits_are_those_of_the_instances_kind_and_end_by_the_clock(clerk_sandbox, api):
    clerk_sandbox.clock.freeze()
    clerk_sandbox.limits("test")
    assert {api.get("/sessions").status_code for _ in range(100)} == {200}
    answer = api.get("/sessions")
    assert refused(answer) == (429, "too_many_requests")
    assert answer.headers["retry-after"] == "10"
    clerk_sandbox.clock.advance(10)
    assert api.get("/sessions").status_code == 200
    clerk_sandbox.limits("off")


def test_one_object_takes_ten_changes_in_ten_seconds(clerk_sandbox, api):
    clerk_sandbox.clock.freeze()
    clerk_sandbox.seed(SEED)
    clerk_sandbox.limits("live")
    for _ in range(5):
        assert api.patch("/users/user_ada", json={"first_name": "Ada"}).status_code == 200
        assert api.patch("/users/user_ada/metadata", json={"public_metadata": {}}).status_code == 200
    assert refused(api.patch("/users/user_ada", json={})) == (429, "too_many_requests")
    assert api.get("/users/user_ada").status_code == 200


def test_a_live_instance_says_so_and_creates_no_sessions(clerk_sandbox, api):
    live = clerk_sandbox.instances.add("production", kind="live")
    as_live = {"authorization": f"Bearer {live['secret_key']}"}
    assert api.get("/instance").json()["environment_type"] == "development"
    assert api.get("/instance", headers=as_live).json()["environment_type"] == "production"
    user = api.post("/users", json={"username": "adam"}, headers=as_live).json()
    answer = api.post("/sessions", json={"user_id": user["id"]}, headers=as_live)
    assert refused(answer) == (400, "request_invalid_for_environment")


@pytest.mark.promise("sandbox-controls")
def test_instances_share_nothing_and_a_test_one_has_clerks_quota(clerk_sandbox, api):
    other = clerk_sandbox.instances.add("second", user_quota=1)
    live = clerk_sandbox.instances.add("third", kind="live")
    assert live["user_quota"] is None
    assert live["secret_key"].startswith("sk_live_")
    assert clerk_sandbox.instances.add("fourth")["user_quota"] == 100
    as_other = {"authorization": f"Bearer {other['secret_key']}"}
    user = api.post("/users", json={"username": "mine_1"}).json()
    assert refused(api.get(f"/users/{user['id']}", headers=as_other)) == (404, "resource_not_found")
    assert api.post("/users", json={"username": "mine_1"}, headers=as_other).status_code == 200
    refusal = refused(api.post("/users", json={"username": "mine_2"}, headers=as_other))
    assert refusal == (403, "user_quota_exceeded")
    clerk_sandbox.instances.remove("second")
    assert refused(api.get("/users", headers=as_other)) == (401, "clerk_key_invalid")


@pytest.mark.promise("sandbox-controls")
def test_a_snapshot_restores_everything_and_a_reset_leaves_nothing(clerk_sandbox, api):
    clerk_sandbox.seed(SEED)
    before, content = api.get("/users").json(), clerk_sandbox.snapshot()
    clerk_sandbox.reset()
    assert api.get("/users").json() == []
    clerk_sandbox.restore(content)
    assert api.get("/users").json() == before
    with pytest.raises(InvalidRequest, match="not a snapshot"):
        clerk_sandbox.restore(content[:-20])
    assert api.get("/users").json() == before
    clerk_sandbox.reset(company=True)
    assert api.get("/users/count").json()["total_count"] == 100


def test_two_sandboxes_of_a_test_know_nothing_of_each_other(clerk_sandbox, clerk_sandbox_session, api):
    api.post("/users", json={"username": "only_here"})
    headers = {"authorization": f"Bearer {clerk_sandbox_session.secret_key}"}
    assert (
        httpx2.get(f"{clerk_sandbox_session.api_url}/users/count", headers=headers).json()["total_count"] == 0
    )


class Receiver(BaseHTTPRequestHandler):
    """Takes webhooks; answers with the next of the server's statuses, 200 after them."""

    def do_POST(self):
        body = self.rfile.read(int(self.headers["content-length"]))
        self.server.received.append((dict(self.headers.items()), body))
        self.send_response(self.server.statuses.pop(0) if self.server.statuses else 200)
        self.send_header("content-length", "0")
        self.end_headers()
        self.server.arrived.release()

    def log_message(self, *_):
        pass


@pytest.fixture
def receiver():
    with ThreadingHTTPServer(("127.0.0.1", 0), Receiver) as server:
        server.received, server.statuses, server.arrived = [], [], threading.Semaphore(0)
        server.url = f"http://127.0.0.1:{server.server_port}/hook"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def created(sandbox):
    """A user, made through the API."""
    headers = {"authorization": f"Bearer {sandbox.secret_key}", "user-agent": "somebody"}
    body = {"email_address": ["ada@example.com"]}
    answer = httpx2.post(f"{sandbox.api_url}/users", json=body, headers=headers)
    assert answer.status_code == 200
    return answer.json()


def delivery_of(sandbox, status, attempts=1):
    """The delivery of the newest message, once it has this status after so many attempts."""
    ends = time.monotonic() + SECONDS
    while time.monotonic() < ends:
        (delivery,) = sandbox.outbox.list()[0]["deliveries"]
        if (delivery["status"], delivery["attempts"]) == (status, attempts):
            return delivery
    raise AssertionError(delivery)


@pytest.mark.promise("sandbox-signatures")
def test_a_webhook_arrives_signed_as_svix_signs(clerk_sandbox, receiver):
    endpoint = clerk_sandbox.webhooks.add(receiver.url, ["user.*"])
    clerk_sandbox.webhooks.add(receiver.url, ["organization.created"])
    clerk_sandbox.clock.set("2031-01-01")
    user = created(clerk_sandbox)
    assert receiver.arrived.acquire(timeout=SECONDS)
    headers, body = receiver.received[0]
    Webhook(endpoint["secret"]).verify(body, {key.lower(): text for key, text in headers.items()})
    event = json.loads(body)
    assert event["type"] == "user.created"
    assert event["data"] == user
    assert event["instance_id"].startswith("ins_")
    assert event["object"] == "event"
    assert event["event_attributes"] == {"http_request": {"client_ip": "127.0.0.1", "user_agent": "somebody"}}
    assert 0 <= clerk_sandbox.clock.now() - event["timestamp"] < 60_000
    with pytest.raises(WebhookVerificationError):
        Webhook(endpoint["secret"]).verify(body + b" ", {key.lower(): text for key, text in headers.items()})
    assert delivery_of(clerk_sandbox, "delivered")["response_status"] == 200
    assert len(receiver.received) == 1


def test_a_refused_webhook_is_sent_again_when_its_time_has_come(clerk_sandbox, receiver):
    receiver.statuses = [500, 301]
    clerk_sandbox.webhooks.add(receiver.url)
    clerk_sandbox.clock.freeze()
    created(clerk_sandbox)
    assert receiver.arrived.acquire(timeout=SECONDS)
    waiting = delivery_of(clerk_sandbox, "pending")
    assert waiting["due_at"] - clerk_sandbox.clock.now() == 5000
    clerk_sandbox.clock.advance("5s")
    assert receiver.arrived.acquire(timeout=SECONDS)
    delivery_of(clerk_sandbox, "pending", attempts=2)
    clerk_sandbox.clock.advance("5m")
    assert receiver.arrived.acquire(timeout=SECONDS)
    delivery_of(clerk_sandbox, "delivered", attempts=3)
    assert len({headers["svix-id"] for headers, _ in receiver.received}) == 1
    clerk_sandbox.outbox.replay(clerk_sandbox.outbox.list()[0]["id"])
    assert receiver.arrived.acquire(timeout=SECONDS)
    assert receiver.received[-1][1] == receiver.received[0][1]


def test_a_webhook_that_no_sandbox_delivered_goes_out_after_a_restart(tmp_path, receiver):
    with sandbox_server(tmp_path / "sandbox.db") as first:
        first.clock.freeze()
        receiver.statuses = [500]
        first.webhooks.add(receiver.url)
        created(first)
        assert receiver.arrived.acquire(timeout=SECONDS)
        delivery_of(first, "pending")
        first.clock.advance("4s")
    with sandbox_server(tmp_path / "sandbox.db") as second:
        second.clock.advance("1s")
        assert receiver.arrived.acquire(timeout=SECONDS)
        delivery_of(second, "delivered", attempts=2)


def test_a_control_refuses_what_it_does_not_know(clerk_sandbox):
    for name, given in (
        ("faults.add", {"status": 500, "colour": "red"}),
        ("faults.add", {"status": 500, "drop": True}),
        ("faults.add", {}),
        ("clock.advance", {"by": "soon"}),
        ("instances.add", {"kind": "live", "secret_key": "sk_test_abcdef"}),
        ("instances.remove", {"instance": "sandbox"}),
        ("webhooks.add", {"url": "https://example.com/hook"}),
        ("webhooks.add", {"url": "http://localhost.example.com/hook"}),
        ("webhooks.add", {"url": "http://127.0.0.1@example.com/hook"}),
        ("webhooks.add", {"url": "http://localhost/", "secret": "whsec_!"}),
    ):
        with pytest.raises(InvalidRequest):
            clerk_sandbox.control(name, **given)


def ask(url, **headers):
    request = urllib.request.Request(url, headers=headers)
    try:
        with urllib.request.urlopen(request) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as error:
        return error.code, json.load(error)


def test_a_page_in_a_browser_reaches_no_control(clerk_sandbox):
    url = f"{clerk_sandbox.url}/sandbox/instances"
    assert ask(url)[0] == 200
    assert ask(url, Host="evil.example:80")[0] == 403
    assert ask(url, Origin="http://evil.example")[0] == 403
    assert ask(url, Origin="null")[0] == 403
    assert ask(url, **{"Sec-Fetch-Site": "cross-site"})[0] == 403
    assert ask(f"{clerk_sandbox.url}/v1/sandbox/instances")[0] == 401
    assert ask(f"{clerk_sandbox.url}/sandbox/nothing")[0] == 404


def test_a_body_that_a_form_could_send_is_refused(clerk_sandbox):
    url = f"{clerk_sandbox.url}/sandbox/reset"
    answer = httpx2.post(url, content=b"{}", headers={"content-type": "text/plain"})
    assert answer.status_code == 400
    assert httpx2.post(url, json={"every": "thing"}).json()["problems"][0]["argument"] == "every"
    assert httpx2.post(url, json={}).status_code == 200
