"""Tokens made from JWT templates, for other services."""

from deskclerk.catalogue.fields import Nullable
from deskclerk.catalogue.route import POST
from deskclerk.sandbox.call import Call, Handlers
from deskclerk.sandbox.keys import private_key
from deskclerk.sandbox.operation import Operation
from deskclerk.sandbox.refusals import refusal
from deskclerk.sandbox.rows import find
from deskclerk.sandbox.session_tokens import Lifetime, authorized_party, standard_claims, token_answer
from deskclerk.sandbox.sessions import active_session
from deskclerk.sandbox.shortcodes import render
from deskclerk.sandbox.signing import TEMPLATE, sign, sign_with
from deskclerk.sandbox.store.tables import jwt_templates
from deskclerk.sandbox.template_attributes import attributes


class CreateTemplateToken(Operation, route=POST("/sessions/{session_id}/tokens/{template_name}")):
    """A lifetime instead of the template's."""

    expires_in_seconds: Nullable[Lifetime] = None


async def create_template_token(call: Call) -> dict[str, str]:
    """A token with the template's claims, signed with the instance's key or the template's own."""
    session = await active_session(call, call.path["session_id"])
    template = await find(call, jwt_templates, name=call.path["template_name"])
    if template is None:
        text = f"No JWT template with the name {call.path['template_name']} exists in this instance."
        raise refusal("resource_not_found", "not found", text)
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


HANDLERS: Handlers = {CreateTemplateToken: create_template_token}
