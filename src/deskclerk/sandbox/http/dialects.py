"""Refusals in the words of a route: what Clerk says of tokens of machines comes from a service apart."""

import dataclasses

from deskclerk.catalogue import Route
from deskclerk.catalogue.route import DELETE, GET, PATCH, POST
from deskclerk.sandbox.http.errors import Refusal

_KEY, _TOKENS = "/api_keys/{api_key_id}", "/m2m_tokens"

PLAIN: frozenset[Route] = frozenset(
    (
        GET("/api_keys"),
        POST("/api_keys"),
        POST("/api_keys/verify"),
        GET(_KEY),
        PATCH(_KEY),
        DELETE(_KEY),
        GET(f"{_KEY}/secret"),
        POST(f"{_KEY}/revoke"),
        GET(_TOKENS),
        POST(_TOKENS),
        POST(f"{_TOKENS}/verify"),
        POST(f"{_TOKENS}/{{m2m_token_id}}/revoke"),
    )
)
"""Routes that have one code for every parameter that is wrong."""


def in_words_of(route: Route, refused: Refusal) -> Refusal:
    """The refusal as this route answers it."""
    if route not in PLAIN or not all(item.code.startswith("form_") for item in refused.problems):
        return refused
    plain = (
        dataclasses.replace(item, code="bad_request", message="Bad Request") for item in refused.problems
    )
    return Refusal(*plain)
