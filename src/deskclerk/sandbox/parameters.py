"""What each route accepts, taken from the catalogue; requests are checked against it."""

import dataclasses
import functools
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from deskclerk.catalogue import EVERY_ACTION, Action, Parameter, Route, Verb
from deskclerk.catalogue.route import GET
from deskclerk.sandbox.operation import Operation
from deskclerk.sandbox.refusals import Problem, Refusal, refusal
from deskclerk.sandbox.values import check, from_text
from deskclerk.sandbox.versions import METADATA_HAS_ITS_OWN_ROUTE

REPEATED = {(GET("/organizations/{organization_id}/invitations"), "status")}
"""Single by Clerk's schema, but its text says that several values are accepted."""


@dataclass(frozen=True, slots=True)
class Accepted:
    """The parameters of one route by name, by where they travel.

    `old` are body parameters of API versions before METADATA_HAS_ITS_OWN_ROUTE; `wrapped` says that
    its list is always `{data, total_count}`.
    """

    query: Mapping[str, Parameter]
    body: Mapping[str, Parameter]
    old: Mapping[str, Parameter]
    wrapped: bool

    def body_in(self, version: str) -> Mapping[str, Parameter]:
        """The body parameters in an API version."""
        return {**self.body, **self.old} if version < METADATA_HAS_ITS_OWN_ROUTE else self.body


@functools.cache
def accepted(route: Route, operation: type[Operation] | None = None) -> Accepted:
    """What a route accepts: what its operation declares, else what all actions that use the route do.

    Where several share one, a parameter is as the first declares it, and required if all require it.
    """
    if operation and not operation.like:
        return _declared(operation)
    like = operation.like if operation else None
    actions = [like] if like else [item for item in EVERY_ACTION if route in item.spec.routes]
    found = [(item, name) for item in actions for name in item.parameters().values()]
    body = [(item, name) for item, name in found if name.where == "body" and _takes_body(route)]
    query = _merged(actions, (pair for pair in found if pair[1].where == "query"))
    inside = route.path.endswith("/metadata")
    return Accepted(
        query={name: _repeatable(route, item) for name, item in query.items()},
        body=_merged(actions, (pair for pair in body if pair[1].metadata is inside)),
        old=_merged(actions, (pair for pair in body if pair[1].metadata and not inside)),
        wrapped=any(item.spec.wrapped for item in actions),
    )


def _declared(operation: type[Operation]) -> Accepted:
    where: dict[str, dict[str, Parameter]] = {"query": {}, "body": {}}
    for name, item in operation.parameters().items():
        where[item.where][name] = item
    return Accepted(query=where["query"], body=where["body"], old={}, wrapped=operation.wrapped)


def read_query(pairs: Iterable[tuple[str, str]], known: Mapping[str, Parameter]) -> dict[str, Any]:
    """The known query parameters as values; unknown ones are ignored, as Clerk does."""
    texts: dict[str, list[str]] = {}
    for name, text in pairs:
        texts.setdefault(name.removesuffix("[]"), []).append(text)
    values = {name: from_text(texts[name], item) for name, item in known.items() if name in texts}
    _refuse_any([*_missing(values, known), *_wrong(values, known)])
    return values


def read_body(content: bytes, known: Mapping[str, Parameter]) -> dict[str, Any]:
    """The body as checked values; no body, `null` and `{}` are the same."""
    given = _parse(content)
    if given is None:
        given = {}
    if not isinstance(given, dict):
        raise refusal("request_body_invalid", "body is invalid", "The body must be a JSON object.")
    check_body(given, known)
    return given


def read_items(content: bytes, known: Mapping[str, Parameter]) -> list[dict[str, Any]]:
    """A body that is an array of objects, each checked."""
    given = _parse(content)
    if not isinstance(given, list) or not all(isinstance(item, dict) for item in given):
        raise refusal("request_body_invalid", "body is invalid", "The body must be a JSON array of objects.")
    for item in given:
        check_body(item, known)
    return given


def check_body(given: Mapping[str, Any], known: Mapping[str, Parameter]) -> None:
    """Refuse a body with what is unknown, missing or wrong."""
    unknown = (
        Problem("form_param_unknown", "is unknown", f"{name} is not a parameter of this request.", name)
        for name in given
        if name not in known
    )
    _refuse_any([*unknown, *_missing(given, known), *_wrong(given, known)])


def _takes_body(route: Route) -> bool:
    return route.method not in (Verb.GET, Verb.DELETE)


def _merged(
    actions: list[type[Action]], pairs: Iterable[tuple[type[Action], Parameter]]
) -> dict[str, Parameter]:
    merged: dict[str, Parameter] = {}
    for _, item in pairs:
        merged.setdefault(item.name, item)
    return {name: _optional(item, actions) for name, item in merged.items()}


def _repeatable(route: Route, item: Parameter) -> Parameter:
    """The parameter, as a list where it may be repeated."""
    if (route, item.name) not in REPEATED:
        return item
    return dataclasses.replace(item, schema={"type": "array", "items": item.schema})


def _optional(item: Parameter, actions: list[type[Action]]) -> Parameter:
    needed = all(
        item.name in action.parameters() and action.parameters()[item.name].required for action in actions
    )
    if item.required is needed:
        return item
    return dataclasses.replace(item, required=needed)


def _parse(content: bytes) -> Any:
    try:
        parsed = json.loads(content.decode(), parse_constant=_no_constant) if content.strip() else None
        json.dumps(parsed, ensure_ascii=False).encode()  # a lone surrogate is no text that can be kept
    except (ValueError, RecursionError):
        raise refusal("request_body_invalid", "body is invalid", "The body is not valid JSON.") from None
    return parsed


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is not JSON")


def _missing(given: Mapping[str, Any], known: Mapping[str, Parameter]) -> Iterator[Problem]:
    for name, item in known.items():
        if item.required and name not in given:
            yield Problem("form_param_missing", "is missing", f"{name} must be included.", name)


def _wrong(given: Mapping[str, Any], known: Mapping[str, Parameter]) -> Iterator[Problem]:
    for name, item in known.items():
        if name in given:
            yield from check(given[name], item)


def _refuse_any(problems: list[Problem]) -> None:
    if problems:
        raise Refusal(*problems)
