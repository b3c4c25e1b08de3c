"""Every table and the indexes of long lists; a change needs a migration beside it, in `migrations`."""

from sqlalchemy import Index, text

from deskclerk.sandbox.store.billing import billing_credits, billing_plans, billing_prices
from deskclerk.sandbox.store.columns import metadata
from deskclerk.sandbox.store.controls import deliveries, faults, outbox, sandbox_state, webhook_endpoints
from deskclerk.sandbox.store.credentials import (
    agent_tasks,
    external_account_tokens,
    oauth_codes,
    oauth_tokens,
    passkeys,
    trusted_devices,
)
from deskclerk.sandbox.store.directories import directories, directory_group_roles
from deskclerk.sandbox.store.enterprise import (
    admin_portal_link_tokens,
    enterprise_connection_domains,
    enterprise_connections,
    oidc_connections,
    saml_connections,
)
from deskclerk.sandbox.store.instances import (
    allowlist_identifiers,
    blocklist_identifiers,
    domains,
    instance_settings,
    instances,
    jwt_templates,
    oauth_applications,
    redirect_urls,
    signing_keys,
    waitlist_entries,
)
from deskclerk.sandbox.store.machines import api_keys, m2m_tokens, machine_keys, machine_scopes, machines
from deskclerk.sandbox.store.messages import message_templates
from deskclerk.sandbox.store.organizations import (
    invitations,
    memberships,
    organization_domains,
    organization_invitations,
    organization_permissions,
    organization_roles,
    organizations,
    role_permissions,
)
from deskclerk.sandbox.store.role_sets import role_set_roles, role_sets
from deskclerk.sandbox.store.sign_ups import sign_ups
from deskclerk.sandbox.store.users import (
    actor_tokens,
    email_addresses,
    external_accounts,
    images,
    phone_numbers,
    sessions,
    sign_in_tokens,
    user_documents,
    users,
    verifications,
    web3_wallets,
)

DERIVED = {"user_documents"}
"""Tables whose rows are made of others': a snapshot leaves them out."""

NULLABLE = {
    "users_active": "last_active_at",
    "users_signed_in": "last_sign_in_at",
    "users_by_username": "username_folded",
    "users_by_first_name": "first_name",
    "users_by_last_name": "last_name",
}
"""Orders whose value may be absent: PostgreSQL needs a second index to have those last both ways."""

for _name, _column in NULLABLE.items():
    # Two of them are declared with their table.
    if _name not in {index.name for index in users.indexes}:
        Index(_name, users.c.instance_id, users.c[_column], users.c.id)
for _kind in ("email_address", "phone_number", "web3_wallet"):
    _absent = text(f"primary_{_kind}_id IS NULL")
    Index(
        f"users_without_{_kind}",
        users.c.instance_id,
        users.c.id,
        sqlite_where=_absent,
    )
Index("users_updated", users.c.instance_id, users.c.updated_at, users.c.id)
Index("users_banned", users.c.instance_id, users.c.banned, users.c.created_at, users.c.id)
Index("memberships_created", memberships.c.organization_id, memberships.c.created_at, memberships.c.id)
Index("organizations_by_name", organizations.c.instance_id, organizations.c.name_folded, organizations.c.id)


__all__ = [
    "DERIVED",
    "NULLABLE",
    "actor_tokens",
    "admin_portal_link_tokens",
    "agent_tasks",
    "allowlist_identifiers",
    "api_keys",
    "billing_credits",
    "billing_plans",
    "billing_prices",
    "blocklist_identifiers",
    "deliveries",
    "directories",
    "directory_group_roles",
    "domains",
    "email_addresses",
    "enterprise_connection_domains",
    "enterprise_connections",
    "external_account_tokens",
    "external_accounts",
    "faults",
    "images",
    "instance_settings",
    "instances",
    "invitations",
    "jwt_templates",
    "m2m_tokens",
    "machine_keys",
    "machine_scopes",
    "machines",
    "memberships",
    "message_templates",
    "metadata",
    "oauth_applications",
    "oauth_codes",
    "oauth_tokens",
    "oidc_connections",
    "organization_domains",
    "organization_invitations",
    "organization_permissions",
    "organization_roles",
    "organizations",
    "outbox",
    "passkeys",
    "phone_numbers",
    "redirect_urls",
    "role_permissions",
    "role_set_roles",
    "role_sets",
    "saml_connections",
    "sandbox_state",
    "sessions",
    "sign_in_tokens",
    "sign_ups",
    "signing_keys",
    "trusted_devices",
    "user_documents",
    "users",
    "verifications",
    "waitlist_entries",
    "web3_wallets",
    "webhook_endpoints",
]
