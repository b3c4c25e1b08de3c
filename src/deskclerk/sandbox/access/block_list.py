"""Who may not be made a user or invited: the block-list, where the instance's restrictions have it on.

The allow-list does not stand in the way here: it decides who may sign up, and what the Backend API makes
or invites is let in by somebody with the secret key.
"""

from collections.abc import Sequence

from sqlalchemy import select

from deskclerk.sandbox.http.call import Call
from deskclerk.sandbox.http.errors import Refusal, refusal
from deskclerk.sandbox.instance.settings import read_settings
from deskclerk.sandbox.store.tables import blocklist_identifiers


async def refuse_blocked(call: Call, kind: str, values: Sequence[str]) -> None:
    """Refuse addresses of this kind, in their normal form, that the restrictions keep out."""
    if not values:
        return
    settings = await read_settings(call, "restrictions")
    if settings["block_email_subaddresses"] and kind == "email_address":
        for value in values:
            if "+" in value.partition("@")[0]:
                raise _not_allowed(kind, value)
    if settings["blocklist"]:
        await _refuse_listed(call, kind, values)


async def _refuse_listed(call: Call, kind: str, values: Sequence[str]) -> None:
    table = blocklist_identifiers
    # An entry `*@domain` stands for every address of it.
    wanted = {form: value for value in values for form in (value, f"*@{value.rpartition('@')[2]}")}
    query = select(table.c.identifier).where(
        table.c.instance_id == call.instance.id, table.c.identifier.in_(wanted)
    )
    if found := (await call.connection.execute(query.limit(1))).scalar_one_or_none():
        raise _not_allowed(kind, wanted[found])


def _not_allowed(kind: str, value: str) -> Refusal:
    return refusal("not_allowed_access", "Access not allowed", f"{value} is not allowed here.", param=kind)
