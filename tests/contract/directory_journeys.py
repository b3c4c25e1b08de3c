"""Ways through directories, under their name and under the older one: keys, and roles that groups give."""

from typing import Any

from tests.contract.visit import Visit

BOTH = (("/directories", "directory_group"), ("/scim_directories", "scim_group"))
"""Where directories are, and what a group in one is called there."""

ATTRIBUTE = {"name": "Level", "key": "level", "sso_path": "level", "directory_path": "urn:level"}


async def connection(visit: Visit, name: str, **more: Any) -> str:
    """The id of a new enterprise connection, with a domain of its own."""
    domain = f"{name.replace('_', '-')}.directory.example"
    given = {"name": name, "provider": "oidc_custom", "domains": [domain], **more}
    return str((await visit.post("/enterprise_connections", **given))["id"])


async def unused(visit: Visit, name: str) -> dict[str, Any]:
    """The body of a directory that can be made."""
    return {"enterprise_connection_id": await connection(visit, name), "provider": "okta"}


async def directory(visit: Visit, place: str, of: str, **more: Any) -> str:
    """The path of a new directory, of a new connection with this name."""
    given = await unused(visit, of) | more
    return f"{place}/{(await visit.post(place, **given))['id']}"


async def roles(visit: Visit) -> tuple[str, str]:
    """The ids of two roles."""
    listed = (await visit.get("/organization_roles", order_by="key"))["data"]
    return listed[0]["id"], listed[1]["id"]


async def directories(visit: Visit) -> None:
    """A directory with everything, one with almost nothing, under both names; what is refused."""
    for place, group in BOTH:
        mappings = await some_mappings(visit, group)
        team = (await visit.post("/organizations", name="Directories"))["id"]
        of = await connection(visit, f"{group}_1", organization_id=team, custom_attributes=[ATTRIBUTE])
        new = {"enterprise_connection_id": of, "provider": "okta", "name": "Acme"}
        one = f"{place}/{(await visit.post(place, **new, group_role_mappings=mappings))['id']}"
        asked = await directory(visit, place, f"{group}_2", provider="google")
        await visit.get(place)
        await visit.get(place, limit="1", offset="1")
        await visit.get(one)
        await visit.patch(one, enabled=True, attribute_mapping={"first_name": "name.givenName"})
        await visit.patch(
            one,
            name="Acme, Inc.",
            provider="custom",
            enabled=False,
            attribute_mapping={"first_name": None},
            group_role_mapping_enabled=True,
        )
        await visit.refused("400 scim_directory_pull_mode_not_configured", f"PATCH {asked}", enabled=True)
        await visit.refused("422 form_param_value_invalid", f"PATCH {one}", provider="paper")
        await visit.refused("422 form_param_type_invalid", f"PATCH {one}", attribute_mapping={"email": 1})
        await visit.refused("422 form_param_unknown", f"PATCH {one}", enterprise_connection_id="ent_new")
        await refused_directories(visit, place, new)
        other = await connection(visit, f"{group}_3", organization_id=team)
        same = "400 scim_directory_organization_already_used"
        await visit.refused(same, f"POST {place}", enterprise_connection_id=other, provider="okta")
        await refused_mappings(visit, place, group)
        await visit.delete(f"/enterprise_connections/{of}")
        await visit.get(one)
        await visit.get(place)
        await visit.delete(one)
        for method in ("GET", "PATCH", "DELETE"):
            await visit.refused("404 resource_not_found", f"{method} {one}")


async def some_mappings(visit: Visit, group: str) -> list[dict[str, Any]]:
    """A group's role with all that can be said, and one with what must be."""
    admin, member = await roles(visit)
    name = f"{group}_display_name"
    return [
        {f"{group}_id": "g-admins", name: "Admins", "role_id": admin, "precedence": 2},
        {f"{group}_id": "g-all", "role_id": member},
    ]


async def refused_directories(visit: Visit, place: str, new: dict[str, Any]) -> None:
    """What is no directory; the connection of `new` has one already."""
    make = f"POST {place}"
    await visit.refused("422 scim_directory_enterprise_connection_already_used", make, **new)
    for key in ("", "entconn_none"):
        await visit.refused("422 form_resource_not_found", make, **new | {"enterprise_connection_id": key})
    await visit.refused("422 form_param_value_invalid", make, **new | {"provider": "paper"})
    await visit.refused("422 form_param_missing", make, provider="okta")


async def refused_mappings(visit: Visit, place: str, group: str) -> None:
    """What no directory begins with."""
    new = await unused(visit, f"{group}_4")
    good = {f"{group}_id": "g-1", "role_id": (await roles(visit))[0]}
    for code, mappings in (
        ("form_param_missing", [{f"{group}_id": "g-1"}]),
        ("form_param_missing", [good | {f"{group}_id": ""}]),
        ("form_param_max_length_exceeded", [good | {f"{group}_id": "g" * 256}]),
        ("form_param_max_length_exceeded", [good | {f"{group}_display_name": "g" * 256}]),
        ("form_resource_not_found", [good | {"role_id": "role_none"}]),
        ("form_param_value_invalid", [good | {"precedence": 0}]),
        ("form_param_value_invalid", [good | {"precedence": 2**31}]),
        ("form_param_duplicate", [good, good]),
        ("form_param_unknown", [good | {"colour": "blue"}]),
    ):
        await visit.refused(f"422 {code}", f"POST {place}", **new, group_role_mappings=mappings)


async def directory_keys(visit: Visit) -> None:
    """A key in the place of another."""
    for place, group in BOTH:
        one = await directory(visit, place, f"{group}_key")
        await visit.post(f"{one}/rotate_api_key")
        await visit.refused("404 resource_not_found", f"POST {place}/none/rotate_api_key")


async def directory_roles(visit: Visit) -> None:
    """Roles that groups give, one by one and all at once, under both names; what is refused."""
    admin, member = await roles(visit)
    for path, group in BOTH:
        mappings = await some_mappings(visit, group)
        one = await directory(visit, path, f"{group}_roles", group_role_mappings=mappings)
        place, new = f"{one}/group_role_mappings", {f"{group}_id": "g-new", "role_id": member}
        await visit.get(place)
        made = await visit.post(place, **new)
        await visit.post(place, **{f"{group}_id": "g-first"}, role_id=admin, precedence=1)
        await visit.refused("422 form_identifier_exists", f"POST {place}", **new)
        await visit.refused("422 form_resource_not_found", f"POST {place}", **new | {"role_id": "none"})
        await visit.refused("422 form_param_missing", f"POST {place}", role_id=admin)
        await visit.delete(f"{place}/{made['id']}")
        await visit.refused("404 resource_not_found", f"DELETE {place}/{made['id']}")
        await visit.ask("PUT", place, {"mappings": [new]})
        await visit.refused("422 form_param_duplicate", f"PUT {place}", mappings=[new, new])
        await visit.refused("422 form_param_missing", f"PUT {place}")
        await visit.ask("PUT", place, {"mappings": []})
        last = await visit.post(place, **new)
        await visit.patch(one, group_role_mapping_enabled=False)
        await visit.get(place)
        off = "400 feature_not_enabled"
        await visit.refused(off, f"POST {place}", **new)
        await visit.refused(off, f"PUT {place}", mappings=[])
        await visit.refused(off, f"DELETE {place}/{last['id']}")
        nowhere, none = f"{path}/none/group_role_mappings", "404 resource_not_found"
        await visit.refused(none, f"GET {nowhere}")
        await visit.refused(none, f"POST {nowhere}", **new)
        await visit.refused(none, f"PUT {nowhere}", mappings=[])
        await visit.refused(none, f"DELETE {nowhere}/{last['id']}")


async def either_name(visit: Visit) -> None:
    """A group may be given under both names, of one value."""
    _, member = await roles(visit)
    names = {"directory_group_id": "g-1", "scim_group_id": "g-1"}
    called = {"directory_group_display_name": "Engineers", "scim_group_display_name": "Engineers"}
    given = [{**names, **called, "role_id": member}]
    one = await directory(visit, "/directories", "either", group_role_mappings=given)
    place = f"{one}/group_role_mappings"
    await visit.post(place, scim_group_id="g-2", role_id=member)
    await visit.ask("PUT", place, {"mappings": [names | {"role_id": member}]})
    differing = {"directory_group_id": "g-3", "scim_group_id": "g-4", "role_id": member}
    conflict = "422 form_param_value_conflict"
    await visit.refused(conflict, f"POST {place}", **differing)
    await visit.refused(conflict, f"PUT {place}", mappings=[differing])
    given[0]["scim_group_display_name"] = "Engineering"
    new = await unused(visit, "either_new")
    await visit.refused(conflict, "POST /directories", **new, group_role_mappings=given)


DIRECTORY_JOURNEYS = (directories, directory_keys, directory_roles, either_name)
