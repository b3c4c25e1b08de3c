"""Sessions: where users are signed in."""

from typing import Literal

from deskclerk.catalogue.action import Action, ReadAction, Resource
from deskclerk.catalogue.fields import Id, Limit, Offset, about
from deskclerk.catalogue.route import DESTRUCTIVE, GET, POST, READ

SESSIONS = Resource(
    "sessions",
    "session",
    (
        "id",
        "user_id",
        "client_id",
        "status",
        "last_active_organization_id",
        "latest_activity.device_type",
        "latest_activity.browser_name",
        "latest_activity.city",
        "latest_activity.country",
        "last_active_at",
        "expire_at",
        "created_at",
    ),
)

SessionStatus = Literal["abandoned", "active", "ended", "expired", "removed", "replaced", "revoked"]


class ListSessions(
    ReadAction, name="clerk_sessions_list", resource=SESSIONS, route=GET("/sessions"), effect=READ
):
    """List sessions, newest first; give user_id or client_id."""

    client_id: str | None = None
    user_id: str | None = None
    status: SessionStatus | None = None
    paginated: bool | None = about("false: no total", default=True)
    limit: Limit | None = None
    offset: Offset | None = None


class GetSession(
    ReadAction,
    name="clerk_session_get",
    resource=SESSIONS,
    route=GET("/sessions/{session_id}"),
    effect=READ,
):
    """Read one session by id."""

    session_id: Id


class RevokeSession(
    Action,
    name="clerk_session_revoke",
    resource=SESSIONS,
    route=POST("/sessions/{session_id}/revoke"),
    effect=DESTRUCTIVE,
):
    """End a session: that device has to sign in again."""

    session_id: Id
