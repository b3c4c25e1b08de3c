"""Domains of connections: who has an e-mail address there signs in through the connection."""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import delete, select

from deskclerk.sandbox.http.call import Call
from deskclerk.sandbox.http.errors import Refusal, ill_formed, refusal, taken
from deskclerk.sandbox.http.rows import RowMapping, all_of, insert, remove, unique_or
from deskclerk.sandbox.store.tables import (
    enterprise_connection_domains,
    enterprise_connections,
    organization_domains,
)

ENROLLING = ("automatic_invitation", "automatic_suggestion")
"""How a domain of an organization brings people in by their address alone, past a connection."""
# Fully qualified: with a dot, and an end that is no number of an IP address.
_LABEL = r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?"
_NAME = re.compile(rf"(?=.{{4,253}}$)({_LABEL}\.)+[a-z]([a-z0-9-]{{0,61}}[a-z0-9])")
_TABLE = enterprise_connection_domains


def read_domains(body: Mapping[str, Any]) -> list[str]:
    """The domains that a body names, each once; the older `domain` comes first."""
    first = body.get("domain")
    names = [*([] if first is None else [("domain", first)])]
    names += [("domains", name) for name in body.get("domains") or ()]
    return list(dict.fromkeys(_checked(name, param) for param, name in names))


def _checked(text: str, param: str) -> str:
    name = text.strip().lower()
    if not _NAME.fullmatch(name):
        raise ill_formed(param, f"{param} must be of fully qualified names such as example.com.")
    return name


async def set_domains(call: Call, connection_id: str, names: Iterable[str]) -> None:
    """Give a connection these domains instead of what it had; each belongs to one connection."""
    mine = (_TABLE.c.instance_id == call.instance.id, _TABLE.c.connection_id == connection_id)
    await call.connection.execute(delete(_TABLE).where(*mine))
    with unique_or(taken("domains")):
        for position, name in enumerate(names):
            await insert(call, _TABLE, name=name, connection_id=connection_id, position=position)


async def domains_of(call: Call, connection_ids: Sequence[str]) -> dict[str, list[str]]:
    """The domains of each of these connections, in the order in which they were given."""
    query = all_of(call, _TABLE).where(_TABLE.c.connection_id.in_(connection_ids)).order_by(_TABLE.c.position)
    found: dict[str, list[str]] = {key: [] for key in connection_ids}
    for row in (await call.connection.execute(query)).mappings():
        found[row["connection_id"]].append(row["name"])
    return found


async def clear_the_way(call: Call, names: Sequence[str], *, consent: bool) -> None:
    """Delete what enrols people past a connection that is on; refused without consent to that."""
    columns = organization_domains.c
    query = all_of(call, organization_domains).where(
        columns.name.in_(names), columns.verified, columns.enrollment_mode.in_(ENROLLING)
    )
    rows = (await call.connection.execute(query)).mappings().all()
    if rows and not consent:
        raise _exists_for_enrollment(rows[0])
    for row in rows:
        await remove(call, organization_domains, row["id"])
        answer = {"object": "organization_domain", "id": row["id"], "deleted": True}
        call.emit("organizationDomain.deleted", answer)


def _exists_for_enrollment(row: RowMapping) -> Refusal:
    text = f"{row['name']} is a verified domain of an organization, by which people join it."
    return refusal("organization_domain_exists_for_enrollment", "domain exists for enrollment", text)


async def has_connection(call: Call, organization_id: str, name: str) -> bool:
    """Whether a connection of the organization that is on has this domain."""
    table = enterprise_connections
    query = (
        select(_TABLE.c.name)
        .join(table, table.c.id == _TABLE.c.connection_id)
        .where(
            _TABLE.c.instance_id == call.instance.id,
            _TABLE.c.name == name,
            table.c.organization_id == organization_id,
            table.c.active,
        )
    )
    return (await call.connection.execute(query)).first() is not None
