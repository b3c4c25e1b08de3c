"""Access tokens of users' accounts at OAuth providers, as seeds bring them: no provider is asked."""

from collections.abc import Sequence
from typing import Any

from deskclerk.catalogue.route import GET
from deskclerk.sandbox.http.call import Call, Handlers
from deskclerk.sandbox.http.errors import refusal
from deskclerk.sandbox.http.rows import RowMapping, all_of, get, page
from deskclerk.sandbox.store.tables import external_account_tokens, external_accounts, users

CUSTOM = "oauth_custom_"
PROVIDERS = frozenset(
    f"oauth_{name}"
    for name in [
        "apple",
        "atlassian",
        "bitbucket",
        "box",
        "coinbase",
        "discord",
        "dropbox",
        "enstall",
        "facebook",
        "github",
        "gitlab",
        "google",
        "hubspot",
        "huggingface",
        "instagram",
        "line",
        "linear",
        "linkedin",
        "linkedin_oidc",
        "microsoft",
        "notion",
        "slack",
        "spotify",
        "tiktok",
        "twitch",
        "twitter",
        "vercel",
        "x",
        "xero",
    ]
)
"""Those that Clerk knows, beside the custom ones of an instance."""


async def list_tokens(call: Call) -> Any:
    """The tokens of a user's accounts at one provider, in the order in which those were connected."""
    user = await get(call, users, call.path["user_id"], "user")
    provider = call.path["provider"]
    await _check_provider(call, provider)
    accounts, tokens = external_accounts.c, external_account_tokens.c
    query = (
        all_of(call, external_accounts)
        .where(accounts.user_id == user["id"], accounts.provider == provider)
        .outerjoin(external_account_tokens, tokens.external_account_id == accounts.id)
        .add_columns(*(column for column in tokens if column.name not in accounts))
        .order_by(accounts.created_at, accounts.id)
    )
    return await page(call, query, present_tokens)


async def _check_provider(call: Call, provider: str) -> None:
    if provider.startswith(CUSTOM):
        query = all_of(call, external_accounts).where(external_accounts.c.provider == provider).limit(1)
        if (await call.connection.execute(query)).first() is None:
            text = f"No account of this instance is of {provider}."
            raise refusal("oauth_token_provider_not_enabled", "not enabled", text)
    elif provider not in PROVIDERS:
        text = f"{provider} is no provider; one is oauth_google."
        raise refusal("oauth_unsupported_provider", "is not supported", text)


async def present_tokens(call: Call, rows: Sequence[RowMapping]) -> list[dict[str, Any]]:
    """The answers for rows of accounts with their tokens; refused where one is of no use."""
    for row in rows:
        _check_usable(call, row)
    return [_answer(row) for row in rows]


def _check_usable(call: Call, row: RowMapping) -> None:
    if row["token"] is None:
        text = f"The provider gave no access token for the account {row['id']}."
        raise refusal("oauth_missing_access_token", "no access token", text)
    if row["expires_at"] is None or row["expires_at"] > call.now:
        return
    if not row["can_refresh"]:
        text = "The access token has expired, and the provider gave no refresh token."
        raise refusal("oauth_missing_refresh_token", "no refresh token", text)
    # Refreshed it would have to be by the provider, which nobody stands in for.
    text = "The access token has expired, and there is no provider to get a new one from."
    raise refusal("oauth_token_retrieval_error", "retrieval failed", text)


def _answer(row: RowMapping) -> dict[str, Any]:
    given = {name: row[name] for name in ("id_token", "token_secret") if row[name] is not None}
    # OAuth 1.0 has a secret beside the token, and no scopes.
    if "token_secret" not in given:
        given["scopes"] = row["approved_scopes"].split() if row["scopes"] is None else row["scopes"]
    same = ("provider_user_id", "token", "expires_at", "provider", "public_metadata", "label")
    return {
        "object": "oauth_access_token",
        "external_account_id": row["id"],
        **{name: row[name] for name in same},
        **given,
    }


HANDLERS: Handlers = {
    GET("/users/{user_id}/oauth_access_tokens/{provider}"): list_tokens,
}
