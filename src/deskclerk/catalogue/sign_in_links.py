"""Tokens for somebody to sign in with: sign-in links, acting as a user, testing, an agent's tasks."""

from typing import Annotated, Literal

from annotated_types import Ge

from deskclerk.catalogue.action import Action, Resource, ShapedAction
from deskclerk.catalogue.fields import Id, Nullable, Part
from deskclerk.catalogue.route import DESTRUCTIVE, POST, WRITE

TOOLSET = "tokens"

SIGN_IN_TOKENS = Resource(
    "sign-in-tokens",
    "sign-in token",
    (
        "id",
        "status",
        "user_id",
        "token",
        "url",
        "created_at",
    ),
    object="sign_in_token",
)


class CreateSignInToken(
    Action,
    name="clerk_sign_in_token_create",
    resource=SIGN_IN_TOKENS,
    route=POST("/sign_in_tokens"),
    effect=WRITE,
    hands_over=(
        "token",
        "url",
    ),
    toolset=TOOLSET,
):
    """Make a link with which a user signs in once without another factor."""

    user_id: str
    org_id: Nullable[str] = None
    expires_in_seconds: Nullable[Annotated[int, Ge(1)]] = None


class RevokeSignInToken(
    Action,
    name="clerk_sign_in_token_revoke",
    resource=SIGN_IN_TOKENS,
    route=POST("/sign_in_tokens/{sign_in_token_id}/revoke"),
    effect=DESTRUCTIVE,
    hands_over=(
        "token",
        "url",
    ),
    toolset=TOOLSET,
):
    """Make a sign-in link worthless."""

    sign_in_token_id: Id


ACTOR_TOKENS = Resource(
    "actor-tokens",
    "actor token",
    (
        "id",
        "status",
        "user_id",
        "actor",
        "token",
        "url",
        "created_at",
    ),
)


class Actor(Part, extra="allow"):
    """Who acts as the user, and whatever else the session's token is to say of that."""

    sub: str


class CreateActorToken(
    Action,
    name="clerk_actor_token_create",
    resource=ACTOR_TOKENS,
    route=POST("/actor_tokens"),
    effect=WRITE,
    hands_over=(
        "token",
        "url",
    ),
    toolset=TOOLSET,
):
    """Make a token with which somebody acts as a user."""

    user_id: str
    actor: Actor
    expires_in_seconds: int | None = None
    session_max_duration_in_seconds: int | None = None


class RevokeActorToken(
    Action,
    name="clerk_actor_token_revoke",
    resource=ACTOR_TOKENS,
    route=POST("/actor_tokens/{actor_token_id}/revoke"),
    effect=DESTRUCTIVE,
    hands_over=(
        "token",
        "url",
    ),
    toolset=TOOLSET,
):
    """Make an actor token worthless."""

    actor_token_id: Id


TESTING_TOKENS = Resource(
    "testing-tokens",
    "testing token",
    (
        "token",
        "expires_at",
    ),
)


class CreateTestingToken(
    ShapedAction,
    name="clerk_testing_token_create",
    resource=TESTING_TOKENS,
    route=POST("/testing_tokens"),
    effect=WRITE,
    hands_over=("token",),
    toolset=TOOLSET,
):
    """Make a token with which end-to-end tests pass bot detection."""


AGENT_TASKS = Resource(
    "agent-tasks",
    "agent task",
    (
        "agent_id",
        "agent_task_id",
        "task_id",
        "url",
    ),
)


class OnBehalfOf(Part):
    """The user of an agent's task, by id or by identifier."""

    user_id: str | None = None
    identifier: str | None = None


class CreateAgentTask(
    Action,
    name="clerk_agent_task_create",
    resource=AGENT_TASKS,
    route=POST("/agents/tasks"),
    effect=WRITE,
    hands_over=("url",),
    toolset=TOOLSET,
):
    """Make a link with which an agent signs in on behalf of a user for one task."""

    on_behalf_of: OnBehalfOf
    permissions: Literal["*"]
    agent_name: str
    task_description: str
    redirect_url: str
    session_max_duration_in_seconds: int | None = None


class RevokeAgentTask(
    Action,
    name="clerk_agent_task_revoke",
    resource=AGENT_TASKS,
    route=POST("/agents/tasks/{agent_task_id}/revoke"),
    effect=DESTRUCTIVE,
    hands_over=("url",),
    toolset=TOOLSET,
):
    """End an agent's task."""

    agent_task_id: Id
