"""Ways through the sandbox that touch every route of the 48 actions, and what is refused on the way."""

from tests.contract.visit import Visit

PASSWORD = "a long and unusual passphrase"
PEM = "-----BEGIN PRIVATE KEY-----\nnot a real one\n-----END PRIVATE KEY-----"


async def users(visit: Visit) -> None:
    """A user with everything, one with almost nothing; every filter; every verb; what is refused."""
    ada = await visit.post(
        "/users",
        external_id="emp-1",
        first_name="Ada",
        last_name="Lovelace",
        locale="en-GB",
        email_address=["ada@contract.example", "countess@contract.example"],
        email_address_identification_status=["verified", "reserved"],
        phone_number=["+15555550100"],
        username="ada_contract",
        password=PASSWORD,
        skip_password_checks=True,
        public_metadata={"plan": "pro", "nested": {"deep": [1, 2.5, None]}},
        private_metadata={"crm": 7},
        unsafe_metadata={"theme": "dark"},
        delete_self_enabled=False,
        legal_accepted_at="2025-01-31T09:30:00.000Z",
        create_organization_enabled=True,
        create_organizations_limit=3,
        created_at="2025-01-31T09:30:00.000Z",
        bypass_client_trust=True,
    )
    wallet = "0x52908400098527886E0F7030069857D2E4169EE7"
    await visit.post("/users", web3_wallet=[wallet], skip_password_requirement=True, locked=True)
    await visit.post("/users", email_address=["mary@contract.example"], first_name=None, banned=True)
    place = f"/users/{ada['id']}"
    await visit.get("/users")
    await visit.get("/users", limit="2", offset="1", order_by="-last_name")
    await visit.get("/users", email_address="ada@contract.example", query="ada", banned="false")
    await visit.get("/users", created_at_after="1700690400000", last_active_at_before="1700690400000")
    await visit.get("/users", starting_after=ada["id"], order_by="created_at")
    await visit.get("/users", user_id=[f"-{ada['id']}"], name_query="lovelace")
    await visit.get("/users/count", query="ada")
    await visit.get(place)
    await visit.patch(place, first_name="Augusta", username=None, primary_phone_number_id=None)
    await visit.patch(place, password=PASSWORD + "!", sign_out_of_other_sessions=True, created_at=None)
    await visit.patch(f"{place}/metadata", public_metadata={"plan": None, "seats": 5}, unsafe_metadata={})
    await visit.ask("PUT", f"{place}/metadata", {"private_metadata": {"crm": 8}})
    for verb in ("ban", "unban", "lock", "unlock"):
        await visit.post(f"{place}/{verb}")
    await refused_users(visit, place)
    await visit.delete(place)
    for method, end in (("GET", ""), ("PATCH", ""), ("PATCH", "/metadata"), ("POST", "/ban"), ("DELETE", "")):
        await visit.refused("404 resource_not_found", f"{method} {place}{end}")


async def refused_users(visit: Visit, place: str) -> None:
    """What Clerk does not take of users."""
    await visit.refused("422 form_identifier_exists", "POST /users", email_address=["ada@contract.example"])
    await visit.refused("422 form_identifier_exists", "POST /users", username="evelyn", external_id="emp-1")
    await visit.refused("422 form_param_unknown", "POST /users", username="evelyn", favourite_colour="blue")
    await visit.refused("422", "POST /users", email_address="ada@contract.example", password=PASSWORD)
    await visit.refused("422 form_param_format_invalid", "POST /users", email_address=["no address"])
    await visit.refused(
        "422 form_password_length_too_short", "POST /users", username="evelyn", password="short"
    )
    await visit.refused("422", "POST /users", username="evelyn", created_at="yesterday")
    await visit.refused("422 form_data_missing", "POST /users")
    await visit.refused("422 form_param_unknown", f"PATCH {place}", public_metadata={"plan": "pro"})
    await visit.refused("4", f"PATCH {place}", primary_email_address_id="idn_none")
    await visit.refused("422", "GET /users", limit="0")
    await visit.refused("422", "GET /users", limit="501")
    await visit.refused("422", "GET /users", offset="-1")
    await visit.refused("422", "GET /users", order_by="favourite_colour")
    await visit.refused("422", "GET /users", starting_after=place.removeprefix("/users/"), offset="5")
    await visit.refused("422", "GET /users", starting_after="user_none", order_by="username")


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


async def sessions(visit: Visit) -> None:
    """Where users of the sandbox's company are signed in."""
    session = (await visit.get("/sessions", status="active"))[0]
    user = session["user_id"]
    await visit.get("/sessions", user_id=user)
    await visit.get("/sessions", user_id=user, paginated="true", limit="1", status="active")
    await visit.get("/sessions", client_id=session["client_id"])
    await visit.get(f"/sessions/{session['id']}")
    await visit.post(f"/sessions/{session['id']}/revoke")
    await visit.get("/sessions", user_id=user, status="revoked")
    await visit.refused("404 resource_not_found", "GET /sessions/sess_none")
    await visit.refused("404 resource_not_found", "POST /sessions/sess_none/revoke")
    await visit.refused("422", "GET /sessions", user_id=user, status="lost")


async def invitations(visit: Visit) -> None:
    """Invitations to the application."""
    full = await visit.post(
        "/invitations",
        email_address="new@contract.example",
        public_metadata={"from": "fair"},
        redirect_url="https://contract.example/welcome",
        notify=False,
        ignore_existing=True,
        expires_in_days=30,
        template_slug="waitlist_invitation",
    )
    await visit.post("/invitations", email_address="plain@contract.example", expires_in_days=None)
    await visit.get("/invitations")
    await visit.get("/invitations", paginated="true", status="pending", query="plain", order_by="expires_at")
    await visit.post(f"/invitations/{full['id']}/revoke")
    await visit.get("/invitations", status="revoked")
    await visit.refused("400 invitation_already_revoked", f"POST /invitations/{full['id']}/revoke")
    await visit.refused("404 resource_not_found", "POST /invitations/inv_none/revoke")
    await visit.refused("400 duplicate_record", "POST /invitations", email_address="plain@contract.example")
    await visit.refused("422", "POST /invitations", email_address="no address")
    await visit.refused(
        "422", "POST /invitations", email_address="a@contract.example", template_slug="greeting"
    )
    await visit.refused("422", "POST /invitations", email_address="a@contract.example", expires_in_days=366)
    await visit.refused("422 form_param_missing", "POST /invitations")


async def restrictions(visit: Visit) -> None:
    """Allow-list and block-list, alike but for their paging."""
    identifiers = ("*@allowed.example", "one@contract.example", "+15555550111")
    wallet = "0x52908400098527886E0F7030069857D2E4169EE7"
    for path in ("/allowlist_identifiers", "/blocklist_identifiers"):
        entries = [await visit.post(path, identifier=text) for text in (*identifiers, wallet)]
        await visit.get(path)
        await visit.refused("400 duplicate_record", f"POST {path}", identifier=identifiers[0])
        await visit.refused("422", f"POST {path}", identifier="no identifier")
        await visit.refused("422 form_param_missing", f"POST {path}")
        await visit.delete(f"{path}/{entries[0]['id']}")
        await visit.refused("404 resource_not_found", f"DELETE {path}/{entries[0]['id']}")
    await visit.post("/allowlist_identifiers", identifier="two@contract.example", notify=True)
    await visit.get("/allowlist_identifiers", paginated="true", limit="1", offset="1")


async def jwt_templates(visit: Visit) -> None:
    """Templates with Clerk's keys and with a key of one's own."""
    plain = await visit.post(
        "/jwt_templates", name="orders", claims={"mail": "{{user.primary_email_address}}"}
    )
    await visit.post(
        "/jwt_templates",
        name="billing",
        claims={},
        lifetime=3600,
        allowed_clock_skew=10,
        custom_signing_key=True,
        signing_algorithm="HS256",
        signing_key="a shared secret of some length, thirty-two bytes at least",
    )
    place = f"/jwt_templates/{plain['id']}"
    await visit.get("/jwt_templates")
    await visit.get("/jwt_templates", paginated="true", limit="1")
    await visit.get(place)
    await visit.patch(place, name="orders-2", claims={"a": {"b": [1]}}, lifetime=None)
    await visit.refused("422 form_param_missing", f"PATCH {place}", lifetime=120)
    await visit.refused(
        "400 jwt_template_reserved_claim", "POST /jwt_templates", name="own", claims={"iss": "me"}
    )
    await visit.refused("4", "POST /jwt_templates", name="billing", claims={})
    await visit.refused("422", "POST /jwt_templates", name="short", claims={}, lifetime=5)
    await visit.refused("422", "POST /jwt_templates", name="keyless", claims={}, custom_signing_key=True)
    await visit.refused("422 form_param_missing", "POST /jwt_templates", name="claimless")
    await visit.delete(place)
    await visit.refused("404 resource_not_found", f"GET {place}")
    await visit.refused("404 resource_not_found", f"PATCH {place}", name="gone", claims={})
    await visit.refused("404 resource_not_found", f"DELETE {place}")


async def domains(visit: Visit) -> None:
    """The primary domain and a satellite."""
    shop = await visit.post("/domains", name="shop.contract.example", is_satellite=True)
    primary = (await visit.get("/domains"))["data"][0]
    await visit.refused("4", "POST /domains", name="shop.contract.example", is_satellite=True)
    await visit.refused("422", "POST /domains", name="second.contract.example", is_satellite=False)
    await visit.refused("422 form_param_missing", "POST /domains", name="third.contract.example")
    await visit.refused("422", "POST /domains", name="not a domain", is_satellite=True)
    await visit.delete(f"/domains/{shop['id']}")
    await visit.refused("404 resource_not_found", f"DELETE /domains/{shop['id']}")
    await visit.refused("403 operation_not_allowed_on_primary_domain", f"DELETE /domains/{primary['id']}")


async def oauth_applications(visit: Visit) -> None:
    """OAuth applications, with a secret and public."""
    full = await visit.post(
        "/oauth_applications",
        name="Reports",
        redirect_uris=["https://reports.contract.example/callback"],
        scopes="profile email public_metadata",
        consent_screen_enabled=True,
        pkce_required=True,
        public=False,
    )
    await visit.post("/oauth_applications", name="Mobile", public=True, redirect_uris=None)
    await visit.post("/oauth_applications", name="Old", callback_url="https://old.contract.example/callback")
    place = f"/oauth_applications/{full['id']}"
    await visit.get("/oauth_applications", limit="2", order_by="-name", name_query="re")
    await visit.get(place)
    await visit.patch(place, name="Reports 2", scopes="email", redirect_uris=[])
    await visit.patch(place, name=None, public=True, pkce_required=None)
    await visit.refused("422 form_param_missing", "POST /oauth_applications", redirect_uris=[])
    await visit.refused("422", "POST /oauth_applications", name="x" * 257)
    await visit.refused("422", "POST /oauth_applications", name="Scoped", scopes="everything")
    await visit.refused("422 form_param_unknown", f"PATCH {place}", favourite_colour="blue")
    await visit.delete(place)
    await visit.refused("404 resource_not_found", f"GET {place}")
    await visit.refused("404 resource_not_found", f"PATCH {place}", name="gone")
    await visit.refused("404 resource_not_found", f"DELETE {place}")


JOURNEYS = (
    users,
    organizations,
    sessions,
    invitations,
    restrictions,
    jwt_templates,
    domains,
    oauth_applications,
)
