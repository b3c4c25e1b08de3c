"""Enterprise connections, and their older view as SAML connections."""

import hashlib

import pytest

from deskclerk.sandbox import KEY
from deskclerk.sandbox.controls.clock import Nothing
from deskclerk.sandbox.controls.data import Reset, reset, restore, snapshot
from deskclerk.sandbox.store.tables import oidc_connections
from tests.contract.identity_provider import ENTITY_ID, SSO_URL, certificate, metadata

pytestmark = pytest.mark.anyio

CONNECTIONS, SAML = "/enterprise_connections", "/saml_connections"
IDP = {"idp_entity_id": ENTITY_ID, "idp_sso_url": SSO_URL, "idp_certificate": certificate()}


async def connect(clerk, **body):
    """A new connection; by SAML for acme.example if nothing else is said."""
    body = {"name": "Acme", "provider": "saml_custom", "domains": ["acme.example"], **body}
    status, answer = await clerk.ask("POST", CONNECTIONS, json=body)
    assert status == 201, answer
    return answer


def place(connection):
    return f"{CONNECTIONS}/{connection['id']}"


def older(connection):
    return f"{SAML}/{connection['saml_connection']['id']}"


async def test_what_is_set_up_is_read_again(clerk):
    attributes = [{"name": "Level", "key": "level", "scim_path": "urn:level", "multi_valued": True}]
    made = await connect(clerk, saml={**IDP, "allow_idp_initiated": True}, custom_attributes=attributes)
    assert await clerk.get(place(made)) == made
    assert made["custom_attributes"] == [{**attributes[0], "directory_path": "urn:level"}]
    saml = made["saml_connection"]
    assert (saml["idp_entity_id"], saml["idp_sso_url"], saml["allow_idp_initiated"]) == (
        ENTITY_ID,
        SSO_URL,
        True,
    )
    assert saml["acs_url"].endswith(f".clerk.accounts.dev/v1/saml/acs/{saml['id']}")
    assert (made["active"], made["oauth_config"]) == (False, None)


async def test_a_saml_connection_is_a_view_of_an_enterprise_connection(clerk):
    made = await connect(clerk, saml=IDP)
    seen = await clerk.get(older(made))
    assert seen["enterprise_connection_id"] == made["id"]
    assert (seen["domain"], seen["domains"], seen["idp_certificate"]) == (
        "acme.example",
        ["acme.example"],
        certificate().strip(),
    )
    await clerk.patch(older(made), {"active": True, "name": "Changed", "sync_user_attributes": False})
    again = await clerk.get(place(made))
    assert (again["active"], again["name"], again["sync_user_attributes"]) == (True, "Changed", False)
    assert (again["saml_connection"]["active"], again["saml_connection"]["name"]) == (True, "Changed")


@pytest.mark.parametrize("view", [place, older])
async def test_what_is_deleted_in_one_view_is_gone_in_both(clerk, view):
    made = await connect(clerk)
    await clerk.delete(view(made))
    for path in (place(made), older(made), f"{place(made)}/test_runs"):
        assert (await clerk.refused("GET", path))[:2] == (404, "resource_not_found")
    for path in (CONNECTIONS, SAML):
        assert (await clerk.get(path))["total_count"] == 0
    assert await connect(clerk)  # the domain is free again


async def test_a_connection_by_oidc_has_no_older_view(clerk):
    made = await connect(clerk, provider="oidc_custom", oidc={"client_id": "x", "client_secret": "s3cret"})
    assert (await clerk.get(SAML))["total_count"] == 0
    assert made["saml_connection"] is None
    assert made["oauth_config"]["client_id"] == "x"


async def test_the_secret_of_a_client_is_kept_as_its_digest_and_shown_nowhere(clerk):
    made = await connect(clerk, provider="oidc_custom", oidc={"client_id": "x", "client_secret": "s3cret"})
    assert "s3cret" not in str(await clerk.get(place(made)))
    async with clerk.sandbox.store.transaction(reads=True) as connection:
        (kept,) = (await connection.execute(oidc_connections.select())).mappings().all()
    assert kept["client_secret_digest"] == hashlib.sha256(b"s3cret").hexdigest()
    assert "s3cret" not in str(kept)
    # It is still there, or a client without PKCE could not be turned on.
    addresses = {"auth_url": "https://idp.example/auth", "token_url": "https://idp.example/token"}
    assert (await clerk.patch(place(made), {"active": True, "oidc": addresses}))["active"]


async def test_a_client_without_a_secret_needs_pkce(clerk):
    oidc = {"client_id": "x", "discovery_url": "https://idp.example/.well-known/openid-configuration"}
    made = await connect(clerk, provider="oidc_custom", oidc=oidc)
    needs = (422, "form_public_client_requires_pkce", "oidc.requires_pkce")
    assert await clerk.refused("PATCH", place(made), json={"active": True}) == needs
    assert await clerk.refused("PATCH", place(made), json={"oidc": {"requires_pkce": False}}) == needs
    changed = await clerk.patch(place(made), {"active": True, "oidc": {"requires_pkce": True}})
    assert (changed["active"], changed["oauth_config"]["requires_pkce"]) == (True, True)


async def test_a_connection_cannot_be_turned_on_before_its_identity_provider_is_known(clerk):
    made = await connect(clerk, saml={"idp_entity_id": ENTITY_ID, "idp_sso_url": SSO_URL})
    refused = (422, "saml_connection_cant_be_activated", None)
    for path in (place(made), older(made)):
        assert await clerk.refused("PATCH", path, json={"active": True}) == refused
    await clerk.patch(older(made), {"active": True, "idp_certificate": certificate()})
    # Nor can it lose, while it is on, what it needs for that.
    assert await clerk.refused("PATCH", older(made), json={"idp_sso_url": ""}) == refused
    assert (await clerk.get(older(made)))["idp_sso_url"] == SSO_URL


async def test_an_address_of_metadata_is_kept_and_enough_to_be_turned_on(clerk):
    address = "https://idp.contract.example/metadata.xml"
    made = await connect(clerk, active=True, saml={"idp_metadata_url": address})
    assert (made["active"], made["saml_connection"]["idp_metadata_url"]) == (True, address)


async def test_a_domain_belongs_to_one_connection_in_either_view(clerk):
    await connect(clerk, domains=["Acme.Example", "other.example"])
    taken = (422, "form_identifier_exists", "domains")
    body = {"name": "Second", "provider": "saml_okta", "domains": ["OTHER.example"]}
    assert await clerk.refused("POST", CONNECTIONS, json=body) == taken
    assert await clerk.refused("POST", SAML, json={**body, "domain": "acme.example", "domains": []}) == taken
    assert (await clerk.get(CONNECTIONS))["total_count"] == 1
    second = await connect(clerk, domains=["second.example"])
    assert await clerk.refused("PATCH", place(second), json={"domains": ["acme.example"]}) == taken
    assert (await clerk.get(place(second)))["domains"] == ["second.example"]


async def test_domains_are_replaced_as_a_whole_and_in_their_order(clerk):
    made = await connect(clerk, domains=["b.example", "a.example", "B.example"])
    assert made["domains"] == ["b.example", "a.example"]
    changed = await clerk.patch(place(made), {"domains": ["c.example", "b.example"]})
    assert changed["domains"] == ["c.example", "b.example"]
    assert (await clerk.patch(place(made), {"domains": []}))["domains"] == ["c.example", "b.example"]
    assert (await clerk.patch(older(made), {"domain": "d.example"}))["domains"] == ["d.example"]
    await connect(clerk, domains=["c.example"])


@pytest.mark.parametrize(
    "name",
    ["", "localhost", "acme", "192.168.0.1", "a..example", "-a.example", "a.example:80", "ä.example"],
)
async def test_a_domain_is_fully_qualified(shared, name):
    body = {"name": "Acme", "provider": "saml_custom", "domains": ["fine.example", name]}
    refused = (422, "form_param_format_invalid", "domains")
    assert await shared.refused("POST", CONNECTIONS, json=body) == refused


async def test_lists_are_filtered_and_newest_first(clerk, clock):
    first = await clerk.post("/organizations", {"name": "First"})
    second = await clerk.post("/organizations", {"name": "Second"})
    made = []
    for name, organization, active in (
        ("Zeta", first, True),
        ("Beta", second, False),
        ("BETA two", None, False),
    ):
        made.append(
            await connect(
                clerk,
                name=name,
                domains=[f"{len(made)}.example"],
                organization_id=organization and organization["id"],
                active=active,
                saml=IDP,
            )
        )
        clock.advance(1000)
    oidc = await connect(clerk, provider="oidc_gitlab", domains=["gitlab.example"])

    async def listed(path, **query):
        return [item["name"] for item in (await clerk.get(path, query))["data"]]

    assert await listed(CONNECTIONS) == [oidc["name"], "BETA two", "Beta", "Zeta"]
    assert await listed(CONNECTIONS, active="true") == ["Zeta"]
    assert await listed(CONNECTIONS, active="false", limit=1, offset=1) == ["BETA two"]
    assert await listed(CONNECTIONS, organization_id=second["id"]) == ["Beta"]
    assert await listed(SAML) == ["BETA two", "Beta", "Zeta"]
    assert await listed(SAML, order_by="created_at") == ["Zeta", "Beta", "BETA two"]
    assert await listed(SAML, query="beta") == ["BETA two", "Beta"]
    assert await listed(SAML, query="%") == []
    assert await listed(SAML, organization_id=[first["id"], f"+{second['id']}"]) == ["Beta", "Zeta"]
    assert await listed(SAML, organization_id=f"-{second['id']}") == ["BETA two", "Zeta"]
    assert (await clerk.get(SAML, {"limit": 1}))["total_count"] == 3


async def test_an_organization_is_linked_never_unlinked_and_has_any_number_of_connections(clerk):
    team = await clerk.post("/organizations", {"name": "Acme"})
    made = await connect(clerk, organization_id=team["id"])
    await connect(clerk, organization_id=team["id"], domains=["more.example"])
    for path in (place(made), older(made)):
        assert (await clerk.patch(path, {"organization_id": None}))["organization_id"] == team["id"]
    await clerk.delete(f"/organizations/{team['id']}")
    assert (await clerk.get(place(made)))["organization_id"] is None


async def test_turning_a_connection_on_takes_its_domains_from_enrolment(clerk):
    team = await clerk.post("/organizations", {"name": "Acme"})
    domains = f"/organizations/{team['id']}/domains"
    for name, mode in (("acme.example", "automatic_suggestion"), ("by-hand.example", "manual_invitation")):
        await clerk.post(domains, {"name": name, "enrollment_mode": mode})
    made = await connect(clerk, domains=["acme.example", "by-hand.example"], saml=IDP)
    refused = (422, "organization_domain_exists_for_enrollment", None)
    assert await clerk.refused("PATCH", older(made), json={"active": True}) == refused
    assert not (await clerk.get(place(made)))["active"]
    await clerk.patch(older(made), {"consent_verified_domains_deletion": True})
    assert (await clerk.get(domains))["total_count"] == 2  # it was not turned on
    assert (await clerk.patch(place(made), {"active": True}))["active"]
    assert [item["name"] for item in (await clerk.get(domains))["data"]] == ["by-hand.example"]


async def test_with_consent_the_older_view_turns_on_too(clerk):
    team = await clerk.post("/organizations", {"name": "Acme"})
    domains = f"/organizations/{team['id']}/domains"
    await clerk.post(domains, {"name": "acme.example", "enrollment_mode": "automatic_invitation"})
    made = await connect(clerk, saml=IDP)
    body = {"active": True, "consent_verified_domains_deletion": True}
    assert (await clerk.patch(older(made), body))["active"]
    assert (await clerk.get(domains))["total_count"] == 0


async def test_neither_a_new_connection_nor_a_new_domain_of_one_that_is_on_costs_anybody_a_domain(clerk):
    team = await clerk.post("/organizations", {"name": "Acme"})
    domains = f"/organizations/{team['id']}/domains"
    await clerk.post(domains, {"name": "acme.example", "enrollment_mode": "automatic_invitation"})
    body = {"name": "Acme", "provider": "saml_custom", "active": True, "saml": IDP}
    refused = (422, "organization_domain_exists_for_enrollment", None)
    assert await clerk.refused("POST", CONNECTIONS, json={**body, "domains": ["acme.example"]}) == refused
    made = await connect(clerk, **body, domains=["other.example"])
    assert await clerk.refused("PATCH", place(made), json={"domains": ["acme.example"]}) == refused
    assert (await clerk.get(domains))["total_count"] == 1


async def test_a_domain_of_an_organizations_connection_does_not_enrol_people_into_it(clerk):
    team = await clerk.post("/organizations", {"name": "Acme"})
    await connect(clerk, organization_id=team["id"], active=True, saml=IDP)
    domains = f"/organizations/{team['id']}/domains"
    body = {"name": "acme.example", "enrollment_mode": "automatic_invitation"}
    refused = (422, "organization_domain_exists_for_enterprise_connection", "name")
    assert await clerk.refused("POST", domains, json=body) == refused
    waits = await clerk.post(domains, {**body, "verified": False})
    change = f"{domains}/{waits['id']}"
    assert await clerk.refused("PATCH", change, json={"verified": True}) == refused
    await clerk.patch(change, {"verified": True, "enrollment_mode": "enterprise_sso"})
    assert await clerk.refused("PATCH", change, json={"enrollment_mode": "manual_invitation"}) == refused


async def test_attributes_are_mapped_as_usual_but_for_what_is_given(clerk):
    made = await connect(clerk, saml={"attribute_mapping": {"user_id": "uid", "last_name": None}})
    usual = {"email_address": "mail", "first_name": "givenName", "last_name": "surname"}
    assert (await clerk.get(older(made)))["attribute_mapping"] == {"user_id": "uid", **usual}
    await clerk.patch(place(made), {"saml": {"attribute_mapping": {"last_name": "sn"}}})
    assert (await clerk.get(older(made)))["attribute_mapping"] == {
        **usual,
        "user_id": "uid",
        "last_name": "sn",
    }


async def test_halves_that_a_connection_does_not_have_are_passed_over(clerk):
    made = await connect(clerk, oidc={"client_id": "x"}, saml=None)
    assert made["oauth_config"] is None
    assert (await clerk.patch(place(made), {"oidc": {"client_id": "x"}}))["oauth_config"] is None


@pytest.mark.parametrize(
    ("attribute", "expected"),
    [
        ({"key": "_level"}, (422, "form_param_format_invalid", "custom_attributes.key")),
        ({"key": "le vel"}, (422, "form_param_format_invalid", "custom_attributes.key")),
        ({"key": ""}, (422, "form_param_min_length_exceeded", "custom_attributes.key")),
        ({"colour": "blue"}, (422, "form_param_unknown", "custom_attributes.colour")),
        (
            {"scim_path": "a", "directory_path": "b"},
            (422, "form_param_value_conflict", "custom_attributes.directory_path"),
        ),
    ],
)
async def test_what_is_no_custom_attribute_is_refused(shared, attribute, expected):
    body = {"name": "Acme", "provider": "saml_custom", "domains": ["acme.example"]}
    body["custom_attributes"] = [{"name": "Level", "key": "level", **attribute}]
    assert await shared.refused("POST", CONNECTIONS, json=body) == expected


async def test_nobody_ever_tried_a_connection_here(clerk):
    made = await connect(clerk)
    assert await clerk.get(f"{place(made)}/test_runs") == {"data": [], "total_count": 0}
    refused = (501, "operation_not_served", None)
    assert await clerk.refused("POST", f"{place(made)}/test_runs") == refused


async def test_a_snapshot_holds_connections_and_a_reset_leaves_none(clerk):
    made = await connect(clerk, saml={**IDP, "idp_metadata": metadata()})
    kept = await snapshot(clerk.sandbox.store, Nothing())
    await reset(clerk.sandbox.store, Reset(instance=KEY))
    assert (await clerk.get(CONNECTIONS))["total_count"] == 0
    await restore(clerk.sandbox.store, kept)
    assert await clerk.get(place(made)) == made
