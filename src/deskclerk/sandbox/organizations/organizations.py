"""Organizations: finding, making, changing and deleting them, and their logos."""

import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from sqlalchemy import ColumnElement, or_, select, update

from deskclerk.catalogue.route import DELETE, GET, PATCH, POST, PUT
from deskclerk.sandbox.http.call import Call, Handlers
from deskclerk.sandbox.http.errors import ill_formed, invalid, not_found, refusal, taken
from deskclerk.sandbox.http.metadata import checked_metadata, merged_metadata
from deskclerk.sandbox.http.parameters import parse_time
from deskclerk.sandbox.http.rows import (
    RowMapping,
    all_of,
    change,
    find,
    get,
    insert,
    ordered,
    page,
    remove,
    split_order,
    split_signs,
    unique_or,
)
from deskclerk.sandbox.ids import new_id
from deskclerk.sandbox.instance.settings import read_settings, where_organizations_are_on
from deskclerk.sandbox.organizations.answers import members, organization_answer, with_counts
from deskclerk.sandbox.organizations.memberships import AT_ONCE, add_member, tell_created
from deskclerk.sandbox.organizations.offered_roles import check_held, initial_set, named_set, roles_of
from deskclerk.sandbox.store.tables import memberships, organization_roles, organizations, sessions, users
from deskclerk.sandbox.users.images import drop_image, keep_image

_FIELDS = ("name", "slug", "max_allowed_memberships", "admin_delete_enabled", "role_set_key")
_SLUG = re.compile(r"[a-z0-9-]{1,256}")
_LINK_OR_TAG = re.compile(r"\w+://|\bwww\.|</?[a-z!]", re.IGNORECASE)
_PLACE = "/organizations/{organization_id}/logo"


async def list_organizations(call: Call) -> Any:
    """The organizations that the filters let through, newest first by default."""
    query = with_counts(call, all_of(call, organizations)).where(*_conditions(call.query))
    name, descends = split_order(call.query.get("order_by", "-created_at"))
    columns = {"name": organizations.c.name_folded, "created_at": organizations.c.created_at}
    by = members() if name == "members_count" else columns[name]
    return await page(call, ordered(query, by, organizations.c.id, descends=descends), present_organizations)


async def get_organization(call: Call) -> dict[str, Any]:
    """One organization, by its id or its slug."""
    key = call.path["organization_id"]
    same = or_(organizations.c.id == key, organizations.c.slug == key)
    query = with_counts(call, all_of(call, organizations).where(same))
    # A slug may look like another organization's id; the id counts.
    query = query.order_by((organizations.c.id == key).desc()).limit(1)
    row = (await call.connection.execute(query)).mappings().one_or_none()
    if row is None:
        raise not_found("organization", key)
    return organization_answer(call, row)


async def create_organization(call: Call) -> dict[str, Any]:
    """A new organization; who creates it becomes its first member, as its role set has it."""
    settings = await read_settings(call, "organizations")
    values, creator, key = _fields(call.body), call.body.get("created_by"), new_id("org", call.now)
    _check_slugs(settings, values)
    if "role_set_key" in values:
        role_set = await named_set(call, values["role_set_key"], "role_set_key")
    else:
        role_set = await initial_set(call)
        values["role_set_key"] = role_set["key"]
    if creator is not None and await find(call, users, id=creator) is None:
        text = f"No user with the id {creator} exists in this instance."
        raise refusal("organization_creator_not_found", "creator not found", text)
    # Where slugs are off too: no organization is answered without one.
    if "slug" not in values:
        values["slug"] = await _free_slug(call, values["name"], key)
    with unique_or(taken("slug")):
        await insert(call, organizations, id=key, created_by=creator, **_blank(call.now, settings) | values)
    if creator is not None:
        role = await get(call, organization_roles, role_set["creator_role_id"], "role")
        await add_member(call, key, creator, role["key"])
    answer = await _told(call, "created", key)
    # After its organization: a receiver hears of that first.
    if creator is not None:
        await tell_created(call, key, creator)
    return answer


async def update_organization(call: Call) -> dict[str, Any]:
    """Change what is given, null changes nothing; before 2026-05-12 metadata too, which it replaces."""
    row = await get(call, organizations, call.path["organization_id"], "organization")
    values = _fields(call.body)
    _check_slugs(await read_settings(call, "organizations"), values)
    if "role_set_key" in values:
        role_set = await named_set(call, values["role_set_key"], "role_set_key")
        alone = select(organizations.c.id).where(organizations.c.id == row["id"])
        await check_held(call, alone, await roles_of(call, role_set["id"]))
    with unique_or(taken("slug")):
        return await changed_organization(call, row["id"], values)


async def merge_organization_metadata(call: Call) -> dict[str, Any]:
    """Merge metadata deeply; null deletes a key."""
    row = await get(call, organizations, call.path["organization_id"], "organization")
    return await changed_organization(call, row["id"], merged_metadata(dict(row), call.body))


async def replace_organization_metadata(call: Call) -> dict[str, Any]:
    """Put new metadata in the place of the old."""
    row = await get(call, organizations, call.path["organization_id"], "organization")
    return await changed_organization(call, row["id"], checked_metadata(call.body))


async def delete_organization(call: Call) -> dict[str, Any]:
    """Delete an organization with its memberships and invitations; no session has it active any more."""
    row = await get(call, organizations, call.path["organization_id"], "organization")
    await remove(call, organizations, row["id"])
    # By hand: a session keeps the id as plain text, which no foreign key clears.
    active = sessions.c.last_active_organization_id == row["id"]
    await call.connection.execute(update(sessions).where(active).values(last_active_organization_id=None))
    answer = {"object": "organization", "id": row["id"], "deleted": True}
    call.emit("organization.deleted", answer)
    return answer


def _conditions(query: Mapping[str, Any]) -> Iterator[ColumnElement[bool]]:
    if text := query.get("query", "").strip():
        part = text.casefold()
        yield or_(
            organizations.c.id == text,
            organizations.c.name_folded.contains(part, autoescape=True),
            organizations.c.slug.contains(part, autoescape=True),
        )
    for name, among in (("organization_id", organizations.c.id.in_), ("user_id", _joined_by)):
        wanted, unwanted = split_signs(query.get(name, ()))
        if wanted:
            yield among(wanted)
        if unwanted:
            yield ~among(unwanted)


def _joined_by(user_ids: list[str]) -> ColumnElement[bool]:
    of_them = select(memberships.c.organization_id).where(memberships.c.user_id.in_(user_ids))
    return organizations.c.id.in_(of_them)


def _check_slugs(settings: Mapping[str, Any], values: Mapping[str, Any]) -> None:
    if settings["slug_disabled"] and "slug" in values:
        text = "Slugs are off in the settings of this instance."
        raise refusal("organization_slugs_disabled", "slugs are off", text, param="slug")


def _blank(now: int, settings: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "max_allowed_memberships": settings["max_allowed_memberships"],
        "admin_delete_enabled": settings["admin_delete_enabled"],
        "public_metadata": {},
        "private_metadata": {},
        "created_at": now,
        "updated_at": now,
    }


def _fields(body: Mapping[str, Any]) -> dict[str, Any]:
    """The columns that a body sets, each checked."""
    values = {name: body[name] for name in _FIELDS if body.get(name) is not None}
    if "name" in values:
        values["name_folded"] = _check_name(values["name"]).casefold()
    if "slug" in values and not _SLUG.fullmatch(values["slug"]):
        raise ill_formed("slug", "slug must have lowercase letters, digits and '-' only.")
    if body.get("created_at"):
        values["created_at"] = parse_time(body["created_at"])
    return values | checked_metadata(body)


def _check_name(name: str) -> str:
    if not name.strip():
        raise invalid("name", "name must not be empty.")
    if _LINK_OR_TAG.search(name):
        raise invalid("name", "name must not contain URLs or HTML.")
    return name


async def _free_slug(call: Call, name: str, key: str) -> str:
    """A slug made of the name; where that is in use, with the end of the id behind it."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    slug = re.sub(r"[^a-z0-9]+", "-", plain).strip("-") or "organization"
    # The end of the id, as ids of the same time begin alike.
    return f"{slug}-{key[-8:].lower()}" if await find(call, organizations, slug=slug) else slug


async def changed_organization(call: Call, key: str, values: Mapping[str, Any]) -> dict[str, Any]:
    """The organization after these values are set, as webhooks are told of it."""
    await change(call, organizations, key, **{**values, "updated_at": call.now})
    return await _told(call, "updated", key)


async def tell_updated(call: Call, ids: Sequence[str]) -> None:
    """Tell webhooks about organizations that were changed together."""
    for begin in range(0, len(ids), AT_ONCE):
        query = all_of(call, organizations).where(organizations.c.id.in_(ids[begin : begin + AT_ONCE]))
        for row in (await call.connection.execute(query.order_by(organizations.c.id))).mappings():
            call.emit("organization.updated", organization_answer(call, row))


async def _told(call: Call, event: str, key: str) -> dict[str, Any]:
    answer = await _answer(call, key)
    call.emit(f"organization.{event}", answer)
    return answer


async def _answer(call: Call, key: str) -> dict[str, Any]:
    return organization_answer(call, await get(call, organizations, key, "organization"))


async def present_organizations(call: Call, rows: Sequence[RowMapping]) -> list[dict[str, Any]]:
    """The answers for rows."""
    return [organization_answer(call, row) for row in rows]


async def set_logo(call: Call) -> dict[str, Any]:
    """Show this picture of an organization from now on."""
    row = await get(call, organizations, call.path["organization_id"], "organization")
    assert call.upload is not None  # noqa: S101 - an operation with `upload` has one
    logo_id = await keep_image(call, call.upload)
    answer = await changed_organization(call, row["id"], {"logo_id": logo_id})
    # After the change: a picture that is still shown is not dropped.
    await drop_image(call, row["logo_id"])
    return answer | {"logo_url": answer["image_url"]}


async def delete_logo(call: Call) -> dict[str, Any]:
    """Show no picture of an organization."""
    row = await get(call, organizations, call.path["organization_id"], "organization")
    if row["logo_id"] is None:
        raise refusal("image_not_found", "Image not found", "The organization has no logo.")
    answer = await changed_organization(call, row["id"], {"logo_id": None})
    await drop_image(call, row["logo_id"])
    return answer


HANDLERS: Handlers = where_organizations_are_on(
    {
        GET("/organizations"): list_organizations,
        POST("/organizations"): create_organization,
        GET("/organizations/{organization_id}"): get_organization,
        PATCH("/organizations/{organization_id}"): update_organization,
        DELETE("/organizations/{organization_id}"): delete_organization,
        PATCH("/organizations/{organization_id}/metadata"): merge_organization_metadata,
        PUT("/organizations/{organization_id}/metadata"): replace_organization_metadata,
        PUT(_PLACE): set_logo,
        DELETE(_PLACE): delete_logo,
    }
)
