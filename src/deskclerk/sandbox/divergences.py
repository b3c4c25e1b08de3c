"""Where the sandbox knowingly differs from Clerk, by route; `docs/sandbox.md` is made from it."""

from collections.abc import Mapping

EVERYWHERE: tuple[str, ...] = (
    "The lists of a page are counted when they are read; Clerk may answer counts that lag behind.",
    "A rate limit is counted in fixed windows, by each process, and only where a control turned it on.",
    "No e-mail or text message is sent, and no webhook tells of one.",
    "An operation that is not served answers 501 with the code `operation_not_served`, which Clerk has not.",
)
"""What holds for every route."""

DIVERGENCES: Mapping[str, tuple[str, ...]] = {
    "GET /users": ("Free text is found by parts of words, without Clerk's ranking.",),
    "POST /users": (
        "Breached passwords are known from a short list only.",
        "No password policy but Clerk's default one is kept.",
    ),
    "PATCH /users/{user_id}": ("Breached passwords are known from a short list only.",),
    "POST /domains": ("No DNS record is asked for or looked up.",),
    "POST /invitations": ("`notify` sends nothing; the ticket's URL is in the answer.",),
    "POST /organizations/{organization_id}/invitations": (
        "`notify` sends nothing; the ticket's URL is in the answer.",
    ),
    "POST /organizations/{organization_id}/domains": (
        "A few providers of e-mail are known as nobody's own, not Clerk's whole list.",
    ),
    "POST /role_sets": (
        "An instance has ten role sets at most, whatever its plan.",
        "A new initial set takes the place of the one before it, as one that is changed to it does.",
    ),
    "POST /role_sets/{role_set_key_or_id}/replace": (
        "Members have their other roles when it is answered: no migration is ever in progress.",
        "Who replaces the initial set makes the other one initial.",
        "Open invitations get their roles by the mappings too; one whose role is not mapped keeps it.",
    ),
    "POST /role_sets/{role_set_key_or_id}/roles/replace": (
        "Members have their other role when it is answered: no migration is ever in progress.",
        "Open invitations get the other role too.",
    ),
    "PATCH /organizations/{organization_id}": (
        "A role set that lacks a role of some member is refused, as no mappings can be given here.",
    ),
    "PATCH /instance/organization_settings": (
        "The roles of creators and newcomers are those of the initial role set, and must be in it.",
    ),
    "PATCH /instance": (
        "Only `allowed_origins` is shown again; the other settings are kept, and nothing reads them.",
    ),
    "PATCH /instance/restrictions": (
        "The block-list and subaddresses count for users and invitations; disposable domains are not known.",
        "The allow-list stops nobody who is made or invited with the secret key.",
    ),
    "PATCH /instance/communication": ("Codes of countries are kept as they are given.",),
    "PATCH /instance/oauth_application_settings": (
        "Those of client id metadata documents are kept, and nothing reads them.",
        "Opaque tokens are the default, and so is nobody's own registration.",
    ),
    "GET /oauth_applications": ("The URLs are those of the sandbox, as whoever asks reaches it.",),
    "POST /oauth_applications": (
        "`openid` and `offline_access` are taken as scopes too; the document leaves them out.",
    ),
    "PATCH /instance/protect": ("Kept; nobody attacks a sandbox, and nothing is checked.",),
    "POST /instance/change_domain": ("Refused: an instance of the sandbox keeps its domain.",),
    "PUT /beta_features/domain": ("Refused: an instance of the sandbox keeps its domain.",),
    "POST /billing/prices": (
        "One currency is known, US dollars.",
        "Prices by the year alone are taken in every instance; Clerk may not have turned them on.",
    ),
    "GET /billing/subscription_items": ("Everybody is on a free plan: nothing can be paid here.",),
    "POST /users/{user_id}/billing/credits": (
        "One currency is known, US dollars; a balance holds ten thousand million of them at most.",
        "An idempotency key counts for one payer; other values with a known key change nothing.",
    ),
    "POST /organizations/{organization_id}/billing/credits": ("As of users.",),
    "POST /billing/subscription_items/{subscription_item_id}/discounts": ("There are no discounts.",),
    "GET /billing/statements": ("There are none: nothing is ever charged.",),
    "POST /directories": (
        "No identity provider is listened to or asked: the key opens nothing, and the endpoint is not there.",
        "The mapping of attributes begins empty.",
    ),
    "PATCH /directories/{directory_id}": (
        "A directory of Google's cannot be turned on: Clerk would need credentials to ask for its users.",
    ),
    "POST /directories/{directory_id}/rotate_api_key": ("The former key has no time of grace.",),
    "POST /directories/{directory_id}/group_role_mappings": (
        "Groups are known from their mappings alone, and nobody is in one: no member's role changes.",
        "Two groups may have one precedence; the mapping that was there first is listed first.",
    ),
    "POST /scim_directories": ("As of directories.",),
    "PATCH /scim_directories/{scim_directory_id}": ("As of directories.",),
    "POST /scim_directories/{scim_directory_id}/rotate_api_key": ("As of directories.",),
    "POST /scim_directories/{scim_directory_id}/group_role_mappings": ("As of directories.",),
    "POST /enterprise_connections": (
        "`idp_metadata_url` and `discovery_url` are kept and never fetched: what stands there is not known.",
        "An identity provider known by the address of its metadata alone is enough to turn a connection on.",
        "Every plan has single sign-on and custom attributes here.",
        "A domain of another connection is refused as a taken identifier; the document does not say how.",
        "Attributes are mapped alike at first, whichever the provider; `login_hint` is the e-mail address.",
        "Turned on at once, it is refused where an organization enrols by the domain: nobody consented.",
        "`allow_subdomains` is taken for any domain; which are registered ones is not known.",
    ),
    "PATCH /enterprise_connections/{enterprise_connection_id}": (
        "As of new ones. Null changes nothing; an empty text takes what is known of the provider away.",
        "Verified domains that invite by hand, or that are there for single sign-on, are left alone.",
        "An organization that is deleted leaves its connections unlinked.",
        "It may be linked to an organization that has another directory: only a new one is refused.",
    ),
    "DELETE /enterprise_connections/{enterprise_connection_id}": (
        "A directory of it stays, of no connection; the document does not say what becomes of it.",
    ),
    "GET /enterprise_connections/{enterprise_connection_id}/test_runs": (
        "There are none: no identity provider can be asked from here.",
    ),
    "GET /saml_connections": (
        "Sorted by the time of creation only; other names that the document has give the direction.",
        "`user_count` is 0: nobody signs in here.",
    ),
    "POST /saml_connections": ("As of enterprise connections, of which this is a view.",),
    "PATCH /saml_connections/{saml_connection_id}": ("A new name is that of the enterprise connection too.",),
    "DELETE /saml_connections/{saml_connection_id}": ("The enterprise connection goes with it.",),
    "POST /admin_portal_link_tokens": (
        "No portal is served: a token opens nothing.",
        "All tokens of an organization are for one link, and so are those of none.",
        "Parameters that are wrong are answered with 422, as everywhere; the document has 400 here.",
    ),
    "POST /admin_portal_link_tokens/{adminPortalLinkTokenID}/revoke": (
        "A second time changes nothing; the document does not say what it answers then.",
    ),
    "POST /api_keys": (
        "They are enabled in every instance, for everybody.",
        "A key holds ten years at most where it ends; a name is one good key's of a subject.",
    ),
    "POST /api_keys/{apiKeyID}/revoke": ("A key that is revoked already stays as it is, and is no error.",),
    "POST /m2m_tokens": (
        "Without a lifetime, or with null, a token holds as long as its machine says; at most ten years.",
        "The key of an instance is refused with `clerk_key_invalid`, as nothing in Clerk's list fits better.",
        "What Clerk sets itself is reserved in JWTs alone; an opaque token takes any claims.",
    ),
    "POST /m2m_tokens/verify": (
        "A JWT is verified too, as are opaque tokens; its scopes are those that its machine has now.",
    ),
    "POST /m2m_tokens/{m2m_token_id}/revoke": (
        "A token that is revoked already stays as it is, and is no error.",
    ),
    "PATCH /sign_ups/{id}": (
        "A sign-up begins in a browser: here a seed file puts it in, and none becomes a user.",
        "`custom_action` is kept; no instance waits for it.",
    ),
    "DELETE /users/{user_id}/passkeys/{passkey_identification_id}": (
        "Passkeys come from seeds alone, and no e-mail tells that one is gone.",
    ),
    "GET /users/{user_id}/trusted_devices": ("Trusted devices come from seeds alone.",),
    "GET /users/{user_id}/oauth_access_tokens/{provider}": (
        "Tokens come from seeds alone; no provider is asked, so none that has expired is refreshed.",
        "Every provider counts as turned on, a custom one where an account is of it.",
    ),
    "POST /oauth_applications/access_tokens/verify": (
        "A JWT is known by its signature; scopes of an instance's own are not served.",
    ),
    "POST /agents/tasks": ("Nobody can visit the URL: the Frontend API is not served.",),
    "GET /templates/{template_type}": ("The words are the sandbox's own; Clerk may have more of them.",),
    "PUT /templates/{template_type}/{slug}": (
        "Of the language of templates variables, conditions and the names of parts are known, nothing else.",
        "No plan is asked for, nothing is locked, and no words are suspicious.",
    ),
    "POST /templates/{template_type}/{slug}/preview": (
        "Variables have sample values, and the parts that Clerk keeps are left out.",
    ),
    "POST /templates/{template_type}/{slug}/toggle_delivery": ("Kept; no message is sent either way.",),
    "POST /waitlist_entries": ("`notify` sends nothing.",),
}
"""By `METHOD /path` as Clerk's document writes it."""
