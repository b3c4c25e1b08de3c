"""Workspaces keep apart twice: by the condition in every statement, and by row-level security without it."""

import contextlib

import pytest
from sqlalchemy import bindparam, delete, func, insert, select, text, true, update
from sqlalchemy.dialects import postgresql
from sqlalchemy.exc import DBAPIError

from deskclerk.database import Statement
from deskclerk.database.scoping import SHARED, in_workspace
from deskclerk.desk.journal import tables as desk_tables
from deskclerk.errors import StorageUnavailable
from deskclerk.hosted.agents import tables as agent_tables
from deskclerk.hosted.notifications import tables as notification_tables
from deskclerk.hosted.people import tables as people_tables
from deskclerk.hosted.retention import tables as retention_tables
from deskclerk.hosted.schema import metadata
from deskclerk.hosted.vault import tables as vault_tables
from deskclerk.hosted.workspaces import tables as workspace_tables

pytestmark = pytest.mark.anyio
TABLES = [
    table
    for found in (desk_tables.metadata, metadata)
    for table in found.sorted_tables
    if not table.info.get(SHARED)
]
assert {workspace_tables.members, agent_tables.agents, vault_tables.data_keys} <= set(TABLES)
assert {people_tables.signatures, retention_tables.checkpoints} <= set(TABLES)
assert {notification_tables.destinations, notification_tables.notices} <= set(TABLES)


def sql(statement):
    return " ".join(str(statement.compile(dialect=postgresql.dialect())).split())


def mine(statement):
    return sql(in_workspace(statement, bindparam("w")))


async def two(workspaces):
    return (await workspaces.create("acme", "Acme")).id, (await workspaces.create("bolt", "Bolt")).id


def row_of(table):
    """A row that holds something in every column that must have something."""
    words = {"JSON": {}, "TEXT": "x", "VARCHAR": "x", "INTEGER": 7, "BIGINT": 7}
    return {
        column.name: words[str(column.type).partition("(")[0]]
        for column in table.columns
        if not column.nullable and column.name != "workspace"
    }


async def count(connection, table):
    return (await connection.execute(select(func.count()).select_from(table))).scalar()


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.name)
async def test_another_workspace_sees_changes_and_deletes_no_row_of_a_table(hosted, workspaces, table):
    acme, bolt = await two(workspaces)
    async with hosted.of(bolt).reading() as connection:
        before = await count(connection, table)
    async with hosted.of(acme).writing() as connection:
        await connection.execute(insert(table), row_of(table))
        mine = await count(connection, table)
    column = next(column for column in table.columns if column.name != "workspace")
    async with hosted.of(bolt).writing() as connection:
        assert await count(connection, table) == before
        if table is not desk_tables.events:  # which nobody may change, whoever it belongs to
            changed = await connection.execute(update(table).values({column: column}))
            assert changed.rowcount == before
            assert (await connection.execute(delete(table))).rowcount == before
    async with hosted.of(acme).reading() as connection:
        assert await count(connection, table) == mine


@pytest.mark.promise("workspaces-apart")
@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.name)
async def test_row_level_security_alone_keeps_a_forgotten_condition_from_others_rows(
    hosted, workspaces, table
):
    acme, bolt = await two(workspaces)
    async with hosted.of(acme).writing() as connection:
        await connection.execute(insert(table), row_of(table))
    for workspace, at_least in ((acme, 1), (bolt, 0)):
        async with hosted.of(workspace).reading() as connection:
            # Past the scoped connection, as a statement would go that somebody forgot to scope.
            found = await connection.of.execute(text(f"SELECT count(*) FROM {table.name}"))
            own = await connection.of.execute(
                text(f"SELECT count(*) FROM {table.name} WHERE workspace = '{workspace}'")
            )
            number = found.scalar()
            assert number == own.scalar()
            assert number >= at_least


@pytest.mark.promise("workspaces-apart")
@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.name)
async def test_the_condition_alone_keeps_them_apart_where_no_row_level_security_holds(
    hosted, workspaces, table
):
    acme, bolt = await two(workspaces)
    async with hosted.of(bolt).reading() as connection:
        before = await count(connection, table)
    async with hosted.of(acme).writing() as connection:
        await connection.execute(insert(table), row_of(table))
    async with hosted.whole.reading() as connection:
        query = in_workspace(select(func.count()).select_from(table), bindparam("w", bolt))
        assert (await connection.execute(query)).scalar() == before


async def test_no_row_is_written_into_another_workspace_even_by_name(hosted, workspaces):
    acme, bolt = await two(workspaces)
    row = row_of(workspace_tables.members) | {"workspace": bolt}
    async with hosted.of(acme).writing() as connection:
        with pytest.raises(DBAPIError, match="row-level security"):
            await connection.execute(insert(workspace_tables.members), row)


async def test_without_a_workspace_the_role_sees_and_writes_nothing(hosted, workspaces):
    await two(workspaces)
    async with hosted.shared.transaction({"scope": "SET LOCAL ROLE deskclerk_workspace"}) as connection:
        assert (await connection.of.execute(text("SELECT count(*) FROM heads"))).scalar() == 0
    async with hosted.shared.transaction({"scope": "SET LOCAL ROLE deskclerk_workspace"}) as connection:
        with pytest.raises(DBAPIError, match=r"workspace_check|row-level security"):
            await connection.execute(insert(desk_tables.plans), row_of(desk_tables.plans))


async def test_a_connection_that_comes_back_to_the_pool_keeps_no_workspace(hosted, workspaces):
    acme, _ = await two(workspaces)
    for _ in range(30):
        async with hosted.of(acme).reading() as connection:
            await count(connection, desk_tables.heads)
        async with hosted.whole.reading() as connection:
            found = await connection.execute(
                text("SELECT current_user, current_setting('deskclerk.workspace', true)")
            )
            user, setting = found.one()
            assert user == "deskclerk"
            assert not setting


async def test_one_statement_by_itself_is_asked_under_the_role_and_only_reads(hosted, workspaces):
    acme, bolt = await two(workspaces)
    members = workspace_tables.members
    whose = Statement(
        select(
            func.current_user(),
            func.current_setting("deskclerk.workspace"),
            func.current_setting("transaction_read_only"),
            func.count(),
        ).select_from(members)
    )
    plain = Statement(select(func.current_user(), func.current_setting("deskclerk.workspace", true())))
    for _ in range(20):  # behind the fifth the driver has it prepared
        for workspace in (acme, bolt):
            assert await hosted.of(workspace).ask(whose) == [("deskclerk_workspace", workspace, "on", 0)]
        ((user, setting),) = await hosted.whole.ask(plain)
        assert (user, setting or "") == ("deskclerk", "")
    with pytest.raises(DBAPIError, match="read-only"):
        await hosted.of(acme).ask(Statement(delete(members).returning(members.c.person)))


async def test_where_the_role_cannot_be_taken_nothing_is_asked(hosted, workspaces):
    acme, _ = await two(workspaces)
    own = hosted.of(acme)
    own._first = (own._first[0], ("nobody_of_this_name", acme))
    with pytest.raises(DBAPIError, match="nobody_of_this_name"):
        await own.ask(Statement(select(func.count()).select_from(workspace_tables.members)))


async def test_statements_of_one_form_are_asked_each_with_its_own_values_and_workspace(hosted, workspaces):
    acme, bolt = await two(workspaces)
    members = workspace_tables.members
    for workspace, names in ((acme, ("a", "b")), (bolt, ("c", "d", "e"))):
        async with hosted.of(workspace).writing() as connection:
            await connection.execute(
                insert(members), [row_of(members) | {"person": name, "role": name} for name in names]
            )
    for workspace, mine in ((acme, {"a", "b"}), (bolt, {"c", "d", "e"})):
        async with hosted.of(workspace).reading() as connection:
            for wanted in ("ab", "bc", "de", "x"):
                one = select(members.c.person).where(members.c.role == wanted[0])
                assert set((await connection.execute(one)).scalars()) == {wanted[0]} & mine
                several = select(members.c.person).where(members.c.role.in_(list(wanted)))
                assert set((await connection.execute(several)).scalars()) == set(wanted) & mine
                given = select(members.c.person).where(members.c.role == bindparam("role_is"))
                found = await connection.execute(given, {"role_is": wanted[0]})
                assert set(found.scalars()) == {wanted[0]} & mine
            for most in (1, 2):
                few = select(members.c.person).where(members.c.role.in_(list(mine))).limit(most)
                assert len((await connection.execute(few)).all()) == most


async def test_a_connection_that_the_server_let_go_of_is_replaced_unnoticed(hosted, workspaces):
    acme, _ = await two(workspaces)
    own = hosted.of(acme)
    statement = Statement(select(func.count()).select_from(workspace_tables.members))
    others = text(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
        "WHERE datname = current_database() AND pid <> pg_backend_pid()"
    )
    async with contextlib.AsyncExitStack() as stack:
        # Several, so that more than one has to be replaced.
        for _ in range(3):
            await stack.enter_async_context(own.reading())
    async with hosted.whole.reading() as connection:
        await connection.execute(others)
    for _ in range(3):
        async with own.reading() as connection:
            assert await count(connection, workspace_tables.members) == 0
        async with own.writing() as connection:
            assert await count(connection, workspace_tables.members) == 0
        assert await own.ask(statement) == [(0,)]


async def test_who_finds_no_connection_free_is_told_what_to_do(hosted, workspaces, monkeypatch):
    acme, _ = await two(workspaces)
    monkeypatch.setattr(hosted.shared.engine.pool, "_timeout", 0.05)
    async with contextlib.AsyncExitStack() as stack:
        for _ in range(20):
            await stack.enter_async_context(hosted.of(acme).reading())
        with pytest.raises(StorageUnavailable, match="in use") as caught:
            await stack.enter_async_context(hosted.of(acme).reading())
        assert "more replicas" in caught.value.next_step
    async with hosted.of(acme).reading():
        pass


async def test_what_cannot_be_scoped_is_refused(hosted, workspaces):
    acme, _ = await two(workspaces)
    async with hosted.of(acme).reading() as connection:
        with pytest.raises(TypeError, match="one workspace"):
            await connection.execute(text("SELECT 1"))
        with pytest.raises(TypeError, match="one workspace"):
            await connection.run_sync(lambda sync: sync)
    with pytest.raises(ValueError, match="id"):
        hosted.of("ws_'; DROP TABLE events; --")


async def test_every_table_of_the_database_is_protected_or_said_to_be_shared(hosted):
    async with hosted.whole.reading() as connection:
        rows = await connection.execute(
            text(
                "SELECT relname, relrowsecurity, (SELECT count(*) FROM pg_policies p "
                "WHERE p.tablename = relname) AS policies "
                "FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace"
            )
        )
        found = {name: (secured, policies) for name, secured, policies in rows}
        # Nothing but what it was granted: what is shared the role reads only where it has to.
        granted = await connection.execute(
            text("SELECT DISTINCT table_name FROM information_schema.role_table_grants "
                 "WHERE grantee = 'deskclerk_workspace'")
        )  # fmt: skip
        seen = {name for (name,) in granted}
    own = {table.name for table in TABLES}
    assert {name for name, (secured, policies) in found.items() if secured and policies} == own
    assert seen == own | {"rate_usage"}


def test_the_condition_stands_beside_every_table_and_every_join():
    events, plans = desk_tables.events, desk_tables.plans
    other = events.alias()
    within = select(plans.c.id).where(plans.c.action == events.c.action)
    joined = (
        select(events.c.entry, other.c.at)
        .select_from(events.outerjoin(other, other.c.entry == events.c.entry))
        .where(within.exists())
    )
    text = mine(joined)
    assert (
        "LEFT OUTER JOIN events AS events_1 ON events_1.entry = events.entry AND events_1.workspace =" in text
    )
    assert "plans.workspace =" in text
    assert "AND events.workspace =" in text
    assert text.count("workspace =") >= 3


def test_a_subquery_in_a_from_has_its_own_condition():
    events = desk_tables.events
    newest = select(func.max(events.c.seq).label("seq")).group_by(events.c.entry).subquery()
    text = mine(select(newest.c.seq))
    assert text.count("workspace =") == 1
    assert "events.workspace = " in text


def test_what_is_shared_gets_no_condition():
    assert "workspace" not in mine(select(desk_tables.rate_usage))
