"""Redirect URLs: where native applications may send users back to."""

import re
from collections.abc import Sequence
from typing import Any
from urllib.parse import SplitResult, urlsplit

from deskclerk.catalogue.route import DELETE, GET, POST
from deskclerk.sandbox.http.call import Call, Handlers
from deskclerk.sandbox.http.errors import ill_formed, refusal
from deskclerk.sandbox.http.rows import RowMapping, all_of, get, insert, ordered, page, remove, unique_or
from deskclerk.sandbox.ids import new_id
from deskclerk.sandbox.store.tables import redirect_urls

WHAT = "redirect URL"
LOOPBACK = ("localhost", "127.0.0.1", "::1")
_URL = re.compile(r"[a-zA-Z][a-zA-Z0-9+.-]*://[^\s/?#]+\S*")


async def list_redirect_urls(call: Call) -> Any:
    """All of them, newest first."""
    columns = redirect_urls.c
    query = ordered(all_of(call, redirect_urls), columns.created_at, columns.id, descends=True)
    return await page(call, query, present_redirect_urls)


async def create_redirect_url(call: Call) -> dict[str, Any]:
    """A new URL: https, a scheme of one's own, or http on this machine."""
    url, key = call.body["url"], new_id("ru", call.now)
    parts = _parts(url)
    if parts.scheme.lower() == "http" and parts.hostname not in LOOPBACK:
        raise refusal("insecure_url", "is insecure", "url must begin with https://.", param="url")
    text = f"{url} is a redirect URL already."
    with unique_or(refusal("duplicate_record", "duplicate redirect url", text, param="url")):
        await insert(call, redirect_urls, id=key, url=url, created_at=call.now, updated_at=call.now)
    return _answer(await get(call, redirect_urls, key, WHAT))


async def get_redirect_url(call: Call) -> dict[str, Any]:
    """One URL."""
    return _answer(await get(call, redirect_urls, call.path["id"], WHAT))


async def delete_redirect_url(call: Call) -> dict[str, Any]:
    """Take a URL off the list."""
    row = await get(call, redirect_urls, call.path["id"], WHAT)
    await remove(call, redirect_urls, row["id"])
    return {"object": "redirect_url", "id": row["id"], "deleted": True}


async def present_redirect_urls(_call: Call, rows: Sequence[RowMapping]) -> list[dict[str, Any]]:
    """The answers for rows."""
    return [_answer(row) for row in rows]


def _parts(url: str) -> SplitResult:
    """A whole URL in its parts; refused if it is none."""
    none = ill_formed("url", "url must be a whole URL, such as https://example.com/back or app://back.")
    if not _URL.fullmatch(url):
        raise none
    try:
        parts = urlsplit(url)
        parts.port  # noqa: B018 - looked at only when it is read
    except ValueError:
        raise none from None
    return parts


def _answer(row: RowMapping) -> dict[str, Any]:
    return {
        "object": "redirect_url",
        **{name: row[name] for name in ("id", "url", "created_at", "updated_at")},
    }


HANDLERS: Handlers = {
    GET("/redirect_urls"): list_redirect_urls,
    POST("/redirect_urls"): create_redirect_url,
    GET("/redirect_urls/{id}"): get_redirect_url,
    DELETE("/redirect_urls/{id}"): delete_redirect_url,
}
