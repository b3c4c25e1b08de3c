"""Indexes for the orders and filters of long lists: the instance, the value, and the id that breaks ties."""

from sqlalchemy import Index, text

from deskclerk.sandbox.store.organizations import memberships, organizations
from deskclerk.sandbox.store.users import users

NULLABLE = {
    "users_active": "last_active_at",
    "users_signed_in": "last_sign_in_at",
    "users_by_username": "username_folded",
    "users_by_first_name": "first_name",
    "users_by_last_name": "last_name",
}
"""Orders whose value may be absent: PostgreSQL needs a second index to have those last both ways."""

for _name, _column in NULLABLE.items():
    if _name not in {index.name for index in users.indexes}:
        Index(_name, users.c.instance_id, users.c[_column], users.c.id)
for _kind in ("email_address", "phone_number", "web3_wallet"):
    _absent = text(f"primary_{_kind}_id IS NULL")
    Index(
        f"users_without_{_kind}",
        users.c.instance_id,
        users.c.id,
        sqlite_where=_absent,
        postgresql_where=_absent,
    )
Index("users_updated", users.c.instance_id, users.c.updated_at, users.c.id)
Index("users_banned", users.c.instance_id, users.c.banned, users.c.created_at, users.c.id)
Index("memberships_created", memberships.c.organization_id, memberships.c.created_at, memberships.c.id)
Index("organizations_by_name", organizations.c.instance_id, organizations.c.name_folded, organizations.c.id)
