"""Every route that the sandbox serves and what handles it."""

from collections.abc import Mapping

from deskclerk.catalogue import Route
from deskclerk.sandbox import (
    domains,
    invitations,
    jwt_templates,
    memberships,
    oauth_applications,
    organization_domains,
    organization_invitations,
    organization_permissions,
    organization_roles,
    organizations,
    redirect_urls,
    restrictions,
    sessions,
    this_instance,
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
    organization_roles,
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
