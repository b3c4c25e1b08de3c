"""Domains: where an application lives, the primary one and its satellites."""

from typing import Annotated, Any, Literal

from deskclerk.catalogue.action import Action, ReadAction, Resource, items_of
from deskclerk.catalogue.fields import Id, Limit, Local, Nullable, Offset, about, needed
from deskclerk.catalogue.route import DELETE, DESTRUCTIVE, GET, POST, READ, WRITE, Send
from deskclerk.errors import NotFound

DOMAINS = Resource(
    "domains",
    "domain",
    ("id", "name", "is_satellite", "frontend_api_url", "accounts_portal_url", "proxy_url"),
)


class ListDomains(
    ReadAction,
    name="clerk_domains_list",
    resource=DOMAINS,
    route=GET("/domains"),
    effect=READ,
    paged=False,
    wrapped=True,
):
    """List the primary domain and its satellites."""

    limit: Annotated[Limit | None, Local()] = None
    offset: Annotated[Offset | None, Local()] = None


class GetDomain(
    ReadAction,
    name="clerk_domain_get",
    resource=DOMAINS,
    route=GET("/domains"),
    effect=READ,
    in_list=True,
):
    """Read one domain by id."""

    domain_id: Annotated[Id, Local()]

    async def perform(self, send: Send) -> Any:
        """Clerk has no route for one domain: pick it from the list."""
        answer = await send(self.request())
        for domain in items_of(answer):
            if domain.get("id") == self.domain_id:
                return domain
        raise NotFound(
            f"No domain {self.domain_id} in this instance.",
            status=404,
            code="resource_not_found",
            next_step="clerk_domains_list shows the domains.",
        )


class CreateDomain(
    Action,
    name="clerk_domain_create",
    resource=DOMAINS,
    route=POST("/domains"),
    effect=WRITE,
):
    """Add a satellite domain."""

    name: str = needed("e.g. shop.example.com")
    is_satellite: Literal[True] = True
    proxy_url: Nullable[str] = about("only on live instances")


class DeleteDomain(
    Action,
    name="clerk_domain_delete",
    resource=DOMAINS,
    route=DELETE("/domains/{domain_id}"),
    effect=DESTRUCTIVE,
):
    """Delete a satellite domain; the primary one cannot be deleted."""

    domain_id: Id
