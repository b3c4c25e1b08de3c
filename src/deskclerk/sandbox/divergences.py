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
    "PATCH /instance/oauth_application_settings": ("Kept; OAuth itself is not served.",),
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
    "PATCH /sign_ups/{id}": (
        "A sign-up begins in a browser: here a seed file puts it in, and none becomes a user.",
        "`custom_action` is kept; no instance waits for it.",
    ),
    "POST /waitlist_entries": ("`notify` sends nothing.",),
}
"""By `METHOD /path` as Clerk's document writes it."""
