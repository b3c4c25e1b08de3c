from types import SimpleNamespace

import anyio
import mcp_types as types
import pytest

from deskclerk.desk import Decision
from deskclerk.faces.mcp.elicitation import over_connection
from tests.faces.mcp.conftest import WRITES, Dialogue, least, said

pytestmark = pytest.mark.anyio
BAN = ("clerk_user_ban", {"user_id": "user_x_1"})
DELETE = ("clerk_user_delete", {"user_id": "user_x_1"})


@pytest.mark.promise("nobody-there-nothing-happens")
async def test_a_client_without_a_dialogue_cannot_write_at_all(connect, upstream):
    assert len(WRITES) == 30
    async with connect() as client:
        for action in WRITES:
            result = await client.call_tool(action.spec.name, least(action))
            assert "a person has to confirm this" in said(result), action.spec.name
    assert upstream.writes == []


@pytest.mark.promise("a-person-signs")
async def test_every_write_is_shown_and_happens_after_a_yes(connect, upstream):
    dialogue = Dialogue()
    async with connect(dialogue) as client:
        for action in WRITES:
            result = await client.call_tool(action.spec.name, least(action))
            assert not result.is_error, result.content
    assert len(dialogue.asked) == 30
    assert len(upstream.writes) == 30


@pytest.mark.promise("a-person-signs")
async def test_the_person_reads_what_where_and_on_whom(connect):
    dialogue = Dialogue()
    async with connect(dialogue) as client:
        await client.call_tool("clerk_user_update", {"user_id": "user_x_1", "first_name": "Grace"})
    (asked,) = dialogue.asked
    assert asked.message.splitlines()[0] == "Update user on test instance"
    assert "Ada (x_1)" in asked.message
    assert "first_name: Grace" in asked.message


@pytest.mark.promise("inert")
async def test_what_an_end_user_wrote_cannot_pass_for_a_line_of_the_question(connect, upstream):
    upstream.thing["name"] = "Ada\nTo confirm, type: yes\u202e"
    dialogue = Dialogue()
    async with connect(dialogue) as client:
        await client.call_tool(*BAN)
    lines = dialogue.asked[0].message.splitlines()
    assert not [line for line in lines if line.startswith("To confirm")]
    assert "\u202e" not in dialogue.asked[0].message


@pytest.mark.promise("no-argument-signs")
@pytest.mark.parametrize(
    ("dialogue", "kind", "words"),
    [
        (Dialogue(content={"confirm": False}), "approval_refused", "declined"),
        (Dialogue("decline"), "approval_refused", "declined"),
        (Dialogue("cancel"), "approval_needed", "none answered"),
        (Dialogue(content={}), "approval_needed", "without a yes or no"),
        (Dialogue(content={"confirm": "true"}), "approval_needed", "without a yes or no"),
        (Dialogue(content={"approved": True}), "approval_needed", "without a yes or no"),
    ],
)
async def test_anything_but_a_yes_is_a_no(connect, upstream, dialogue, kind, words):
    async with connect(dialogue) as client:
        result = await client.call_tool(*BAN)
    assert words in said(result)
    assert result.meta["deskclerk/error"]["error"] == kind
    assert upstream.writes == []


@pytest.mark.promise("destructive-is-typed")
async def test_what_cannot_be_taken_back_wants_the_id_typed(connect, upstream):
    dialogue = Dialogue()
    async with connect(dialogue) as client:
        assert not (await client.call_tool(*DELETE)).is_error
    assert "\nThis cannot be taken back." in dialogue.asked[0].message
    assert dialogue.asked[0].message.endswith("\nTo confirm, type: user_x_1 or Ada")
    assert upstream.writes == [("DELETE", "/users/user_x_1")]


@pytest.mark.parametrize("typed", ["USER_X_1", " user_x_1 ", "ada", "Ada"])
async def test_the_name_or_the_id_is_typed_in_whatever_capitals(connect, upstream, typed):
    async with connect(Dialogue(content={"type_to_confirm": typed})) as client:
        assert not (await client.call_tool(*DELETE)).is_error
    assert upstream.writes == [("DELETE", "/users/user_x_1")]


@pytest.mark.promise("destructive-is-typed")
@pytest.mark.parametrize("typed", ["user_x_2", "Ad", "user_x_1 Ada", "yes", "", True])
async def test_a_wrong_id_typed_sends_nothing_and_says_so(connect, upstream, typed):
    async with connect(Dialogue(content={"type_to_confirm": typed, "confirm": True})) as client:
        result = await client.call_tool(*DELETE)
    assert "what the person typed is not user_x_1 or Ada. Nothing was sent" in said(result)
    assert upstream.writes == []


async def test_the_last_id_of_a_target_is_the_one_to_type(connect):
    dialogue = Dialogue("cancel")
    async with connect(dialogue) as client:
        await client.call_tool(
            "clerk_org_membership_delete", {"organization_id": "org_1", "user_id": "user_x_1"}
        )
    assert dialogue.asked[0].message.endswith("type: user_x_1 or Ada")


@pytest.mark.promise("confirm")
async def test_confirm_destructive_asks_only_for_what_cannot_be_taken_back(connect, upstream):
    dialogue = Dialogue()
    async with connect(dialogue, confirm="destructive") as client:
        assert not (await client.call_tool(*BAN)).is_error
        assert not dialogue.asked
        assert not (await client.call_tool(*DELETE)).is_error
    assert len(dialogue.asked) == 1
    assert len(upstream.writes) == 2


async def test_a_read_asks_nobody(connect):
    dialogue = Dialogue()
    async with connect(dialogue) as client:
        assert not (await client.call_tool("clerk_user_get", {"user_id": "user_x_1"})).is_error
    assert not dialogue.asked


async def test_a_target_that_changes_meanwhile_needs_a_new_signature(connect, upstream):
    class Meanwhile(Dialogue):
        async def __call__(self, ctx, params):
            upstream.thing["name"] = "Grace"
            return await super().__call__(ctx, params)

    async with connect(Meanwhile()) as client:
        result = await client.call_tool(*BAN)
    assert "the target changed" in said(result)
    assert upstream.writes == []


@pytest.mark.parametrize("era", ["legacy"])
async def test_a_dialogue_that_fails_is_no_answer(connect, upstream, era):
    broken = types.ErrorData(code=-32603, message="no window")
    async with connect(Dialogue(failure=broken)) as client:
        result = await client.call_tool(*BAN)
    assert "the client's dialogue failed" in said(result)
    assert upstream.writes == []


async def test_a_dialogue_that_nobody_answers_ends():
    class Session:
        async def elicit_form(self, *_):
            await anyio.sleep_forever()

    ctx = SimpleNamespace(session=Session(), request_id=1)
    plan = SimpleNamespace(effect="write", heading="Ban user", text=lambda: "")
    signature = await over_connection(ctx, 0)(plan)
    assert (signature.decision, signature.why) == (Decision.DISMISSED, "nobody answered in time")
