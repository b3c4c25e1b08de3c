"""The attack corpus goes through every read and every preview, and comes out as inert data.

The Clerk here answers every read with the payload in every field that somebody else could have written.
"""

import functools
import io
import json
import re
import sys
import unicodedata

import httpx2
import jsonschema
import pytest
from mcp import Client

from deskclerk.catalogue import ACTIONS, READ
from deskclerk.clerk.client import Clerk
from deskclerk.desk import Answer, Desk
from deskclerk.desk.view.cleaning import clean
from deskclerk.errors import DeskclerkError
from deskclerk.faces.cli import output
from deskclerk.faces.cli.state import State
from deskclerk.faces.mcp.server import build
from deskclerk.sandbox import open_sandbox
from deskclerk.settings import Settings
from tests.faces.mcp.conftest import ERAS, Dialogue, least
from tests.journeys.attack_corpus import PAYLOADS, metadata

pytestmark = pytest.mark.anyio
READS = [action for action in ACTIONS if action.spec.effect is READ]
OURS = re.compile(r"\x1b\[[0-9;]*m")
TEXTS = (
    *("first_name", "last_name", "username", "external_id", "name", "slug", "identifier", "email_address"),
    *("locale", "role", "status", "url", "public_organization_data", "browser_name", "city", "scopes"),
)


def thing(text):
    """One of everything, with the text wherever an end user or a third party writes."""
    free = metadata(text)
    data = {"user_id": "user_x_1", "first_name": text, "identifier": text}
    mail = {"id": "idn_1", "email_address": text, "verification": {"status": text}}
    return dict.fromkeys(TEXTS, text) | {
        "id": "x_1",
        "email_addresses": [mail],
        "phone_numbers": [{"phone_number": text}],
        "public_metadata": free,
        "private_metadata": free,
        "unsafe_metadata": free,
        "claims": free,
        "redirect_uris": [text],
        "public_user_data": data,
        "organization": {"id": "org_1", "name": text, "slug": text, "public_metadata": free},
        "latest_activity": {"browser_name": text, "city": text},
        "created_at": 1_767_225_600_000,
    }


def answering(text, refuses=False):
    """A Clerk that answers every read with the text; `refuses`: that says it in its errors."""
    one = thing(text)

    async def answer(asked):
        if refuses:
            error = {"message": text, "long_message": text, "code": text, "meta": {"param_name": text}}
            headers = {"x-clerk-trace-id": "trace"}
            return httpx2.Response(422, content=json.dumps({"errors": [error]}), headers=headers)
        shape = one if asked.url.path.endswith("x_1") else {"data": [one, one], "total_count": 2}
        return httpx2.Response(200, content=json.dumps(shape))

    return httpx2.MockTransport(answer)


@functools.cache
def hidden_in(text):
    """What is not a letter, sign or line that a person can see; an emoji's own joiners are."""
    seen = re.sub("(?<=[\u2190-\u2bff\U0001f000-\U0001faff])[\ufe0f\u200d]", "", text)
    return [
        hex(ord(letter))
        for letter in seen
        if (unicodedata.category(letter) in ("Cc", "Cf", "Cs", "Zl", "Zp") and letter not in "\n\t")
        or 0xFE00 <= ord(letter) <= 0xFE0F
        or 0xE0000 <= ord(letter) <= 0xE0FFF
    ]


def texts_in(value):
    """Every string of a JSON value, keys too."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        yield from value
        for item in value.values():
            yield from texts_in(item)
    elif isinstance(value, list):
        for item in value:
            yield from texts_in(item)


def assert_inert(value):
    for text in texts_in(value):
        assert hidden_in(text) == []
        assert len(text) < 2_100
        assert "eyJ.made.up" not in text


def open_desk(tmp_path, transport):
    clerk = Clerk("https://clerk.test", "sk_test_x", transport=transport)
    return Desk(Settings(home=tmp_path / "home", secret_key="sk_test_x", approval_wait=0), clerk=clerk)


def turns(parity=None):
    """Every payload with every read: by turns in the read's brief form and with all that there is.

    `parity` takes every other payload: what comes before a face is the same for its eras and forms.
    """
    for row, payload in enumerate(PAYLOADS.values()):
        if parity in (None, row % 2):
            forms = [{}, {"fields": ["*"]}]
            yield (
                payload,
                [(action, least(action) | forms[(row // 2 + n) % 2]) for n, action in enumerate(READS)],
            )


@pytest.mark.promise("inert")
@pytest.mark.parametrize("era", list(ERAS))
async def test_every_read_over_mcp_is_inert_and_fits_its_schema(era, tmp_path):
    for payload, reads in turns(list(ERAS).index(era)):
        async with (
            open_desk(tmp_path, answering(payload)) as desk,
            Client(build(desk), mode=ERAS[era]) as client,
        ):
            tools = {tool.name: tool for tool in (await client.list_tools()).tools}
            for action, arguments in reads:
                result = await client.call_tool(action.spec.name, arguments)
                assert not result.is_error, result.content[0].text
                assert_inert(result.structured_content)
                assert json.loads(result.content[0].text) == result.structured_content
                assert all(hidden_in(block.text) == [] for block in result.content)
                jsonschema.validate(result.structured_content, tools[action.spec.name].output_schema)


async def test_what_clerk_says_in_an_error_is_inert_too(tmp_path):
    for payload in PAYLOADS.values():
        async with (
            open_desk(tmp_path, answering(payload, refuses=True)) as desk,
            Client(build(desk)) as client,
        ):
            result = await client.call_tool("clerk_user_get", {"user_id": "user_x_1"})
            assert result.is_error
            assert_inert([block.text for block in result.content])
            assert_inert(json.loads(json.dumps(result.meta)))


class Screen(io.StringIO):
    def isatty(self):
        return True


@pytest.mark.parametrize("as_json", [False, True], ids=["table", "json"])
async def test_every_read_on_the_command_line_is_inert(as_json, tmp_path, monkeypatch):
    monkeypatch.setenv("TERM", "xterm-256color")
    for payload, reads in turns(1 if as_json else None):
        async with open_desk(tmp_path, answering(payload)) as desk:
            for action, arguments in reads:
                asked = action.parse(arguments)
                answer = await desk.perform(asked)
                shown = drawn(asked, answer, as_json=as_json, monkeypatch=monkeypatch)
                assert hidden_in(OURS.sub("", shown)) == []
                if as_json:
                    assert [json.loads(line) for line in shown.splitlines()]


def drawn(action, answer: Answer, *, as_json, monkeypatch):
    """What a person sees of an answer on a terminal with colours."""
    screen = Screen()
    with monkeypatch.context() as streams:
        streams.setattr(sys, "stdout", screen)
        streams.setattr(sys, "stderr", screen if not as_json else Screen())
        output.show_answer(State(as_json=as_json), action, Answer(answer.value))
    return screen.getvalue()


@pytest.mark.promise("inert")
async def test_no_payload_adds_a_line_to_a_preview(tmp_path):
    action = next(item for item in ACTIONS if item.spec.name == "clerk_user_update")
    for name, payload in PAYLOADS.items():
        if name == "lone surrogate" or "\0" in payload:  # an asker's own is refused before a plan is made
            continue
        lines = set()
        for text in ("plain", payload):
            async with open_desk(tmp_path / name, answering(text)) as desk:
                plan = await desk.propose(
                    action.parse({"user_id": "user_x_1", "first_name": "new", "last_name": text})
                )
            assert hidden_in(plan.text()) == []
            lines.add(len(plan.text().splitlines()) - (text == "plain"))
        # `last_name` is no change where it is already what it would become; "plain" has one line less.
        assert max(lines) - min(lines) <= 1


async def test_the_dialogue_shows_no_payload_as_a_line_of_its_own(tmp_path):
    dialogue = Dialogue(action="decline")
    async with (
        open_desk(tmp_path, answering(PAYLOADS["lines"])) as desk,
        Client(build(desk), elicitation_callback=dialogue) as client,
    ):
        await client.call_tool("clerk_user_ban", {"user_id": "user_x_1"})
    (asked,) = dialogue.asked
    assert "\nTarget: nobody" not in asked.message
    assert hidden_in(asked.message) == []


async def test_what_the_sandbox_accepts_comes_back_inert(tmp_path):
    home = tmp_path / "home"
    async with open_sandbox(home / "sandbox.db", seed=False) as sandbox:
        headers = {"authorization": f"Bearer {sandbox.key}"}
        transport = httpx2.ASGITransport(app=sandbox.app)
        async with httpx2.AsyncClient(transport=transport, base_url="http://x/v1", headers=headers) as http:
            taken = [
                (await http.post("/users", json=user(payload))).status_code == 200
                for payload in PAYLOADS.values()
                if "\ud800" not in payload
            ]
    assert sum(taken) >= len(PAYLOADS) // 2
    async with Desk(Settings(home=home)) as desk:
        found = await desk.perform(
            next(a for a in READS if a.spec.name == "clerk_users_list").parse({"limit": 100})
        )
    assert len(found.value["items"]) == sum(taken)
    assert_inert(found.value)


def user(payload):
    facts = {"first_name": payload[:200], "public_metadata": {payload[:200]: [payload[:500]]}}
    return facts | {"skip_password_requirement": True, "skip_user_requirement": True}


def test_the_corpus_is_caught_where_nothing_cleans_it():
    """The proof of all the others: raw, most payloads are seen as what they are."""
    assert len([name for name, text in PAYLOADS.items() if hidden_in(text)]) >= 9
    assert all(
        hidden_in(text) == [] for payload in PAYLOADS.values() for text in texts_in(clean(metadata(payload)))
    )


async def test_a_write_with_half_a_character_is_refused_and_not_repeated(tmp_path):
    action = next(item for item in ACTIONS if item.spec.name == "clerk_user_create")
    async with open_desk(tmp_path, answering("x")) as desk:
        clerk = await desk._open_clerk()
        with pytest.raises(DeskclerkError, match="not JSON in UTF-8") as caught:
            await clerk.perform(action.parse({"public_metadata": {"x": "made-up\ud800"}}))
    assert caught.value.__context__ is None
