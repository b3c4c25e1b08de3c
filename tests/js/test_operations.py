"""Clerk's official JavaScript client goes the ways through the sandbox, with every method it has for them."""

import asyncio

import httpx2
import pytest

from deskclerk.sandbox.http.routes import HANDLERS
from tests.contract.journeys import JOURNEYS
from tests.contract.sdk_visit import REFUSED
from tests.contract.served import served
from tests.contract.visit import HEADERS
from tests.js.js_visit import JsVisit, bridge, route_of

SERVED = {route_of(str(route.method), route.path) for route in HANDLERS}
MISSING = {
    "ActorToken.token": "Only where it is new.",
    "ActorToken.url": "Only where it is new.",
    "AgentTask.url": "Only where it is new.",
    "AllowlistIdentifier.invitationId": "Nobody was notified.",
    "BillingSubscriptionItem.amount": "The document has it of a change of price alone.",
    "BillingSubscriptionItem.seats": "Plans have no seats.",
    "EnterpriseConnection.allowSubdomains": "The document has it of the SAML half alone.",
    "EnterpriseConnectionCustomAttribute.scimPath": "Only where it was given.",
    "EnterpriseConnectionCustomAttribute.ssoPath": "Only where it was given.",
    "EnterpriseConnectionSamlConnection.idpCertificate": "Only where there is one.",
    "EnterpriseConnectionSamlConnection.idpCertificateExpiresAt": "Only where there is one.",
    "EnterpriseConnectionSamlConnection.idpCertificateIssuedAt": "Only where there is one.",
    "EnterpriseConnectionSamlConnection.idpMetadata": "Only where it was given.",
    "EnterpriseConnectionSamlConnection.syncUserAttributes": "The document has it of the connection itself.",
    "EnterpriseConnectionSamlConnectionLoginHint.source": "Only of a custom attribute.",
    "ExternalAccount.externalAccountId": "The document does not have it.",
    "InstanceRestrictions.ignoreDotsForGmailAddresses": "The document does not have it.",
    "Invitation.url": "Only while it is pending.",
    "Machine.secretKey": "Only where it is new.",
    "MachineScope.deleted": "Only where it is deleted.",
    "OAuthApplication.clientSecret": "Only where it is new.",
    "OauthAccessToken.idToken": "Only where the provider gave one.",
    "OauthAccessToken.tokenSecret": "Of OAuth 1 alone.",
    "Organization.createdBy": "Nobody in particular made it.",
    "Organization.membersCount": "Only where it is asked for.",
    "OrganizationInvitation.publicOrganizationData": "Only in the list of who is invited.",
    "OrganizationSettings.maxAllowedPermissions": "The document calls it deprecated.",
    "SignInToken.token": "Only where it is new.",
    "SignInToken.url": "Only where it is new.",
}
"""Fields that the client looks for, where an answer rightly has nothing for them."""
PLAIN = {
    "jwks.getJwks: none",
    "organizations.createOrganizationDomain: organization_domain",
    "organizations.getOrganizationDomainList: organization_domain",
    "organizations.updateOrganizationDomain: organization_domain",
    "testingTokens.createTestingToken: testing_token",
    "users.deleteUserBackupCodes: none",
    "users.deleteUserTOTP: none",
    "users.disableUserMFA: none",
    "users.verifyPassword: none",
    "users.verifyTOTP: none",
}
"""What the client makes no object of its own of, whoever answers: it has no class for these kinds."""


async def satellites(visit):
    """The client has two methods that take a domain away."""
    for name in ("one", "two"):
        made = await visit.post("/domains", name=f"{name}.js.example", is_satellite=True)
        await visit.delete(f"/domains/{made['id']}")


@pytest.fixture(scope="module")
def visit(tmp_path_factory):
    async def go(address):
        async with httpx2.AsyncClient(base_url=address, headers=HEADERS) as http, bridge(address) as client:
            visit = JsVisit(http, bridge=client)
            for journey in (*JOURNEYS, satellites):
                await journey(visit)
            return visit

    with served(tmp_path_factory.mktemp("js") / "sandbox.db") as address:
        return asyncio.run(go(address))


@pytest.fixture(scope="module")
def calls(visit):
    """The client's methods by route, of what the sandbox serves."""
    return {route: names for route, names in visit.bridge.calls.items() if route in SERVED}


@pytest.mark.promise("sandbox-is-clerk-to-sdks")
def test_every_method_reaches_the_route_that_the_sandbox_serves_for_it(visit, calls):
    wanted = {(route, name) for route, names in calls.items() for name in names}
    refused = {route_of(*route) for route in REFUSED}
    assert {route for route, _ in wanted - visit.made} == refused & calls.keys()


def test_the_client_has_as_many_methods_as_are_known(visit, calls):
    assert (visit.bridge.methods, len(visit.bridge.calls), len(calls)) == (192, 191, 166)
    # It wants a list of messages, and what it sends them to is not served.
    assert visit.bridge.silent == ["emails.createBatch"]


@pytest.mark.promise("sandbox-is-clerk-to-sdks")
def test_the_client_reads_every_answer(visit):
    assert visit.not_understood == []
    assert visit.missing == MISSING.keys()
    assert visit.plain == PLAIN


def test_what_the_client_asks_for_is_taken(visit):
    assert [
        f"{exchange.method} {exchange.path}: {exchange.outcome}"
        for exchange in visit.exchanges
        if not exchange.is_expected
    ] == []


def test_what_the_client_asks_for_is_what_was_asked(visit):
    # A new domain of an organization is verified unless it says otherwise.
    assert visit.added == {"paginated=true", "verified"}
    # It asks for no page of redirect URLs or of a provider's tokens, and of an organization for nothing but
    # the number of members.
    assert visit.unsaid == {
        "GET /v1/redirect_urls",
        "GET /v1/organizations/{}",
        "GET /v1/users/{}/oauth_access_tokens/{}",
    }
