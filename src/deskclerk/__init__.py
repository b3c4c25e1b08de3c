"""deskclerk: the 48 actions of a Clerk instance, with a person signing every write.

Names are loaded when they are first used, so that importing the package costs nothing.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from deskclerk.catalogue import *  # noqa: F403
    from deskclerk.desk import *  # noqa: F403
    from deskclerk.errors import *  # noqa: F403
    from deskclerk.settings import Settings as Settings
    from deskclerk.version import __version__ as __version__

_HOMES = (
    "deskclerk.desk",
    "deskclerk.catalogue",
    "deskclerk.errors",
    "deskclerk.settings",
)


def __getattr__(name: str) -> Any:
    if name == "__version__":
        return import_module("deskclerk.version").__version__
    if not name.startswith("_"):
        for home in _HOMES:
            module = import_module(home)
            # The catalogue declares no `__all__`: its public names are the classes and tuples of its own.
            if name in getattr(module, "__all__", vars(module)):
                return getattr(module, name)
    raise AttributeError(f"module 'deskclerk' has no attribute {name!r}")
