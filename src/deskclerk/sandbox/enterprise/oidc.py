"""The OpenID Connect half of a connection: the client that we are to the identity provider."""

import hashlib
from collections.abc import Mapping
from typing import Any

from deskclerk.sandbox.enterprise.given import check_urls, set_in, texts_in
from deskclerk.sandbox.http.errors import Refusal, refusal
from deskclerk.sandbox.http.rows import RowMapping

DEFAULTS: Mapping[str, Any] = {"client_id": None, "client_secret_digest": None, "requires_pkce": False}
_ENDPOINTS = ("auth_url", "token_url", "user_info_url")
_URLS = ("discovery_url", *_ENDPOINTS)
_KEYS = {"oidc_github_enterprise": "oidc_ghe_", "oidc_gitlab": "oidc_gitlab_ent_"}
"""How the keys of providers begin of which an instance can have several."""


def oidc_values(body: Mapping[str, Any], before: RowMapping) -> dict[str, Any]:
    """What a body changes in an OpenID Connect half that was so before."""
    values: dict[str, Any] = {**texts_in(body, ("client_id", *_URLS)), **set_in(body, ("requires_pkce",))}
    check_urls(values, _URLS, "oidc.")
    if (secret := body.get("client_secret")) is not None:
        # A fast hash will do: providers make their secrets at random, they are no passwords.
        values["client_secret_digest"] = hashlib.sha256(secret.encode()).hexdigest() if secret else None
    after = {**before, **values}
    # The request's own word: one that says nothing of PKCE may still be on its way to a secret.
    if body.get("requires_pkce") is False and after["client_id"] and not after["client_secret_digest"]:
        raise _needs_pkce()
    return values


def check_oidc_can_be_on(row: RowMapping) -> None:
    """Refuse to turn on a connection that nobody could sign in through."""
    lacking = [] if row["client_id"] else ["client_id"]
    if not row["discovery_url"] and not (row["auth_url"] and row["token_url"]):
        lacking.append("discovery_url")
    if lacking:
        name = f"oidc.{lacking[0]}"
        text = f"{name} is required when active is true."
        raise refusal("form_conditional_param_missing", "is missing", text, param=name)
    if not (row["client_secret_digest"] or row["requires_pkce"]):
        raise _needs_pkce()


def _needs_pkce() -> Refusal:
    text = "A client without a secret needs PKCE."
    return refusal("form_public_client_requires_pkce", "is invalid", text, param="oidc.requires_pkce")


def oidc_answer(row: RowMapping, connection: RowMapping) -> dict[str, Any]:
    """The half as it stands inside a connection's answer, without its secret."""
    provider = connection["provider"]
    begins = _KEYS.get(provider)
    return {
        **{name: row[name] for name in ("id", "client_id", *_URLS, "requires_pkce")},
        "name": connection["name"],
        "provider_key": f"{begins}{row['id'].partition('_')[2].lower()}" if begins else provider,
        "logo_public_url": None,
        "created_at": connection["created_at"],
        "updated_at": connection["updated_at"],
    }
