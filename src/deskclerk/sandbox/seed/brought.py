"""What no route of the Backend API makes, and so a seed file brings: accounts, passkeys, devices, tokens.

At Clerk such things come of what a user does in a browser or an app. OAuth applications come of a route too;
a file may say what they are known by, so that a configuration can name it.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from deskclerk.catalogue import Parameter
from deskclerk.catalogue.route import POST
from deskclerk.sandbox.applications.oauth_applications import WHAT, add_application, digest, new_values
from deskclerk.sandbox.http.call import Call, Handler
from deskclerk.sandbox.http.errors import invalid, refusal, require, taken
from deskclerk.sandbox.http.parameters import accepted, parse_time
from deskclerk.sandbox.http.rows import get, insert, unique_or
from deskclerk.sandbox.ids import new_hex_id, new_id
from deskclerk.sandbox.store.tables import (
    external_account_tokens,
    external_accounts,
    oauth_applications,
    oauth_tokens,
    passkeys,
    trusted_devices,
    users,
)
from deskclerk.sandbox.users.external_account_tokens import CUSTOM, PROVIDERS
from deskclerk.sandbox.users.identifications import normal
from deskclerk.sandbox.users.trusted_devices import ACTIVE

_TEXT = {"type": "string", "minLength": 1}
_TEXTS = {"type": "array", "items": {"type": "string"}}
_CLIENT_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")


@dataclass(frozen=True, slots=True)
class Brought:
    """What an entry of a section may hold, and what makes it."""

    takes: Mapping[str, Parameter]
    make: Handler


async def bring_external_account(call: Call) -> None:
    """An account at an OAuth provider; with `token` also what the provider can be asked with."""
    body = call.body
    await get(call, users, body["user_id"], "user")
    if body["provider"] not in PROVIDERS and not body["provider"].startswith(CUSTOM):
        raise invalid("provider", f"{body['provider']} is no provider; one is oauth_google.")
    key = new_id("eac", call.now)
    with unique_or(taken("provider_user_id")):
        await insert(
            call,
            external_accounts,
            id=key,
            identification_id=new_id("idn", call.now),
            **{name: body[name] for name in ("user_id", "provider", "provider_user_id")},
            email_address=normal("email_address", body["email_address"]),
            approved_scopes=" ".join(body.get("scopes", ("email", "profile"))),
            first_name=body.get("first_name", ""),
            last_name=body.get("last_name", ""),
            username=body.get("username"),
            public_metadata=body.get("public_metadata", {}),
            **_times(call),
        )
    secrets = ("token_secret", "id_token", "label", "expires_at", "can_refresh")
    if "token" not in body:
        if any(name in body for name in secrets):
            require(body, ["token"])
        return
    await insert(
        call,
        external_account_tokens,
        external_account_id=key,
        token=body["token"],
        **{name: body.get(name) for name in ("token_secret", "id_token", "label", "scopes")},
        expires_at=_time(body, "expires_at"),
        can_refresh=body.get("can_refresh", False),
    )


async def bring_passkey(call: Call) -> None:
    """A passkey, last used now unless it is said."""
    await get(call, users, call.body["user_id"], "user")
    used = _time(call.body, "last_used_at") or call.now
    same = {name: call.body[name] for name in ("user_id", "name")}
    await insert(call, passkeys, id=new_id("idn", call.now), **same, last_used_at=used, **_times(call))


async def bring_trusted_device(call: Call) -> None:
    """A device that its user trusts."""
    body = call.body
    await get(call, users, body["user_id"], "user")
    await insert(
        call,
        trusted_devices,
        id=new_id("tdev", call.now),
        **{name: body[name] for name in ("user_id", "platform", "app_identifier")},
        name=body.get("name"),
        status=ACTIVE,
        last_used_at=_time(body, "last_used_at"),
        revoked_at=None,
        **_times(call),
    )


async def bring_oauth_access_token(call: Call) -> None:
    """A token that an OAuth application holds for a user; those of one `grant` are revoked together."""
    body = call.body
    application = await get(call, oauth_applications, body["oauth_application_id"], WHAT)
    await get(call, users, body["user_id"], "user")
    key, refresh = new_hex_id("oat"), body.get("refresh_token")
    same = {"oauth_application_id": application["id"], "user_id": body["user_id"]}
    with unique_or(refusal("form_param_duplicate", "is given twice", "This token is there.", param="token")):
        await insert(
            call,
            oauth_tokens,
            id=key,
            **same,
            grant_id=body.get("grant", key),
            digest=digest(body["token"]),
            refresh_digest=digest(refresh) if refresh else None,
            scopes=body.get("scopes", application["scopes"].split()),
            expires_at=_time(body, "expires_at"),
            revocation_reason=body.get("revocation_reason"),
            **_times(call),
        )


async def bring_oauth_application(call: Call) -> None:
    """An application whose client id and secret may be given."""
    body = dict(call.body)
    client_id, secret = body.pop("client_id", None), body.pop("client_secret", None)
    values = new_values(replace(call, body=body))
    if client_id and not _CLIENT_ID.fullmatch(client_id):
        raise invalid("client_id", "client_id has up to 64 letters, digits, hyphens and underscores.")
    if secret and values["public"]:
        raise invalid("client_secret", "A public application has no secret; leave client_secret out.")
    with unique_or(taken("client_id")):
        await add_application(call, values, client_id, secret)


def _time(body: Mapping[str, Any], name: str) -> int | None:
    return parse_time(body[name]) if name in body else None


def _times(call: Call) -> dict[str, int]:
    return {"created_at": call.now, "updated_at": call.now}


def _takes(*required: str, **optional: dict[str, Any]) -> dict[str, Parameter]:
    """Required texts, and what else may be given; what ends in `_at` is a time."""
    found = {name: Parameter(name, "body", _TEXT, required=True, description="") for name in required}
    for name, schema in optional.items():
        time = "rfc3339" if name.endswith("_at") else None
        found[name] = Parameter(name, "body", schema, required=name in required, description="", times=time)
    return found


BROUGHT: Mapping[str, Brought] = {
    "external_accounts": Brought(
        _takes(
            *("user_id", "provider", "provider_user_id", "email_address"),
            first_name=_TEXT,
            last_name=_TEXT,
            username=_TEXT,
            public_metadata={"type": "object"},
            scopes=_TEXTS,
            token=_TEXT,
            token_secret=_TEXT,
            id_token=_TEXT,
            label=_TEXT,
            expires_at=_TEXT,
            can_refresh={"type": "boolean"},
        ),
        bring_external_account,
    ),
    "passkeys": Brought(_takes("user_id", "name", last_used_at=_TEXT), bring_passkey),
    "trusted_devices": Brought(
        _takes(
            *("user_id", "platform", "app_identifier"),
            platform={"type": "string", "enum": ["ios", "android"]},
            name=_TEXT,
            last_used_at=_TEXT,
        ),
        bring_trusted_device,
    ),
    "oauth_applications": Brought(
        {
            **accepted(POST("/oauth_applications")).body,
            **_takes(
                client_id=_TEXT,
                client_secret={"type": "string", "minLength": 1, "maxLength": 255},
            ),
        },
        bring_oauth_application,
    ),
    "oauth_access_tokens": Brought(
        _takes(
            *("oauth_application_id", "user_id", "token"),
            refresh_token=_TEXT,
            grant={"type": "string", "minLength": 1, "maxLength": 64},
            scopes=_TEXTS,
            expires_at=_TEXT,
            revocation_reason=_TEXT,
        ),
        bring_oauth_access_token,
    ),
}
"""By section."""
