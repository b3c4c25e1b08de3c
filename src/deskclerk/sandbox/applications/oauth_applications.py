"""OAuth applications: who may sign users in through the instance."""

import hashlib
import re
import secrets
import string
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import or_

from deskclerk.catalogue.route import DELETE, GET, PATCH, POST, PUT
from deskclerk.sandbox.http.call import Call, Handlers
from deskclerk.sandbox.http.errors import ill_formed, invalid, refusal
from deskclerk.sandbox.http.images import image_url
from deskclerk.sandbox.http.rows import (
    RowMapping,
    all_of,
    change,
    get,
    insert,
    ordered,
    page,
    remove,
    split_order,
)
from deskclerk.sandbox.ids import new_id
from deskclerk.sandbox.instance.domains import issuer_url
from deskclerk.sandbox.store.tables import oauth_applications
from deskclerk.sandbox.users.images import drop_image, keep_image

SCOPES = ("openid", "profile", "email", "public_metadata", "private_metadata", "offline_access")
"""What an application may ask for; the document leaves the two of OpenID Connect out, Clerk takes them."""
DEFAULTS: Mapping[str, Any] = {
    "redirect_uris": [],
    "scopes": "profile email",
    "consent_screen_enabled": True,
    "pkce_required": False,
    "public": False,
}
URLS: Mapping[str, str] = {
    "authorize_url": "/oauth/authorize",
    "token_fetch_url": "/oauth/token",
    "user_info_url": "/oauth/userinfo",
    "discovery_url": "/.well-known/openid-configuration",
    "token_introspection_url": "/oauth/token_info",
}
WHAT = "OAuth application"
# Without `//` too: native applications have schemes of their own.
_URI = re.compile(r"[a-zA-Z][a-zA-Z0-9+.-]*:\S+")
_LONGEST_URI = 1024
_LETTERS = string.ascii_letters + string.digits


async def list_oauth_applications(call: Call) -> Any:
    """Applications whose name contains a text or whose client id it is, oldest first."""
    columns = oauth_applications.c
    query = all_of(call, oauth_applications)
    if text := call.query.get("name_query"):
        part = columns.name_folded.contains(text.casefold(), autoescape=True)
        query = query.where(or_(part, columns.client_id == text))
    name, descends = split_order(call.query.get("order_by", "created_at"))
    by = {"created_at": columns.created_at, "name": columns.name_folded}[name]
    return await page(call, ordered(query, by, columns.id, descends=descends), present_oauth_applications)


async def get_oauth_application(call: Call) -> dict[str, Any]:
    """One application."""
    row = await get(call, oauth_applications, call.path["oauth_application_id"], WHAT)
    return oauth_application_answer(call, row)


async def create_oauth_application(call: Call) -> dict[str, Any]:
    """A new application; its secret is answered here and never again, a public one has none."""
    row, secret = await add_application(call, new_values(call))
    answer = oauth_application_answer(call, row)
    return {**answer, "client_secret": secret} if secret else answer


def new_values(call: Call) -> dict[str, Any]:
    """What a new application is to hold, as the call has it; refused when it cannot stand."""
    return check_application({**DEFAULTS, **_given(call)}, call.body)


async def add_application(
    call: Call, values: Mapping[str, Any], client_id: str | None = None, secret: str | None = None
) -> tuple[RowMapping, str | None]:
    """A new application with checked values, and its secret, made up if not given; a public one has none."""
    key, secret = new_id("oa", call.now), None if values["public"] else secret or random_letters(32)
    await insert(
        call,
        oauth_applications,
        id=key,
        client_id=client_id or random_letters(16),
        client_secret_digest=digest(secret) if secret else None,
        **values,
        created_at=call.now,
        updated_at=call.now,
    )
    return await get(call, oauth_applications, key, WHAT), secret


async def update_oauth_application(call: Call) -> dict[str, Any]:
    """Change what is given; null leaves a value as it is."""
    row = await get(call, oauth_applications, call.path["oauth_application_id"], WHAT)
    now = {name: row[name] for name in ("name", *DEFAULTS)}
    values = check_application({**now, **_given(call)}, call.body)
    if row["dynamically_registered"] and not values["consent_screen_enabled"]:
        text = "An application that registered itself always has users asked for their consent."
        code = "oauth_application_consent_screen_cannot_be_disabled"
        raise refusal(code, "consent screen cannot be disabled", text)
    # A public application has no secret; if it is made confidential again, a rotation gives it one.
    secret = {"client_secret_digest": None} if values["public"] else {}
    await change(call, oauth_applications, row["id"], **values, **secret, updated_at=call.now)
    return await get_oauth_application(call)


async def rotate_secret(call: Call) -> dict[str, Any]:
    """A new secret, answered here and never again; that of a public application is empty."""
    row = await get(call, oauth_applications, call.path["oauth_application_id"], WHAT)
    secret = "" if row["public"] else random_letters(32)
    if secret:
        values = {"client_secret_digest": digest(secret), "updated_at": call.now}
        await change(call, oauth_applications, row["id"], **values)
    return {**await get_oauth_application(call), "client_secret": secret}


async def delete_oauth_application(call: Call) -> dict[str, Any]:
    """Delete an application, with its tokens and its logo."""
    row = await get(call, oauth_applications, call.path["oauth_application_id"], WHAT)
    await remove(call, oauth_applications, row["id"])
    await drop_image(call, row["logo_id"])
    return {"object": "oauth_application", "id": row["id"], "deleted": True}


async def set_logo(call: Call) -> dict[str, Any]:
    """Show this picture of an application from now on."""
    row = await get(call, oauth_applications, call.path["oauth_application_id"], WHAT)
    assert call.upload is not None  # noqa: S101 - an operation with `upload` has one
    logo_id = await keep_image(call, call.upload)
    await change(call, oauth_applications, row["id"], logo_id=logo_id, updated_at=call.now)
    # After the change: a picture that is still shown is not dropped.
    await drop_image(call, row["logo_id"])
    return await get_oauth_application(call)


def check_application(values: Mapping[str, Any], body: Mapping[str, Any]) -> dict[str, Any]:
    """The values to store; refused when an address, a scope or the wish for no PKCE cannot stand."""
    for uri in values["redirect_uris"]:
        _check_uri(uri, "redirect_uris")
    if len(set(values["redirect_uris"])) < len(values["redirect_uris"]):
        raise refusal("duplicate_record", "duplicate redirect URI", "A redirect URI is given twice.")
    scopes = values["scopes"].split()
    if not scopes or not set(scopes) <= set(SCOPES):
        raise invalid("scopes", f"scopes must be some of {' '.join(SCOPES)}, separated by spaces.")
    # The body's own word: false is the default too, and a default is not refused but raised below.
    if values["public"] and body.get("pkce_required") is False:
        text = "An application without a secret needs PKCE."
        raise refusal("form_public_client_requires_pkce", "is invalid", text, param="pkce_required")
    return {
        **values,
        "name_folded": values["name"].casefold(),
        "scopes": " ".join(dict.fromkeys(scopes)),
        "pkce_required": values["pkce_required"] or values["public"],
    }


def _given(call: Call) -> dict[str, Any]:
    """What the body sets; the older callback_url stands for the first redirect URI."""
    given = {name: value for name, value in call.body.items() if value is not None}
    first = given.pop("callback_url", None)
    if first is not None:
        _check_uri(first, "callback_url")
        given["redirect_uris"] = [first, *(item for item in given.get("redirect_uris", []) if item != first)]
    return given


def _check_uri(uri: str, param: str) -> None:
    if len(uri) > _LONGEST_URI or not _URI.fullmatch(uri):
        raise ill_formed(param, f"{param} must be URLs, of any scheme.")


def random_letters(count: int) -> str:
    """A secret of letters and digits."""
    return "".join(secrets.choice(_LETTERS) for _ in range(count))


def digest(secret: str) -> str:
    """What is kept of a secret."""
    # A fast hash will do: the secret is random and long, no password that could be guessed.
    return hashlib.sha256(secret.encode()).hexdigest()


async def present_oauth_applications(call: Call, rows: Sequence[RowMapping]) -> list[dict[str, Any]]:
    """The answers for rows."""
    return [oauth_application_answer(call, row) for row in rows]


def oauth_application_answer(call: Call, row: RowMapping) -> dict[str, Any]:
    """An application as Clerk answers it, without its secret."""
    same = (
        "id",
        "instance_id",
        "name",
        "client_id",
        "client_uri",
        "dynamically_registered",
        "scopes",
        "redirect_uris",
        "consent_screen_enabled",
        "pkce_required",
        "public",
        "created_at",
        "updated_at",
    )
    issuer = issuer_url(call.instance, call.base_url)
    return {
        "object": "oauth_application",
        **{name: row[name] for name in same},
        "client_image_url": image_url(call.base_url, row["logo_id"], row["id"]) if row["logo_id"] else None,
        "callback_url": next(iter(row["redirect_uris"]), ""),
        **{name: f"{issuer}{path}" for name, path in URLS.items()},
    }


HANDLERS: Handlers = {
    GET("/oauth_applications"): list_oauth_applications,
    POST("/oauth_applications"): create_oauth_application,
    GET("/oauth_applications/{oauth_application_id}"): get_oauth_application,
    PATCH("/oauth_applications/{oauth_application_id}"): update_oauth_application,
    DELETE("/oauth_applications/{oauth_application_id}"): delete_oauth_application,
    POST("/oauth_applications/{oauth_application_id}/rotate_secret"): rotate_secret,
    PUT("/oauth_applications/{oauth_application_id}/logo"): set_logo,
}
