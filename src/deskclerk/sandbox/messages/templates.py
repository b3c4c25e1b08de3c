"""Templates of e-mails and text messages: as an instance begins with them, or as it changed them."""

import hashlib
import re
from collections.abc import Mapping
from typing import Any

from deskclerk.catalogue.route import GET, POST, PUT
from deskclerk.sandbox.http.call import Call, Handlers, Reading
from deskclerk.sandbox.http.errors import Refusal, ill_formed, invalid, refusal
from deskclerk.sandbox.http.images import DEFAULTS as IMAGES
from deskclerk.sandbox.http.rows import DEFAULT_LIMIT, RowMapping, all_of, change, find, insert, remove
from deskclerk.sandbox.ids import id_from, new_id
from deskclerk.sandbox.instance.domains import frontend_host, portal_url
from deskclerk.sandbox.instance.settings import read_settings
from deskclerk.sandbox.messages.defaults import COMMON, DEFAULTS, EMAIL, SAMPLES, Default
from deskclerk.sandbox.messages.rendering import Malformed, render, variables
from deskclerk.sandbox.store.tables import message_templates

_SINCE = 1_735_689_600_000
"""When the templates of all instances were made: 2025 began."""
_LOCAL_PART = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+-]{0,63}")
_SENDERS = ("from_email_name", "reply_to_email_name")
_WORDS = ("name", "subject", "markup", "body", *_SENDERS, "delivered_by_clerk")
_PLACE = "/templates/{template_type}"
_ONE = f"{_PLACE}/{{slug}}"


async def list_templates(call: Call) -> Any:
    """All templates of one type, in their order."""
    kind = call.path["template_type"]
    known = _of_type(kind)
    query = all_of(call, message_templates).where(message_templates.c.template_type == kind)
    changed = {row["slug"]: row for row in (await call.connection.execute(query)).mappings()}
    sender = await _sender(call)
    answers = [_answer(item, changed.get(item.slug), sender) for item in known.values()]
    start = call.query.get("offset", 0)
    items = answers[start : start + call.query.get("limit", DEFAULT_LIMIT)]
    return {"data": items, "total_count": len(answers)} if call.query.get("paginated") else items


async def get_template(call: Call) -> dict[str, Any]:
    """One template."""
    known = _known(call)
    return _answer(known, await _changed(call, known), await _sender(call))


async def put_template(call: Call) -> dict[str, Any]:
    """Change what is given; null leaves a value as it is."""
    known = _known(call)
    values = _given(call, known)
    row = await _changed(call, known)
    kept = row["body"] if row else known.body
    if not known.can_edit_body and values.get("body", kept) != kept:
        text = "The words of a text message with a code stay as they are."
        raise refusal("template_body_modification_restricted", "cannot be modified", text, param="body")
    return await _keep(call, known, row, values)


async def revert_template(call: Call) -> dict[str, Any]:
    """Put the default in the place of what it was changed to."""
    known = _known(call)
    row = await _changed(call, known)
    if row is None:
        text = f"The template {known.slug} is as every instance begins with it."
        raise refusal("template_revert_error", "cannot be reverted", text)
    await remove(call, message_templates, row["id"])
    return await get_template(call)


async def toggle_delivery(call: Call) -> dict[str, Any]:
    """Have Clerk send such messages or not: as it is said, else the other way round."""
    known = _known(call)
    row = await _changed(call, known)
    before = row["delivered_by_clerk"] if row else True
    return await _keep(
        call, known, row, {"delivered_by_clerk": call.body.get("delivered_by_clerk", not before)}
    )


async def preview_template(call: Call) -> dict[str, Any]:
    """What a message would say with these words, those that are not given as they are."""
    known = _known(call)
    row = await _changed(call, known)
    words = {**_words(known, row), **_given(call, known)}
    values = _samples(call, known)
    email = known.kind == EMAIL
    answer = {"body": render(words["body"], values, html=email)}
    if not email:
        return answer
    domain = values["app.domain_name"]
    sender, reply_to = words["from_email_name"] or await _sender(call), words["reply_to_email_name"]
    return {
        "subject": render(words["subject"], values),
        **answer,
        "from_email_address": f"{sender}@{domain}",
        "reply_to_email_address": f"{reply_to}@{domain}" if reply_to else None,
    }


def _of_type(kind: str) -> Mapping[str, Default]:
    if kind not in DEFAULTS:
        text = f"{kind} is no type of templates; there are {' and '.join(DEFAULTS)}."
        raise refusal("template_type_unsupported", "is not supported", text, param="template_type")
    return DEFAULTS[kind]


def _known(call: Call) -> Default:
    """The template that the path names."""
    kind, slug = call.path["template_type"], call.path["slug"]
    found = _of_type(kind).get(slug)
    if found is None:
        raise refusal("resource_not_found", "not found", f"No template of type {kind} has the slug {slug}.")
    return found


async def _changed(call: Call, known: Default) -> RowMapping | None:
    return await find(call, message_templates, template_type=known.kind, slug=known.slug)


def _given(call: Call, known: Default) -> dict[str, Any]:
    """The words that the body sets, each checked; what only e-mails have is nothing to a text message."""
    values = {name: value for name, value in call.body.items() if value is not None}
    if known.kind != EMAIL:
        values = {name: value for name, value in values.items() if name not in ("subject", *_SENDERS)}
    if not values.get("name", known.name).strip():
        raise invalid("name", "name must not be empty.")
    for name in _SENDERS:
        # An empty one stands for the instance's own.
        if values.get(name) and not _LOCAL_PART.fullmatch(values[name]):
            raise ill_formed(name, f"{name} must be what stands before the @ of an address.")
    if "subject" in values:
        _check_words("subject", values["subject"])
    if "body" in values:
        absent = sorted(set(known.required) - _check_words("body", values["body"]))
        if absent:
            text = f"body must have {', '.join(f'{{{{{name}}}}}' for name in absent)}."
            raise refusal("required_variable_missing", "variable missing", text, param="body")
    return values


def _check_words(param: str, words: str) -> set[str]:
    """The variables in a template; refused if it is empty or not understood."""
    if not words.strip():
        raise _bad_words(param, f"{param} must not be empty.")
    try:
        return variables(words)
    except Malformed as error:
        raise _bad_words(param, f"{param} is no template: {error}.") from None


def _bad_words(param: str, text: str) -> Refusal:
    return refusal("invalid_template_body", "is invalid", text, param=param)


async def _keep(
    call: Call, known: Default, row: RowMapping | None, values: Mapping[str, Any]
) -> dict[str, Any]:
    """The template after these words are set."""
    if row is None:
        await insert(
            call,
            message_templates,
            id=new_id("tmpl", call.now),
            template_type=known.kind,
            slug=known.slug,
            **{**_words(known, None), **values},
            created_at=call.now,
            updated_at=call.now,
        )
    else:
        await change(call, message_templates, row["id"], **values, updated_at=call.now)
    return await get_template(call)


def _words(known: Default, row: RowMapping | None) -> dict[str, Any]:
    """The words as they are now."""
    if row is not None:
        return {name: row[name] for name in _WORDS}
    return {
        "name": known.name,
        "subject": known.subject if known.kind == EMAIL else None,
        "markup": known.markup,
        "body": known.body,
        **dict.fromkeys(_SENDERS, ""),
        "delivered_by_clerk": True,
    }


async def _sender(call: Call) -> str:
    """Who writes the e-mails of the instance, before the @."""
    return str((await read_settings(call, "emails"))["from_email_address"])


def _samples(call: Call, known: Default) -> dict[str, str]:
    """A value for each variable that the template may have."""
    return {
        **COMMON,
        **{name: SAMPLES[name] for name in known.variables},
        "app.name": call.instance.slug.replace("-", " ").capitalize(),
        "app.url": portal_url(call.instance),
        "app.domain_name": frontend_host(call.instance),
        "app.logo_image_url": f"{IMAGES}/{call.instance.id}",
    }


def _answer(known: Default, row: RowMapping | None, sender: str) -> dict[str, Any]:
    words = _words(known, row)
    is_email = known.kind == EMAIL
    return {
        "object": "template",
        "id": row["id"] if row else _shared_id(known),
        "instance_id": row["instance_id"] if row else None,
        "resource_type": "user" if row else "system",
        "template_type": known.kind,
        "slug": known.slug,
        "position": [*DEFAULTS[known.kind]].index(known.slug),
        "can_revert": row is not None,
        "can_delete": False,
        "can_edit_body": known.can_edit_body,
        "can_toggle": known.notifies and not is_email,
        **words,
        "from_email_name": (words["from_email_name"] or sender) if is_email else "",
        "available_variables": [*COMMON, *known.variables],
        "required_variables": [*known.required],
        "enabled": True,
        "flagged_as_suspicious": False,
        "created_at": row["created_at"] if row else _SINCE,
        "updated_at": row["updated_at"] if row else _SINCE,
    }


def _shared_id(known: Default) -> str:
    """The same in every instance: nothing has to be kept for it."""
    return id_from("tmpl", _SINCE, hashlib.sha256(f"{known.kind}/{known.slug}".encode()).digest()[:15])


HANDLERS: Handlers = {
    GET(_PLACE): list_templates,
    GET(_ONE): get_template,
    PUT(_ONE): put_template,
    POST(f"{_ONE}/revert"): revert_template,
    POST(f"{_ONE}/preview"): Reading(preview_template),
    POST(f"{_ONE}/toggle_delivery"): toggle_delivery,
}
