"""Every route that the sandbox serves and what handles it."""

from collections.abc import Mapping

from deskclerk.catalogue import Route
from deskclerk.sandbox import (
    actor_tokens,
    clients,
    communication_settings,
    domains,
    email_addresses,
    images,
    invitations,
    jwt_templates,
    keys,
    memberships,
    oauth_applications,
    organization_domains,
    organization_invitations,
    organization_logos,
    organization_permissions,
    organization_roles,
    organization_settings,
    organizations,
    phone_numbers,
    redirect_urls,
    restrictions,
    second_factors,
    session_refresh,
    session_tokens,
    sessions,
    sign_in_tokens,
    template_tokens,
    testing_tokens,
    this_instance,
    user_bulk,
    user_links,
    user_organizations,
    user_passwords,
    users,
    waitlist_entries,
)
from deskclerk.sandbox.call import Handler, Prepared
from deskclerk.sandbox.operation import Operation

RESOURCES = (
    users,
    organizations,
    memberships,
    organization_invitations,
    organization_domains,
    organization_logos,
    organization_roles,
    organization_settings,
    organization_permissions,
    sessions,
    invitations,
    restrictions,
    jwt_templates,
    domains,
    oauth_applications,
    redirect_urls,
    waitlist_entries,
    this_instance,
    communication_settings,
    keys,
    session_tokens,
    template_tokens,
    session_refresh,
    clients,
    sign_in_tokens,
    actor_tokens,
    testing_tokens,
    user_bulk,
    user_passwords,
    second_factors,
    images,
    user_links,
    user_organizations,
    email_addresses,
    phone_numbers,
)
"""The modules of rules, each with its HANDLERS."""

_BY_KEY = [pair for module in RESOURCES for pair in module.HANDLERS.items()]

HANDLERS: Mapping[Route, Handler | Prepared] = {
    key if isinstance(key, Route) else key.route: handler for key, handler in _BY_KEY
}

OPERATIONS: Mapping[Route, type[Operation]] = {
    key.route: key for key, _ in _BY_KEY if not isinstance(key, Route)
}
"""The routes that no action uses, and the declaration of each."""
