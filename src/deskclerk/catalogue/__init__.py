"""WHAT can be asked: every action, declared once, in a module per resource. Start at ACTIONS.

Nothing comes in here but the errors: what an action does beyond its declaration stands in the desk, what the
local Clerk answers to it in the sandbox.
"""

import functools
from types import ModuleType

from deskclerk.catalogue import (
    billing,
    clients,
    directories,
    domains,
    email_addresses,
    enterprise,
    instance,
    invitations,
    jobs,
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
    waitlist,
)
from deskclerk.catalogue.action import Action as Action
from deskclerk.catalogue.action import ReadAction as ReadAction
from deskclerk.catalogue.action import Resource as Resource
from deskclerk.catalogue.action import Spec as Spec
from deskclerk.catalogue.billing import *  # noqa: F403 - each class is written down once, where it is declared
from deskclerk.catalogue.clients import *  # noqa: F403
from deskclerk.catalogue.directories import *  # noqa: F403
from deskclerk.catalogue.domains import *  # noqa: F403
from deskclerk.catalogue.email_addresses import *  # noqa: F403
from deskclerk.catalogue.enterprise import *  # noqa: F403
from deskclerk.catalogue.instance import *  # noqa: F403
from deskclerk.catalogue.invitations import *  # noqa: F403
from deskclerk.catalogue.jobs import *  # noqa: F403
from deskclerk.catalogue.jwt_templates import *  # noqa: F403
from deskclerk.catalogue.machines import *  # noqa: F403
from deskclerk.catalogue.message_templates import *  # noqa: F403
from deskclerk.catalogue.oauth import *  # noqa: F403
from deskclerk.catalogue.org_invitations import *  # noqa: F403
from deskclerk.catalogue.org_memberships import *  # noqa: F403
from deskclerk.catalogue.org_plus import *  # noqa: F403
from deskclerk.catalogue.org_roles import *  # noqa: F403
from deskclerk.catalogue.organizations import *  # noqa: F403
from deskclerk.catalogue.parameter import Parameter as Parameter
from deskclerk.catalogue.phone_numbers import *  # noqa: F403
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
from deskclerk.catalogue.session_tokens import *  # noqa: F403
from deskclerk.catalogue.sessions import *  # noqa: F403
from deskclerk.catalogue.sign_in_links import *  # noqa: F403
from deskclerk.catalogue.user_factors import *  # noqa: F403
from deskclerk.catalogue.users import *  # noqa: F403
from deskclerk.catalogue.users_plus import *  # noqa: F403
from deskclerk.catalogue.waitlist import *  # noqa: F403
from deskclerk.catalogue.withheld import REDACTED as REDACTED


def _declared_in(module: ModuleType) -> tuple[type[Action], ...]:
    """The actions of a resource's module, in the order in which they stand there."""
    found = (value for value in vars(module).values() if isinstance(value, type))
    return tuple(
        kind
        for kind in found
        if issubclass(kind, Action) and kind.__module__ == module.__name__ and hasattr(kind, "spec")
    )


EVERY_ACTION: tuple[type[Action], ...] = tuple(
    action
    for module in (
        users,
        organizations,
        org_memberships,
        org_invitations,
        sessions,
        invitations,
        restrictions,
        jwt_templates,
        domains,
        clients,
        users_plus,
        email_addresses,
        phone_numbers,
        user_factors,
        org_plus,
        org_roles,
        sign_in_links,
        session_tokens,
        oauth,
        waitlist,
        machines,
        billing,
        enterprise,
        directories,
        instance,
        message_templates,
    )
    for action in _declared_in(module)
)
"""Every operation of Clerk's as an action, the core first."""

JOB_ACTIONS: tuple[type[Action], ...] = _declared_in(jobs)
"""What the desk itself can be asked: jobs of many writes."""

CORE, ALL = "core", "all"

ACTIONS: tuple[type[Action], ...] = tuple(action for action in EVERY_ACTION if action.spec.toolset == CORE)
"""The 48 that are offered where nothing else is chosen, in the order in which they are listed."""


def _toolsets() -> dict[str, tuple[type[Action], ...]]:
    found: dict[str, list[type[Action]]] = {}
    every = (*EVERY_ACTION, *(action for action in JOB_ACTIONS if action.spec.toolset == jobs.TOOLSET))
    for action in every:
        if not action.spec.deprecated:
            found.setdefault(action.spec.toolset, []).append(action)
    return {name: tuple(actions) for name, actions in found.items()} | {ALL: every}


TOOLSETS: dict[str, tuple[type[Action], ...]] = _toolsets()
"""The sets that a face can offer, by name; what Clerk has deprecated is in `all` only."""

BY_NAME: dict[str, type[Action]] = {action.spec.name: action for action in EVERY_ACTION}
"""Clerk's operations by the names that a person or a program asks for."""

EVERY_BY_NAME: dict[str, type[Action]] = {
    action.spec.name: action for action in (*EVERY_ACTION, *JOB_ACTIONS)
}
"""What a plan or the journal can name: also what only Python asks for."""


@functools.cache
def in_toolsets(names: tuple[str, ...]) -> tuple[type[Action], ...]:
    """The actions of several toolsets, each once, in the catalogue's order."""
    chosen = {action for name in names for action in TOOLSETS[name]}
    return tuple(action for action in TOOLSETS[ALL] if action in chosen)


def sibling(action: type[Action], verb: str) -> type[Action] | None:
    """The action of the same resource with another verb, such as its `get`; None if there is none."""
    alike = (other for other in EVERY_ACTION if other.spec.resource is action.spec.resource)
    return next((other for other in alike if other.spec.verb == verb), None)
