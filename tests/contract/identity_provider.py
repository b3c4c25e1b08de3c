"""An identity provider's own papers, made up: its certificate and its metadata."""

import base64
import datetime as dt
import functools

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

BEGINS = dt.datetime(2025, 1, 31, 9, 30, tzinfo=dt.UTC)
ENDS = BEGINS + dt.timedelta(days=3650)
ENTITY_ID = "https://idp.contract.example/metadata"
SSO_URL = "https://idp.contract.example/sso?app=1"
POST_URL = "https://idp.contract.example/post"


@functools.cache
def certificate() -> str:
    """A certificate as PEM."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "idp.contract.example")])
    made = x509.CertificateBuilder(name, name, key.public_key(), 7, BEGINS, ENDS).sign(key, SHA256())
    return made.public_bytes(Encoding.PEM).decode()


def base64_of(pem: str) -> str:
    """What stands inside a certificate's PEM, without line breaks."""
    der = x509.load_pem_x509_certificate(pem.encode()).public_bytes(Encoding.DER)
    return base64.b64encode(der).decode()


def metadata(
    entity_id: str = ENTITY_ID, sso_url: str = SSO_URL, post_url: str = POST_URL, signing: str | None = None
) -> str:
    """The metadata of an identity provider that can also sign out, and encrypts with another key."""
    key = (
        "<ds:KeyInfo><ds:X509Data><ds:X509Certificate>\n{}\n</ds:X509Certificate></ds:X509Data></ds:KeyInfo>"
    )
    signs = base64_of(certificate()) if signing is None else signing
    binding = "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-"
    return f"""<?xml version="1.0" encoding="UTF-8"?>
<md:EntityDescriptor xmlns:md="urn:oasis:names:tc:SAML:2.0:metadata"
    xmlns:ds="http://www.w3.org/2000/09/xmldsig#" entityID="{entity_id}">
  <md:IDPSSODescriptor protocolSupportEnumeration="urn:oasis:names:tc:SAML:2.0:protocol">
    <md:KeyDescriptor use="encryption">{key.format("bm90IGZvciBzaWduaW5n")}</md:KeyDescriptor>
    <md:KeyDescriptor use="signing">{key.format(signs)}</md:KeyDescriptor>
    <md:SingleLogoutService Binding="{binding}Redirect" Location="https://idp.contract.example/out"/>
    <md:SingleSignOnService Binding="{binding}POST" Location="{post_url}"/>
    <md:SingleSignOnService Binding="{binding}Redirect" Location="{sso_url}"/>
  </md:IDPSSODescriptor>
</md:EntityDescriptor>"""
