"""A sandbox of an older release, opened by this one."""

from importlib.resources import files

import pytest
from alembic.config import Config
from alembic.runtime.environment import EnvironmentContext
from alembic.script import ScriptDirectory
from sqlalchemy import text

from deskclerk.database import open_database
from deskclerk.sandbox import KEY, open_sandbox
from tests.sandbox.conftest import Client

pytestmark = pytest.mark.anyio

INSTANCE = text(
    "INSERT INTO instances (id, secret_key, slug, lockout_seconds, created_at) "
    "VALUES ('ins_old', :key, 'old', 3600, 1700000000000)"
)


def upgrade(connection, revision):
    """The schema of an older release."""
    script = ScriptDirectory(str(files("deskclerk.sandbox.store.migrations")))
    context = EnvironmentContext(Config(), script)
    context.configure(
        connection=connection,
        fn=lambda current, _: script._upgrade_revs(revision, current),
        transactional_ddl=False,
    )
    context.run_migrations()


async def test_an_instance_of_an_older_release_gets_the_roles_and_plans_that_each_begins_with(tmp_path):
    location = tmp_path / "sandbox.db"
    database = open_database(location)
    async with database.writing() as connection:
        await connection.run_sync(upgrade, "0001")
        await connection.execute(INSTANCE, {"key": KEY})
    await database.dispose()
    async with open_sandbox(location, seed=False) as sandbox:
        client = Client(sandbox)
        async with client.http:
            roles = (await client.get("/organization_roles", {"order_by": "key"}))["data"]
            plans = (await client.get("/billing/plans"))["data"]
    assert [(role["key"], len(role["permissions"])) for role in roles] == [
        ("org:admin", 8),
        ("org:member", 2),
    ]
    assert {plan["slug"] for plan in plans} == {"free_user", "free_org"}
