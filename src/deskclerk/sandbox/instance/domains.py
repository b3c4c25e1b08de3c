"""Domains and the addresses that follow from them: the primary one, and the satellites added to it."""

import re
from collections.abc import Sequence
from typing import Any

from deskclerk.catalogue.route import DELETE, GET, PATCH, POST
from deskclerk.database import Connection
from deskclerk.sandbox.http.call import Call, Handlers
from deskclerk.sandbox.http.errors import ill_formed, refusal, require
from deskclerk.sandbox.http.rows import RowMapping, all_of, change, get, insert, page, remove, unique_or
from deskclerk.sandbox.ids import new_id
from deskclerk.sandbox.store.store import Instance
from deskclerk.sandbox.store.tables import domains

# DNS's own bounds: 63 characters for a label, 253 for the name, without its port.
_LABEL = r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?"
_NAME = re.compile(rf"(?=[^:]{{1,253}}(:|$)){_LABEL}(\.{_LABEL})*(:(?P<port>[0-9]{{1,5}}))?")
_LAST_PORT = 65_535
INSTANCES = "/instances/"
"""Below it each instance but the embedded one has its OAuth, which the latter has at the root."""


def frontend_host(instance: Instance) -> str:
    """Where the Frontend API would be."""
    return f"{instance.slug}.clerk.accounts.dev"


def frontend_url(instance: Instance, path: str = "") -> str:
    """An address of the Frontend API, the tokens' issuer without a path."""
    return f"https://{frontend_host(instance)}{path}"


def issuer_url(instance: Instance, base_url: str) -> str:
    """Where an instance's OAuth is served, and what it issues tokens as; `base_url` is where the sandbox is.

    Not the Frontend API's address, which leads out of this machine: clients read the issuer's metadata there.
    """
    return base_url if instance.is_embedded else f"{base_url}{INSTANCES}{instance.slug}"


def portal_url(instance: Instance) -> str:
    """Where the pages for signing in and up would be."""
    return f"https://{instance.slug}.accounts.dev"


def ticket_url(instance: Instance, ticket: str) -> str:
    """The link in an invitation's e-mail."""
    return frontend_url(instance, f"/v1/tickets/accept?ticket={ticket}")


async def list_domains(call: Call) -> Any:
    """All domains, the primary one first, then the satellites in the order of their coming."""
    # False sorts before true, so the primary one leads.
    query = all_of(call, domains).order_by(domains.c.is_satellite, domains.c.created_at, domains.c.id)
    return await page(call, query, present_domains)


async def create_domain(call: Call) -> dict[str, Any]:
    """A new satellite; a development instance takes a port in its name, and no proxy."""
    require(call.body, ("is_satellite",))
    name = check_name(call.body["name"])
    _check_proxy(call)
    key, text = new_id("dmn", call.now), f"The domain {name} is in use."
    with unique_or(refusal("form_already_exists", "already exists", text, param="name")):
        await insert(
            call, domains, id=key, name=name, is_satellite=True, created_at=call.now, updated_at=call.now
        )
    return domain_answer(await get(call, domains, key, "domain"), call.instance)


async def update_domain(call: Call) -> dict[str, Any]:
    """Rename a satellite; a development instance's primary domain has its name from Clerk, and no proxy."""
    row = await get(call, domains, call.path["domain_id"], "domain")
    _check_proxy(call)
    if call.body.get("name") is not None:
        if not row["is_satellite"]:
            text = "The primary domain of a development instance keeps its name."
            raise refusal("domain_update_forbidden", "cannot be updated", text, param="name")
        name = check_name(call.body["name"])
        text = f"The domain {name} is in use."
        with unique_or(refusal("form_already_exists", "already exists", text, param="name")):
            await change(call, domains, row["id"], name=name, updated_at=call.now)
    return domain_answer(await get(call, domains, row["id"], "domain"), call.instance)


def _check_proxy(call: Call) -> None:
    if call.body.get("proxy_url") is not None:
        text = "proxy_url is only for production instances; the sandbox is a development instance."
        raise refusal(
            "request_invalid_for_environment", "Invalid request for environment", text, param="proxy_url"
        )


async def delete_domain(call: Call) -> dict[str, Any]:
    """Delete a satellite; the primary domain stays."""
    row = await get(call, domains, call.path["domain_id"], "domain")
    if not row["is_satellite"]:
        text = "The primary domain cannot be deleted, only a satellite."
        raise refusal("operation_not_allowed_on_primary_domain", "operation not allowed", text)
    await remove(call, domains, row["id"])
    return {"object": "domain", "id": row["id"], "deleted": True}


async def add_primary_domain(connection: Connection, instance: Instance, now: int) -> None:
    """The domain that a new instance begins with."""
    await connection.execute(
        domains.insert().values(
            id=new_id("dmn", now),
            instance_id=instance.id,
            name=frontend_host(instance),
            is_satellite=False,
            created_at=now,
            updated_at=now,
        )
    )


def check_name(text: str) -> str:
    """A host name in lower case, with its port if it has one; refused otherwise."""
    name = text.strip().lower()
    match = _NAME.fullmatch(name)
    if match is None or not 0 < int(match["port"] or 1) <= _LAST_PORT:
        raise ill_formed("name", "name must be a host name such as shop.example.com or localhost:3000.")
    return name


async def present_domains(call: Call, rows: Sequence[RowMapping]) -> list[dict[str, Any]]:
    """The answers for rows."""
    return [domain_answer(row, call.instance) for row in rows]


def domain_answer(row: RowMapping, instance: Instance) -> dict[str, Any]:
    """A domain as Clerk answers it; a development instance has no DNS targets and no proxy."""
    return {
        "object": "domain",
        "id": row["id"],
        "name": row["name"],
        "is_satellite": row["is_satellite"],
        "frontend_api_url": frontend_url(instance),
        "accounts_portal_url": None if row["is_satellite"] else portal_url(instance),
        "proxy_url": None,
        "development_origin": "",
        "cname_targets": None,
    }


HANDLERS: Handlers = {
    GET("/domains"): list_domains,
    POST("/domains"): create_domain,
    PATCH("/domains/{domain_id}"): update_domain,
    DELETE("/domains/{domain_id}"): delete_domain,
}
