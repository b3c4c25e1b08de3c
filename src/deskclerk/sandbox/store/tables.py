"""Every table; a change to one needs a migration beside it, in `migrations/versions`."""

from deskclerk.sandbox.store import orders  # noqa: F401 - adds indexes to the tables above
from deskclerk.sandbox.store.columns import metadata
from deskclerk.sandbox.store.controls import faults, sandbox_state
from deskclerk.sandbox.store.domains import domains
from deskclerk.sandbox.store.images import images
from deskclerk.sandbox.store.instances import instances
from deskclerk.sandbox.store.invitations import invitations, organization_invitations
from deskclerk.sandbox.store.jwt_templates import jwt_templates
from deskclerk.sandbox.store.oauth_applications import oauth_applications
from deskclerk.sandbox.store.organization_domains import organization_domains
from deskclerk.sandbox.store.organizations import memberships, organizations
from deskclerk.sandbox.store.redirect_urls import redirect_urls
from deskclerk.sandbox.store.restrictions import allowlist_identifiers, blocklist_identifiers
from deskclerk.sandbox.store.roles import organization_permissions, organization_roles, role_permissions
from deskclerk.sandbox.store.sessions import sessions
from deskclerk.sandbox.store.settings import instance_settings
from deskclerk.sandbox.store.sign_in_tickets import actor_tokens, sign_in_tokens
from deskclerk.sandbox.store.signing_keys import signing_keys
from deskclerk.sandbox.store.users import (
    email_addresses,
    external_accounts,
    phone_numbers,
    users,
    web3_wallets,
)
from deskclerk.sandbox.store.verifications import verifications
from deskclerk.sandbox.store.waitlist_entries import waitlist_entries
from deskclerk.sandbox.store.webhooks import deliveries, outbox, webhook_endpoints

__all__ = [
    "actor_tokens",
    "allowlist_identifiers",
    "blocklist_identifiers",
    "deliveries",
    "domains",
    "email_addresses",
    "external_accounts",
    "faults",
    "images",
    "instance_settings",
    "instances",
    "invitations",
    "jwt_templates",
    "memberships",
    "metadata",
    "oauth_applications",
    "organization_domains",
    "organization_invitations",
    "organization_permissions",
    "organization_roles",
    "organizations",
    "outbox",
    "phone_numbers",
    "redirect_urls",
    "role_permissions",
    "sandbox_state",
    "sessions",
    "sign_in_tokens",
    "signing_keys",
    "users",
    "verifications",
    "waitlist_entries",
    "web3_wallets",
    "webhook_endpoints",
]
