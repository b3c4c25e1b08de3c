"""Tokens made from JWT templates: shortcodes, what they can name, and the token itself."""

import json
import re
from collections.abc import Mapping
from typing import Any

from sqlalchemy import select

from deskclerk.catalogue.route import POST
from deskclerk.sandbox.http.call import Call, Handlers
from deskclerk.sandbox.http.errors import refusal
from deskclerk.sandbox.http.rows import RowMapping, find
from deskclerk.sandbox.sessions.sessions import Active, active_organization, active_session
from deskclerk.sandbox.store.tables import jwt_templates, memberships
from deskclerk.sandbox.tokens.session_tokens import authorized_party, standard_claims, token_answer
from deskclerk.sandbox.tokens.signing import TEMPLATE, private_key, sign, sign_with
from deskclerk.sandbox.users.answers import user_in_full

Attributes = Mapping[str, Any]
"""The values by root: `{"user": {"id": …, "public_metadata": {…}}, "org": {…}}`."""

# Braces may stand in a literal, and nowhere else in a shortcode.
_SHORTCODE = re.compile(r"\{\{((?:'[^']*'|[^'{}])*)\}\}")
_PIECE = re.compile(r"'[^']*'|\|\||[^'|]+|\|")
_TEXT = re.compile(r"'([^']*)'")
_NUMBER = re.compile(r"-?(0|[1-9][0-9]{0,14})(\.[0-9]{1,15})?")
_TRUTH = {"true": True, "false": False}
_SAME = (
    "id",
    "external_id",
    "first_name",
    "last_name",
    "username",
    "created_at",
    "updated_at",
    "last_sign_in_at",
    "image_url",
    "has_image",
    "two_factor_enabled",
    "public_metadata",
    "unsafe_metadata",
)
"""Attributes that the user's answer has under the same name. Private metadata is in no token."""


def render(claims: Any, attributes: Attributes) -> Any:
    """The claims with every shortcode in their values replaced; names stay as they are."""
    if isinstance(claims, dict):
        return {name: render(value, attributes) for name, value in claims.items()}
    if isinstance(claims, list):
        return [render(value, attributes) for value in claims]
    return _rendered(claims, attributes) if isinstance(claims, str) else claims


def _rendered(text: str, attributes: Attributes) -> Any:
    if whole := _SHORTCODE.fullmatch(text):
        return _value(whole[1], attributes)
    return _SHORTCODE.sub(lambda found: _as_text(_value(found[1], attributes)), text)


def _value(expression: str, attributes: Attributes) -> Any:
    """The first operand that is neither null nor false, else the last."""
    value = None
    for operand in _operands(expression):
        value = _operand(operand, attributes)
        if value is not None and value is not False:
            break
    return value


def _operands(expression: str) -> list[str]:
    operands = [""]
    for piece in _PIECE.findall(expression):
        if piece == "||":
            operands.append("")
        else:
            operands[-1] += piece
    return [operand.strip() for operand in operands]


def _operand(text: str, attributes: Attributes) -> Any:
    if literal := _TEXT.fullmatch(text):
        return literal[1]
    if _NUMBER.fullmatch(text):
        return json.loads(text)
    return _TRUTH[text] if text in _TRUTH else _attribute(text, attributes)


def _attribute(path: str, attributes: Attributes) -> Any:
    root, *names = path.split(".")
    value: Any = attributes.get(root) if names else None
    for name in names:
        # An attribute that nobody knows is null and no error.
        value = value.get(name) if isinstance(value, Mapping) else None
    return value


def _as_text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, separators=(",", ":"))


async def attributes(call: Call, session: RowMapping) -> Attributes:
    """The values by root; without an active organization what belongs to one is null."""
    user = await user_in_full(call, session["user_id"])
    active = await active_organization(call, user["id"], session["last_active_organization_id"])
    return {
        "user": {**_user(user), "organizations": await _organizations(call, user["id"])},
        "session": {"id": session["id"], "actor": session["actor"]},
        **(_organization(active) if active else {}),
    }


def _user(user: dict[str, Any]) -> dict[str, Any]:
    email, phone, wallet = (
        next((item for item in user[kind] if item["id"] == user[f"primary_{key}_id"]), None)
        for kind, key in (
            ("email_addresses", "email_address"),
            ("phone_numbers", "phone_number"),
            ("web3_wallets", "web3_wallet"),
        )
    )
    names = [name for name in (user["first_name"], user["last_name"]) if name]
    return {
        **{name: user[name] for name in _SAME},
        "full_name": " ".join(names) or None,
        "primary_email_address": email and email["email_address"],
        "primary_phone_number": phone and phone["phone_number"],
        "primary_web3_wallet": wallet and wallet["web3_wallet"],
        "email_verified": _verified(email),
        "phone_number_verified": _verified(phone),
    }


def _verified(address: dict[str, Any] | None) -> bool:
    proof = address["verification"] if address else None
    return proof is not None and bool(proof["status"] == "verified")


async def _organizations(call: Call, user_id: str) -> dict[str, str]:
    """The user's role in each organization, by the organization's id."""
    query = select(memberships.c.organization_id, memberships.c.role).where(memberships.c.user_id == user_id)
    rows = await call.connection.execute(query.order_by(memberships.c.created_at, memberships.c.id))
    return {row.organization_id: row.role for row in rows}


def _organization(active: Active) -> dict[str, Any]:
    return {
        "org": {
            "id": active.id,
            "name": active.name,
            "slug": active.slug,
            "role": active.role,
            "public_metadata": active.public_metadata,
        },
        "org_membership": {
            "role": active.role,
            "permissions": list(active.permissions),
            "public_metadata": active.membership_metadata,
        },
    }


async def create_template_token(call: Call) -> dict[str, str]:
    """A token with the template's claims, signed with the instance's key or the template's own."""
    session = await active_session(call, call.path["session_id"])
    template = await find(call, jwt_templates, name=call.path["template_name"])
    if template is None:
        text = f"No JWT template with the name {call.path['template_name']} exists in this instance."
        raise refusal("resource_not_found", "not found", text)
    # The standard claims on the right: they win over whatever a template says.
    claims = render(template["claims"], await attributes(call, session)) | standard_claims(
        call,
        session["user_id"],
        lifetime=call.body.get("expires_in_seconds") or template["lifetime"],
        skew=template["allowed_clock_skew"],
        azp=authorized_party(call),
    )
    kid = call.instance.id
    if template["custom_signing_key"]:
        return token_answer(sign_with(claims, template["signing_key"], template["signing_algorithm"], kid))
    return token_answer(sign(claims, await private_key(call), kid, TEMPLATE))


HANDLERS: Handlers = {POST("/sessions/{session_id}/tokens/{template_name}"): create_template_token}
