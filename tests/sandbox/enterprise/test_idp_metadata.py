"""Papers of identity providers: read safely, or refused."""

import pytest

from tests.contract.identity_provider import (
    BEGINS,
    ENDS,
    ENTITY_ID,
    POST_URL,
    SSO_URL,
    base64_of,
    certificate,
    metadata,
)

pytestmark = pytest.mark.anyio

SAML = "/saml_connections"
UNREAD = (422, "saml_failed_to_parse_idp_metadata", None)
LAUGHS = """<!DOCTYPE lolz [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;"><!ENTITY c "&b;&b;&b;&b;">]>
<EntityDescriptor xmlns="urn:oasis:names:tc:SAML:2.0:metadata" entityID="&c;"/>"""
OUTSIDE = """<!DOCTYPE x [<!ENTITY file SYSTEM "file:///etc/hostname">]>
<EntityDescriptor xmlns="urn:oasis:names:tc:SAML:2.0:metadata" entityID="x">&file;</EntityDescriptor>"""


def body(**more):
    return {"name": "Acme", "provider": "saml_custom", "domains": ["acme.example"], **more}


async def test_metadata_is_read_and_has_the_last_word(clerk):
    beside = {"idp_entity_id": "https://elsewhere.example", "idp_certificate": "none"}
    made = await clerk.post(SAML, body(**beside, idp_metadata=metadata()))
    assert (made["idp_entity_id"], made["idp_sso_url"]) == (ENTITY_ID, SSO_URL)
    assert made["idp_certificate"] == base64_of(certificate())
    assert made["idp_metadata"] == metadata()
    times = [made["idp_certificate_issued_at"], made["idp_certificate_expires_at"]]
    assert times == [round(time.timestamp() * 1000) for time in (BEGINS, ENDS)]


async def test_where_people_are_sent_comes_before_where_they_are_posted(clerk):
    made = await clerk.post(SAML, body(idp_metadata=metadata(sso_url="")))
    assert made["idp_sso_url"] == POST_URL
    refused = (422, "form_param_format_invalid", "idp_sso_url")
    document = metadata(sso_url="javascript:alert(1)")
    place = f"{SAML}/{made['id']}"
    assert await clerk.refused("PATCH", place, json={"idp_metadata": document}) == refused


async def test_a_document_may_tell_of_several_entities(clerk):
    entity = metadata().partition("?>")[2]
    beside = (
        '<md:EntityDescriptor entityID="https://service.example"><md:SPSSODescriptor/></md:EntityDescriptor>'
    )
    space = 'xmlns:md="urn:oasis:names:tc:SAML:2.0:metadata"'
    text = f"<md:EntitiesDescriptor {space}>{beside}{entity}</md:EntitiesDescriptor>"
    assert (await clerk.post(SAML, body(idp_metadata=text)))["idp_entity_id"] == ENTITY_ID


@pytest.mark.parametrize(
    "document",
    [
        "no XML",
        "<open>",
        "<a/>",
        LAUGHS,
        OUTSIDE,
        f"<!DOCTYPE x>{metadata().partition('?>')[2]}",
        metadata(signing="bm90IGEgY2VydGlmaWNhdGU="),
        "<a>" * 60_000 + "</a>" * 60_000,
        f"{metadata()}<!--{'x' * 2**19}-->",
    ],
    ids=["text", "open", "other", "entities", "outside", "doctype", "certificate", "deep", "long"],
)
async def test_what_cannot_be_read_safely_is_refused(shared, document):
    assert await shared.refused("POST", SAML, json=body(idp_metadata=document)) == UNREAD


@pytest.mark.parametrize("lacks", [{"entity_id": ""}, {"sso_url": "", "post_url": ""}, {"signing": ""}])
async def test_metadata_names_what_it_lacks(shared, lacks):
    refused = await shared.refused("POST", SAML, json=body(idp_metadata=metadata(**lacks)))
    assert refused == (422, "saml_metadata_missing_fields", None)


async def test_a_certificate_is_taken_with_its_frame_and_without(clerk):
    made = await clerk.post(SAML, body(idp_certificate=certificate()))
    times = {name: made[f"idp_certificate_{name}"] for name in ("issued_at", "expires_at")}
    assert made["idp_certificate"] == certificate().strip()
    changed = await clerk.patch(f"{SAML}/{made['id']}", {"idp_certificate": base64_of(certificate())})
    assert {name: changed[f"idp_certificate_{name}"] for name in times} == times
    gone = await clerk.patch(f"{SAML}/{made['id']}", {"idp_certificate": ""})
    assert [gone[f"idp_certificate{end}"] for end in ("", "_issued_at", "_expires_at")] == [None] * 3


@pytest.mark.parametrize("text", ["none", "bm90IGEgY2VydGlmaWNhdGU=", "-----BEGIN CERTIFICATE-----\nä\n"])
async def test_what_is_no_certificate_is_refused(shared, text):
    refused = (422, "form_param_format_invalid", "idp_certificate")
    assert await shared.refused("POST", SAML, json=body(idp_certificate=text)) == refused


@pytest.mark.parametrize("url", ["idp.example/sso", "ftp://idp.example", "javascript:alert(1)", "https://"])
@pytest.mark.parametrize("name", ["idp_sso_url", "idp_metadata_url"])
async def test_what_is_no_address_is_refused(shared, name, url):
    refused = (422, "form_param_format_invalid", name)
    assert await shared.refused("POST", SAML, json=body(**{name: url})) == refused
