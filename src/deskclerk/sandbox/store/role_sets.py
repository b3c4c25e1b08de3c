"""Role sets: which roles the members of an organization can have; and the first one of every instance."""

from typing import Any

from sqlalchemy import Column, Connection, Index, String, Table, Text, UniqueConstraint, select, text, update

from deskclerk.sandbox.ids import new_id
from deskclerk.sandbox.store.columns import (
    id_column,
    instance_column,
    metadata,
    reference,
    time_column,
)
from deskclerk.sandbox.store.instances import instance_settings, instances
from deskclerk.sandbox.store.organizations import organization_roles, organizations
from deskclerk.sandbox.store.system_roles import ADMIN, MEMBER

INITIAL, CUSTOM = "initial", "custom"
FIRST_KEY = "role_set:default"
_FIRST_ROLES = {"creator_role": ADMIN, "domains_default_role": MEMBER}

role_sets = Table(
    "role_sets",
    metadata,
    id_column(),
    instance_column(),
    Column("key", String(128), nullable=False),
    Column("name", Text, nullable=False),
    Column("description", Text),
    Column("type", String(16), nullable=False),
    # The rules keep a role that a set gives to newcomers; with the instance all of it goes.
    reference("default_role_id", "organization_roles.id", nullable=False),
    reference("creator_role_id", "organization_roles.id", nullable=False),
    time_column("created_at"),
    time_column("updated_at"),
    UniqueConstraint("instance_id", "key", name="role_sets_key"),
    Index("role_sets_created", "instance_id", "created_at", "id"),
    Index("role_sets_default_role", "default_role_id"),
    Index("role_sets_creator_role", "creator_role_id"),
)
"""`type` is `initial` for the one that new organizations get, else `custom`."""

Index(
    "role_sets_initial",
    role_sets.c.instance_id,
    unique=True,
    sqlite_where=text(f"type = '{INITIAL}'"),
)

role_set_roles = Table(
    "role_set_roles",
    metadata,
    reference("role_set_id", "role_sets.id", nullable=False, primary_key=True),
    reference("role_id", "organization_roles.id", nullable=False, primary_key=True),
    Index("role_set_roles_role", "role_id"),
)
"""Which set has which role."""

Index("organizations_role_set", organizations.c.instance_id, organizations.c.role_set_key)


def add_missing_role_sets(connection: Connection) -> None:
    """Give every instance that has roles and no initial set one with all of them.

    So begin new instances, those of an older release, and those of an older release's snapshot.
    """
    known = select(role_sets.c.instance_id).where(role_sets.c.type == INITIAL)
    for key in connection.scalars(select(instances.c.id).where(instances.c.id.not_in(known))).all():
        columns, mine = organization_roles.c, organization_roles.c.instance_id == key
        query = select(columns.key, columns.id, columns.created_at).where(mine)
        if rows := connection.execute(query.order_by(columns.created_at)).all():
            _add_first(connection, key, {row.key: row.id for row in rows}, rows[0].created_at)


def _add_first(connection: Connection, instance_id: str, roles: dict[str, str], now: int) -> None:
    chosen = _chosen_roles(connection, instance_id)
    set_id = new_id("role_set", now)
    row = {
        "id": set_id,
        "instance_id": instance_id,
        "key": FIRST_KEY,
        "name": "Primary role set",
        "description": None,
        "type": INITIAL,
        "default_role_id": roles[chosen["domains_default_role"]],
        "creator_role_id": roles[chosen["creator_role"]],
        "created_at": now,
        "updated_at": now,
    }
    connection.execute(role_sets.insert(), row)
    pairs = [{"role_set_id": set_id, "role_id": role_id} for role_id in roles.values()]
    connection.execute(role_set_roles.insert(), pairs)
    mine = (organizations.c.instance_id == instance_id, organizations.c.role_set_key.is_(None))
    connection.execute(update(organizations).where(*mine).values(role_set_key=FIRST_KEY))


def _chosen_roles(connection: Connection, instance_id: str) -> dict[str, Any]:
    """The roles of creators and of newcomers, which older releases kept among the settings: they move out."""
    table = instance_settings
    mine = (table.c.instance_id == instance_id, table.c.section == "organizations")
    settings = connection.scalars(select(table.c.changed).where(*mine)).one_or_none() or {}
    chosen = {name: settings.get(name, key) for name, key in _FIRST_ROLES.items()}
    rest = {name: value for name, value in settings.items() if name not in chosen}
    if rest != settings:
        connection.execute(update(table).where(*mine).values(changed=rest))
    return chosen
