"""Domains of organizations: whose e-mail addresses belong to one."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Select, func

from deskclerk.catalogue.route import DELETE, GET, PATCH, POST
from deskclerk.sandbox.enterprise.domains import has_connection
from deskclerk.sandbox.http.call import Call, Handlers
from deskclerk.sandbox.http.errors import ill_formed, invalid, not_found, refusal, require
from deskclerk.sandbox.http.rows import (
    RowMapping,
    all_of,
    change,
    count,
    find,
    get,
    insert,
    ordered,
    page,
    remove,
    split_order,
    unique_or,
)
from deskclerk.sandbox.ids import new_id
from deskclerk.sandbox.instance.domains import check_name
from deskclerk.sandbox.instance.settings import read_settings, where_organizations_are_on
from deskclerk.sandbox.organizations.answers import public_organizations
from deskclerk.sandbox.store.tables import organization_domains, organizations

MOST_DOMAINS = 10
ALWAYS_ON = ("manual_invitation", "enterprise_sso")
COMMON = frozenset(
    ("gmail.com", "outlook.com", "hotmail.com", "live.com", "yahoo.com", "icloud.com", "aol.com", "gmx.com")
)
"""Domains of e-mail providers, which are nobody's own."""
_PLACE = "/organizations/{organization_id}/domains"
_TABLE = organization_domains
_STRATEGY = "manual_override"


async def list_organization_domains(call: Call) -> Any:
    """The domains of an organization, newest first."""
    organization = await get(call, organizations, call.path["organization_id"], "organization")
    return await _page(call, all_of(call, _TABLE).where(_TABLE.c.organization_id == organization["id"]))


async def list_all_domains(call: Call) -> Any:
    """The domains of all organizations, newest first by default."""
    query = all_of(call, _TABLE)
    if "organization_id" in call.query:
        query = query.where(_TABLE.c.organization_id == call.query["organization_id"])
    if "domains" in call.query:
        query = query.where(_TABLE.c.name.in_([name.lower() for name in call.query["domains"]]))
    if "query" in call.query:
        query = query.where(_found(call.query["query"].strip()))
    return await _page(call, query)


def _found(text: str) -> Any:
    if not text:
        raise invalid("query", "query must not be empty.")
    # The id of an organization is meant whole, where a name may be given in part.
    if text.startswith("org_"):
        return _TABLE.c.organization_id == text
    return func.lower(_TABLE.c.name).contains(text.lower(), autoescape=True)


async def _page(call: Call, query: Select[Any]) -> Any:
    if "verified" in call.query:
        query = query.where(_TABLE.c.verified.is_(call.query["verified"] == "true"))
    modes = call.query.get("enrollment_mode", ())
    wanted = [mode for mode in modes if not mode.startswith("-")]
    unwanted = [mode.removeprefix("-") for mode in modes if mode.startswith("-")]
    if wanted:
        query = query.where(_TABLE.c.enrollment_mode.in_(wanted))
    query = query.where(_TABLE.c.enrollment_mode.not_in(unwanted))
    name, descends = split_order(call.query.get("order_by", "-created_at"))
    return await page(call, ordered(query, _TABLE.c[name], _TABLE.c.id, descends=descends), present_domains)


async def create_organization_domain(call: Call) -> dict[str, Any]:
    """A new domain of an organization."""
    organization = await get(call, organizations, call.path["organization_id"], "organization")
    require(call.body, ("name", "enrollment_mode"))
    name, key = _check_name(call.body["name"]), new_id("orgdmn", call.now)
    await _check_mode(call, call.body["enrollment_mode"])
    mine = all_of(call, _TABLE).where(_TABLE.c.organization_id == organization["id"])
    if await find(call, _TABLE, organization_id=organization["id"], name=name):
        text = f"{name} is a domain of this organization already."
        raise refusal("organization_domain_already_exists_same_organization", "exists", text, param="name")
    if await count(call, mine) >= MOST_DOMAINS:
        text = f"An organization has at most {MOST_DOMAINS} domains."
        raise refusal("organization_domain_quota_exceeded", "too many domains", text)
    if call.body.get("verified") is not False:
        await _check_no_connection(call, organization["id"], name, call.body["enrollment_mode"])
    # Unique among the verified only: whoever has not verified a domain has proved nothing.
    with unique_or(_exists(name)):
        await insert(
            call,
            _TABLE,
            id=key,
            organization_id=organization["id"],
            name=name,
            enrollment_mode=call.body["enrollment_mode"],
            verified=call.body.get("verified") is not False,
            created_at=call.now,
            updated_at=call.now,
        )
    return await _told(call, "created", key)


async def update_organization_domain(call: Call) -> dict[str, Any]:
    """Change how people join by a domain, or whether it is verified."""
    row = await _domain(call)
    names = ("enrollment_mode", "verified")
    values = {name: call.body[name] for name in names if call.body.get(name) is not None}
    if "enrollment_mode" in values:
        await _check_mode(call, values["enrollment_mode"])
    after = {**row, **values}
    if values and after["verified"]:
        await _check_no_connection(call, row["organization_id"], row["name"], after["enrollment_mode"])
    # It may collide when it is verified now, and another organization verified it before.
    with unique_or(_exists(row["name"])):
        await change(call, _TABLE, row["id"], **values, updated_at=call.now)
    return await _told(call, "updated", row["id"])


async def verify_ownership(call: Call) -> dict[str, Any]:
    """Say that the organization owns a domain; a second time changes nothing."""
    row = await _domain(call)
    if row["ownership_verified_at"] is None:
        await change(call, _TABLE, row["id"], ownership_verified_at=call.now, updated_at=call.now)
        return await _told(call, "updated", row["id"])
    # Nothing changed: no webhook is told.
    (answer,) = await present_domains(call, [row])
    return answer


async def delete_organization_domain(call: Call) -> dict[str, Any]:
    """Take a domain from an organization."""
    row = await _domain(call)
    await remove(call, _TABLE, row["id"])
    answer = {"object": "organization_domain", "id": row["id"], "deleted": True}
    call.emit("organizationDomain.deleted", answer)
    return answer


async def _domain(call: Call) -> RowMapping:
    organization = await get(call, organizations, call.path["organization_id"], "organization")
    row = await find(call, _TABLE, organization_id=organization["id"], id=call.path["domain_id"])
    if row is None:
        raise not_found("organization domain", call.path["domain_id"])
    return row


def _check_name(text: str) -> str:
    name = check_name(text)
    # Stricter than for the instance's own domains, among which localhost:3000 is one.
    if "." not in name or ":" in name:
        raise ill_formed("name", "name must be a domain such as example.com.")
    if name in COMMON:
        raise refusal("organization_domain_common", "is common", f"{name} is nobody's own.", param="name")
    return name


async def _check_mode(call: Call, mode: str) -> None:
    settings = await read_settings(call, "organizations")
    if not settings["domains_enabled"]:
        text = "Organization domains are off in the settings of this instance."
        raise refusal("organization_domains_not_enabled", "domains are off", text)
    if mode not in (*ALWAYS_ON, *settings["domains_enrollment_modes"]):
        text = f"{mode} is off in the settings of this instance."
        raise refusal("organization_domain_enrollment_mode_not_enabled", "is off", text)


async def _check_no_connection(call: Call, organization_id: str, name: str, mode: str) -> None:
    # Who has an address there comes in through the identity provider, and by no other way.
    if mode != "enterprise_sso" and await has_connection(call, organization_id, name):
        code, text = "organization_domain_exists_for_enterprise_connection", f"{name} is a connection's."
        raise refusal(code, "domain exists for single sign-on", text, param="name")


def _exists(name: str) -> Any:
    text = f"{name} is a verified domain of another organization."
    return refusal("organization_domain_already_exists", "already exists", text, param="name")


async def _told(call: Call, event: str, key: str) -> dict[str, Any]:
    (answer,) = await present_domains(call, [await get(call, _TABLE, key, "organization domain")])
    call.emit(f"organizationDomain.{event}", answer)
    return answer


async def present_domains(call: Call, rows: Sequence[RowMapping]) -> list[dict[str, Any]]:
    """The answers for rows; nobody joins by a domain here, as there are no sign-ups."""
    parents = await public_organizations(call, {row["organization_id"] for row in rows})
    same = ("id", "organization_id", "name", "enrollment_mode", "created_at", "updated_at")
    return [
        {
            "object": "organization_domain",
            **{name: row[name] for name in same},
            "affiliation_email_address": None,
            "affiliation_verification": (affiliation := _verification(None) if row["verified"] else None),
            "verification": affiliation,
            "ownership_verification": (
                _verification(row["ownership_verified_at"]) if row["ownership_verified_at"] else None
            ),
            "total_pending_invitations": 0,
            "total_pending_suggestions": 0,
            "public_organization_data": parents[row["organization_id"]],
        }
        for row in rows
    ]


def _verification(verified_at: int | None) -> dict[str, Any]:
    return {
        "status": "verified",
        "strategy": _STRATEGY,
        "attempts": None,
        "expire_at": None,
        "verified_at": verified_at,
    }


HANDLERS: Handlers = where_organizations_are_on(
    {
        GET(_PLACE): list_organization_domains,
        GET("/organization_domains"): list_all_domains,
        POST(_PLACE): create_organization_domain,
        PATCH(f"{_PLACE}/{{domain_id}}"): update_organization_domain,
        DELETE(f"{_PLACE}/{{domain_id}}"): delete_organization_domain,
        POST(f"{_PLACE}/{{domain_id}}/verify_ownership"): verify_ownership,
    }
)
