"""What differs between API versions: the one place that says so.

Clerk documents three of its versions. What a document has first holds from its version on, so that a
version between two documents is like the older one. Parameters of a version are in `parameters`.
"""

from collections.abc import Mapping
from typing import Any

from deskclerk.catalogue import Route
from deskclerk.catalogue.route import DELETE, GET, PATCH, POST

VERSIONS = ("2021-02-05", "2024-10-01", "2025-03-12", "2025-04-10", "2025-11-10", "2026-05-12")
NEWEST = VERSIONS[-1]
METADATA_HAS_ITS_OWN_ROUTE = "2026-05-12"
"""Before this version PATCH of a user or an organization took metadata too, and replaced it."""

_ROLE = "/organization_roles/{organization_role_id}"
ROUTES_SINCE: Mapping[Route, str] = dict.fromkeys(
    (
        GET("/organization_roles"),
        POST("/organization_roles"),
        GET(_ROLE),
        PATCH(_ROLE),
        DELETE(_ROLE),
        POST(f"{_ROLE}/permissions/{{permission_id}}"),
        DELETE(f"{_ROLE}/permissions/{{permission_id}}"),
        POST("/users/{user_id}/password/set_compromised"),
        POST("/users/{user_id}/password/unset_compromised"),
        POST("/waitlist_entries/bulk"),
    ),
    "2025-11-10",
)
"""Routes that no older version has."""

KEYS_SINCE: Mapping[str, Mapping[str, str]] = {"session": {"tasks": "2025-11-10"}}
"""By the type of an object, keys that no answer in an older version has."""


def has_route(route: Route, version: str) -> bool:
    """Whether an API version has this route."""
    return version >= ROUTES_SINCE.get(route, VERSIONS[0])


def in_version(answer: Any, version: str) -> Any:
    """The answer as an API version gives it."""
    if all(version >= since for keys in KEYS_SINCE.values() for since in keys.values()):
        return answer
    return _without_newer(answer, version)


def _without_newer(value: Any, version: str) -> Any:
    if isinstance(value, list):
        return [_without_newer(item, version) for item in value]
    if not isinstance(value, dict):
        return value
    since = KEYS_SINCE.get(str(value.get("object")), {})
    return {
        key: _without_newer(item, version)
        for key, item in value.items()
        if version >= since.get(key, VERSIONS[0])
    }
