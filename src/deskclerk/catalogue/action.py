"""An action: one thing that can be asked for, declared once; everything else is derived from it."""

import functools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Self

from pydantic import BaseModel, ConfigDict, ValidationError

from deskclerk.catalogue.coercion import CLEAR, NUL, NUL_RULE, coerce, holds_nul, near_name
from deskclerk.catalogue.fields import KeyPath, Local, about
from deskclerk.catalogue.parameter import Parameter, read_parameter
from deskclerk.catalogue.route import READ, Answers, Effect, Request, Route, Send
from deskclerk.catalogue.withheld import as_json, file_of, may_be_seen, put_in, secrets_in, shown
from deskclerk.errors import ClerkError, InvalidRequest

_MOST_TOLD = 50
"""Problems of one call; no action has as many parameters."""
_LONGEST_NAME = 80
"""Characters of a name that is not known: to find what it is like costs the square of its length."""
_AGAIN = "Nothing was sent. Correct the arguments and call again."


@dataclass(frozen=True)
class Resource:
    """A kind of thing in Clerk: its plural as used on the command line, one of it, what identifies it.

    `brief` holds the keys of an answer that the next step usually needs; the view shows those unless
    asked for more. A dotted key reaches into an object or into each object of a list.
    """

    plural: str
    one: str
    brief: tuple[str, ...]
    in_lists: tuple[str, ...] = ()
    """What a model is shown of each of many; left out, `brief`. Every item costs what it holds."""
    object: str = ""
    """What Clerk calls it in `object`; left out, its name in small letters."""

    def __post_init__(self) -> None:
        if not self.object:
            object.__setattr__(self, "object", self.one.lower().replace(" ", "_"))

    @property
    def several(self) -> str:
        """Several of it, for people: `organization memberships`, `allow-list entries`."""
        return f"{self.one[:-1]}ies" if self.one.endswith(("ry", "ty")) else f"{self.one}s"


@dataclass(frozen=True)
class Spec:
    """What an action's class statement declares, and what follows from it."""

    name: str
    resource: Resource
    route: Route
    effect: Effect
    also: tuple[Route, ...] = ()
    """Further routes that the action uses."""
    paged: bool = True
    """For a list: whether Clerk pages it. The desk cuts pages out of one that it does not."""
    wrapped: bool = False
    """For a list: whether Clerk always answers `{data, total_count}`."""
    counted_at: Route | None = None
    """For a list whose answer has no total: where Clerk counts it, with the same filters."""
    in_list: bool = False
    """Whether one thing is read from the route of a list, because Clerk has none for it alone."""
    answers: Answers | None = None
    """What it answers, where that is not one of its resource, or for a list many of them."""
    called: str = ""
    """What its command is called, where that does not follow from its name."""
    titled: str = ""
    """A title for people, where the derived one would not read well."""
    deprecated: bool = False
    """Whether Clerk advises against it; it is offered in the toolset `all` only."""
    hands_over: tuple[str, ...] = ()
    """Keys of the answer that hold a secret, which is handed to a person and to nobody else."""
    toolset: str = "core"
    """The named set that it belongs to; faces offer those that are chosen, and Python has all."""
    by_desk: bool = False
    """Whether the desk answers it itself: nothing of it reaches Clerk, and its route only names it."""

    @property
    def verb(self) -> str:
        """What is done to the resource: `list`, `get`, `ban`, `mfa-disable`; the name after the resource."""
        if self.called:
            return self.called
        plural = self.resource.plural.replace("-", "_")
        name = self.name.removeprefix("clerk_")
        for prefix in (plural, _singular(plural)):
            if name.startswith(f"{prefix}_"):
                return name.removeprefix(f"{prefix}_").replace("_", "-")
        return self.name.rpartition("_")[2]

    @property
    def is_list(self) -> bool:
        """Whether the answer is a list of things."""
        return self.name.endswith("_list")

    @property
    def reads_one(self) -> bool:
        """Whether the answer is one thing, read by its ids."""
        return self.verb == "get"

    @property
    def creates(self) -> bool:
        """Whether it makes a new thing."""
        return self.verb == "create"

    @property
    def updates(self) -> bool:
        """Whether it sets the fields that it is given, and leaves the others."""
        return self.verb == "update"

    @property
    def removes(self) -> bool:
        """Whether a thing is gone, or ended, afterwards."""
        return self.verb in ("delete", "revoke")

    @property
    def idempotent(self) -> bool:
        """Whether asking twice leaves the instance as asking once does."""
        return not self.creates

    @property
    def heading(self) -> str:
        """A short title for people: `Ban user`, `List OAuth applications`."""
        if self.titled:
            return self.titled
        *about, verb = self.verb.split("-")
        if about and not self.called:
            return f"{verb.capitalize()} {' '.join(about)} of {self.resource.one}"
        return f"{self.verb.capitalize()} {self.resource.several if self.is_list else self.resource.one}"

    @property
    def answer(self) -> Answers:
        """What the operation answers, as far as an answer is checked before it is believed."""
        return self.answers or Answers(self.resource.object, many=self.is_list or self.in_list)

    @property
    def routes(self) -> tuple[Route, ...]:
        """Every route that the action uses, its own first."""
        return (self.route, *self.also)


def _singular(plural: str) -> str:
    if plural.endswith("ies"):
        return f"{plural[:-3]}y"
    return plural.removesuffix("es") if plural.endswith("sses") else plural.removesuffix("s")


class Action(BaseModel):
    """The base of every action. Its docstring's first line is what a model reads to choose it.

    Declare one with `class BanUser(Action, name=…, resource=…, route=…, effect=…)`; build one with
    keyword arguments or, from JSON, with `parse`. Both raise InvalidRequest before anything is sent.
    """

    model_config = ConfigDict(
        # Strict and closed: an argument in the wrong type or under an unknown name is a mistake of a model's,
        # to be told.
        extra="forbid",
        strict=True,
        frozen=True,
        defer_build=True,
        hide_input_in_errors=True,
    )

    spec: ClassVar[Spec]

    def __init_subclass__(
        cls,
        *,
        name: str = "",
        resource: Resource | None = None,
        route: Route | None = None,
        effect: Effect | None = None,
        **more: Any,
    ) -> None:
        super().__init_subclass__()
        # A base such as ReadAction, which is no action itself.
        if not name:
            return
        if resource is None or route is None or effect is None:
            raise TypeError(f"{cls.__name__}: resource, route and effect are part of an action")
        cls.spec = Spec(name, resource, route, effect, **more)

    if not TYPE_CHECKING:  # the constructor's typed signature comes from the fields

        def __init__(self, /, **arguments: Any) -> None:
            given = {
                key: value
                for key, value in arguments.items()
                if value is not None or key not in self.parameters() or self.parameters()[key].nullable
            }
            self._check_characters(given)
            problem = None
            try:
                super().__init__(**given)
            except ValidationError as error:
                problem = _invalid(type(self), error)
            if problem:  # raised here, not there: the first error would come along, and the values in it
                raise problem
            self.check()

    @classmethod
    @functools.cache
    def parameters(cls) -> dict[str, Parameter]:
        """The parameters by name, in order of declaration, the desk's own last."""
        # What stands in the URL alone, and not what only reads: some questions are asked with a body.
        reads = cls.spec.route.method in ("GET", "DELETE")
        found = [
            read_parameter(name, info, in_path=name in cls.spec.route.names, reads=reads)
            for name, info in cls.model_fields.items()
        ]
        return {item.name: item for item in sorted(found, key=lambda item: item.where == "local")}

    @classmethod
    @functools.cache
    def summary(cls) -> str:
        """The first paragraph of the docstring, on one line."""
        return " ".join((cls.__doc__ or "").partition("\n\n")[0].split())

    @classmethod
    def parse(cls, arguments: Mapping[str, Any]) -> Self:
        """The action with these JSON arguments, spelt as clients spell them (see `coercion.py`).

        InvalidRequest names every argument that is wrong.
        """
        return cls(**cls.coerced(arguments))

    @classmethod
    def coerced(cls, arguments: Mapping[str, Any]) -> dict[str, Any]:
        """The arguments with their values as declared, not validated yet."""
        try:
            found = coerce(arguments, cls.parameters(), cls.clearable())
        except InvalidRequest as error:
            error.message = f"{cls.spec.name}: {error.message}"
            error.next_step = _AGAIN
            raise
        # Here too: by some arguments people are looked for before they are validated.
        cls._check_characters(found)
        return found

    @classmethod
    def _check_characters(cls, arguments: Mapping[str, Any]) -> None:
        """InvalidRequest names every argument with a character that neither Clerk nor PostgreSQL keeps."""
        wrong = [name for name, value in arguments.items() if NUL in name or holds_nul(value)]
        if wrong:
            problems = [(name.replace(NUL, "\ufffd"), NUL_RULE) for name in wrong]
            told = "; ".join(f"{name}: {problem}" for name, problem in problems)
            raise InvalidRequest(f"{cls.spec.name}: {told}.", problems=problems, next_step=_AGAIN)

    @classmethod
    @functools.cache
    def clearable(cls) -> list[str]:
        """The parameters that an update can empty."""
        return [item.name for item in cls.parameters().values() if item.nullable and cls.spec.updates]

    def check(self) -> None:
        """Rules between arguments; override to add some. Raises InvalidRequest."""
        if self.spec.updates:
            self.check_given("change")

    def check_given(self, verb: str) -> None:
        """Raise InvalidRequest where nothing to `change`, or to `replace`, was given."""
        if not self.given("body"):
            free = [item.name for item in self.parameters().values() if item.where == "body"]
            raise InvalidRequest(
                f"{self.spec.name}: nothing to {verb} was given.",
                problems=[("", f"nothing to {verb} was given")],
                next_step=f"Pass at least one of: {', '.join(free)}.",
            )

    def given(self, where: str, *, metadata: bool | None = None) -> dict[str, Any]:
        """The arguments that travel there, as they travel: those set, and defaults that are not null."""
        values: dict[str, Any] = {}
        for name, item in self.parameters().items():
            if item.where != where or (metadata is not None and item.metadata is not metadata):
                continue
            value = getattr(self, name)
            if value is not None or (item.nullable and name in self.model_fields_set):
                values[name] = as_json(value)
        return values

    def arguments(self) -> dict[str, Any]:
        """All arguments as they were given, secrets replaced by a mark: fit to be shown and kept.

        A reference to a stored secret stays as it is; a file is told by its kind, size and hash.
        """
        return shown(self.parameters(), self._given())

    def secrets(self) -> Iterator[tuple[str, Any]]:
        """The secret values that were given, with their places; inside an object as `oidc.client_secret`."""
        return secrets_in(self.parameters(), self._given())

    def withheld(self) -> dict[str, Any]:
        """What `arguments` has a mark for, by its place: plain secrets, and files."""
        files = {name: getattr(self, name) for name, item in self.parameters().items() if item.upload}
        plain = {place: value for place, value in self.secrets() if not may_be_seen(value)}
        return plain | {name: text for name, text in files.items() if text is not None}

    def with_secrets(self, values: Mapping[str, Any]) -> Self:
        """The action with other values of secrets, by the places that `secrets` gives them."""
        names = {place.partition(".")[0] for place in values}
        given = put_in({name: as_json(getattr(self, name)) for name in names}, values)
        return self.model_copy(update=given) if given else self

    def _given(self) -> dict[str, Any]:
        """The arguments that were given, in the parameters' order."""
        return {
            name: as_json(getattr(self, name)) for name in self.parameters() if name in self.model_fields_set
        }

    def request(self) -> Request:
        """The request of an action that is a single one."""
        return self.request_to(self.spec.route, self.given("body", metadata=False))

    def request_to(self, route: Route, body: Mapping[str, Any] | None = None) -> Request:
        """A request to one of the action's routes; path and query come from the arguments."""
        takes_body = route.method in ("POST", "PATCH", "PUT")
        fields: dict[str, Any] | list[Any] | None = dict(body or {})
        file = None
        for item in self.parameters().values():
            if item.whole and isinstance(fields, dict):
                fields = fields.get(item.name)
            elif item.upload and isinstance(fields, dict) and item.name in fields:
                file = file_of(item.name, fields.pop(item.name))
        return Request(
            route.method,
            route.fill({name: getattr(self, name) for name in route.names}),
            to_query(self.given("query")),
            fields if takes_body and self._body_names() else None,
            self.spec.answer,
            file,
            reads=self.spec.effect is READ,
            route=route.path,
        )

    @classmethod
    def _body_names(cls) -> bool:
        return any(item.where == "body" for item in cls.parameters().values())

    async def perform(self, send: Send) -> Any:
        """Ask Clerk; an action that is more than one request overrides this."""
        return await send(self.request())

    def __repr_args__(self) -> Any:
        return self.arguments().items()


class ShapedAction(Action):
    """An action whose answer is brief unless `fields` asks for more.

    Reads are. So is a write of which Clerk wants to be told nothing: several models refuse a tool that takes
    no argument at all.
    """

    fields: Annotated[list[KeyPath] | None, Local()] = about("")


class ReadAction(ShapedAction):
    """An action that changes nothing."""


def to_query(values: Mapping[str, Any]) -> tuple[tuple[str, str], ...]:
    """Query pairs as Clerk reads them: lists repeat the name, booleans are true and false."""
    return tuple(
        (name, str(item).lower() if isinstance(item, bool) else str(item))
        for name, value in values.items()
        for item in (value if isinstance(value, list) else [value])
    )


def items_of(answer: Any) -> list[Any]:
    """The items of a list, bare or in `{data, total_count}`; ClerkError for anything else."""
    items = answer.get("data") if isinstance(answer, Mapping) else answer
    if isinstance(items, list) and all(isinstance(item, Mapping) for item in items):
        return items
    raise ClerkError(
        "Clerk's answer is not a list of objects.",
        next_step="Check that CLERK_API_URL is the origin of a Clerk Backend API.",
    )


async def in_turn(send: Send, steps: list[tuple[str, Request]]) -> Any:
    """Send requests one after another; the last answer. A failure says which were done before it."""
    done: list[str] = []
    answer: Any = None
    for label, request in steps:
        try:
            answer = await send(request)
        except ClerkError as error:
            # An update of two requests may stop between them: half of it has happened.
            error.done = tuple(done)
            raise
        done.append(label)
    return answer


def _invalid(action: type[Action], error: ValidationError) -> InvalidRequest:
    """The same finding with our words: every argument, what is accepted; never the value."""
    problems: dict[str, str] = {}
    found = error.errors(include_url=False, include_input=False)
    # The first ones: whoever sends thousands of wrong ones is not helped by a line for each.
    for item in found[:_MOST_TOLD]:
        name = str(item["loc"][0]) if item["loc"] else ""
        known = action.parameters().get(name)
        inside = "".join(
            f"[{part}]" if isinstance(part, int) else f".{part}"
            for part in item["loc"][1:]
            if isinstance(part, int) or (known and known.parts and part in _part_names(known))
        )
        if known and known.parts and len(item["loc"]) > 1:
            problems[name + inside] = _in_part(known, item)
        elif item["type"] == "extra_forbidden":
            name = name[:_LONGEST_NAME]
            problems[name] = _unknown(action, name)
        elif item["type"] == "missing":
            problems[name] = f"required: {known.accepted if known else ''}"
        elif item["type"] == "value_error":
            problems[name + inside] = str(item["ctx"]["error"])
        else:
            problems[name + inside] = f"expected {known.accepted if known else item['msg']}"
    listed = "; ".join(f"{name}: {text}" for name, text in problems.items())
    more = f"; and {len(found) - _MOST_TOLD} more" if len(found) > _MOST_TOLD else ""
    return InvalidRequest(
        f"{action.spec.name}: {listed}{more}.",
        problems=list(problems.items()),
        next_step=_AGAIN,
    )


def _part_names(known: Parameter) -> set[str]:
    """The names at any depth of an object's parts."""
    return {*known.parts, *(name for part in known.parts.values() for name in _part_names(part))}


def _in_part(known: Parameter, item: Any) -> str:
    """What is wrong inside an object: the innermost part that the error names decides what is accepted."""
    inner = known
    for part in item["loc"][1:]:
        inner = inner.parts.get(part, inner) if isinstance(part, str) else inner
    if item["type"] == "extra_forbidden":
        unknown = str(item["loc"][-1])[:_LONGEST_NAME]
        return f"{unknown}: unknown (accepted: {', '.join(inner.parts)})"
    if item["type"] == "missing":
        return f"required: {inner.accepted}"
    return str(item["ctx"]["error"]) if item["type"] == "value_error" else f"expected {inner.accepted}"


def _unknown(action: type[Action], name: str) -> str:
    near = near_name(name, action.parameters(), action.spec.resource.one)
    hint = f"; did you mean {near}?" if near else ""
    names = [*action.parameters(), *([CLEAR] if action.clearable() else [])]
    return f"unknown argument{hint} (accepted: {', '.join(names) or 'none'})"
