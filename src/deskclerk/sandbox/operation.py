"""A route that the sandbox serves beyond the catalogue, and what it accepts."""

import functools
from typing import ClassVar

from pydantic import BaseModel, ConfigDict

from deskclerk.catalogue import Action, Parameter, Route, Verb
from deskclerk.catalogue.parameter import read_parameter


class Operation(BaseModel):
    """Declares the parameters of a route that no action uses, with the catalogue's types and marks.

    `class CreateSession(Operation, route=POST("/sessions")): user_id: str`. Those of a GET or DELETE
    travel in the query, others in the body unless marked `Query`; what stands in the path is not
    declared. `like` takes the parameters of an action instead. Of a list, `wrapped` says that it is always
    `{data, total_count}`; `many` that the body is an array of objects (they arrive as `call.items`);
    `upload` that it is a form with this one file (it arrives as `call.upload`); `writes` says otherwise
    than the method does whether it writes.
    Only declared, never built: requests are checked by `parameters`, as those of actions are.
    """

    model_config = ConfigDict(defer_build=True)

    route: ClassVar[Route]
    like: ClassVar[type[Action] | None]
    wrapped: ClassVar[bool]
    many: ClassVar[bool]
    upload: ClassVar[str]
    writes: ClassVar[bool | None]

    def __init_subclass__(
        cls,
        *,
        route: Route,
        like: type[Action] | None = None,
        wrapped: bool = False,
        many: bool = False,
        upload: str = "",
        writes: bool | None = None,
    ) -> None:
        super().__init_subclass__()
        cls.route, cls.like, cls.wrapped, cls.many = route, like, wrapped, many
        cls.upload, cls.writes = upload, writes

    @classmethod
    @functools.cache
    def parameters(cls) -> dict[str, Parameter]:
        """The declared parameters by name."""
        reads = cls.route.method in (Verb.GET, Verb.DELETE)
        return {
            name: read_parameter(name, info, in_path=False, reads=reads)
            for name, info in cls.model_fields.items()
        }
