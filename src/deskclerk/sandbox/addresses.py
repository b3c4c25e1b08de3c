"""The addresses of an instance on the web, as a development instance of Clerk has them."""

from deskclerk.sandbox.store.store import Instance


def frontend_host(instance: Instance) -> str:
    """Where the Frontend API would be."""
    return f"{instance.slug}.clerk.accounts.dev"


def frontend_url(instance: Instance, path: str = "") -> str:
    """An address of the Frontend API, the tokens' issuer without a path."""
    return f"https://{frontend_host(instance)}{path}"


def portal_url(instance: Instance) -> str:
    """Where the pages for signing in and up would be."""
    return f"https://{instance.slug}.accounts.dev"


def ticket_url(instance: Instance, ticket: str) -> str:
    """The link in an invitation's e-mail."""
    return frontend_url(instance, f"/v1/tickets/accept?ticket={ticket}")
