"""One action outside the core from end to end: declared, known by its consequences, served by the sandbox."""

import pytest
from tests.desk.conftest import Person

from deskclerk.catalogue import GetUser, ListUsers, ReplaceUserMetadata
from deskclerk.desk import Desk
from deskclerk.desk.caller import Caller
from deskclerk.desk.journal.records import EntryFilter
from deskclerk.desk.policy.policy import Policy
from deskclerk.errors import InvalidRequest
from deskclerk.settings import Settings

pytestmark = pytest.mark.anyio


def test_what_goes_beyond_the_core_is_no_tool_unless_it_is_chosen(tmp_path):
    core = Policy(Settings(home=tmp_path)).offered(Caller("mcp"))
    chosen = Policy(Settings(home=tmp_path, toolsets=("users-plus",))).offered(Caller("mcp"))
    assert ReplaceUserMetadata not in core
    assert ReplaceUserMetadata in chosen


def test_to_replace_nothing_is_an_error():
    with pytest.raises(InvalidRequest, match="nothing to replace"):
        ReplaceUserMetadata(user_id="user_1")


async def test_metadata_is_replaced_after_a_signature_and_comes_back_whole(tmp_path):
    person = Person()
    async with Desk.open(Settings(home=tmp_path / "home"), approver=person) as desk:
        user = (await desk.perform(ListUsers(limit=1, fields=["id", "public_metadata"]))).value["items"][0]
        old = user["public_metadata"]
        assert len(old) > 1
        await desk.perform(ReplaceUserMetadata(user_id=user["id"], public_metadata={"tier": "gold"}))
        shown = person.shown[-1].text()
        assert "public_metadata: {" in shown
        assert '→ {"tier": "gold"}' in shown
        assert "Can be taken back: the old values are in the journal." in shown

        async def metadata():
            read = GetUser(user_id=user["id"], fields=["public_metadata"])
            return (await desk.perform(read)).value["public_metadata"]

        assert await metadata() == {"tier": "gold"}
        (entry,) = await desk.journal.entries(EntryFilter(action="clerk_user_metadata_replace"))
        await desk.undo(entry["entry"])
        assert await metadata() == old
