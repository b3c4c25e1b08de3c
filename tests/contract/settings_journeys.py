"""Ways through roles, domains of organizations, the instance's settings, redirect URLs and the waitlist."""

from tests.contract.visit import PASSWORD, Visit

PNG = b"\x89PNG\r\n\x1a\n" + bytes(32)


async def roles(visit: Visit) -> None:
    """Roles and permissions of the instance's own."""
    invoices = await visit.post("/organization_permissions", name="Send invoices", key="org:invoices:send")
    permission = f"/organization_permissions/{invoices['id']}"
    await visit.get(permission)
    await visit.patch(permission, name="Send all invoices", description="Every one of them")
    listed = await visit.get("/organization_permissions", query="read members", order_by="key", limit="2")
    system = listed["data"][0]["id"]
    modified = "403 organization_system_permission_not_modifiable"
    await visit.refused(modified, f"PATCH /organization_permissions/{system}", name="Mine")
    await visit.refused(modified, f"DELETE /organization_permissions/{system}")
    same = {"name": "Again", "key": "org:invoices:send"}
    await visit.refused("422 form_identifier_exists", "POST /organization_permissions", **same)
    await visit.refused(
        "422 form_param_format_invalid", "POST /organization_permissions", name="S", key="org:sys_a:b"
    )
    await visit.refused("422 form_param_missing", "POST /organization_permissions", name="Keyless")
    clerk = await visit.post(
        "/organization_roles", name="Clerk", key="org:clerk", description=None, permissions=[system]
    )
    role = f"/organization_roles/{clerk['id']}"
    await visit.get("/organization_roles", query="cler", order_by="-name", limit="5")
    await visit.get(role)
    await visit.patch(role, name="Head clerk", description="At the desk", permissions=None)
    place = f"{role}/permissions/{invoices['id']}"
    await visit.post(place)
    await visit.refused("409 organization_role_permission_association_exists", f"POST {place}")
    await visit.delete(place)
    await visit.refused("404 organization_role_permission_association_not_found", f"DELETE {place}")
    await visit.refused("422 form_identifier_exists", "POST /organization_roles", name="C", key="org:clerk")
    await visit.refused("422 form_param_format_invalid", "POST /organization_roles", name="C", key="clerk")
    await visit.refused(
        "404", "POST /organization_roles", name="C", key="org:none", permissions=["perm_none"]
    )
    admin = (await visit.get("/organization_roles", query="org:admin"))["data"][0]
    await visit.refused(
        "422 organization_role_default_creator_role", f"DELETE /organization_roles/{admin['id']}"
    )
    await visit.refused(
        "422 organization_missing_creator_role_permissions",
        f"PATCH /organization_roles/{admin['id']}",
        permissions=[],
    )
    await visit.delete(role)
    await visit.delete(permission)
    await visit.refused("404 resource_not_found", f"GET {role}")
    await visit.refused("404 resource_not_found", f"GET {permission}")


async def organization_extras(visit: Visit) -> None:
    """What organizations have beyond the 48: domains, a logo, bulk invitations, lists of the instance."""
    owner = (await visit.post("/users", email_address=["head@contract.example"], password=PASSWORD))["id"]
    made = await visit.post("/organizations", name="Extras", created_by=owner, max_allowed_memberships=0)
    place = f"/organizations/{made['id']}"
    member = f"{place}/memberships/{owner}/metadata"
    await visit.patch(member, public_metadata={"desk": {"floor": 1}}, private_metadata={"pay": 1})
    await visit.patch(member, public_metadata={"desk": {"floor": None}})
    await visit.refused("404", f"PATCH {place}/memberships/user_none/metadata", public_metadata={})
    await visit.get("/organization_memberships", order_by="-created_at", limit="3")
    guests = [{"email_address": f"guest{n}@extras.example", "role": "org:member"} for n in (1, 2)]
    await visit.ask("POST", f"{place}/invitations/bulk", guests)
    many = [{"email_address": f"many{n}@extras.example", "role": "org:member"} for n in range(11)]
    await visit.ask("POST", f"{place}/invitations/bulk", many, expected="400 bulk_size_exceeded")
    unique = "400 organization_invitation_not_unique"
    await visit.ask("POST", f"{place}/invitations/bulk", [many[0], guests[0]], expected=unique)
    pending = (await visit.get(f"{place}/invitations/pending", limit="5"))["data"]
    await visit.get(f"{place}/invitations/{pending[0]['id']}")
    await visit.refused("404 resource_not_found", f"GET {place}/invitations/orginv_none")
    await visit.get("/organization_invitations", status="pending", query="guest1", order_by="email_address")
    await visit.send("PUT", f"{place}/logo", files={"file": ("logo.png", PNG, "image/png")})
    await visit.delete(f"{place}/logo")
    await visit.refused("404 image_not_found", f"DELETE {place}/logo")
    await organization_domains(visit, place)


async def organization_domains(visit: Visit, place: str) -> None:
    """The domains of an organization."""
    wanted = {"name": "extras.example", "enrollment_mode": "automatic_invitation"}
    domain = await visit.post(f"{place}/domains", **wanted, verified=True)
    one = f"{place}/domains/{domain['id']}"
    await visit.post(
        f"{place}/domains", name="u.example", enrollment_mode="manual_invitation", verified=False
    )
    await visit.get(f"{place}/domains", verified="true", enrollment_mode="automatic_invitation")
    await visit.get("/organization_domains", query="extras", domains="extras.example", order_by="name")
    await visit.patch(one, enrollment_mode="automatic_suggestion", verified=None)
    await visit.post(f"{one}/verify_ownership")
    await visit.post(f"{one}/verify_ownership")
    same = "422 organization_domain_already_exists_same_organization"
    await visit.refused(same, f"POST {place}/domains", **wanted)
    other = await visit.post("/organizations", name="Other extras")
    elsewhere = f"POST /organizations/{other['id']}/domains"
    await visit.refused("422 organization_domain_already_exists", elsewhere, **wanted)
    await visit.refused("422 organization_domain_common", elsewhere, **wanted | {"name": "gmail.com"})
    await visit.refused("422 form_param_missing", elsewhere, name="nameless.example")
    await visit.refused("422", elsewhere, **wanted | {"enrollment_mode": "by_chance"})
    await visit.refused("422 form_param_value_invalid", "GET /organization_domains", query=" ")
    await visit.delete(one)
    await visit.refused("404 resource_not_found", f"PATCH {one}", verified=True)


async def settings(visit: Visit) -> None:
    """The instance's settings, put back in the end."""
    await visit.get("/instance")
    await visit.patch(
        "/instance", test_mode=None, support_email="help@contract.example", allowed_origins=["app://desk"]
    )
    await visit.refused("422 form_invalid_origin", "PATCH /instance", allowed_origins=["no origin"])
    await visit.refused("422 form_param_format_invalid", "PATCH /instance", support_email="nobody")
    await visit.patch("/instance/restrictions", allowlist=True, blocklist=True, block_email_subaddresses=True)
    await visit.post("/blocklist_identifiers", identifier="*@blocked.example")
    await visit.refused("403 not_allowed_access", "POST /users", email_address=["eve@blocked.example"])
    await visit.refused("403 not_allowed_access", "POST /invitations", email_address="a+b@contract.example")
    await visit.patch(
        "/beta_features/instance_settings", restricted_to_allowlist=False, from_email_address="hi"
    )
    await visit.patch("/instance/restrictions", blocklist=False, block_email_subaddresses=False)
    place = "/instance/organization_settings"
    await visit.get(place)
    await visit.patch(place, enabled=False, slug_disabled=True, domains_enrollment_modes=[])
    await visit.refused("403 organization_not_enabled_in_instance", "GET /organizations")
    await visit.patch(place, enabled=True)
    await visit.refused("403 organization_slugs_disabled", "POST /organizations", name="S", slug="s")
    made = await visit.post("/organizations", name="Modes")
    domains = f"POST /organizations/{made['id']}/domains"
    wanted = {"name": "modes.example", "enrollment_mode": "automatic_invitation"}
    await visit.refused("403 organization_domain_enrollment_mode_not_enabled", domains, **wanted)
    await visit.patch(place, domains_enabled=False)
    await visit.refused("403 organization_domains_not_enabled", domains, **wanted)
    await visit.refused("404 resource_not_found", f"PATCH {place}", creator_role_id="role_none")
    member = (await visit.get("/organization_roles", query="org:member"))["data"][0]["id"]
    missing = "422 organization_missing_creator_role_permissions"
    await visit.refused(missing, f"PATCH {place}", creator_role_id=member)
    modes = ["automatic_invitation", "automatic_suggestion"]
    await visit.patch(place, domains_enabled=True, slug_disabled=False, domains_enrollment_modes=modes)
    await other_settings(visit)


async def other_settings(visit: Visit) -> None:
    """Communication, OAuth applications, Protect, and the home that a development instance has not."""
    await visit.get("/instance/communication")
    await visit.patch("/instance/communication", blocked_country_codes=["AQ"])
    await visit.refused("422", "PATCH /instance/communication", blocked_country_codes=["aq"])
    await visit.get("/instance/oauth_application_settings")
    await visit.patch(
        "/instance/oauth_application_settings", oauth_jwt_access_tokens=True, default_scopes=None
    )
    await visit.get("/instance/protect")
    await visit.patch("/instance/protect", rules_enabled=True, specter_enabled=None)
    await visit.refused("422 form_param_type_invalid", "PATCH /instance/protect", specter_enabled="yes")
    environment = "400 request_invalid_for_environment"
    await visit.refused(environment, "POST /instance/change_domain", home_url="https://home.example")
    primary = (await visit.get("/domains"))["data"][0]["id"]
    await visit.refused("400 domain_update_forbidden", f"PATCH /domains/{primary}", name="mine.example")
    satellite = await visit.post("/domains", name="old.contract.example", is_satellite=True)
    await visit.patch(f"/domains/{satellite['id']}", name="new.contract.example", proxy_url=None)
    proxy = {"proxy_url": "https://proxy.example"}
    await visit.refused(environment, f"PATCH /domains/{satellite['id']}", **proxy)


async def redirect_urls(visit: Visit) -> None:
    """Redirect URLs."""
    made = await visit.post("/redirect_urls", url="https://contract.example/back")
    await visit.post("/redirect_urls", url="contract-app://back")
    await visit.get("/redirect_urls")
    await visit.get("/redirect_urls", paginated="true", limit="1")
    await visit.get(f"/redirect_urls/{made['id']}")
    again = "https://contract.example/back"
    await visit.refused("400 duplicate_record", "POST /redirect_urls", url=again)
    await visit.refused("422 insecure_url", "POST /redirect_urls", url="http://contract.example/back")
    await visit.refused("422 form_param_format_invalid", "POST /redirect_urls", url="/back")
    await visit.delete(f"/redirect_urls/{made['id']}")
    await visit.refused("404 resource_not_found", f"GET /redirect_urls/{made['id']}")


async def waitlist(visit: Visit) -> None:
    """Who waits is invited, rejected, or taken off the list; and bulk invitations to the application."""
    entry = await visit.post("/waitlist_entries", email_address="one@wait.example", notify=False)
    await visit.post("/waitlist_entries", email_address="ONE@wait.example")
    two, three = await visit.ask(
        "POST",
        "/waitlist_entries/bulk",
        [{"email_address": f"{name}@wait.example"} for name in "bc"],
    )
    twice = [{"email_address": "same@wait.example"}] * 2
    await visit.ask("POST", "/waitlist_entries/bulk", twice, expected="422 form_param_duplicate")
    await visit.post(f"/waitlist_entries/{entry['id']}/invite")
    await visit.refused("409 waitlist_entry_already_invited", f"POST /waitlist_entries/{entry['id']}/invite")
    await visit.post(f"/waitlist_entries/{two['id']}/reject")
    await visit.refused("409 waitlist_entry_already_rejected", f"POST /waitlist_entries/{two['id']}/reject")
    await visit.delete(f"/waitlist_entries/{three['id']}")
    await visit.get("/waitlist_entries", status="invited", order_by="-invited_at", query="one@wait.example")
    await visit.refused("404 resource_not_found", "POST /waitlist_entries/wle_none/reject")
    sent = [{"email_address": f"{name}@bulk.example"} for name in ("a", "b")]
    await visit.ask("POST", "/invitations/bulk", sent)
    await visit.ask("POST", "/invitations/bulk", sent[:1], expected="400 duplicate_record")
    await visit.ask("POST", "/invitations/bulk", sent * 6, expected="400 bulk_size_exceeded")


SETTINGS_JOURNEYS = (roles, organization_extras, settings, redirect_urls, waitlist)
