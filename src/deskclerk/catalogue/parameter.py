"""What one parameter of an action is, as data: read by the faces, the sandbox and the referee."""

import types
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from annotated_types import Ge, Le, MaxLen, MinLen
from pydantic.fields import FieldInfo

from deskclerk.catalogue.fields import (
    Instant,
    Local,
    Merges,
    Metadata,
    Null,
    Part,
    Query,
    Secret,
    Sorted,
    TotalAtZero,
    Upload,
    Whole,
)

Where = Literal["path", "query", "body", "local"]

_PLAIN: dict[Any, dict[str, Any]] = {
    str: {"type": "string"},
    bool: {"type": "boolean"},
    int: {"type": "integer"},
    float: {"type": "number"},
    dict: {"type": "object"},
}


@dataclass(frozen=True, slots=True)
class Parameter:
    """One parameter; `schema` is its compact JSON Schema without the description.

    `parts` are the parameters of an object, or of each object of a list, that is declared as a `Part`.
    `whole` says that the value is the request's body itself, `upload` that it is a file in base64.

    `where` is where it travels (`local`: not at all), `metadata` says that it belongs to the action's
    metadata route, `merges` that its keys are merged into what is there, `nullable` that an explicit null
    is sent, `times` how a time travels (`ms`, `rfc3339`), `sorts` the names an `order_by` takes,
    `total_at_zero` that a 0 asks for a list's total alone.
    """

    name: str
    where: Where
    schema: dict[str, Any]
    required: bool
    description: str
    default: Any = None
    nullable: bool = False
    secret: bool = False
    metadata: bool = False
    merges: bool = False
    times: str | None = None
    sorts: tuple[str, ...] = ()
    total_at_zero: bool = False
    parts: Mapping[str, "Parameter"] = field(default_factory=dict)
    whole: bool = False
    upload: bool = False

    @property
    def accepted(self) -> str:
        """What is accepted, in words, for an error message."""
        total = ", or 0 for the total alone" if self.total_at_zero else ""
        return describe(self.schema) + total + (" or null" if self.nullable else "")


def read_parameter(name: str, info: FieldInfo, *, in_path: bool, reads: bool) -> Parameter:
    """The facts of one declared field."""
    marks = [*info.metadata, *_marks(info.annotation)]

    def has(mark: type) -> bool:
        return any(isinstance(item, mark) for item in marks)

    where: Where = "query" if reads else "body"
    if has(Query):
        where = "query"
    elif has(Local):
        where = "local"
    elif in_path:
        where = "path"
    return Parameter(
        name=name,
        where=where,
        schema=_schema(info.annotation, info.metadata),
        required=info.is_required(),
        description=info.description or "",
        default=None if info.is_required() else info.default,
        nullable=has(Null),
        secret=has(Secret),
        metadata=has(Metadata),
        merges=has(Metadata) or has(Merges),
        times=next((mark.wire for mark in marks if isinstance(mark, Instant)), None),
        total_at_zero=has(TotalAtZero),
        sorts=next((mark.names for mark in marks if isinstance(mark, Sorted)), ()),
        parts=parts_of(info.annotation),
        whole=has(Whole),
        upload=has(Upload),
    )


def parts_of(annotation: Any) -> dict[str, Parameter]:
    """The parameters of the `Part` in an annotation, by name; none without one."""
    if isinstance(annotation, type) and issubclass(annotation, Part):
        fields = annotation.model_fields.items()
        return {name: read_parameter(name, info, in_path=False, reads=False) for name, info in fields}
    found = map(parts_of, get_args(annotation))
    return next(filter(None, found), {})


def describe(schema: dict[str, Any]) -> str:
    """A JSON Schema of this module in words."""
    if "enum" in schema:
        return "one of " + ", ".join(map(str, schema["enum"]))
    if "const" in schema:
        return str(schema["const"]).lower()
    kind = schema["type"]
    if kind == "array":
        most = f"at most {schema['maxItems']} " if "maxItems" in schema else ""
        return f"a list of {most}{describe(schema['items'])}s"
    low, high = schema.get("minimum"), schema.get("maximum")
    bounds = f" {low}-{high}" if high is not None else f" from {low}" if low is not None else ""
    if "properties" in schema:
        return f"JSON object of {', '.join(schema['properties'])}"
    length = f" of at most {schema['maxLength']} characters" if "maxLength" in schema else ""
    named = " or ".join(kind) if isinstance(kind, list) else {"object": "JSON object"}.get(kind, kind)
    return f"{named}{bounds}{length}"


def keys_of(parts: Mapping[str, Parameter]) -> str:
    """The keys of an object in few words: `{mode* email_address|off, source}`, a star for what it needs."""
    return "{" + ", ".join(map(_key, parts.values())) + "}"


def _key(part: Parameter) -> str:
    name = f"{part.name}{'*' if part.required else ''}"
    if part.parts:
        return f"{name} {keys_of(part.parts)}"
    choices = part.schema.get("enum")
    return f"{name} {'|'.join(choices)}" if choices else name


def _marks(annotation: Any) -> Iterator[Any]:
    """Every mark anywhere in an annotation."""
    if get_origin(annotation) is Annotated:
        inner, *marks = get_args(annotation)
        yield from marks
        yield from _marks(inner)
    elif get_origin(annotation) in (Union, types.UnionType):
        for member in get_args(annotation):
            yield from _marks(member)


def _schema(annotation: Any, marks: list[Any] | None = None) -> dict[str, Any]:
    """The compact JSON Schema of an annotation; `X | None` is X (a parameter that may be left out)."""
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        return _schema(arguments[0], [*arguments[1:], *(marks or [])])
    if any(isinstance(mark, Instant) for mark in marks or ()):
        return {"type": ["string", "integer"]}
    if origin in (Union, types.UnionType):
        # `X | None` is how a parameter may be left out; null itself needs the mark Null.
        (annotation,) = (item for item in arguments if item is not type(None))
        return _schema(annotation, marks)
    if origin is Literal:
        # A literal true is a switch that can only be on; an enum of one would read like a choice.
        if arguments == (True,):
            return {"type": "boolean", "const": True}
        return {"type": "string", "enum": list(arguments)}
    if origin is list:
        return {"type": "array", "items": _schema(arguments[0])} | _bounds(marks, "Items")
    if isinstance(annotation, type) and issubclass(annotation, Part):
        more = {"additionalProperties": True} if annotation.model_config.get("extra") == "allow" else {}
        return _object_schema(parts_of(annotation)) | more
    base = dict(_PLAIN[origin or annotation])
    return base | _bounds(marks, "Length")


def _object_schema(parts: Mapping[str, Parameter]) -> dict[str, Any]:
    required = [item.name for item in parts.values() if item.required]
    properties = {item.name: item.schema for item in parts.values()}
    return {"type": "object", "properties": properties} | ({"required": required} if required else {})


def _bounds(marks: list[Any] | None, unit: str) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for mark in marks or ():
        match mark:
            case Ge(ge=low):
                found["minimum"] = low
            case TotalAtZero():
                found["minimum"] = 1
            case Le(le=high):
                found["maximum"] = high
            case MinLen(min_length=low):
                found[f"min{unit}"] = low
            case MaxLen(max_length=high):
                found[f"max{unit}"] = high
    return found
