"""What it means to make something to sign in with: who it lets in, and that no model sees it."""

from deskclerk.catalogue import (
    Action,
    CreateActorToken,
    CreateAgentTask,
    CreateSignInToken,
    CreateTestingToken,
    RevokeActorToken,
    RevokeAgentTask,
    RevokeSignInToken,
)
from deskclerk.clerk.client import Clerk
from deskclerk.desk.consequences.default import Consequences, Creation, Values, says
from deskclerk.desk.consequences.targets import display_name, named
from deskclerk.desk.view.cleaning import line_of

_HANDED_OVER = ("handing over", says("it goes to a person, not to the model"))
_NEVER = "It never works again; another can be made."


async def _whom_it_lets_in(action: Action, target: Values, clerk: Clerk) -> list[str]:
    del clerk
    name = display_name(target) or line_of(getattr(action, "user_id", ""))
    return [f"whoever opens the link is signed in as {name}, with no password and no second factor"]


class CreateSignInTokenConsequences(Creation, of=CreateSignInToken):
    """A link lets in whoever holds it."""

    undone_by = RevokeSignInToken
    keeps = "sessions that were begun with it go on"
    reach = (("the link", _whom_it_lets_in), _HANDED_OVER)


async def _who_acts(action: Action, target: Values, clerk: Clerk) -> list[str]:
    del clerk
    name = display_name(target) or line_of(getattr(action, "user_id", ""))
    actor = line_of(getattr(getattr(action, "actor", None), "sub", ""))
    return [f"{actor or 'whoever holds it'} acts as {name}, and sees and does what this user can"]


class CreateActorTokenConsequences(Creation, of=CreateActorToken):
    """Somebody acts as a user."""

    undone_by = RevokeActorToken
    keeps = "sessions that were begun with it go on"
    reach = (("the token", _who_acts), _HANDED_OVER)


async def _what_the_agent_may(action: Action, target: Values, clerk: Clerk) -> list[str]:
    del target
    behalf = getattr(action, "on_behalf_of", None)
    user = getattr(behalf, "user_id", None) or getattr(behalf, "identifier", None) or "a user"
    name = await named(user, clerk)
    agent = line_of(getattr(action, "agent_name", ""))
    allowed = line_of(getattr(action, "permissions", ""))
    return [
        f"the agent {agent} is signed in as {name}, with permissions {allowed}",
        f"its task: {line_of(getattr(action, 'task_description', ''))}",
    ]


class CreateAgentTaskConsequences(Creation, of=CreateAgentTask):
    """An agent acts as a user."""

    undone_by = RevokeAgentTask
    keeps = "what the agent did stays done"
    reach = (("the task", _what_the_agent_may), _HANDED_OVER)


class CreateTestingTokenConsequences(Creation, of=CreateTestingToken):
    """A token of which nothing is kept, and which ends by itself."""

    lost = "It cannot be revoked; it ends by itself within the hour."
    reach = (("bot detection", says("whoever holds it is not checked for being a bot")), _HANDED_OVER)


class RevokeSignInTokenConsequences(Consequences, of=RevokeSignInToken):
    """A link is made anew with another id."""

    lost = _NEVER


class RevokeActorTokenConsequences(Consequences, of=RevokeActorToken):
    """A token is made anew with another id."""

    lost = _NEVER


class RevokeAgentTaskConsequences(Consequences, of=RevokeAgentTask):
    """A task is made anew with another id."""

    lost = _NEVER
