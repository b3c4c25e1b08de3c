"""A call that waits for a signature from outside its dialogue says so, and goes on when it comes."""

import anyio
import pytest

from deskclerk.desk import Decision, Desk, Signature
from deskclerk.settings import Settings
from tests.faces.mcp.conftest import Dialogue, said

pytestmark = pytest.mark.anyio
BAN = ("clerk_user_ban", {"user_id": "user_x_1"})


class Elsewhere:
    """Hears a call's progress, and answers its plan from a desk of its own at the first sign of it."""

    def __init__(self, home, decision):
        self.settings = Settings(home=home, secret_key="sk_test_x")
        self.decision = decision
        self.told = []

    async def __call__(self, progress, total, message):
        self.told.append((progress, total, message))
        if self.decision and len(self.told) == 1:
            async with Desk.open(self.settings) as desk:
                (stored,) = await desk.plans.waiting()
                await desk.sign(stored.plan.id, Signature(self.decision, "terminal, approve"))


@pytest.mark.promise("the-call-waits")
@pytest.mark.parametrize("dialogue", [None, Dialogue("cancel")], ids=["no dialogue", "dismissed"])
async def test_progress_tells_how_to_sign_and_the_call_goes_on_after_it(
    connect, upstream, tmp_path, dialogue
):
    elsewhere = Elsewhere(tmp_path / "home", Decision.APPROVED)
    async with connect(dialogue, approval_wait=10) as client:
        result = await client.call_tool(*BAN, progress_callback=elsewhere)
    assert not result.is_error
    waited, most, text = elsewhere.told[0]
    assert (waited < 1, most) == (True, 10)
    assert text.startswith("Waiting for a signature: deskclerk approve plan_")
    assert len(upstream.writes) == 1


@pytest.mark.promise("declined-is-final")
async def test_a_no_from_elsewhere_ends_the_wait_for_good(connect, upstream, tmp_path):
    elsewhere = Elsewhere(tmp_path / "home", Decision.DECLINED)
    async with connect(approval_wait=10) as client:
        assert "declined" in said(await client.call_tool(*BAN, progress_callback=elsewhere))
        assert "declined" in said(await client.call_tool(*BAN))
    assert upstream.writes == []


@pytest.mark.promise("the-call-waits")
async def test_a_wait_that_ends_without_an_answer_names_the_plan_and_both_ways(connect, upstream, tmp_path):
    elsewhere = Elsewhere(tmp_path / "home", None)
    async with connect(approval_wait=0.5) as client:
        result = await client.call_tool(*BAN, progress_callback=elsewhere)
    plan_id = result.meta["deskclerk/error"]["plan_id"]
    assert f"`deskclerk approve {plan_id}`" in said(result)
    assert [text for *_, text in elsewhere.told] == [f"Waiting for a signature: deskclerk approve {plan_id}"]
    assert upstream.writes == []


@pytest.mark.promise("the-call-waits")
@pytest.mark.parametrize("era", ["legacy"])
async def test_a_client_that_swallows_its_dialogue_does_not_keep_a_signature_waiting(
    connect, upstream, tmp_path, era
):
    asked, withdrawn = anyio.Event(), anyio.Event()

    async def swallowed(ctx, params):
        asked.set()
        try:
            await anyio.sleep_forever()
        finally:
            withdrawn.set()

    async def sign():
        await asked.wait()
        async with Desk.open(Settings(home=tmp_path / "home", secret_key="sk_test_x")) as desk:
            (stored,) = await desk.plans.waiting()
            await desk.sign(stored.plan.id, Signature(Decision.APPROVED, "terminal, approve"))

    with anyio.fail_after(20):
        async with connect(swallowed) as client, anyio.create_task_group() as others:
            others.start_soon(sign)
            assert not (await client.call_tool(*BAN)).is_error
            # The client is told that nobody needs its dialogue any more.
            await withdrawn.wait()
    assert len(upstream.writes) == 1
