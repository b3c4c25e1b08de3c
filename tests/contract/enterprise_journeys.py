"""Ways through single sign-on: connections by SAML and by OpenID Connect, and both of their views."""

from tests.contract.identity_provider import ENTITY_ID, SSO_URL, certificate, metadata
from tests.contract.visit import Visit

CONNECTIONS, SAML = "/enterprise_connections", "/saml_connections"
MAPPING = {"user_id": "uid", "email_address": "mail", "first_name": "given", "last_name": "family"}
HINT = {"mode": "custom_attribute", "source": "employee_number"}
IDP = {
    "idp_entity_id": ENTITY_ID,
    "idp_sso_url": SSO_URL,
    "idp_certificate": certificate(),
}
ATTRIBUTE = {
    "name": "Department",
    "key": "department",
    "sso_path": "dept",
    "scim_path": "urn:department",
    "directory_path": "urn:department",
    "multi_valued": True,
}


async def enterprise_connections(visit: Visit) -> None:
    """A connection by SAML with everything, and one with almost nothing."""
    team = await visit.post("/organizations", name="Enterprise")
    full = await visit.post(
        CONNECTIONS,
        name="Acme",
        provider="saml_okta",
        domains=["ACME.contract.example", "acme.example"],
        organization_id=team["id"],
        allow_organization_account_linking=True,
        active=True,
        saml={
            **IDP,
            "idp_metadata_url": "https://idp.contract.example/metadata.xml",
            "idp_metadata": metadata(),
            "attribute_mapping": MAPPING,
            "allow_subdomains": True,
            "allow_idp_initiated": True,
            "force_authn": True,
            "login_hint": HINT,
        },
        custom_attributes=[ATTRIBUTE, {"name": "Plain", "key": "plain"}],
    )
    nulls = {"attribute_mapping": None, "login_hint": None, "idp_metadata": None}
    plain = await visit.post(
        CONNECTIONS,
        name="Plain",
        provider="saml_custom",
        domains=["plain.contract.example"],
        organization_id=None,
        active=None,
        allow_organization_account_linking=None,
        saml=nulls,
        oidc=None,
    )
    place = f"{CONNECTIONS}/{full['id']}"
    await visit.get(CONNECTIONS)
    await visit.get(CONNECTIONS, limit="1", offset="1", active="false")
    await visit.get(CONNECTIONS, organization_id=team["id"], active="true")
    await visit.get(place)
    await visit.get(f"{place}/test_runs")
    await visit.get(f"{place}/test_runs", status=["pending", "failed"], limit="5", offset="1")
    await changed(visit, f"{CONNECTIONS}/{plain['id']}", team["id"])
    await refused_connections(visit, place, full["saml_connection"]["id"])
    await visit.delete(place)
    for method, end in (("GET", ""), ("PATCH", ""), ("DELETE", ""), ("GET", "/test_runs")):
        await visit.refused("404 resource_not_found", f"{method} {place}{end}")
    await visit.refused("404 resource_not_found", f"GET {SAML}/{full['saml_connection']['id']}")


async def changed(visit: Visit, place: str, organization_id: str) -> None:
    """Every field of a connection by SAML that can be changed."""
    await visit.patch(
        place,
        name="Plain no more",
        domains=["plain.contract.example", "more.contract.example"],
        sync_user_attributes=False,
        disable_additional_identifications=True,
        allow_organization_account_linking=True,
        organization_id=organization_id,
        saml={
            **IDP,
            "name": "Plain, by SAML",
            "idp_metadata_url": "https://idp.contract.example/metadata.xml",
            "idp_metadata": metadata(),
            "attribute_mapping": MAPPING | {"user_id": None},
            "allow_subdomains": True,
            "allow_idp_initiated": True,
            "force_authn": True,
            "login_hint": {"mode": "off"},
        },
        custom_attributes=[ATTRIBUTE],
    )
    await visit.patch(place, active=True)
    nothing = dict.fromkeys(("name", "domains", "active", "organization_id", "saml", "oidc"))
    await visit.patch(place, **nothing, custom_attributes=None, sync_user_attributes=None)
    await visit.patch(place, domains=[], saml={"idp_metadata_url": ""}, oidc={"client_id": "ignored"})
    await visit.refused(
        "422 saml_connection_cant_be_activated", f"PATCH {place}", saml={"idp_certificate": ""}
    )


async def refused_connections(visit: Visit, place: str, saml_id: str) -> None:
    """What is not taken of a connection."""
    least = {"name": "No", "provider": "saml_custom", "domains": ["no.contract.example"]}
    create = f"POST {CONNECTIONS}"
    await visit.refused("422 form_param_missing", create)
    await visit.refused("422 form_param_missing", create, **least | {"domains": []})
    await visit.refused("422 form_param_unknown", create, **least, favourite_colour="blue")
    await visit.refused("422 form_param_value_invalid", create, **least | {"provider": "saml_elsewhere"})
    await visit.refused("422 form_param_format_invalid", create, **least | {"domains": ["localhost"]})
    await visit.refused("422 form_identifier_exists", create, **least | {"domains": ["acme.example"]})
    await visit.refused("422 form_identifier_exists", f"POST {SAML}", **least | {"domains": ["acme.example"]})
    await visit.refused("404 resource_not_found", create, **least, organization_id="org_none")
    await visit.refused("422 saml_connection_cant_be_activated", create, **least, active=True)
    unread, lacks = "422 saml_failed_to_parse_idp_metadata", "422 saml_metadata_missing_fields"
    for document in ("no XML", "<a/>", '<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>', metadata(signing="none")):
        await visit.refused(unread, create, **least, saml={"idp_metadata": document})
    await visit.refused(lacks, create, **least, saml={"idp_metadata": metadata(signing="")})
    wrong = "422 form_param_format_invalid"
    await visit.refused(wrong, create, **least, saml={"idp_certificate": "no certificate"})
    await visit.refused(wrong, create, **least, saml={"idp_sso_url": "idp.contract.example"})
    await visit.refused("422 form_param_unknown", create, **least, saml={"favourite_colour": "blue"})
    hint = {"login_hint": {"mode": "custom_attribute"}}
    await visit.refused("422 form_conditional_param_missing", create, **least, saml=hint)
    await visit.refused(wrong, create, **least, custom_attributes=[ATTRIBUTE | {"key": "_hidden"}])
    two = [ATTRIBUTE | {"directory_path": "urn:other"}]
    await visit.refused("422 form_param_value_conflict", create, **least, custom_attributes=two)
    await visit.refused("404 resource_not_found", f"PATCH {place}", organization_id="org_none")
    await visit.refused("422 form_identifier_exists", f"PATCH {place}", domains=["more.contract.example"])
    await visit.refused("422", f"GET {CONNECTIONS}", active="perhaps")
    await visit.refused("404 resource_not_found", f"GET {CONNECTIONS}/{saml_id}")


async def oidc_connections(visit: Visit) -> None:
    """Connections by OpenID Connect, whose older view there is none of."""
    client = {"client_id": "client", "client_secret": "a secret", "requires_pkce": False}
    urls = {
        "discovery_url": "https://idp.contract.example/.well-known/openid-configuration",
        "auth_url": "https://idp.contract.example/authorize",
        "token_url": "https://idp.contract.example/token",
        "user_info_url": "https://idp.contract.example/userinfo",
    }
    for provider in ("oidc_custom", "oidc_github_enterprise", "oidc_gitlab"):
        name = provider.replace("_", "-")
        made = await visit.post(
            CONNECTIONS,
            name=name,
            provider=provider,
            domains=[f"{name}.contract.example"],
            active=True,
            oidc=client | urls,
        )
    place = f"{CONNECTIONS}/{made['id']}"
    await visit.patch(place, oidc=client | urls | {"requires_pkce": True, "client_secret": None})
    await visit.patch(
        place, oidc={"client_secret": "", "user_info_url": None}, saml={"idp_sso_url": "ignored"}
    )
    public = "422 form_public_client_requires_pkce"
    await visit.refused(public, f"PATCH {place}", oidc={"requires_pkce": False})
    lacking = "422 form_conditional_param_missing"
    await visit.refused(lacking, f"PATCH {place}", oidc={"client_id": ""})
    await visit.refused(lacking, f"PATCH {place}", oidc={"discovery_url": "", "token_url": ""})
    wrong = "422 form_param_format_invalid"
    await visit.refused(wrong, f"PATCH {place}", oidc={"auth_url": "javascript:alert(1)"})
    least = {"name": "Public", "provider": "oidc_custom", "domains": ["public.contract.example"]}
    await visit.refused(public, f"POST {CONNECTIONS}", **least, active=True, oidc=urls | {"client_id": "x"})


async def saml_connections(visit: Visit) -> None:
    """The older view, and what it shows of what was made through the newer one."""
    team = await visit.post("/organizations", name="Older")
    full = await visit.post(
        SAML,
        name="Older view",
        provider="saml_microsoft",
        domain="older.contract.example",
        domains=["old.contract.example"],
        **IDP,
        idp_metadata_url="https://idp.contract.example/metadata.xml",
        idp_metadata=metadata(),
        organization_id=team["id"],
        attribute_mapping=MAPPING,
        force_authn=True,
        login_hint=HINT,
    )
    nothing = dict.fromkeys(
        (*IDP, "idp_metadata", "idp_metadata_url", "organization_id", "attribute_mapping")
    )
    await visit.post(
        SAML, name="Least", provider="saml_google", domains=["least.contract.example"], **nothing
    )
    place = f"{SAML}/{full['id']}"
    await visit.get(SAML)
    await visit.get(SAML, limit="1", offset="1", query="older", order_by="+created_at")
    await visit.get(SAML, organization_id=[team["id"], f"-{team['id']}"], order_by="-username")
    await visit.get(place)
    await visit.get(f"{CONNECTIONS}/{full['enterprise_connection_id']}")
    await visit.patch(
        place,
        name="Older, changed",
        domain="older.contract.example",
        domains=["changed.contract.example"],
        **IDP,
        idp_metadata_url=None,
        idp_metadata=None,
        organization_id=team["id"],
        attribute_mapping={"user_id": "other"},
        active=True,
        sync_user_attributes=False,
        allow_subdomains=True,
        allow_idp_initiated=True,
        disable_additional_identifications=True,
        allow_organization_account_linking=True,
        force_authn=False,
        login_hint={"mode": "email_address"},
        consent_verified_domains_deletion=True,
    )
    await visit.patch(place, **dict.fromkeys(("name", "domain", "domains", "active", "login_hint")))
    await refused_saml_connections(visit, place, team["id"])
    await visit.delete(place)
    for method in ("GET", "PATCH", "DELETE"):
        await visit.refused("404 resource_not_found", f"{method} {place}")
    await visit.refused("404 resource_not_found", f"GET {CONNECTIONS}/{full['enterprise_connection_id']}")


async def refused_saml_connections(visit: Visit, place: str, organization_id: str) -> None:
    """What is not taken of a connection in the older view."""
    least = {"name": "No", "provider": "saml_custom"}
    await visit.refused("422 form_param_missing", f"POST {SAML}", **least)
    await visit.refused("422 form_param_format_invalid", f"POST {SAML}", **least, domain="no domain")
    await visit.refused("404 resource_not_found", f"PATCH {place}", organization_id="org_none")
    await visit.refused("422 form_param_type_invalid", f"PATCH {place}", force_authn="yes")
    await visit.refused("422", f"GET {SAML}", order_by="favourite_colour")
    await visit.patch(place, active=False)
    domains = f"/organizations/{organization_id}/domains"
    await visit.post(domains, name="older.contract.example", enrollment_mode="automatic_invitation")
    enrolling = "422 organization_domain_exists_for_enrollment"
    await visit.refused(enrolling, f"PATCH {place}", active=True)
    await visit.refused(enrolling, f"PATCH {place}", active=True, consent_verified_domains_deletion=False)
    await visit.patch(place, active=True, consent_verified_domains_deletion=True)
    used = "422 organization_domain_exists_for_enterprise_connection"
    enrol = {"name": "older.contract.example", "enrollment_mode": "automatic_suggestion"}
    await visit.refused(used, f"POST {domains}", **enrol)


async def admin_portal_links(visit: Visit) -> None:
    """Links to the portal for administrators of customers."""
    tokens = "/admin_portal_link_tokens"
    team = await visit.post("/organizations", name="Portal")
    full = await visit.post(
        tokens,
        organization_id=team["id"],
        it_contact_id="it@contract.example",
        scopes=["admin_portal:read"],
        seconds_until_expiration=86_400,
    )
    plain = await visit.post(tokens)
    await visit.post(f"{tokens}/{full['id']}/revoke", revocation_reason="No longer needed")
    await visit.post(f"{tokens}/{plain['id']}/revoke", revocation_reason=None)
    await visit.post(f"{tokens}/{plain['id']}/revoke")
    await visit.refused("404 resource_not_found", f"POST {tokens}/aplt_none/revoke")
    await visit.refused("400 bad_request", f"POST {tokens}", organization_id="org_none")
    await visit.refused("422 form_param_value_invalid", f"POST {tokens}", seconds_until_expiration=0)
    await visit.refused("422 form_param_min_length_exceeded", f"POST {tokens}", it_contact_id="")
    await visit.refused("422 form_param_unknown", f"POST {tokens}", favourite_colour="blue")


ENTERPRISE_JOURNEYS = (enterprise_connections, oidc_connections, saml_connections, admin_portal_links)
