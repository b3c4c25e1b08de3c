"""Alive is whoever's loop turns; ready is whoever has all that a request needs, and is not about to end."""

import asyncio

import pytest
from pydantic import SecretStr
from sqlalchemy import text

from deskclerk.errors import StorageUnavailable
from deskclerk.hosted.database import HostedDatabase
from deskclerk.hosted.isolation import check_isolation
from deskclerk.hosted.operating import health as module
from deskclerk.hosted.operating.health import (
    Check,
    Health,
    database_answers,
    jobs_looked_at,
    migrations_current,
    redis_heard,
    workspaces_apart,
)
from tests.hosted.operating.conftest import SECRET

pytestmark = pytest.mark.anyio
PACKAGES = ("deskclerk.desk.journal.migrations", "deskclerk.hosted.migrations")


def failing(error):
    async def look():
        raise error

    return look


async def fine():
    return None


async def test_it_is_ready_when_all_is_there():
    ready, facts = await Health([Check("redis", fine, "Mend it.")]).state()
    assert ready
    assert facts["status"] == "ready"
    assert facts["checks"]["redis"]["ok"] is True


async def test_what_is_not_there_is_named_with_what_to_do_and_without_what_it_said():
    said = StorageUnavailable(f"postgresql://desk:{SECRET}@db")
    checks = [
        Check("database", failing(said), "Start PostgreSQL."),
        Check("vault", failing(OSError(SECRET)), "Open it."),
        Check("other", fine, "-"),
    ]
    health = Health(checks)
    answer = await health.readyz(None)
    assert answer.status_code == 503
    assert SECRET.encode() not in answer.body
    _, facts = await health.state()
    assert facts["status"] == "not ready"
    assert facts["checks"]["database"] == {
        "ok": False,
        "problem": "storage_unavailable",
        "next_step": "Start PostgreSQL.",
    }
    assert facts["checks"]["vault"]["problem"] == "OSError"
    assert facts["checks"]["other"]["ok"]


@pytest.mark.parametrize(("unheard", "heard"), [(0.0, True), (4.0, True), (6.0, False)])
async def test_redis_that_is_lost_is_told_and_takes_no_replica_away(unheard, heard):
    ready, facts = await Health([redis_heard(lambda: unheard)]).state()
    assert ready
    assert facts["checks"]["redis"]["ok"] is heard


@pytest.mark.parametrize(("unlooked", "well"), [(0.0, True), (29.0, True), (31.0, False)])
async def test_a_worker_that_does_not_look_at_the_jobs_is_not_ready(unlooked, well):
    ready, facts = await Health([jobs_looked_at(lambda: unlooked)]).state()
    assert ready is well
    assert facts["checks"]["jobs"]["ok"] is well


async def test_who_does_not_answer_is_not_waited_for(monkeypatch):
    monkeypatch.setattr(module, "_SECONDS", 0.05)
    stuck = Check("database", asyncio.Event().wait, "Look at it.")
    async with asyncio.timeout(2):
        ready, facts = await Health([stuck]).state()
    assert not ready
    assert facts["checks"]["database"]["problem"] == "no answer in 0.05 s"


async def test_of_many_who_ask_one_has_it_looked_up():
    looks = []

    async def look():
        looks.append(1)
        await asyncio.sleep(0)

    health = Health([Check("database", look, "-")])
    await asyncio.gather(*(health.state() for _ in range(50)))
    assert len(looks) == 1


async def test_who_is_asked_to_end_is_ready_no_more_and_alive():
    health = Health([Check("database", fine, "-")])
    assert (await health.readyz(None)).status_code == 200
    health.leave()
    answer = await health.readyz(None)
    assert answer.status_code == 503
    assert b'"ending"' in answer.body
    assert (await health.livez(None)).status_code == 200


async def test_a_hosted_database_is_looked_at(hosted):
    async def whole():
        return hosted.whole

    async def state_with(version):
        async with hosted.whole.writing() as connection:
            query = text("UPDATE deskclerk_hosted_version SET version_num = :version")
            await connection.execute(query, {"version": version})
        return await Health(checks).state()

    checks = [database_answers(whole), migrations_current(whole, PACKAGES)]
    ready, facts = await Health(checks).state()
    assert ready, facts
    ready, facts = await state_with("0000")
    assert not ready
    assert (facts["checks"]["database"]["ok"], facts["checks"]["migrations"]["ok"]) == (True, False)
    # As a newer version has it, while this one is replaced.
    assert (await state_with("9999"))[0]


async def test_a_replica_whose_database_keeps_workspaces_apart_no_more_is_not_ready(hosted):
    checks = [workspaces_apart(lambda: check_isolation(hosted.shared))]
    ready, facts = await Health(checks).state()
    assert ready, facts
    async with hosted.whole.writing() as connection:
        await connection.execute(text("ALTER TABLE plans DISABLE ROW LEVEL SECURITY"))
    ready, facts = await Health(checks).state()
    assert not ready
    assert facts["checks"]["isolation"]["problem"] == "invalid_settings"


async def test_a_database_that_is_gone_is_told_and_its_place_is_not(server):
    hosted = HostedDatabase(SecretStr(server.url("nowhere")))

    async def whole():
        return hosted.whole

    ready, facts = await Health([database_answers(whole)]).state()
    await hosted.close()
    assert not ready
    assert facts["checks"]["database"]["next_step"]
    assert str(server.folder) not in str(facts)
