"""Tasks of agents."""

import jwt
import pytest
from sqlalchemy import select

from deskclerk.sandbox.store.tables import agent_tasks
from tests.sandbox.companies import user
from tests.sandbox.rows import beside

pytestmark = pytest.mark.anyio

PLACE = "/agents/tasks"


def task(**more):
    return {
        "permissions": "*",
        "agent_name": "helper",
        "task_description": "Pay the invoices",
        "redirect_url": "http://localhost:3000/done",
        **more,
    }


async def rows(clerk):
    async with clerk.sandbox.store.transaction(reads=True) as connection:
        return (await connection.execute(select(agent_tasks))).mappings().all()


async def test_a_task_is_a_users_and_its_address_is_shown_once(clerk, clock):
    key = await user(clerk)
    made = await clerk.post(PLACE, task(on_behalf_of={"user_id": key}, session_max_duration_in_seconds=60))
    assert made["task_id"] == made["agent_task_id"]
    claims = jwt.decode(made["url"].partition("ticket=")[2], options={"verify_signature": False})
    assert (claims["sid"], claims["st"]) == (made["agent_task_id"], "agent_task")
    assert claims["exp"] > clock.now() // 1000
    (row,) = await rows(clerk)
    assert (row["user_id"], row["session_seconds"], row["status"]) == (key, 60, "pending")
    assert made["url"] not in str(row)
    revoked = await clerk.post(f"{PLACE}/{made['task_id']}/revoke")
    assert revoked == {name: made[name] for name in ("object", "agent_id", "agent_task_id", "task_id")}


async def test_an_agent_keeps_its_id_and_each_task_has_its_own(clerk):
    who = {"on_behalf_of": {"user_id": await user(clerk)}}
    first, second = [await clerk.post(PLACE, task(**who)) for _ in range(2)]
    other = await clerk.post(PLACE, task(**who, agent_name="another"))
    assert first["agent_id"] == second["agent_id"] != other["agent_id"]
    assert len({item["agent_task_id"] for item in (first, second, other)}) == 3


async def test_an_agent_of_the_same_name_in_another_instance_is_another(clerk):
    mine = await clerk.post(PLACE, task(on_behalf_of={"user_id": await user(clerk)}))
    async with beside(clerk) as other:
        theirs = await other.post(PLACE, task(on_behalf_of={"user_id": await user(other)}))
    assert mine["agent_id"] != theirs["agent_id"]
    absent = (404, "agent_task_not_found", None)
    assert await clerk.refused("POST", f"{PLACE}/{theirs['task_id']}/revoke") == absent


async def test_a_verified_identifier_names_the_user(clerk):
    body = {
        "email_address": ["ada@example.com", "other@example.com"],
        "email_address_identification_status": ["verified", "reserved"],
        "phone_number": ["+15555550100"],
        "username": "Ada_Lovelace",
    }
    made = await clerk.post("/users", body)
    for text in ("Ada@Example.com", "+1 (555) 555-0100", "ada_lovelace"):
        await clerk.post(PLACE, task(on_behalf_of={"identifier": text}))
    assert {row["user_id"] for row in await rows(clerk)} == {made["id"]}
    nobody = (404, "agent_task_subject_not_found", None)
    for who in ({"identifier": "other@example.com"}, {"identifier": ""}, {"user_id": "user_none"}):
        assert await clerk.refused("POST", PLACE, json=task(on_behalf_of=who)) == nobody


async def test_one_user_is_named_in_one_way(clerk):
    none = (422, "form_param_missing", "on_behalf_of.user_id")
    assert await clerk.refused("POST", PLACE, json=task(on_behalf_of={})) == none
    both = {"user_id": await user(clerk), "identifier": "ada@example.com"}
    two = (422, "form_conditional_param_disallowed", "on_behalf_of.identifier")
    assert await clerk.refused("POST", PLACE, json=task(on_behalf_of=both)) == two


@pytest.mark.parametrize("url", ["/done", "ftp://example.com", "https://", "https://[", "https://a b"])
async def test_where_the_user_goes_then_is_a_whole_url(clerk, url):
    body = task(on_behalf_of={"user_id": await user(clerk)}, redirect_url=url)
    assert await clerk.refused("POST", PLACE, json=body) == (
        422,
        "form_param_format_invalid",
        "redirect_url",
    )


async def test_a_production_instance_wants_https(clerk):
    async with beside(clerk, "live") as production:
        who = {"on_behalf_of": {"user_id": await user(production)}}
        insecure = (422, "insecure_url", "redirect_url")
        assert await production.refused("POST", PLACE, json=task(**who)) == insecure
        await production.post(PLACE, task(**who, redirect_url="https://example.com/done"))


async def test_a_task_is_revoked_once_and_goes_with_its_user(clerk):
    key = await user(clerk)
    made = await clerk.post(PLACE, task(on_behalf_of={"user_id": key}))
    place = f"{PLACE}/{made['task_id']}/revoke"
    await clerk.post(place)
    assert await clerk.refused("POST", place) == (400, "agent_task_cannot_be_revoked", None)
    await clerk.delete(f"/users/{key}")
    assert await clerk.refused("POST", place) == (404, "agent_task_not_found", None)
