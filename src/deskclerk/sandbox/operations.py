"""Every operation that Clerk's Backend API has, served here or not."""

from importlib.resources import files

from deskclerk.catalogue import Route, Verb
from deskclerk.sandbox.handlers import HANDLERS


def all_operations() -> tuple[Route, ...]:
    """The operations of the newest API version, as `clerk_operations.txt` lists them."""
    text = files("deskclerk.sandbox").joinpath("clerk_operations.txt").read_text(encoding="utf-8")
    return tuple(
        Route(Verb(method), path) for method, path in (line.split(" ") for line in text.splitlines())
    )


def not_served() -> tuple[Route, ...]:
    """The operations that no handler serves."""
    served = {_shape(route) for route in HANDLERS}
    return tuple(route for route in all_operations() if _shape(route) not in served)


def _shape(route: Route) -> tuple[str, str]:
    """A route whatever its placeholders are called."""
    return route.method, route.path.format_map(dict.fromkeys(route.names, "*"))
