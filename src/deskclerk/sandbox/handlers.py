"""Every route that the sandbox serves and what handles it."""

from deskclerk.catalogue import Action, ListUsers, Route, UpdateOrganization, UpdateUser, Verb
from deskclerk.sandbox import (
    domains,
    invitations,
    jwt_templates,
    memberships,
    oauth_applications,
    organization_invitations,
    organizations,
    restrictions,
    sessions,
    this_instance,
    users,
)
from deskclerk.sandbox.call import Handlers

HANDLERS: Handlers = {
    **users.HANDLERS,
    **organizations.HANDLERS,
    **memberships.HANDLERS,
    **organization_invitations.HANDLERS,
    **sessions.HANDLERS,
    **invitations.HANDLERS,
    **restrictions.HANDLERS,
    **jwt_templates.HANDLERS,
    **domains.HANDLERS,
    **oauth_applications.HANDLERS,
    **this_instance.HANDLERS,
}

EXTRA: dict[Route, type[Action] | None] = {
    Route(Verb.GET, "/users/count"): ListUsers,
    Route(Verb.PUT, "/users/{user_id}/metadata"): UpdateUser,
    Route(Verb.PUT, "/organizations/{organization_id}/metadata"): UpdateOrganization,
    Route(Verb.GET, "/instance"): None,
}
"""Routes that no action uses, and the action whose parameters each takes; None where it takes none."""
