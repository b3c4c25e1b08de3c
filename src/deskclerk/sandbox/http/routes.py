"""Every route that the sandbox serves and what handles it, beside all that Clerk's Backend API has."""

from collections.abc import Mapping
from importlib.resources import files

from deskclerk.catalogue import Route, Verb
from deskclerk.sandbox.access import invitations, redirect_urls, restrictions, waitlist
from deskclerk.sandbox.applications import oauth_applications, oauth_tokens
from deskclerk.sandbox.billing import balances, plans, statements, subscriptions
from deskclerk.sandbox.directories import directories, group_roles
from deskclerk.sandbox.enterprise import admin_portal_links, enterprise_connections, saml_connections
from deskclerk.sandbox.http.call import Handled
from deskclerk.sandbox.instance import domains, settings, this_instance
from deskclerk.sandbox.machines import api_keys, m2m_tokens, machines
from deskclerk.sandbox.messages import templates
from deskclerk.sandbox.organizations import domains as organization_domains
from deskclerk.sandbox.organizations import invitations as organization_invitations
from deskclerk.sandbox.organizations import (
    memberships,
    organizations,
    permissions,
    reassigning,
    role_sets,
    roles,
    user_organizations,
)
from deskclerk.sandbox.organizations import settings as organization_settings
from deskclerk.sandbox.sessions import clients, sessions
from deskclerk.sandbox.tokens import (
    actor_tokens,
    agent_tasks,
    jwt_templates,
    session_tokens,
    sign_in_tokens,
    signing,
    template_tokens,
)
from deskclerk.sandbox.users import (
    email_addresses,
    external_account_tokens,
    identifications,
    images,
    passkeys,
    passwords,
    phone_numbers,
    second_factors,
    sign_ups,
    trusted_devices,
    users,
)

RESOURCES = (
    users,
    organizations,
    memberships,
    organization_invitations,
    organization_domains,
    roles,
    role_sets,
    reassigning,
    organization_settings,
    permissions,
    sessions,
    invitations,
    restrictions,
    jwt_templates,
    domains,
    oauth_applications,
    redirect_urls,
    waitlist,
    this_instance,
    settings,
    signing,
    session_tokens,
    template_tokens,
    clients,
    sign_in_tokens,
    actor_tokens,
    passwords,
    second_factors,
    sign_ups,
    images,
    identifications,
    user_organizations,
    email_addresses,
    phone_numbers,
    plans,
    subscriptions,
    balances,
    statements,
    directories,
    group_roles,
    enterprise_connections,
    saml_connections,
    admin_portal_links,
    machines,
    m2m_tokens,
    api_keys,
    templates,
    agent_tasks,
    passkeys,
    trusted_devices,
    external_account_tokens,
    oauth_tokens,
)
"""The modules of rules, each with its HANDLERS."""

HANDLERS: Mapping[Route, Handled] = {
    route: handler for module in RESOURCES for route, handler in module.HANDLERS.items()
}


def all_operations() -> tuple[Route, ...]:
    """The operations of the newest API version, as `clerk_operations.txt` lists them."""
    text = files("deskclerk.sandbox").joinpath("clerk_operations.txt").read_text(encoding="utf-8")
    return tuple(
        Route(Verb(method), path) for method, path in (line.split(" ") for line in text.splitlines())
    )


def not_served() -> tuple[Route, ...]:
    """The operations that no handler serves."""
    # By shape: the documents and the catalogue call the same placeholder by different names.
    served = {_shape(route) for route in HANDLERS}
    return tuple(route for route in all_operations() if _shape(route) not in served)


def _shape(route: Route) -> tuple[str, str]:
    """A route whatever its placeholders are called."""
    return route.method, route.path.format_map(dict.fromkeys(route.names, "*"))
