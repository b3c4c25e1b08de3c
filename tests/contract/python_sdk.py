"""Clerk's official Python client: which of its calls does what an action does."""

import inspect
from typing import Any

import httpx
from clerk_backend_api import Clerk

CALLS = {
    "clerk_users_list": ["users.list"],
    "clerk_user_get": ["users.get"],
    "clerk_user_create": ["users.create"],
    "clerk_user_update": ["users.update", "users.update_metadata"],
    "clerk_user_ban": ["users.ban"],
    "clerk_user_unban": ["users.unban"],
    "clerk_user_lock": ["users.lock"],
    "clerk_user_unlock": ["users.unlock"],
    "clerk_user_delete": ["users.delete"],
    "clerk_organizations_list": ["organizations.list"],
    "clerk_organization_get": ["organizations.get"],
    "clerk_organization_create": ["organizations.create"],
    "clerk_organization_update": ["organizations.update", "organizations.merge_metadata"],
    "clerk_organization_delete": ["organizations.delete"],
    "clerk_org_memberships_list": ["organization_memberships.list"],
    "clerk_org_membership_get": ["organization_memberships.list"],
    "clerk_org_membership_create": ["organization_memberships.create"],
    "clerk_org_membership_update": ["organization_memberships.update"],
    "clerk_org_membership_delete": ["organization_memberships.delete"],
    "clerk_org_invitations_list": ["organization_invitations.list"],
    "clerk_org_invitation_create": ["organization_invitations.create"],
    "clerk_org_invitation_revoke": ["organization_invitations.revoke"],
    "clerk_sessions_list": ["sessions.list"],
    "clerk_session_get": ["sessions.get"],
    "clerk_session_revoke": ["sessions.revoke"],
    "clerk_invitations_list": ["invitations.list"],
    "clerk_invitation_create": ["invitations.create"],
    "clerk_invitation_revoke": ["invitations.revoke"],
    "clerk_allowlists_list": ["allowlist_identifiers.list"],
    "clerk_allowlist_create": ["allowlist_identifiers.create"],
    "clerk_allowlist_delete": ["allowlist_identifiers.delete"],
    "clerk_blocklists_list": ["blocklist_identifiers.list"],
    "clerk_blocklist_create": ["blocklist_identifiers.create"],
    "clerk_blocklist_delete": ["blocklist_identifiers.delete"],
    "clerk_jwt_templates_list": ["jwt_templates.list"],
    "clerk_jwt_template_get": ["jwt_templates.get"],
    "clerk_jwt_template_create": ["jwt_templates.create"],
    "clerk_jwt_template_update": ["jwt_templates.get", "jwt_templates.update"],
    "clerk_jwt_template_delete": ["jwt_templates.delete"],
    "clerk_domains_list": ["domains.list"],
    "clerk_domain_get": ["domains.list"],
    "clerk_domain_create": ["domains.add"],
    "clerk_domain_delete": ["domains.delete"],
    "clerk_clients_list": ["oauth_applications.list"],
    "clerk_client_get": ["oauth_applications.get"],
    "clerk_client_create": ["oauth_applications.create"],
    "clerk_client_update": ["oauth_applications.update"],
    "clerk_client_delete": ["oauth_applications.delete"],
}
"""The calls that do what an action does, in the order in which the action sends its requests."""


def client(transport: httpx.AsyncBaseTransport, key: str = "sk_test_sandbox") -> Clerk:
    """The official client, its requests going to `transport`."""
    return Clerk(
        bearer_auth=key,
        server_url="http://sandbox.test/v1",
        client=httpx.Client(transport=httpx.MockTransport(lambda _: httpx.Response(500))),  # not used
        async_client=httpx.AsyncClient(transport=transport),
    )


async def call(clerk: Clerk, name: str, arguments: dict[str, Any]) -> Any:
    """One call such as `users.get`, with those of the arguments that it takes."""
    group, _, verb = name.partition(".")
    method = getattr(getattr(clerk, group), f"{verb}_async")
    names = inspect.signature(method).parameters
    if name == "organization_memberships.list" and isinstance(arguments.get("user_id"), str):
        arguments = arguments | {"user_id": [arguments["user_id"]]}
    if "request" in names:
        return await method(request=arguments)
    return await method(**{key: value for key, value in arguments.items() if key in names})
