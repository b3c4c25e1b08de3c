"""The two names of everything here: Clerk's API serves directories under an older one too.

Both are the same directories: what is made under one name is found under the other.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from deskclerk.sandbox.http.call import Call
from deskclerk.sandbox.http.errors import refusal
from deskclerk.sandbox.http.rows import RowMapping, get
from deskclerk.sandbox.store.tables import directories


@dataclass(frozen=True, slots=True)
class Names:
    """What one of the two families of routes calls a directory, and a group in it."""

    place: str
    directory: str
    group: str

    @property
    def one(self) -> str:
        """The path of one directory."""
        return f"{self.place}/{{{self.directory}_id}}"

    async def directory_of(self, call: Call) -> RowMapping:
        """The directory that the call's path names; else 404."""
        return await get(call, directories, call.path[f"{self.directory}_id"], "directory")


NEW = Names("/directories", "directory", "directory_group")
OLD = Names("/scim_directories", "scim_directory", "scim_group")
BOTH = (NEW, OLD)


def either(item: Mapping[str, Any], ending: str, within: str) -> str | None:
    """What an object holds under either name, or under both; None if it is not given."""
    names = [f"{known.group}_{ending}" for known in BOTH]
    values = {item[name] for name in names if name in item}
    if len(values) > 1:
        text = f"{' and '.join(names)} are names of one thing, and differ."
        raise refusal("form_param_value_conflict", "values differ", text, param=f"{within}{names[0]}")
    return next(iter(values), None)
