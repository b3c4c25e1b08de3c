"""Which consequences an action has: its entry's, else what is true by default."""

import functools

from deskclerk.catalogue import EVERY_BY_NAME, Action
from deskclerk.clerk.client import Clerk

# Imported for their entries: a class declared with `of=` an action is known from here on.
from deskclerk.desk.consequences import (  # noqa: F401
    billing,
    clients,
    directories,
    domains,
    email_addresses,
    enterprise,
    instance,
    invitations,
    jwt_templates,
    machines,
    message_templates,
    oauth,
    org_invitations,
    org_memberships,
    org_plus,
    org_roles,
    organizations,
    phone_numbers,
    restrictions,
    session_tokens,
    sessions,
    sign_in_links,
    user_factors,
    users,
    users_plus,
)
from deskclerk.desk.consequences.default import Consequences, default_for
from deskclerk.desk.consequences.evidence import Finding
from deskclerk.desk.consequences.inverse import Event


@functools.cache
def consequences_of(action: type[Action]) -> Consequences:
    """What the desk knows of an action beyond its declaration."""
    entry = Consequences.entries.get(action)
    return entry(action) if entry else default_for(action)


async def find_out(intent: Event, clerk: Clerk) -> Finding:
    """What reading Clerk proves about a journalled write; ClerkError if it cannot be read."""
    return await consequences_of(EVERY_BY_NAME[intent["action"]]).evidence(intent, clerk)
