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
}
"""By `METHOD /path` as Clerk's document writes it."""
