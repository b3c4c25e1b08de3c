"""Every table; a change to one needs a migration beside it, in `migrations/versions`."""

from deskclerk.sandbox.store.columns import metadata
from deskclerk.sandbox.store.instances import instances
from deskclerk.sandbox.store.organizations import memberships, organizations
from deskclerk.sandbox.store.sessions import sessions
from deskclerk.sandbox.store.users import (
    email_addresses,
    external_accounts,
    phone_numbers,
    users,
    web3_wallets,
)

__all__ = [
    "email_addresses",
    "external_accounts",
    "instances",
    "memberships",
    "metadata",
    "organizations",
    "phone_numbers",
    "sessions",
    "users",
    "web3_wallets",
]
