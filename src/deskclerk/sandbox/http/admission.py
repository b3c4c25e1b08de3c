"""What every request meets before routing: the key, the API version that it asks for."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from deskclerk.catalogue import Route
from deskclerk.catalogue.route import DELETE, GET, PATCH, POST, PUT
from deskclerk.sandbox.http.errors import Refusal, not_found, refusal
from deskclerk.sandbox.http.incoming import Incoming
from deskclerk.sandbox.store.state import Instance, State

VERSIONS = ("2021-02-05", "2024-10-01", "2025-03-12", "2025-04-10", "2025-11-10", "2026-05-12")
METADATA_HAS_ITS_OWN_ROUTE = "2026-05-12"
"""Before this version PATCH of a user or an organization took metadata too, and replaced it."""

_ROLE = "/organization_roles/{organization_role_id}"
_DIRECTORIES = _DIRECTORY, _SCIM = "/directories/{directory_id}", "/scim_directories/{scim_directory_id}"


def _of_keys_and_groups(directory: str) -> tuple[Route, ...]:
    groups = f"{directory}/group_role_mappings"
    return (
        POST(f"{directory}/rotate_api_key"),
        *(verb(groups) for verb in (GET, POST, PUT)),
        DELETE(f"{groups}/{{mapping_id}}"),
    )


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
        GET("/billing/plans"),
        GET("/billing/prices"),
        POST("/billing/prices"),
        GET("/billing/subscription_items"),
        DELETE("/billing/subscription_items/{subscription_item_id}"),
        GET("/users/{user_id}/billing/subscription"),
        GET("/billing/statements"),
        GET("/billing/statements/{statement_id}"),
        GET("/billing/statements/{statement_id}/payment_attempts"),
        *(verb(one.rpartition("/")[0]) for one in _DIRECTORIES for verb in (GET, POST)),
        *(verb(one) for one in _DIRECTORIES for verb in (GET, PATCH, DELETE)),
        POST("/agents/tasks"),
        POST("/agents/tasks/{agent_task_id}/revoke"),
        # The version's document leaves these out; Clerk's Python client, which asks for it, calls them.
        *_of_keys_and_groups(_SCIM),
    ),
    "2025-11-10",
) | dict.fromkeys(_of_keys_and_groups(_DIRECTORY), "2026-05-12")
"""Routes that no older version has."""

KEYS_SINCE: Mapping[str, Mapping[str, str]] = {"session": {"tasks": "2025-11-10"}}
"""By the type of an object, keys that no answer in an older version has."""
TRACE_HEADER = "x-clerk-trace-id"
_MACHINES_MAY, _MACHINES_KEY = "/v1/m2m_tokens", "ak_"


def has_route(route: Route, version: str) -> bool:
    """Whether an API version has this route."""
    # Versions are dates: as text they stand in their order.
    return version >= ROUTES_SINCE.get(route, VERSIONS[0])


def in_version(answer: Any, version: str) -> Any:
    """The answer as an API version gives it."""
    if all(version >= since for keys in KEYS_SINCE.values() for since in keys.values()):
        return answer
    # Only answers to old versions are gone through; the newest is what handlers make.
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


@dataclass(frozen=True, slots=True)
class Machine:
    """Who shows a secret key of its own in place of the instance's."""

    id: str
    instance_id: str


@dataclass(frozen=True, slots=True)
class Admitted:
    """A request that is let in: its instance and API version, and what the controls have set.

    `machine` is the id of the machine that asks, where it is not somebody with the instance's key.
    """

    instance: Instance
    version: str
    state: State
    machine: str | None = None


def key_of_machine(request: Incoming) -> str | None:
    """The key that a request shows, if it is one of a machine's, and goes where these count."""
    if not (request.path == _MACHINES_MAY or request.path.startswith(f"{_MACHINES_MAY}/")):
        return None
    scheme, _, key = (request.header("authorization") or "").partition(" ")
    return key.strip() if scheme.lower() == "bearer" and key.strip().startswith(_MACHINES_KEY) else None


def admit(request: Incoming, state: State, machine: Machine | None = None) -> Admitted:
    """Refuse a wrong key before anything else, as Clerk does, also on unknown paths."""
    instance = _instance_of(machine, state) if machine else None
    instance = instance or _instance(request.header("authorization"), state.by_key)
    version = _version(request)
    if "\0" in request.path:  # PostgreSQL keeps no such text, so nothing has it as its id
        raise not_found("resource", "U+0000")
    return Admitted(instance, version, state, machine.id if machine else None)


def _instance_of(machine: Machine, state: State) -> Instance | None:
    return next((item for item in state.by_key.values() if item.id == machine.instance_id), None)


def _instance(header: str | None, by_key: Mapping[str, Instance]) -> Instance:
    scheme, _, key = (header or "").partition(" ")
    if scheme.lower() != "bearer" or not key.strip():
        raise refusal(
            "authorization_header_format_invalid",
            "Invalid Authorization header format",
            "The Authorization header must be 'Bearer' and a secret key.",
        )
    # The sandbox's keys are no secrets: a plain look-up gives nothing away.
    instance = by_key.get(key.strip())
    if instance is None:
        raise refusal("clerk_key_invalid", "The secret key is invalid", "No instance has this secret key.")
    return instance


def _version(request: Incoming) -> str:
    header = request.header("clerk-api-version")
    # Of one that stands twice the last counts.
    parameter = dict(request.query).get("__clerk_api_version")
    if header and parameter:
        raise _bad_version("Give the API version in the header or in the query, not in both.")
    # As Clerk does: whoever names no version gets the oldest.
    version = header or parameter or VERSIONS[0]
    if version not in VERSIONS:
        raise _bad_version(f"Known API versions: {', '.join(VERSIONS)}.")
    return version


def _bad_version(text: str) -> Refusal:
    return refusal("api_version_invalid", "The API version is invalid", text)
