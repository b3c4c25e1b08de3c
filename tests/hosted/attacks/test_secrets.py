"""Marked secrets are used in a visit, and looked for in all that is written down or shown of it."""

import base64
import io
import logging
import secrets
from urllib.parse import quote

import anyio
import pytest
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from pydantic import SecretStr
from sqlalchemy import make_url

from deskclerk.catalogue import ProposeBulk, UpdateUser
from deskclerk.desk import Caller, Decision, Signature
from deskclerk.hosted.operating.logs import JsonLines, secrets_in
from deskclerk.hosted.operating.tracing import Tracing
from deskclerk.hosted.workspaces.desks import Place
from tests.databases import server_programs
from tests.hosted.attacks.test_other_workspaces import served
from tests.hosted.attacks.test_statements import visit
from tests.hosted.attacks.world import world as two_customers
from tests.hosted.redis_server import running
from tests.hosted.vault.test_dump import forms

__all__ = ["served"]
pytestmark = pytest.mark.anyio
METRICS = "metrics-token-of-prometheus"


def found_in(text, secret):
    """The ways in which a secret stands in a text."""
    every = [*forms(secret.encode()), quote(secret, safe="").encode(), base64.b32encode(secret.encode())]
    return [form for form in every if form and form.lower() in text.lower()]


@pytest.fixture(scope="module")
def spans():
    return InMemorySpanExporter()


@pytest.fixture(scope="module")
def logs():
    """What is logged, as text and as lines of JSON, at the levels that a server has."""
    streams, root = (io.StringIO(), io.StringIO()), logging.getLogger()
    handlers = [logging.StreamHandler(stream) for stream in streams]
    handlers[0].setFormatter(logging.Formatter("%(levelname)s %(name)s: %(message)s"))
    talkers = [logging.getLogger(name) for name in ("deskclerk.requests", "deskclerk.retries")]
    before = [(logger, logger.level) for logger in (root, *talkers)]
    for handler in handlers:
        root.addHandler(handler)
    root.setLevel(logging.WARNING)
    for logger in talkers:
        logger.setLevel(logging.INFO)
    yield streams, handlers[1]
    for handler in handlers:
        root.removeHandler(handler)
    for logger, level in before:
        logger.setLevel(level)


@pytest.fixture(scope="module")
async def world(attacked_platform, anyio_backend, spans, logs):
    """Two customers, traced and logged, whose Redis has a password."""
    with pytest.MonkeyPatch.context() as patch, running(secrets.token_hex(12)) as redis:
        patch.setattr(Tracing, "of", classmethod(lambda cls, _: cls(SimpleSpanProcessor(spans))))
        more = {
            "redis": make_url(redis.url),
            "otlp_endpoint": "http://127.0.0.1:9",
            "metrics_token": SecretStr(METRICS),
        }
        async with two_customers(attacked_platform, **more) as found:
            found.redis_password = redis.password
            logs[1].setFormatter(JsonLines(tuple(secrets_in(found.settings))))
            yield found


async def used(world, customer, plain):
    """Passwords in a write and in a job's items, secrets by name, and what goes wrong with them at hand."""
    record = await world.parts.workspaces.load(customer.id)
    caller = Caller("mcp", "client", customer.agent.name, customer.owner.id)
    signer = Caller("console", client=customer.owner.label, person=customer.owner.id)
    yes = Signature(Decision.APPROVED, "console")
    named = f"secret:{customer.secret}"
    async with world.desks.use(Place.of(record, customer.instance)) as desk:
        action = UpdateUser(user_id=customer.users[3], password=named)
        await desk.sign((await desk.propose(action, caller)).id, yes, caller=signer)
        await desk.perform(action, caller=caller)
        job = ProposeBulk(action="clerk_user_update", targets=customer.users[:2], values={"password": named})
        await desk.sign((await desk.propose(job, caller)).id, yes, caller=signer)
    for arguments in (
        {"user_id": customer.users[4], "password": plain},
        {"user_id": "user_nobody", "password": plain},
        {"user_id": customer.users[4], "password": [plain]},
        {"user_id": customer.users[4], "pasword": plain},
        {"action": "clerk_user_update", "values": {"password": plain}},
    ):
        name = "clerk_bulk_propose" if "action" in arguments else "clerk_user_update"
        for token in (customer.token, customer.oauth):
            await world.mcp(token, "tools/call", {"name": name, "arguments": arguments})
    browser = customer.people["owner"].browser
    page = f"{customer.console}/secrets"
    await browser.post(page, {"name": "no name!", "value": plain})
    await browser.post(f"{customer.home}/instances", {"name": "NO NAME", "secret_key": customer.clerk_key})
    await browser.post(f"{customer.home}/instances", {"name": "n", "secret_key": plain})
    await browser.post(f"{customer.console}/actions/clerk_user_update", {"user_id": "x", "password": plain})
    for token in (customer.token[:-1], customer.oauth[:-1], plain):
        await world.mcp(token, "tools/list", {})
    await world.http.get(f"/sign-in/callback?code={plain}&state={plain}")
    await world.http.get("/nowhere", headers={"cookie": f"deskclerk={plain}"})


@pytest.mark.promise("secrets-are-written-down-nowhere")
async def test_no_secret_stands_in_a_dump_a_log_a_metric_a_trace_or_a_page(world, served, spans, logs):
    customers = (world.acme, world.bolt)
    plain = f"Plain-{secrets.token_hex(8)}!"
    for customer in customers:
        await used(world, customer, plain)
    await visit(world, served, world.acme)
    shown = await world.acme.people["owner"].browser.post(
        f"{world.acme.console}/secrets/hand-over", {"id": world.acme.handover}
    )
    assert world.acme.once in shown.text
    metrics = await world.http.get("/metrics", headers={"authorization": f"Bearer {METRICS}"})
    assert "deskclerk_calls_total" in metrics.text
    marks = {
        "password": plain,
        "redis": world.redis_password,
        "database": world.database_password,
        "vault key": world.here.vault_key,
        "client secret": world.here.client_secret,
        "metrics token": METRICS,
    }
    for customer in customers:
        marks |= {
            f"{name} of {customer.slug}": value
            for name, value in {
                "key": customer.clerk_key,
                "token": customer.token,
                "access token": customer.oauth,
                "invitation": customer.link,
                "once": customer.once,
                "named": customer.secret_value,
                "hook": customer.hook,
                "hook's secret": customer.hook_secret,
                **{f"cookie of {role}": one.browser.cookie for role, one in customer.people.items()},
            }.items()
        }
    url = world.settings.database.get_secret_value()
    dump = (await anyio.run_process([server_programs() / "pg_dump", url])).stdout
    pages = b"\n".join(said for path, said in world.app.answers if not path.endswith("/hand-over"))
    places = {
        "dump": dump,
        "text log": logs[0][0].getvalue().encode(),
        "json log": logs[0][1].getvalue().encode(),
        "metrics": metrics.content,
        "traces": "\n".join(span.to_json() for span in spans.get_finished_spans()).encode(),
        "pages": pages,
    }
    # It is what it is taken for: each holds what it may.
    for place, word in {
        "dump": world.bolt.word,
        "text log": "deskclerk",
        "json log": "request_id",
        "traces": "deskclerk.action",
        "pages": world.acme.word,
    }.items():
        assert word.encode() in places[place], place
    hits = [
        (place, name)
        for place, text in places.items()
        for name, secret in marks.items()
        if found_in(text, secret)
    ]
    assert hits == []


async def test_the_search_finds_a_secret_in_each_form():
    secret = "a/b+c?d=secret-mark"
    for text in (
        secret.encode(),
        secret.encode().hex().encode(),
        base64.b64encode(b"xy" + secret.encode() + b"z"),
        base64.urlsafe_b64encode(b"x" + secret.encode()),
        quote(secret, safe="").encode(),
        base64.b32encode(secret.encode()),
    ):
        assert found_in(b"before " + text + b" behind", secret), text
