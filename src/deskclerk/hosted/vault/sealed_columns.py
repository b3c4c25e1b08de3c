"""Every column that holds sealed values, and what each value in it is bound to.

What is sealed and not listed here would stay with an old data key for ever: rotation goes by this list.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Column

from deskclerk.desk.journal.tables import job_items
from deskclerk.hosted.notifications.tables import destinations
from deskclerk.hosted.retention.tables import checkpoint_keys
from deskclerk.hosted.vault.sealing import Place
from deskclerk.hosted.vault.tables import handovers, sealed_secrets
from deskclerk.hosted.workspaces.tables import instances


@dataclass(frozen=True, slots=True)
class SealedColumn:
    """A column of sealed values; `instance` names the column that says of which instance one is.

    `purpose` is what its values are for, `row` the columns that tell one from others beside the instance.
    """

    column: Column[Any]
    purpose: str
    instance: str | None = None
    row: tuple[str, ...] = ()

    def place(self, workspace: str, values: Mapping[Any, Any]) -> Place:
        """Where the value of a row stands."""
        instance = str(values[self.instance]) if self.instance else ""
        parts = ("" if values[name] is None else str(values[name]) for name in self.row)
        purpose = ":".join([self.purpose, *parts])
        return Place(workspace, instance, purpose)


INSTANCE_KEYS = SealedColumn(instances.c.secret_key, "secret_key", "name", ("api_url",))
SECRETS = SealedColumn(sealed_secrets.c.sealed, "secret", "instance", ("name",))
HANDOVERS = SealedColumn(handovers.c.sealed, "handover", "instance", ("id",))
ITEM_SECRETS = SealedColumn(job_items.c.secrets, "job item", None, ("job", "number"))

CHECKPOINT_KEYS = SealedColumn(checkpoint_keys.c.sealed, "checkpoint_key")
DESTINATIONS = SealedColumn(destinations.c.sealed, "destination", None, ("id", "kind"))

SEALED = (INSTANCE_KEYS, SECRETS, HANDOVERS, ITEM_SECRETS, CHECKPOINT_KEYS, DESTINATIONS)
