"""Every route that the sandbox serves and what handles it."""

from deskclerk.catalogue import Action, ListUsers, Route, UpdateUser, Verb
from deskclerk.sandbox import domains, jwt_templates, oauth_applications, sessions, users
from deskclerk.sandbox.call import Handlers

HANDLERS: Handlers = {
    **users.HANDLERS,
    **sessions.HANDLERS,
    **jwt_templates.HANDLERS,
    **domains.HANDLERS,
    **oauth_applications.HANDLERS,
}

EXTRA: dict[Route, type[Action]] = {
    Route(Verb.GET, "/users/count"): ListUsers,
    Route(Verb.PUT, "/users/{user_id}/metadata"): UpdateUser,
}
"""Routes that no action uses, and the action whose parameters each takes."""
