"""What proves that something was created: the one thing that fits, made since it was asked for."""

from collections.abc import Callable, Mapping
from typing import Any

from deskclerk.catalogue import (
    Action,
    ListAllowlist,
    ListBlocklist,
    ListClients,
    ListDomains,
    ListInvitations,
    ListJwtTemplates,
    ListOrganizations,
    ListOrgInvitations,
    ListOrgMemberships,
    ListUsers,
)
from deskclerk.clerk.client import Clerk
from deskclerk.clerk.paging import MOST, page_of
from deskclerk.desk.found import DONE, NOT_DONE, UNKNOWN, Found

SKEW = 60_000
"""Milliseconds by which Clerk's clock and ours may differ."""
_IDENTIFIERS = ("email_address", "phone_number", "web3_wallet", "username", "external_id")
Arguments = Mapping[str, Any]


async def created(intent: Mapping[str, Any], clerk: Clerk) -> Found:
    """Whether exactly one thing that fits was made since the intent."""
    arguments = intent["arguments"]
    search = _search(intent["action"], arguments)
    if search is None:
        return Found(
            UNKNOWN, "Nothing that was given tells it apart from others, so it cannot be looked for."
        )
    lister, filters, fits = search
    limit = {"limit": MOST} if "limit" in lister.parameters() else {}
    page = page_of(await clerk.perform(lister.parse(filters | limit)))
    matches = [item for item in page.items if fits(item)]
    if not matches:
        whole = len(page.items) < MOST
        return Found(NOT_DONE if whole else UNKNOWN, "Clerk shows no such thing.")
    return _dated(intent, matches)


def _dated(intent: Mapping[str, Any], matches: list[Any]) -> Found:
    """What the moments say at which the things that fit were made."""
    ages = [item.get("created_at") for item in matches]
    if None in ages:
        return Found(UNKNOWN, "There is one that fits, but Clerk does not say since when.")
    fresh = [item for item in matches if item["created_at"] >= intent["at"]]
    near = [item for item in matches if intent["at"] - SKEW <= item["created_at"] < intent["at"]]
    if not fresh and not near:
        return Found(NOT_DONE, "What fits was there long before this was asked for, and nothing new is.")
    if len(fresh) != 1 or near:
        return Found(UNKNOWN, "Several fit, or one was made so close to the request that it may be another.")
    lost = ""
    if intent["action"] == "clerk_client_create":
        lost = " Its client secret was in the lost answer and cannot be read: have a new one made."
    return Found(DONE, f"{fresh[0].get('id')} fits, and was made since it was asked for.{lost}", fresh[0])


def _search(
    action: str, given: Arguments
) -> tuple[type[Action], dict[str, Any], Callable[[Mapping[str, Any]], bool]] | None:
    """Where to look, what to ask for, and what fits."""
    organization = {"organization_id": given.get("organization_id")}
    match action:
        case "clerk_user_create":
            return _user(given)
        case "clerk_organization_create":
            key = "slug" if given.get("slug") else "name"
            return ListOrganizations, {"query": given[key]}, _same(key, given[key])
        case "clerk_org_membership_create":
            user_id = given["user_id"]
            return (
                ListOrgMemberships,
                organization | {"user_id": [user_id]},
                lambda item: (item.get("public_user_data") or {}).get("user_id") == user_id,
            )
        case "clerk_org_invitation_create":
            return ListOrgInvitations, organization, _same("email_address", given["email_address"])
        case "clerk_invitation_create":
            email = given["email_address"]
            return ListInvitations, {"query": email}, _same("email_address", email)
        case "clerk_allowlist_create":
            return ListAllowlist, {}, _same("identifier", given["identifier"])
        case "clerk_blocklist_create":
            return ListBlocklist, {}, _same("identifier", given["identifier"])
        case "clerk_jwt_template_create":
            return ListJwtTemplates, {}, _same("name", given["name"])
        case "clerk_domain_create":
            return ListDomains, {}, _same("name", given["name"])
        case "clerk_client_create":
            return ListClients, {"name_query": given["name"]}, _same("name", given["name"])
    return None


def _user(
    given: Arguments,
) -> tuple[type[Action], dict[str, Any], Callable[[Mapping[str, Any]], bool]] | None:
    """A user is looked for by an identifier, which Clerk keeps unique and matches exactly."""
    for key in _IDENTIFIERS:
        value = given.get(key)
        if value:
            return ListUsers, {key: value if isinstance(value, list) else [value]}, lambda _: True
    return None


def _same(key: str, value: Any) -> Callable[[Mapping[str, Any]], bool]:
    wanted = str(value).casefold()
    return lambda item: str(item.get(key)).casefold() == wanted
