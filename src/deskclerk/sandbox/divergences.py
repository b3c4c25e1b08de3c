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
    "POST /organization_roles": ("There is one role set, and every role is in it.",),
    "PATCH /instance": (
        "Only `allowed_origins` is shown again; the other settings are kept, and nothing reads them.",
    ),
    "PATCH /instance/restrictions": (
        "The block-list and subaddresses count for users and invitations; disposable domains are not known.",
        "The allow-list stops nobody who is made or invited with the secret key.",
    ),
    "PATCH /instance/communication": ("Codes of countries are kept as they are given.",),
    "PATCH /instance/oauth_application_settings": ("Kept; OAuth itself is not served.",),
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
    "DELETE /users/{user_id}/passkeys/{passkey_identification_id}": (
        "Passkeys come from seeds alone, and no e-mail tells that one is gone.",
    ),
    "GET /users/{user_id}/trusted_devices": ("Trusted devices come from seeds alone.",),
    "GET /users/{user_id}/oauth_access_tokens/{provider}": (
        "Tokens come from seeds alone; no provider is asked, so none that has expired is refreshed.",
        "Every provider counts as turned on, a custom one where an account is of it.",
    ),
    "POST /oauth_applications/access_tokens/verify": (
        "Tokens come from seeds alone; there are no JWTs among them.",
    ),
    "POST /oauth_applications/{oauth_application_id}/revoke_token": ("Tokens come from seeds alone.",),
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
