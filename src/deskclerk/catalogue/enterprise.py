"""Enterprise connections: single sign-on with a company's own identity provider."""

from typing import Annotated, Literal

from annotated_types import Ge, Le, MaxLen, MinLen

from deskclerk.catalogue.action import Action, ReadAction, Resource
from deskclerk.catalogue.fields import Id, Limit, Nullable, Offset, Part, Secret, Sorted, about
from deskclerk.catalogue.route import DELETE, DESTRUCTIVE, GET, PATCH, POST, READ, WRITE, Answers
from deskclerk.errors import InvalidRequest

TOOLSET = "enterprise"

ENTERPRISE_CONNECTIONS = Resource(
    "enterprise-connections",
    "enterprise connection",
    (
        "id",
        "name",
        "provider",
        "logo_public_url",
        "active",
        "domains",
        "organization_id",
        "sync_user_attributes",
        "disable_additional_identifications",
        "allow_organization_account_linking",
        "custom_attributes",
        "saml_connection",
        "oauth_config",
        "created_at",
    ),
)


class ListEnterpriseConnections(
    ReadAction,
    name="clerk_enterprise_connections_list",
    resource=ENTERPRISE_CONNECTIONS,
    route=GET("/enterprise_connections"),
    effect=READ,
    wrapped=True,
    toolset=TOOLSET,
):
    """List the connections to companies' identity providers (SAML, OIDC)."""

    limit: Limit | None = None
    offset: Offset | None = None
    organization_id: str | None = None
    active: bool | None = None


class GetEnterpriseConnection(
    ReadAction,
    name="clerk_enterprise_connection_get",
    resource=ENTERPRISE_CONNECTIONS,
    route=GET("/enterprise_connections/{enterprise_connection_id}"),
    effect=READ,
    toolset=TOOLSET,
):
    """Read one enterprise connection."""

    enterprise_connection_id: Id


class SamlAttributes(Part):
    """The names that the identity provider has for attributes of a user."""

    user_id: Nullable[str] = None
    email_address: Nullable[str] = None
    first_name: Nullable[str] = None
    last_name: Nullable[str] = None


class LoginHint(Part):
    """What the identity provider is told about who signs in; source: an attribute, for custom_attribute."""

    mode: Literal["email_address", "custom_attribute", "off"]
    source: str | None = None


class Saml(Part):
    """The SAML half of an enterprise connection."""

    idp_entity_id: Nullable[str] = None
    idp_sso_url: Nullable[str] = None
    idp_certificate: Nullable[str] = None
    idp_metadata_url: Nullable[str] = None
    idp_metadata: Nullable[str] = None
    attribute_mapping: Nullable[SamlAttributes] = None
    allow_subdomains: Nullable[bool] = None
    allow_idp_initiated: Nullable[bool] = None
    force_authn: Nullable[bool] = None
    login_hint: Nullable[LoginHint] = None


class SamlUpdate(Saml):
    """The SAML half of an enterprise connection that is there."""

    name: Nullable[str] = None


class Oidc(Part):
    """The OpenID Connect half of an enterprise connection."""

    client_id: Nullable[str] = None
    client_secret: Annotated[Nullable[str], Secret()] = None
    discovery_url: Nullable[str] = None
    auth_url: Nullable[str] = None
    token_url: Nullable[str] = None
    user_info_url: Nullable[str] = None
    requires_pkce: Nullable[bool] = None


class CustomAttribute(Part):
    """An attribute of the identity provider that users get beyond the usual ones."""

    name: Annotated[str, MinLen(1)]
    key: Annotated[str, MinLen(1)]
    sso_path: str | None = None
    scim_path: str | None = None
    directory_path: str | None = None
    multi_valued: bool | None = None


class CreateEnterpriseConnection(
    Action,
    name="clerk_enterprise_connection_create",
    resource=ENTERPRISE_CONNECTIONS,
    route=POST("/enterprise_connections"),
    effect=WRITE,
    toolset=TOOLSET,
):
    """Connect a company's identity provider for the e-mail domains given."""

    name: str
    provider: Literal[
        "saml_custom",
        "saml_okta",
        "saml_google",
        "saml_microsoft",
        "oidc_custom",
        "oidc_github_enterprise",
        "oidc_gitlab",
    ]
    domains: Annotated[list[str], MinLen(1)]
    organization_id: Nullable[str] = None
    allow_organization_account_linking: Nullable[bool] = None
    active: Nullable[bool] = None
    saml: Nullable[Saml] = None
    oidc: Nullable[Oidc] = None
    custom_attributes: list[CustomAttribute] | None = None


class UpdateEnterpriseConnection(
    Action,
    name="clerk_enterprise_connection_update",
    resource=ENTERPRISE_CONNECTIONS,
    route=PATCH("/enterprise_connections/{enterprise_connection_id}"),
    effect=WRITE,
    toolset=TOOLSET,
):
    """Change an enterprise connection, or turn it on or off."""

    enterprise_connection_id: Id
    name: Nullable[str] = None
    domains: Nullable[list[str]] = None
    active: Nullable[bool] = None
    sync_user_attributes: Nullable[bool] = None
    disable_additional_identifications: Nullable[bool] = None
    allow_organization_account_linking: Nullable[bool] = None
    organization_id: Nullable[str] = None
    saml: Nullable[SamlUpdate] = None
    oidc: Nullable[Oidc] = None
    custom_attributes: Nullable[list[CustomAttribute]] = None


class DeleteEnterpriseConnection(
    Action,
    name="clerk_enterprise_connection_delete",
    resource=ENTERPRISE_CONNECTIONS,
    route=DELETE("/enterprise_connections/{enterprise_connection_id}"),
    effect=DESTRUCTIVE,
    toolset=TOOLSET,
):
    """Delete an enterprise connection: nobody signs in through it any more."""

    enterprise_connection_id: Id


TEST_RUNS = Resource(
    "enterprise-test-runs",
    "test run",
    (
        "id",
        "status",
        "connection_type",
        "parsed_user_info",
        "logs",
        "saml",
        "oauth",
        "created_at",
    ),
    object="enterprise_connection_test_run",
)


class ListEnterpriseTestRuns(
    ReadAction,
    name="clerk_enterprise_test_runs_list",
    resource=TEST_RUNS,
    route=GET("/enterprise_connections/{enterprise_connection_id}/test_runs"),
    effect=READ,
    wrapped=True,
    toolset=TOOLSET,
):
    """List the test runs of an enterprise connection."""

    enterprise_connection_id: Id
    status: list[Literal["pending", "success", "failed"]] | None = None
    limit: Limit | None = None
    offset: Offset | None = None


class CreateEnterpriseTestRun(
    Action,
    name="clerk_enterprise_test_run_create",
    resource=TEST_RUNS,
    route=POST("/enterprise_connections/{enterprise_connection_id}/test_runs"),
    effect=WRITE,
    answers=Answers(keys=("url",)),
    hands_over=("url",),
    toolset=TOOLSET,
):
    """Start a test run of an enterprise connection; a person opens its link."""

    enterprise_connection_id: Id


ADMIN_PORTAL_LINKS = Resource(
    "admin-portal-links",
    "admin portal link",
    (
        "id",
        "admin_portal_link_id",
        "organization_id",
        "it_contact_id",
        "scopes",
        "token",
        "revoked",
        "revocation_reason",
        "expired",
        "expiration",
        "created_at",
    ),
    object="admin_portal_link_token",
)


class CreateAdminPortalLink(
    Action,
    name="clerk_admin_portal_link_create",
    resource=ADMIN_PORTAL_LINKS,
    route=POST("/admin_portal_link_tokens"),
    effect=WRITE,
    hands_over=(
        "token",
        "url",
    ),
    toolset=TOOLSET,
):
    """Make a link with which a customer's administrator sets up single sign-on or directories."""

    organization_id: str | None = None
    it_contact_id: Annotated[str, MinLen(1)] | None = None
    scopes: list[Annotated[str, MinLen(1)]] | None = None
    seconds_until_expiration: Annotated[int, Ge(0), Le(86400)] | None = None


class RevokeAdminPortalLink(
    Action,
    name="clerk_admin_portal_link_revoke",
    resource=ADMIN_PORTAL_LINKS,
    route=POST("/admin_portal_link_tokens/{admin_portal_link_token_id}/revoke"),
    effect=DESTRUCTIVE,
    hands_over=(
        "token",
        "url",
    ),
    toolset=TOOLSET,
):
    """Make an admin portal link worthless."""

    admin_portal_link_token_id: Id
    revocation_reason: Nullable[str] = None


SAML_CONNECTIONS = Resource(
    "saml-connections",
    "SAML connection",
    ("id", "name", "domains", "provider", "active", "organization_id", "user_count", "created_at"),
)


class ListSamlConnections(
    ReadAction,
    name="clerk_saml_connections_list",
    resource=SAML_CONNECTIONS,
    route=GET("/saml_connections"),
    effect=READ,
    wrapped=True,
    deprecated=True,
    toolset=TOOLSET,
):
    """Deprecated: list SAML connections; use enterprise connections."""

    limit: Limit | None = None
    offset: Offset | None = None
    query: str | None = None
    order_by: (
        Annotated[
            str, Sorted("phone_number", "email_address", "created_at", "first_name", "last_name", "username")
        ]
        | None
    ) = None
    organization_id: Annotated[list[str], MaxLen(100)] | None = None


class GetSamlConnection(
    ReadAction,
    name="clerk_saml_connection_get",
    resource=SAML_CONNECTIONS,
    route=GET("/saml_connections/{saml_connection_id}"),
    effect=READ,
    deprecated=True,
    toolset=TOOLSET,
):
    """Deprecated: read one SAML connection; use enterprise connections."""

    saml_connection_id: Id


class SamlConnectionAttributes(Part):
    """The names that the identity provider has for attributes of a user."""

    user_id: str | None = None
    email_address: str | None = None
    first_name: str | None = None
    last_name: str | None = None


class SamlConnectionLoginHint(Part):
    """What the identity provider is told about who signs in."""

    mode: Literal["email_address", "custom_attribute", "off"]
    source: str | None = None


class CreateSamlConnection(
    Action,
    name="clerk_saml_connection_create",
    resource=SAML_CONNECTIONS,
    route=POST("/saml_connections"),
    effect=WRITE,
    deprecated=True,
    toolset=TOOLSET,
):
    """Deprecated: create a SAML connection; use enterprise connections."""

    name: str
    provider: Literal["saml_custom", "saml_okta", "saml_google", "saml_microsoft"]
    domain: str | None = about("old name of domains, for one")
    domains: list[str] | None = None
    idp_entity_id: Nullable[str] = None
    idp_sso_url: Nullable[str] = None
    idp_certificate: Nullable[str] = None
    idp_metadata_url: Nullable[str] = None
    idp_metadata: Nullable[str] = None
    organization_id: Nullable[str] = None
    attribute_mapping: Nullable[SamlConnectionAttributes] = None
    force_authn: bool | None = None
    login_hint: Nullable[SamlConnectionLoginHint] = None

    def check(self) -> None:
        """Clerk wants the domains, by the new name or by the old one."""
        if not (self.domain or self.domains):
            raise InvalidRequest(
                f"{self.spec.name}: domains: required.",
                problems=[("domains", "required")],
                next_step="Nothing was sent. Give the e-mail domains whose users sign in through it.",
            )


class UpdateSamlConnection(
    Action,
    name="clerk_saml_connection_update",
    resource=SAML_CONNECTIONS,
    route=PATCH("/saml_connections/{saml_connection_id}"),
    effect=WRITE,
    deprecated=True,
    toolset=TOOLSET,
):
    """Deprecated: change a SAML connection; use enterprise connections."""

    saml_connection_id: Id
    name: Nullable[str] = None
    domain: Nullable[str] = None
    domains: Nullable[list[str]] = None
    idp_entity_id: Nullable[str] = None
    idp_sso_url: Nullable[str] = None
    idp_certificate: Nullable[str] = None
    idp_metadata_url: Nullable[str] = None
    idp_metadata: Nullable[str] = None
    organization_id: Nullable[str] = None
    attribute_mapping: Nullable[SamlConnectionAttributes] = None
    active: Nullable[bool] = None
    sync_user_attributes: Nullable[bool] = None
    allow_subdomains: Nullable[bool] = None
    allow_idp_initiated: Nullable[bool] = None
    disable_additional_identifications: Nullable[bool] = None
    allow_organization_account_linking: Nullable[bool] = None
    force_authn: bool | None = None
    login_hint: Nullable[SamlConnectionLoginHint] = None
    consent_verified_domains_deletion: Nullable[bool] = None


class DeleteSamlConnection(
    Action,
    name="clerk_saml_connection_delete",
    resource=SAML_CONNECTIONS,
    route=DELETE("/saml_connections/{saml_connection_id}"),
    effect=DESTRUCTIVE,
    deprecated=True,
    toolset=TOOLSET,
):
    """Deprecated: delete a SAML connection; use enterprise connections."""

    saml_connection_id: Id
