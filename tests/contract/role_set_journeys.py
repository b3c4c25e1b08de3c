"""The way through role sets: what organizations offer their members, and how that changes."""

from tests.contract.visit import PASSWORD, Visit

SETS = "/role_sets"


async def role_sets(visit: Visit) -> None:
    """A set from its making to its end, and the roles in it."""
    for key, initial in (("org:nurse", False), ("org:porter", None), ("org:visitor", True)):
        body = {"name": key.title(), "key": key, "include_in_initial_role_set": initial}
        await visit.post("/organization_roles", **body)
    wanted = {"default_role_key": "org:nurse", "creator_role_key": "org:admin"}
    clinic = await visit.post(
        SETS,
        name="Clinic",
        key="role_set:clinic",
        description="Small ones",
        type="custom",
        roles=["org:admin", "org:nurse"],
        **wanted,
    )
    place = f"{SETS}/{clinic['id']}"
    await visit.get(SETS)
    await visit.get(SETS, query="clin", order_by="-name", limit="5", offset="0")
    await visit.get(place)
    await visit.get(f"{SETS}/role_set:clinic")
    await visit.patch(place, name="Clinics", description=None, key="role_set:clinics", type=None)
    await visit.patch(place, default_role_key="org:admin", creator_role_key="org:admin")
    more = {"role_keys": ["org:porter", "org:nurse"], "default_role_key": "org:porter"}
    await visit.post(f"{place}/roles", **more)
    await refused_role_sets(visit, place, wanted)
    await moving(visit, place)


async def refused_role_sets(visit: Visit, place: str, wanted: dict[str, str]) -> None:
    """What Clerk does not take of role sets."""
    body = {"name": "Other", "roles": ["org:admin", "org:nurse"], **wanted}
    create = f"POST {SETS}"
    await visit.refused("422 form_param_missing", create, name="Roleless", **wanted)
    await visit.refused("422 form_param_value_invalid", create, **body | {"roles": []})
    await visit.refused("422 form_param_array_size_exceeded", create, **body | {"roles": ["org:admin"] * 11})
    await visit.refused("404 resource_not_found", create, **body | {"roles": ["org:none"]})
    await visit.refused("422 form_param_value_invalid", create, **body | {"default_role_key": "org:porter"})
    missing = "422 organization_missing_creator_role_permissions"
    await visit.refused(missing, create, **body | {"creator_role_key": "org:nurse"})
    await visit.refused("422 form_param_format_invalid", create, **body | {"key": "clinic"})
    await visit.refused("422 form_identifier_exists", create, **body | {"key": "role_set:clinics"})
    await visit.refused("422 form_identifier_exists", f"PATCH {place}", key="role_set:default")
    await visit.refused("422 form_param_value_invalid", f"PATCH {place}", type="custom")
    await visit.refused("404 resource_not_found", f"GET {SETS}/role_set:none")
    await visit.refused("404 resource_not_found", f"PATCH {SETS}/role_set_none", name="None")
    await visit.refused("422", f"GET {SETS}", order_by="type")
    for number in range(8):
        await visit.post(SETS, **body | {"name": f"Set {number}"})
    await visit.refused("403 organization_instance_role_sets_quota_exceeded", create, **body)


async def moving(visit: Visit, place: str) -> None:
    """An organization whose role set is changed, loses a role, and is replaced."""
    owner = (await visit.post("/users", email_address=["chief@contract.example"], password=PASSWORD))["id"]
    nurse = (await visit.post("/users", email_address=["nurse@contract.example"], password=PASSWORD))["id"]
    made = await visit.post(
        "/organizations", name="Clinic", created_by=owner, role_set_key="role_set:clinics"
    )
    one = f"/organizations/{made['id']}"
    member = {"user_id": nurse, "role": "org:nurse"}
    await visit.refused(
        "404 resource_not_found", f"POST {one}/memberships", **member | {"role": "org:visitor"}
    )
    await visit.post(f"{one}/memberships", **member)
    lacking = "422 organization_role_set_reassignment_mappings_missing"
    await visit.refused(lacking, f"PATCH {one}", role_set_key="role_set:default")
    await visit.refused("422 form_resource_not_found", f"PATCH {one}", role_set_key="role_set:none")
    await visit.patch(one, role_set_key="role_set:clinics")
    await visit.post(f"{place}/roles/replace", role_key="org:nurse", to_role_key="org:porter")
    gone = {"role_key": "org:nurse", "to_role_key": "org:porter"}
    await visit.refused("404 resource_not_found", f"POST {place}/roles/replace", **gone)
    replace = f"POST {place}/replace"
    await visit.refused(lacking, replace, dest_role_set_key="role_set:default")
    wrong = {"reassignment_mappings": {"org:porter": "org:porter"}}
    unfit = "422 organization_role_set_reassignment_mappings_invalid"
    await visit.refused(unfit, replace, dest_role_set_key="role_set:default", **wrong)
    await visit.refused("422 form_resource_not_found", replace, dest_role_set_key="role_set:none")
    await visit.post(
        f"{place}/replace",
        dest_role_set_key="role_set:default",
        reassignment_mappings={"org:porter": "org:visitor"},
    )
    await visit.refused("404 resource_not_found", replace, dest_role_set_key="role_set:default")
    await visit.get(f"{one}/memberships", role="org:visitor")
    porter = (await visit.get("/organization_roles", query="org:porter"))["data"][0]
    await visit.delete(f"/organization_roles/{porter['id']}")
    visitor = (await visit.get("/organization_roles", query="org:visitor"))["data"][0]
    in_use = "422 organization_role_assigned_members"
    await visit.refused(in_use, f"DELETE /organization_roles/{visitor['id']}")
    nurse_role = (await visit.get("/organization_roles", query="org:nurse"))["data"][0]
    chosen = "422 organization_role_domain_default_role"
    await visit.refused(chosen, f"DELETE /organization_roles/{nurse_role['id']}")
    invalid = "422 form_param_value_invalid"
    settings = "PATCH /instance/organization_settings"
    await visit.refused(invalid, settings, domains_default_role_id=nurse_role["id"])


ROLE_SET_JOURNEYS = (role_sets,)
