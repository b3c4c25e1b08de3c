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


async def test_an_instance_of_an_older_release_gets_what_each_begins_with(
    tmp_path,
):
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
            (role_set,) = (await client.get("/role_sets"))["data"]
    assert [(role["key"], len(role["permissions"])) for role in roles] == [
        ("org:admin", 8),
        ("org:member", 2),
    ]
    assert (role_set["key"], role_set["type"], len(role_set["roles"])) == ("role_set:default", "initial", 2)
    assert {plan["slug"] for plan in plans} == {"free_user", "free_org"}


ROLE = text(
    "INSERT INTO organization_roles (id, instance_id, key, name, created_at, updated_at) "
    "VALUES ('role_nurse', 'ins_old', 'org:nurse', 'Nurse', 1700000000000, 1700000000000)"
)
SETTINGS = text(
    "INSERT INTO instance_settings (instance_id, section, changed) VALUES ('ins_old', 'organizations', "
    """'{"domains_default_role": "org:nurse", "slug_disabled": true}')"""
)
ORGANIZATION = text(
    "INSERT INTO organizations (id, instance_id, name, name_folded, slug, max_allowed_memberships, "
    "admin_delete_enabled, public_metadata, private_metadata, created_at, updated_at) VALUES ('org_old', "
    "'ins_old', 'Old', 'old', 'old', 5, true, '{}', '{}', 1700000000000, 1700000000000)"
)


async def test_the_role_set_of_an_older_instance_has_all_its_roles_as_its_settings_had_them(tmp_path):
    location = tmp_path / "sandbox.db"
    database = open_database(location)
    async with database.writing() as connection:
        await connection.run_sync(upgrade, "0001")
        await connection.execute(INSTANCE, {"key": KEY})
        await connection.run_sync(upgrade, "0011")
        for statement in (ROLE, SETTINGS, ORGANIZATION):
            await connection.execute(statement)
    await database.dispose()
    async with open_sandbox(location, seed=False) as sandbox:
        client = Client(sandbox)
        async with client.http:
            (role_set,) = (await client.get("/role_sets"))["data"]
            settings = await client.get("/instance/organization_settings")
            organization = await client.get("/organizations/old")
    assert {item["key"] for item in role_set["roles"]} == {"org:admin", "org:member", "org:nurse"}
    assert (role_set["default_role"]["key"], role_set["creator_role"]["key"]) == ("org:nurse", "org:admin")
    assert (settings["domains_default_role"], settings["slug_disabled"]) == ("org:nurse", True)
    assert organization["role_set_key"] == "role_set:default"
