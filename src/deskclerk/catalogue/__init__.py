"""WHAT can be asked: every action, declared once, in a module per resource. Start at ACTIONS.

Nothing comes in here but the errors: what an action does beyond its declaration stands in the desk, what the
local Clerk answers to it in the sandbox.
"""

from types import ModuleType

from deskclerk.catalogue import (
    clients,
    domains,
    invitations,
    jobs,
    jwt_templates,
    org_invitations,
    org_memberships,
    organizations,
    restrictions,
    sessions,
    users,
)
from deskclerk.catalogue.action import REDACTED as REDACTED
from deskclerk.catalogue.action import Action as Action
from deskclerk.catalogue.action import ReadAction as ReadAction
from deskclerk.catalogue.action import Resource as Resource
from deskclerk.catalogue.action import Spec as Spec
from deskclerk.catalogue.clients import *  # noqa: F403 - each class is written down once, where it is declared
from deskclerk.catalogue.domains import *  # noqa: F403
from deskclerk.catalogue.invitations import *  # noqa: F403
from deskclerk.catalogue.jobs import *  # noqa: F403
from deskclerk.catalogue.jwt_templates import *  # noqa: F403
from deskclerk.catalogue.org_invitations import *  # noqa: F403
from deskclerk.catalogue.org_memberships import *  # noqa: F403
from deskclerk.catalogue.organizations import *  # noqa: F403
from deskclerk.catalogue.parameter import Parameter as Parameter
from deskclerk.catalogue.restrictions import *  # noqa: F403
from deskclerk.catalogue.route import DESTRUCTIVE as DESTRUCTIVE
from deskclerk.catalogue.route import READ as READ
from deskclerk.catalogue.route import WRITE as WRITE
from deskclerk.catalogue.route import Answers as Answers
from deskclerk.catalogue.route import Effect as Effect
from deskclerk.catalogue.route import Request as Request
from deskclerk.catalogue.route import Route as Route
from deskclerk.catalogue.route import Send as Send
from deskclerk.catalogue.route import Verb as Verb
from deskclerk.catalogue.sessions import *  # noqa: F403
from deskclerk.catalogue.users import *  # noqa: F403


def _declared_in(module: ModuleType) -> tuple[type[Action], ...]:
    """The actions of a resource's module, in the order in which they stand there."""
    found = (value for value in vars(module).values() if isinstance(value, type))
    return tuple(
        kind
        for kind in found
        if issubclass(kind, Action) and kind.__module__ == module.__name__ and hasattr(kind, "spec")
    )


EVERY_ACTION: tuple[type[Action], ...] = (
    *_declared_in(users),
    *_declared_in(organizations),
    *_declared_in(org_memberships),
    *_declared_in(org_invitations),
    *_declared_in(sessions),
    *_declared_in(invitations),
    *_declared_in(restrictions),
    *_declared_in(jwt_templates),
    *_declared_in(domains),
    *_declared_in(clients),
)
"""Every action of Clerk's that is declared, whether a face offers it or not."""

JOB_ACTIONS: tuple[type[Action], ...] = _declared_in(jobs)
"""What the desk itself can be asked: jobs of many writes."""

ACTIONS: tuple[type[Action], ...] = tuple(action for action in EVERY_ACTION if action.spec.toolset == "core")
"""The actions that faces offer, in the order in which they list them."""

TOOLSETS: dict[str, tuple[type[Action], ...]] = {
    "core": ACTIONS,
    "jobs": tuple(action for action in JOB_ACTIONS if action.spec.toolset == "jobs"),
}
"""The sets that MCP can offer, by name."""

BY_NAME: dict[str, type[Action]] = {action.spec.name: action for action in ACTIONS}
"""What can be asked for by name."""

EVERY_BY_NAME: dict[str, type[Action]] = {
    action.spec.name: action for action in (*EVERY_ACTION, *JOB_ACTIONS)
}
"""What a plan or the journal can name: also what only Python asks for."""


def sibling(action: type[Action], verb: str) -> type[Action] | None:
    """The action of the same resource with another verb, such as its `get`; None if there is none."""
    alike = (other for other in EVERY_ACTION if other.spec.resource is action.spec.resource)
    return next((other for other in alike if other.spec.verb == verb), None)
