"""The pages that a person meets on the way to a code: plain HTML, which no other page can hold in a frame."""

import functools
import secrets
from pathlib import Path
from typing import TYPE_CHECKING, Any

from starlette.responses import HTMLResponse

from deskclerk.sandbox.oauth.requests import UNCACHED

if TYPE_CHECKING:
    from jinja2 import Environment

MEANINGS = {
    "openid": "sign you in, and know you by your user id",
    "profile": "see your name, your username and your picture",
    "email": "see your e-mail address",
    "public_metadata": "see your public and unsafe metadata",
    "private_metadata": "see your private metadata",
    "offline_access": "keep this access while you are away",
}
"""What a scope lets a client do, as the person who grants it reads it."""


@functools.cache
def _templates() -> "Environment":
    from jinja2 import Environment, FileSystemLoader, StrictUndefined  # noqa: PLC0415 - few sandboxes show a page

    found = Environment(
        loader=FileSystemLoader(Path(__file__).parent / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    found.globals["meanings"] = MEANINGS
    return found


def page(template: str, status: int, **shown: Any) -> HTMLResponse:
    """A page; nothing of it may be framed, kept, or run but what stands in its template."""
    nonce = secrets.token_urlsafe(16)
    text = _templates().get_template(template).render(nonce=nonce, **shown)
    policy = (
        f"default-src 'none'; style-src 'nonce-{nonce}'; script-src 'nonce-{nonce}'; img-src 'self'; "
        "base-uri 'none'; frame-ancestors 'none'"
    )
    headers = {
        **UNCACHED,
        # No form-action: browsers apply it to the redirect after the form too, which leads to the client.
        "Content-Security-Policy": policy,
        "X-Frame-Options": "DENY",
        "X-Content-Type-Options": "nosniff",
        "Referrer-Policy": "same-origin",
    }
    return HTMLResponse(text, status, headers)
