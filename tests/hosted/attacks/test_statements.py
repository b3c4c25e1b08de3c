"""Every statement of a visit to one workspace, run again for the other: nothing comes or changes."""

import pytest
from sqlalchemy import bindparam, text
from sqlalchemy.dialects import postgresql
from sqlalchemy.sql import visitors
from sqlalchemy.sql.dml import Insert

from deskclerk.database import scoping
from deskclerk.database.scoping import ROLE, SETTING, ScopedConnection, in_workspace
from tests.hosted.attacks.test_other_workspaces import combinations, ids_for, marks_of, served

__all__ = ["served"]
pytestmark = pytest.mark.anyio


@pytest.fixture
def recorded(monkeypatch):
    """What every scoped connection is asked while the test lasts: each statement before it is scoped."""
    found = []
    execute, fetch, apply = ScopedConnection.execute, ScopedConnection.fetch, ScopedConnection.apply
    partitions = ScopedConnection.partitions

    async def executed(self, statement, parameters=None, **options):
        found.append((self._workspace, statement, parameters))
        return await execute(self, statement, parameters, **options)

    async def fetched(self, statement, /, **values):
        found.append((self._workspace, with_values(statement.in_dialect(self.dialect), values), None))
        return await fetch(self, statement, **values)

    async def applied(self, statement, /, **values):
        found.append((self._workspace, with_values(statement.in_dialect(self.dialect), values), None))
        return await apply(self, statement, **values)

    def streamed(self, statement, size):
        found.append((self._workspace, statement, None))
        return partitions(self, statement, size)

    for name, wrapped in (("execute", executed), ("fetch", fetched), ("apply", applied)):
        monkeypatch.setattr(ScopedConnection, name, wrapped)
    monkeypatch.setattr(ScopedConnection, "partitions", streamed)
    return found


def with_values(statement, values):
    """A statement that is compiled once, with what it was asked for within it."""

    def fill(parameter):
        if parameter.key in values:
            parameter.value, parameter.required = values[parameter.key], False

    return visitors.cloned_traverse(statement, {}, {"bindparam": fill})


async def visit(world, served, customer):
    """Every page of a customer's and every read and write of an agent's, with ids of the customer's own."""
    browser, values = customer.people["owner"].browser, ids_for(customer)
    for address in served:
        if "slug" in address.names and "GET" in address.methods and not address.path.endswith("/events"):
            for filled in combinations(address, values):
                await browser.get(address.filled(filled))
    home, console = customer.home, customer.console
    for path, fields in {
        f"{console}/secrets": {"name": "another", "value": "a value"},
        f"{console}/secrets/remove": {"name": "another"},
        f"{console}/plans/{customer.waiting}": {"decision": "decline"},
        f"{console}/jobs/{customer.started}/resume": {},
        f"{console}/jobs/{customer.started}/cancel": {},
        f"{console}/activity/{customer.write}/undo": {},
        f"{home}/members/role": {"id": customer.people["viewer"].person.id, "role": "viewer"},
        f"{home}/members/invite": {"email": "next@example.com", "role": "viewer"},
        f"{home}/agents": {"name": "next", "access": "read"},
        f"{home}/agents/tokens": {"id": customer.agent.id, "days": "1", "scope": "clerk:read"},
        f"{home}/agents/tokens/revoke": {"id": customer.token_id},
        f"{home}/passkey": {"plan": customer.signed, "digest": "aa"},
    }.items():
        answer = await browser.post(path, fields)
        assert answer.status_code < 500, (path, answer.text)
    for name, arguments in {
        "clerk_users_list": {},
        "clerk_jobs_list": {},
        "clerk_job_get": {"job_id": customer.job},
        "clerk_user_ban": {"user_id": customer.users[0]},
        "clerk_bulk_propose": {"action": "clerk_user_ban", "targets": customer.users[:2]},
    }.items():
        await world.mcp(customer.oauth, "tools/call", {"name": name, "arguments": arguments})
    for uri in (
        "deskclerk://journal",
        f"deskclerk://plans/{customer.used}",
        f"deskclerk://jobs/{customer.job}",
    ):
        await world.mcp(customer.oauth, "resources/read", {"uri": uri})


@pytest.mark.promise("customers-keep-apart")
async def test_what_one_workspace_asks_brings_and_changes_nothing_of_it_for_another(
    world, served, recorded, monkeypatch
):
    acme = world.acme
    await visit(world, served, acme)
    seen = {}
    for workspace, statement, parameters in recorded:
        if workspace == acme.id:
            key = str(statement.compile(dialect=postgresql.dialect()))
            seen.setdefault(key, (statement, parameters))
    assert len(seen) > 60
    monkeypatch.undo()
    statements = list(seen.values())
    # What is inserted says nothing of others' rows; whose it becomes the isolation's own tests look at.
    asked = [item for item in statements if not isinstance(item[0], Insert)]

    def alone(statement, workspace):
        del workspace
        return statement

    def conditioned(statement, workspace):
        return in_workspace(statement, bindparam(scoping._PARAMETER, workspace))

    def as_owner(customer):
        return [f"SET LOCAL {SETTING} = '{customer.id}'"]

    def as_role(customer):
        return [f"SET LOCAL ROLE {ROLE}", f"SET LOCAL {SETTING} = '{customer.id}'"]

    assert await changed_by(world, asked, as_owner, conditioned) == []
    assert await changed_by(world, asked, as_role, alone) == []
    # Without both it does come: what is looked for is there to be found.
    assert await changed_by(world, asked, as_owner, alone) != []


async def changed_by(world, statements, setup, scoped):
    """What of Acme's each statement brings or changes, run for Bolt and taken back."""
    acme, bolt = world.acme, world.bolt
    marks, failures = marks_of(acme), []
    for statement, parameters in statements:
        async with world.parts.database.shared.engine.connect() as connection:
            # One moment for both looks: what the visit's own desks add in between is nothing of this.
            await connection.execution_options(scope="SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
            transaction = await connection.begin()
            before = await state(connection, acme)
            for line in setup(bolt):
                await connection.execute(text(line))
            found = await connection.execute(scoped(statement, bolt.id), parameters or {})
            rows = found.all() if found.returns_rows else []
            leaked = [mark for mark in marks if any(mark in str(row) for row in rows)]
            await connection.execute(text("RESET ROLE"))
            if leaked or await state(connection, acme) != before:
                failures.append((str(statement)[:300], leaked))
            await transaction.rollback()
    return failures


TABLES = (
    "plans", "jobs", "job_items", "events", "heads", "handovers", "sealed_secrets", "members", "agents",
    "agent_tokens", "agent_clients", "invitations", "instances", "signatures", "signer", "data_keys",
)  # fmt: skip


async def state(connection, customer):
    """All rows of a customer's as one number."""
    parts = " || ".join(
        f"(SELECT coalesce(md5(string_agg(t::text, '|' ORDER BY t::text)), '') FROM {table} t "
        "WHERE workspace = :of)"
        for table in TABLES
    )
    return (await connection.execute(text(f"SELECT {parts}"), {"of": customer.id})).scalar()
