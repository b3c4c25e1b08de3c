"""Every webhook that the sandbox's routes cause, against Clerk's document of webhooks."""

import asyncio
import json

import pytest
from sqlalchemy import select

from deskclerk.sandbox import open_sandbox
from deskclerk.sandbox.store.tables import outbox
from tests.contract import openapi
from tests.contract.journeys import JOURNEYS
from tests.contract.schemas import Schemas
from tests.contract.visit import visited

INDEX = openapi.read("webhooks-2025-04-15.json")
SCHEMAS = Schemas(INDEX["schemas"])

NEVER = {
    "email.created": "no e-mail is sent",
    "sms.created": "no text message is sent",
    "session.pending": "sessions of the sandbox wait for no task",
    "session.ended": "signing out is the browser's API, which is not served",
    "session.removed": "signing out is the browser's API, which is not served",
    "organizationInvitation.accepted": "accepting is the browser's API, which is not served",
    **{
        kind: "everybody stays on the free plan, and nothing is paid"
        for kind in INDEX["events"]
        if kind.startswith(("paymentAttempt.", "subscription.", "subscriptionItem."))
    },
}
"""Events of the document that no served route causes, and why."""

LEDGER: dict[str, str] = {}
"""How payloads differ from the document, and why. Exact: none more, none less."""


@pytest.fixture(scope="module")
def messages(tmp_path_factory):
    """The payloads of everything that the journeys through the sandbox told."""
    location = tmp_path_factory.mktemp("sandbox") / "sandbox.db"

    async def told():
        await visited(location, *JOURNEYS)
        async with open_sandbox(location) as sandbox, sandbox.store.transaction(reads=True) as connection:
            query = select(outbox.c.payload).order_by(outbox.c.position)
            return [json.loads(text) for text in (await connection.execute(query)).scalars()]

    return asyncio.run(told())


def test_every_payload_is_as_the_document_has_it(messages):
    found = {
        f"{message['type']}: {problem}"
        for message in messages
        for problem in [
            *SCHEMAS.problems({"ref": "WebhookEventPayload"}, envelope(message)),
            *SCHEMAS.problems(INDEX["events"][message["type"]], message["data"]),
        ]
    }
    assert found == LEDGER.keys()


def envelope(message):
    """The message without its data, which has a schema of its own."""
    return {key: value for key, value in message.items() if key != "data"}


def test_every_event_of_the_document_is_caused_or_known_not_to_be(messages):
    seen = {message["type"] for message in messages}
    assert seen & NEVER.keys() == set()
    assert INDEX["events"].keys() - seen == NEVER.keys()
