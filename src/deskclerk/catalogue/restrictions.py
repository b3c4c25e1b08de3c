"""Allow-list and block-list: which identifiers may or may not sign up and sign in."""

from typing import Annotated

from deskclerk.catalogue.action import Action, ReadAction, Resource
from deskclerk.catalogue.fields import Id, Limit, Local, Offset, about, needed
from deskclerk.catalogue.route import DELETE, DESTRUCTIVE, GET, POST, READ, WRITE

BRIEF = ("id", "identifier", "identifier_type", "created_at")
ALLOWLISTS = Resource("allowlists", "allow-list entry", BRIEF, object="allowlist_identifier")
BLOCKLISTS = Resource("blocklists", "block-list entry", BRIEF, object="blocklist_identifier")

IDENTIFIER = "email address, phone number, web3 wallet, or *@domain"


class ListAllowlist(
    ReadAction,
    name="clerk_allowlists_list",
    resource=ALLOWLISTS,
    route=GET("/allowlist_identifiers"),
    effect=READ,
):
    """List who may sign up while the allow-list is on."""

    paginated: bool | None = about("false: no total", default=True)
    limit: Limit | None = None
    offset: Offset | None = None


class CreateAllowlistEntry(
    Action,
    name="clerk_allowlist_create",
    resource=ALLOWLISTS,
    route=POST("/allowlist_identifiers"),
    effect=WRITE,
):
    """Allow an identifier to sign up."""

    identifier: str = needed(IDENTIFIER)
    notify: bool | None = about("send an invitation")


class DeleteAllowlistEntry(
    Action,
    name="clerk_allowlist_delete",
    resource=ALLOWLISTS,
    route=DELETE("/allowlist_identifiers/{identifier_id}"),
    effect=DESTRUCTIVE,
):
    """Take an entry off the allow-list."""

    identifier_id: Id


class ListBlocklist(
    ReadAction,
    name="clerk_blocklists_list",
    resource=BLOCKLISTS,
    route=GET("/blocklist_identifiers"),
    effect=READ,
    paged=False,
    wrapped=True,
):
    """List who may neither sign up nor sign in."""

    limit: Annotated[Limit | None, Local()] = None
    offset: Annotated[Offset | None, Local()] = None


class CreateBlocklistEntry(
    Action,
    name="clerk_blocklist_create",
    resource=BLOCKLISTS,
    route=POST("/blocklist_identifiers"),
    effect=WRITE,
):
    """Block an identifier from signing up and signing in."""

    identifier: str = needed(IDENTIFIER)


class DeleteBlocklistEntry(
    Action,
    name="clerk_blocklist_delete",
    resource=BLOCKLISTS,
    route=DELETE("/blocklist_identifiers/{identifier_id}"),
    effect=DESTRUCTIVE,
):
    """Take an entry off the block-list."""

    identifier_id: Id
