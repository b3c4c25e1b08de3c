"""The instance's own settings, and what serves its front end."""

from typing import Annotated, Literal

from annotated_types import MaxLen

from deskclerk.catalogue.action import Action, ReadAction, Resource, ShapedAction
from deskclerk.catalogue.domains import DOMAINS
from deskclerk.catalogue.fields import Id, Limit, Nullable, Offset, about
from deskclerk.catalogue.route import DELETE, DESTRUCTIVE, GET, PATCH, POST, PUT, READ, WRITE, Answers

TOOLSET = "instance"

INSTANCE = Resource(
    "instance",
    "instance",
    (
        "id",
        "environment_type",
        "allowed_origins",
        "workspace_id",
    ),
)


class GetInstance(
    ReadAction,
    name="clerk_instance_get",
    resource=INSTANCE,
    route=GET("/instance"),
    effect=READ,
    toolset=TOOLSET,
):
    """Read what the instance is: its environment, allowed origins, id."""


class UpdateInstance(
    Action,
    name="clerk_instance_update",
    resource=INSTANCE,
    route=PATCH("/instance"),
    effect=WRITE,
    answers=Answers(nothing=True),
    toolset=TOOLSET,
):
    """Change settings of the instance: test mode, leaked passwords, allowed origins."""

    test_mode: Nullable[bool] = None
    hibp: Nullable[bool] = None
    support_email: Nullable[str] = None
    clerk_js_version: Nullable[str] = None
    development_origin: Nullable[str] = None
    allowed_origins: list[str] | None = None
    cookieless_dev: Nullable[bool] = None
    url_based_session_syncing: Nullable[bool] = None
    preferred_sign_in_strategy_when_password_required: Nullable[Literal["password", "otp"]] = None


class ChangeInstanceDomain(
    Action,
    name="clerk_instance_domain_change",
    resource=INSTANCE,
    route=POST("/instance/change_domain"),
    effect=DESTRUCTIVE,
    answers=Answers(nothing=True),
    toolset=TOOLSET,
):
    """Move a production instance to another domain."""

    home_url: str | None = None
    is_secondary: bool | None = None


RESTRICTIONS = Resource(
    "restrictions",
    "sign-up restrictions",
    (
        "allowlist",
        "blocklist",
        "allowlist_blocklist_disabled_on_sign_in",
        "block_email_subaddresses",
        "block_disposable_email_domains",
    ),
    object="instance_restrictions",
)


class UpdateRestrictions(
    Action,
    name="clerk_restrictions_update",
    resource=RESTRICTIONS,
    route=PATCH("/instance/restrictions"),
    effect=WRITE,
    toolset=TOOLSET,
):
    """Change who may sign up: allow-list, block-list, disposable addresses."""

    allowlist: Nullable[bool] = None
    blocklist: Nullable[bool] = None
    allowlist_blocklist_disabled_on_sign_in: Nullable[bool] = None
    block_email_subaddresses: Nullable[bool] = None
    block_disposable_email_domains: Nullable[bool] = None


INSTANCE_PROTECT = Resource(
    "protect",
    "Protect settings",
    (
        "rules_enabled",
        "specter_enabled",
        "checks_bypassed",
    ),
    object="instance_protect",
)


class GetProtectSettings(
    ReadAction,
    name="clerk_protect_get",
    resource=INSTANCE_PROTECT,
    route=GET("/instance/protect"),
    effect=READ,
    toolset=TOOLSET,
):
    """Read whether Clerk Protect's rules are on."""


class UpdateProtectSettings(
    Action,
    name="clerk_protect_update",
    resource=INSTANCE_PROTECT,
    route=PATCH("/instance/protect"),
    effect=WRITE,
    toolset=TOOLSET,
):
    """Turn Clerk Protect's rules on or off."""

    rules_enabled: Nullable[bool] = None
    specter_enabled: Nullable[bool] = None


COMMUNICATION = Resource(
    "communication", "communication settings", ("blocked_country_codes",), object="instance_communication"
)


class GetCommunication(
    ReadAction,
    name="clerk_communication_get",
    resource=COMMUNICATION,
    route=GET("/instance/communication"),
    effect=READ,
    toolset=TOOLSET,
):
    """Read the countries to which no text messages are sent."""


class UpdateCommunication(
    Action,
    name="clerk_communication_update",
    resource=COMMUNICATION,
    route=PATCH("/instance/communication"),
    effect=WRITE,
    toolset=TOOLSET,
):
    """Set the countries to which no text messages are sent."""

    blocked_country_codes: Nullable[Annotated[list[str], MaxLen(250)]] = None


ORG_SETTINGS = Resource(
    "org-settings",
    "organization settings",
    (
        "enabled",
        "max_allowed_memberships",
        "max_allowed_roles",
        "max_role_sets_allowed",
        "max_allowed_domains",
        "max_allowed_permissions",
        "creator_role",
        "admin_delete_enabled",
        "domains_enabled",
        "slug_disabled",
        "domains_enrollment_modes",
        "domains_default_role",
        "initial_role_set_key",
    ),
)


class GetOrgSettings(
    ReadAction,
    name="clerk_org_settings_get",
    resource=ORG_SETTINGS,
    route=GET("/instance/organization_settings"),
    effect=READ,
    toolset=TOOLSET,
):
    """Read what holds for all organizations."""


class UpdateOrgSettings(
    Action,
    name="clerk_org_settings_update",
    resource=ORG_SETTINGS,
    route=PATCH("/instance/organization_settings"),
    effect=WRITE,
    toolset=TOOLSET,
):
    """Change what holds for all organizations: whether they are on, members, domains, roles."""

    enabled: Nullable[bool] = None
    max_allowed_memberships: Nullable[int] = None
    admin_delete_enabled: Nullable[bool] = None
    domains_enabled: Nullable[bool] = None
    slug_disabled: Nullable[bool] = None
    domains_enrollment_modes: list[str] | None = None
    creator_role_id: Nullable[str] = None
    domains_default_role_id: Nullable[str] = None


SIGN_UP_SETTINGS = Resource(
    "sign-up-settings",
    "sign-up settings",
    (
        "id",
        "restricted_to_allowlist",
        "from_email_address",
        "progressive_sign_up",
        "enhanced_email_deliverability",
    ),
    object="instance_settings",
)


class UpdateSignUpSettings(
    Action,
    name="clerk_sign_up_settings_update",
    resource=SIGN_UP_SETTINGS,
    route=PATCH("/beta_features/instance_settings"),
    effect=WRITE,
    toolset=TOOLSET,
):
    """Change settings in beta: restricted sign-up, sender address, progressive sign-up, test mode."""

    restricted_to_allowlist: Nullable[bool] = None
    from_email_address: Nullable[str] = None
    progressive_sign_up: Nullable[bool] = None
    test_mode: Nullable[bool] = None


class ChangeInstanceDomainBeta(
    Action,
    name="clerk_instance_domain_change_beta",
    titled="Change domain of instance (beta)",
    resource=INSTANCE,
    route=PUT("/beta_features/domain"),
    effect=DESTRUCTIVE,
    answers=Answers(nothing=True),
    deprecated=True,
    toolset=TOOLSET,
):
    """Deprecated: move a production instance to another domain; use clerk_instance_domain_change."""

    home_url: str | None = None
    is_secondary: bool | None = None


class UpdateDomain(
    Action,
    name="clerk_domain_update",
    resource=DOMAINS,
    route=PATCH("/domains/{domain_id}"),
    effect=WRITE,
    toolset=TOOLSET,
):
    """Change the name or proxy of a domain."""

    domain_id: Id
    name: Nullable[str] = None
    proxy_url: Nullable[str] = None
    is_secondary: Nullable[bool] = None


class CheckProxy(
    Action,
    name="clerk_domain_proxy_check",
    resource=DOMAINS,
    route=POST("/proxy_checks"),
    effect=WRITE,
    answers=Answers("proxy_check"),
    toolset=TOOLSET,
):
    """Check whether a domain's proxy is set up."""

    domain_id: str | None = None
    proxy_url: str | None = None


REDIRECT_URLS = Resource(
    "redirect-urls",
    "redirect URL",
    (
        "id",
        "url",
        "created_at",
    ),
)


class ListRedirectUrls(
    ReadAction,
    name="clerk_redirect_urls_list",
    resource=REDIRECT_URLS,
    route=GET("/redirect_urls"),
    effect=READ,
    toolset=TOOLSET,
):
    """List where native apps may send users back to."""

    paginated: bool | None = None
    limit: Limit | None = None
    offset: Offset | None = None


class GetRedirectUrl(
    ReadAction,
    name="clerk_redirect_url_get",
    resource=REDIRECT_URLS,
    route=GET("/redirect_urls/{id}"),
    effect=READ,
    toolset=TOOLSET,
):
    """Read one redirect URL."""

    id: Id


class CreateRedirectUrl(
    Action,
    name="clerk_redirect_url_create",
    resource=REDIRECT_URLS,
    route=POST("/redirect_urls"),
    effect=WRITE,
    toolset=TOOLSET,
):
    """Let native apps send users back to a URL."""

    url: str


class DeleteRedirectUrl(
    Action,
    name="clerk_redirect_url_delete",
    resource=REDIRECT_URLS,
    route=DELETE("/redirect_urls/{id}"),
    effect=DESTRUCTIVE,
    toolset=TOOLSET,
):
    """Let native apps send users back to a URL no longer."""

    id: Id


WEBHOOKS = Resource("webhooks", "webhooks app", ("svix_url",))


class CreateSvixApp(
    ShapedAction,
    name="clerk_webhooks_app_create",
    titled="Turn on webhooks",
    resource=WEBHOOKS,
    route=POST("/webhooks/svix"),
    effect=WRITE,
    answers=Answers(keys=("svix_url",)),
    hands_over=("svix_url",),
    toolset=TOOLSET,
):
    """Turn webhooks on (a Svix app); the link to set them up goes to a person."""


class DeleteSvixApp(
    ShapedAction,
    name="clerk_webhooks_app_delete",
    titled="Turn off webhooks",
    resource=WEBHOOKS,
    route=DELETE("/webhooks/svix"),
    effect=DESTRUCTIVE,
    answers=Answers(nothing=True),
    toolset=TOOLSET,
):
    """Turn webhooks off, and delete every endpoint."""


class CreateSvixLink(
    ShapedAction,
    name="clerk_webhooks_link_create",
    titled="Create link to webhooks page",
    resource=WEBHOOKS,
    route=POST("/webhooks/svix_url"),
    effect=WRITE,
    answers=Answers(keys=("svix_url",)),
    hands_over=("svix_url",),
    toolset=TOOLSET,
):
    """Make a link to the page on which webhooks are set up; it goes to a person."""


INTERSTITIAL = Resource("interstitial", "interstitial page", ("html",))


class GetInterstitial(
    ReadAction,
    name="clerk_interstitial_get",
    resource=INTERSTITIAL,
    route=GET("/public/interstitial"),
    effect=READ,
    answers=Answers(page=True),
    toolset=TOOLSET,
):
    """Read the page that Clerk shows while a session is synchronised."""

    frontendApi: str | None = about("old name of frontend_api")  # noqa: N815 - Clerk's
    frontend_api: str | None = None
    publishable_key: str | None = None
    proxy_url: str | None = None
    domain: str | None = None
    sign_in_url: str | None = None
    use_domain_for_script: bool | None = None
