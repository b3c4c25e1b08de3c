"""What is said of a user to a client, by the scopes that the user granted."""

from collections.abc import Collection, Mapping
from typing import Any

from deskclerk.sandbox.http.call import Call
from deskclerk.sandbox.users.answers import user_in_full

_METADATA = {
    "public_metadata": ("public_metadata", "unsafe_metadata"),
    "private_metadata": ("private_metadata",),
}


async def standard_claims(call: Call, user_id: str, scopes: Collection[str]) -> dict[str, Any]:
    """The claims of OpenID Connect that these scopes stand for; what a user has not is left out."""
    return _standard(await user_in_full(call, user_id), scopes)


async def user_info(call: Call, user_id: str, scopes: Collection[str]) -> dict[str, Any]:
    """What Clerk's userinfo answers: the claims, and what Clerk has beside them."""
    user = await user_in_full(call, user_id)
    answer = {
        "object": "oauth_user_info",
        "instance_id": call.instance.id,
        "sub": user_id,
        "user_id": user_id,
        **_standard(user, scopes),
    }
    if "profile" in scopes and user["username"]:
        answer["username"] = user["username"]
    for scope, names in _METADATA.items():
        if scope in scopes:
            answer |= {name: user[name] for name in names}
    return answer


def _standard(user: Mapping[str, Any], scopes: Collection[str]) -> dict[str, Any]:
    claims: dict[str, Any] = {}
    if "email" in scopes and (primary := primary_email(user)):
        status = (primary["verification"] or {}).get("status")
        claims |= {"email": primary["email_address"], "email_verified": status == "verified"}
    if "profile" in scopes:
        names = {"given_name": user["first_name"], "family_name": user["last_name"]}
        claims |= {
            "name": " ".join(filter(None, names.values())),
            **names,
            "preferred_username": user["username"],
            "picture": user["image_url"],
        }
    return {name: value for name, value in claims.items() if value not in (None, "")}


def primary_email(user: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """The primary e-mail address of a user's answer."""
    wanted = user["primary_email_address_id"]
    return next((item for item in user["email_addresses"] if item["id"] == wanted), None)
