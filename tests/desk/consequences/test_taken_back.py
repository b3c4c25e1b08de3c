"""Further writes that are taken back: scopes of machines, words of messages and who delivers them."""

import pytest
from tests.desk.conftest import Person

from deskclerk.catalogue import (
    CreateMachine,
    CreateMachineScope,
    DeleteMachineScope,
    GetMachine,
    GetTemplate,
    PutTemplate,
    ToggleTemplateDelivery,
)
from deskclerk.desk import Desk
from deskclerk.desk.journal.records import EntryFilter
from deskclerk.settings import Settings

pytestmark = pytest.mark.anyio
TEMPLATE = {"template_type": "email", "slug": "invitation"}


@pytest.fixture
async def desk(tmp_path):
    async with Desk.open(Settings(home=tmp_path / "home"), approver=Person()) as desk:
        yield desk


async def undone(desk, action):
    *_, last = await desk.journal.entries(EntryFilter(action=action))
    await desk.undo(last["entry"])


async def test_a_scope_is_taken_back_by_the_other_way_and_that_by_the_first(desk):
    ids = [(await desk.perform(CreateMachine(name=name))).value["id"] for name in ("Files", "Mail")]

    async def callable_now():
        read = GetMachine(machine_id=ids[0], fields=["scoped_machines"])
        return [item["id"] for item in (await desk.perform(read)).value.get("scoped_machines", [])]

    await desk.perform(CreateMachineScope(machine_id=ids[0], to_machine_id=ids[1]))
    assert await callable_now() == [ids[1]]
    await undone(desk, "clerk_machine_scope_create")
    assert await callable_now() == []
    await undone(desk, "clerk_machine_scope_delete")
    assert await callable_now() == [ids[1]]
    await desk.perform(DeleteMachineScope(machine_id=ids[0], other_machine_id=ids[1]))
    assert await callable_now() == []


async def test_the_words_of_a_message_and_its_delivery_come_back(desk):
    async def now(*names):
        read = GetTemplate(**TEMPLATE, fields=[*names])
        return [(await desk.perform(read)).value.get(name) for name in names]

    before = await now("name", "subject", "body")
    await desk.perform(
        PutTemplate(**TEMPLATE, name="Ours", subject="Come to {{app.name}}", body="<p>{{action_url}}</p>")
    )
    assert (await now("subject"))[0] == "Come to {{app.name}}"
    await undone(desk, "clerk_template_put")
    assert await now("name", "subject", "body") == before
    await desk.perform(ToggleTemplateDelivery(**TEMPLATE, delivered_by_clerk=False))
    await undone(desk, "clerk_template_toggle_delivery")
    assert await now("delivered_by_clerk") == [True]
