"""Every address that a replica serves, asked of its applications: a new route is attacked by itself."""

from dataclasses import dataclass

from starlette.routing import Mount, Route

WITHIN = ("_pages", "_app", "app")
"""Where a middleware keeps what it stands before."""


@dataclass(frozen=True)
class Address:
    methods: frozenset
    path: str
    names: tuple

    def filled(self, values):
        return self.path.format(**values)


def addresses(app, before="", names=()):
    """The addresses of an application and of what is mounted in it, as far as it says what that is."""
    for route in routes_of(app):
        if isinstance(route, Mount):
            yield from addresses(
                route.app,
                before + route.path,
                (*names, *(name for name in route.param_convertors if name != "path")),
            )
        elif isinstance(route, Route):
            path = before + route.path_format
            methods = frozenset(route.methods or {"GET", "POST"}) - {"HEAD"}
            yield Address(methods, path.replace("{path:path}", "{path}"), (*names, *route.param_convertors))


def routes_of(app):
    found = getattr(app, "routes", None)
    if found is not None:
        return found
    for name in WITHIN:
        inner = getattr(app, name, None)
        # A bound method of the middleware itself leads nowhere further.
        if inner is not None and getattr(inner, "__self__", None) is not app and (found := routes_of(inner)):
            return found
    return ()
