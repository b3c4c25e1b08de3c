"""The OAuth resource server of MCP's authorization: what clients are told about where to get a token.

https://modelcontextprotocol.io/specification/2025-11-25/basic/authorization and the same of 2026-07-28;
RFC 9728 for the metadata, RFC 6750 for the challenges.
"""

import re
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from deskclerk.errors import DeskclerkError
from deskclerk.hosted.agents import scopes
from deskclerk.hosted.issuer import Issuer, IssuerUnavailable

MCP = "/mcp"
WELL_KNOWN = "/.well-known/oauth-protected-resource"
_PLACE = re.compile(rf"{MCP}(?:/([a-z0-9][a-z0-9-]{{1,39}})(?:/([a-z0-9][a-z0-9-]{{0,39}}))?)?")
# Any scope gives a token with a subject, and this one gives away nothing else.
_LEAST = "openid"


@dataclass(frozen=True, slots=True)
class Place:
    """Which MCP server of this origin a URL names: of a person's only workspace where it names none."""

    path: str
    slug: str | None
    instance: str | None

    @classmethod
    def of(cls, path: str) -> "Place | None":
        """The place at a path; None if there could be none."""
        # As clients add it or leave it out: the resource is the same.
        found = _PLACE.fullmatch(path.removesuffix("/"))
        return cls(found[0], found[1], found[2]) if found else None


class InsufficientScope(DeskclerkError):
    """A token that would need further scopes; `scopes` are those to ask the issuer for."""

    kind = "insufficient_scope"

    def __init__(self, message: str, wanted: Collection[str]) -> None:
        words = " ".join(wanted)
        super().__init__(message, next_step=f"Get an access token with: {words}.")
        self.scopes = words


class ResourceServer:
    """The MCP servers of one origin, whose tokens one issuer gives."""

    def __init__(self, public_url: str, issuer: Issuer | None) -> None:
        self.public_url = public_url
        self.issuer = issuer

    def resource(self, place: Place) -> str:
        """The resource's identifier: the URL of the MCP server (RFC 8707)."""
        return f"{self.public_url}{place.path}"

    async def offered(self) -> tuple[str, ...]:
        """Those of our scopes that the issuer gives; none where it knows only its own.

        IssuerUnavailable.
        """
        return scopes.known((await self.issuer.metadata()).scopes) if self.issuer else ()

    async def metadata(self, place: Place) -> dict[str, Any] | None:
        """The metadata of the resource; None where no issuer is set, and only a workspace's tokens count.

        It is the same whether there is such a workspace or not. IssuerUnavailable.
        """
        if self.issuer is None:
            return None
        wanted = await self._wanted()
        return {
            "resource": self.resource(place),
            # To the letter: clients compare it with what the issuer's own metadata says.
            "authorization_servers": [(await self.issuer.metadata()).issuer],
            # RFC 9728, 3.2: what has no elements is left out.
            **({"scopes_supported": wanted} if wanted else {}),
            "bearer_methods_supported": ["header"],
            "resource_name": "deskclerk",
        }

    async def challenge(self, place: Place, error: DeskclerkError | None = None) -> str:
        """The value of WWW-Authenticate; without an error the request had no token at all."""
        told: dict[str, str] = {}
        if error is not None:
            told |= {"error": error.kind, "error_description": _plain(error.message)}
        if self.issuer is not None:
            told["resource_metadata"] = f"{self.public_url}{WELL_KNOWN}{place.path}"
            if isinstance(error, InsufficientScope):
                told["scope"] = error.scopes
            elif wanted := await self._wanted_if_known():
                told["scope"] = " ".join(wanted)
        parts = [f'{name}="{value}"' for name, value in told.items()]
        return "Bearer " + (", ".join(parts) or 'realm="deskclerk"')

    async def _wanted(self) -> list[str]:
        """What a client best asks the issuer for."""
        offered = await self.offered()
        if offered or self.issuer is None:
            return list(offered)
        # Left out, clients would ask for all that the issuer has: the person's profile, metadata and more.
        return [_LEAST] if _LEAST in (await self.issuer.metadata()).scopes else []

    async def _wanted_if_known(self) -> list[str]:
        try:
            return await self._wanted()
        except IssuerUnavailable:
            # A challenge without scopes is one all the same; the metadata says that the issuer is away.
            return []


def _plain(text: str) -> str:
    """Text as an error_description takes it (RFC 6750, 3)."""
    return re.sub(r"[^\x20\x21\x23-\x5b\x5d-\x7e]", "'", text)
