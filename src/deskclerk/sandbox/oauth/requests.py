"""A request to the issuer, and its refusal in OAuth's words."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from starlette.responses import JSONResponse

from deskclerk.sandbox.http.call import Call
from deskclerk.sandbox.instance.domains import issuer_url

UNCACHED: Mapping[str, str] = {"Cache-Control": "no-store", "Pragma": "no-cache"}
"""Answers with tokens, or about them, are nobody's to keep (RFC 6749, 5.1)."""
_LONGEST = 4096


class OAuthError(Exception):
    """A refusal: a code of OAuth's registry, and a sentence that says what to do next.

    The sentence is ASCII and quotes nothing that was sent: it may travel in a redirect or a header.
    """

    def __init__(
        self, code: str, description: str, *, status: int = 400, headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(f"{code}: {description}")
        self.code, self.description = code, description
        self.status, self.headers = status, headers or {}

    def answer(self) -> JSONResponse:
        """The refusal as JSON (RFC 6749, 5.2)."""
        body = {"error": self.code, "error_description": self.description}
        return JSONResponse(body, self.status, {**UNCACHED, **self.headers})


@dataclass(frozen=True, slots=True)
class OAuthRequest:
    """One request inside one transaction.

    `given` holds the parameters of the query or the form, each once and none empty; `resources` the values
    of `resource`, which alone may stand several times; `content` a body that is no form. `from_own_page` is
    whether a browser would have said that it comes from another origin's page, and did not.
    """

    call: Call
    method: str
    given: Mapping[str, str]
    resources: tuple[str, ...]
    content: bytes
    authorization: str | None
    from_own_page: bool

    @property
    def issuer(self) -> str:
        """Who issues, as whoever asks reaches it."""
        return issuer_url(self.call.instance, self.call.base_url)


def read_fields(pairs: Iterable[tuple[str, str]]) -> tuple[dict[str, str], tuple[str, ...]]:
    """Parameters by name, and the resources; OAuthError where one stands twice or cannot be kept."""
    given: dict[str, str] = {}
    resources = []
    for name, value in pairs:
        # Without a value it counts as left out (RFC 6749, 3.1).
        if not value:
            continue
        if len(value) > _LONGEST or "\0" in value:
            text = f"A parameter is longer than {_LONGEST} characters, or has one that is not allowed."
            raise OAuthError("invalid_request", text)
        if name == "resource":
            resources.append(value)
        elif name in given:
            raise OAuthError("invalid_request", "A parameter is given twice; give each once.")
        else:
            given[name] = value
    return given, tuple(resources)


def uncached(body: Mapping[str, Any], status: int = 200) -> JSONResponse:
    """An answer that nobody keeps."""
    return JSONResponse(body, status, UNCACHED)
