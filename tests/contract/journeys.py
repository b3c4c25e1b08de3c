"""Ways through the sandbox that touch every route of the 48 actions, and what is refused on the way."""

from tests.contract.billing_journeys import BILLING_JOURNEYS
from tests.contract.directory_journeys import DIRECTORY_JOURNEYS
from tests.contract.enterprise_journeys import ENTERPRISE_JOURNEYS
from tests.contract.machine_journeys import MACHINE_JOURNEYS
from tests.contract.message_journeys import MESSAGE_JOURNEYS
from tests.contract.organization_journeys import organizations
from tests.contract.role_set_journeys import ROLE_SET_JOURNEYS
from tests.contract.settings_journeys import SETTINGS_JOURNEYS
from tests.contract.token_journeys import TOKEN_JOURNEYS
from tests.contract.user_journeys import USER_JOURNEYS
from tests.contract.visit import PASSWORD, Visit


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
    await visit.post(
        "/oauth_applications", name="Mobile", public=True, pkce_required=True, redirect_uris=None
    )
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
    *TOKEN_JOURNEYS,
    *USER_JOURNEYS,
    *SETTINGS_JOURNEYS,
    *BILLING_JOURNEYS,
    *DIRECTORY_JOURNEYS,
    *ENTERPRISE_JOURNEYS,
    *MACHINE_JOURNEYS,
    *ROLE_SET_JOURNEYS,
    *MESSAGE_JOURNEYS,
)
