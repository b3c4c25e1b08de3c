"""The way through organizations, their members and their invitations."""

from tests.contract.visit import PASSWORD, Visit


async def organizations(visit: Visit) -> None:
    """Organizations with their members and invitations."""
    owner = (await visit.post("/users", email_address=["owner@contract.example"], password=PASSWORD))["id"]
    member = (await visit.post("/users", email_address=["member@contract.example"], password=PASSWORD))["id"]
    acme = await visit.post(
        "/organizations",
        name="Acme Contract",
        slug="acme-contract",
        created_by=owner,
        max_allowed_memberships=5,
        public_metadata={"tier": "gold"},
        private_metadata={"invoice": 12},
        created_at="2025-01-31T09:30:00.000Z",
    )
    await visit.post("/organizations", name="Ownerless", public_metadata=None)
    place = f"/organizations/{acme['id']}"
    await visit.get("/organizations")
    flags = {"include_members_count": "true", "include_missing_member_with_elevated_permissions": "true"}
    await visit.get("/organizations", query="acme", order_by="-members_count", limit="1", **flags)
    await visit.get("/organizations", user_id=owner, organization_id=f"+{acme['id']}")
    await visit.get(place, **flags)
    await visit.get("/organizations/acme-contract")
    await visit.patch(place, name="Acme", max_allowed_memberships=2, admin_delete_enabled=False)
    await visit.patch(f"{place}/metadata", public_metadata={"tier": None, "seats": 3})
    await visit.ask("PUT", f"{place}/metadata", {"private_metadata": {"invoice": 13}})
    await members(visit, place, owner, member)
    await visit.patch(place, max_allowed_memberships=0)  # open invitations count too: full otherwise
    await org_invitations(visit, place, owner)
    await visit.refused(
        "422 form_identifier_exists", "POST /organizations", name="Other", slug="acme-contract"
    )
    await visit.refused("422 form_param_missing", "POST /organizations", slug="nameless")
    await visit.refused("422", "POST /organizations", name="Many", max_allowed_memberships=-1)
    await visit.refused(
        "400 organization_creator_not_found", "POST /organizations", name="Nobody's", created_by="user_none"
    )
    await visit.refused("422 form_param_unknown", f"PATCH {place}", public_metadata={"tier": "gold"})
    await visit.delete(place)
    for method, end in (
        ("GET", ""),
        ("PATCH", ""),
        ("PATCH", "/metadata"),
        ("GET", "/invitations"),
        ("DELETE", ""),
    ):
        await visit.refused("404 resource_not_found", f"{method} {place}{end}")


async def members(visit: Visit, place: str, owner: str, member: str) -> None:
    """The memberships of an organization, full with two."""
    await visit.post(f"{place}/memberships", user_id=member, role="org:member", public_metadata={"desk": 4})
    await visit.get(f"{place}/memberships", limit="5", order_by="-created_at")
    await visit.get(f"{place}/memberships", user_id=member, role="org:member", query="member")
    await visit.patch(f"{place}/memberships/{member}", role="org:admin")
    await visit.patch(f"{place}/memberships/{member}", role="org:member")
    places = f"{place}/memberships"
    await visit.refused(
        "400 already_a_member_in_organization", f"POST {places}", user_id=member, role="org:member"
    )
    third = (await visit.post("/users", email_address=["third@contract.example"], password=PASSWORD))["id"]
    await visit.refused(
        "403 organization_membership_quota_exceeded", f"POST {places}", user_id=third, role="org:member"
    )
    await visit.refused("404 resource_not_found", f"POST {places}", user_id="user_none", role="org:member")
    await visit.refused("422 form_param_missing", f"POST {places}", user_id=third)
    await visit.refused("4", f"PATCH {places}/{member}", role="org:nothing")
    last_admin = "400 organization_minimum_permissions_needed"
    await visit.refused(last_admin, f"PATCH {places}/{owner}", role="org:member")
    await visit.refused(last_admin, f"DELETE {places}/{owner}")
    await visit.delete(f"{places}/{member}")
    await visit.refused("404 resource_not_found", f"DELETE {places}/{member}")
    await visit.refused("404 resource_not_found", f"PATCH {places}/{member}", role="org:admin")
    await visit.refused("422", f"GET {places}", order_by="favourite_colour")


async def org_invitations(visit: Visit, place: str, owner: str) -> None:
    """The invitations of an organization."""
    full = await visit.post(
        f"{place}/invitations",
        email_address="guest@contract.example",
        role="org:member",
        inviter_user_id=owner,
        public_metadata={"from": "fair"},
        private_metadata={"cost": 3},
        redirect_url="https://contract.example/welcome",
        expires_in_days=7,
        notify=False,
    )
    plain = await visit.post(
        f"{place}/invitations", email_address="other@contract.example", role="org:admin", inviter_user_id=None
    )
    await visit.get(f"{place}/invitations", status="pending", order_by="email_address", limit="10")
    await visit.get(f"{place}/invitations", email_address="guest@contract.example")
    await visit.post(f"{place}/invitations/{full['id']}/revoke", requesting_user_id=owner)
    await visit.ask("POST", f"{place}/invitations/{plain['id']}/revoke")
    await visit.get(f"{place}/invitations", status="revoked")
    places = f"{place}/invitations"
    await visit.refused("404 organization_invitation_not_pending", f"POST {places}/{full['id']}/revoke")
    await visit.refused("404 resource_not_found", f"POST {places}/orginv_none/revoke")
    somebody = {"email_address": "a@contract.example", "role": "org:member"}
    await visit.refused("422 form_param_missing", f"POST {places}", role="org:member")
    await visit.refused("422", f"POST {places}", **somebody | {"email_address": "no address"})
    await visit.refused("4", f"POST {places}", **somebody | {"role": "org:nothing"})
    await visit.refused("422", f"POST {places}", **somebody, expires_in_days=0)
    await visit.refused("422", f"GET {places}", status="lost")
