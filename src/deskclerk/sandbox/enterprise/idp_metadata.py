"""What an identity provider says of itself: SAML metadata, and the certificate that it signs with."""

import base64
import binascii
import re
from dataclasses import dataclass
from xml.etree.ElementTree import Element, ParseError, TreeBuilder, XMLParser

from cryptography import x509

from deskclerk.sandbox.http.errors import Refusal, refusal

LONGEST = 2**19
"""Characters; that of real identity providers is a few thousand long."""
_METADATA = "{urn:oasis:names:tc:SAML:2.0:metadata}"
_SIGNATURE = "{http://www.w3.org/2000/09/xmldsig#}"
_BINDINGS = [f"urn:oasis:names:tc:SAML:2.0:bindings:HTTP-{name}" for name in ("Redirect", "POST")]
_PEM = re.compile(r"-----BEGIN CERTIFICATE-----(.+?)-----END CERTIFICATE-----", re.DOTALL)


class _Plain(TreeBuilder):
    """A tree of a document without a document type, which is where entities would be declared."""

    def doctype(self, name: str, _pubid: str | None, _system: str | None) -> None:
        raise ValueError(f"the document has a document type, {name}")


@dataclass(frozen=True, slots=True)
class Validity:
    """From when until when a certificate is valid, in milliseconds since the epoch."""

    begins: int
    ends: int


def validity(certificate: str) -> Validity:
    """When an X.509 certificate is valid, given as PEM or as the base64 inside it; else ValueError."""
    found = _PEM.search(certificate)
    text = "".join((found[1] if found else certificate).split())
    try:
        parsed = x509.load_der_x509_certificate(base64.b64decode(text, validate=True))
    except binascii.Error as error:
        raise ValueError(str(error)) from None
    times = (parsed.not_valid_before_utc, parsed.not_valid_after_utc)
    return Validity(*(round(time.timestamp() * 1000) for time in times))


def read_metadata(text: str) -> dict[str, str]:
    """The identity provider's id, where it takes sign-ins, and its certificate."""
    provider = _provider(text)
    found = {
        "idp_entity_id": provider.get("entityID", "").strip(),
        "idp_sso_url": _sign_in_url(provider),
        "idp_certificate": _certificate(provider),
    }
    if lacking := [name for name, value in found.items() if not value]:
        text = f"The metadata lacks {', '.join(lacking)}."
        raise refusal("saml_metadata_missing_fields", "metadata lacks required fields", text)
    try:
        validity(found["idp_certificate"])
    except ValueError:
        raise _unreadable("Its certificate is no X.509 certificate.") from None
    return found


def _provider(text: str) -> Element:
    """The first entity that is an identity provider: a document may tell of several entities."""
    if len(text) > LONGEST:
        raise _unreadable(f"It is longer than {LONGEST} characters.")
    # Without document types nothing in it can grow or refer to anything outside.
    parser = XMLParser(target=_Plain())  # noqa: S314
    try:
        parser.feed(text)
        root: Element = parser.close()
    except (ParseError, ValueError) as error:
        raise _unreadable(f"It cannot be read: {error}.") from None
    for entity in root.iter(f"{_METADATA}EntityDescriptor"):
        if entity.find(f"{_METADATA}IDPSSODescriptor") is not None:
            return entity
    raise _unreadable("It describes no identity provider.")


def _sign_in_url(provider: Element) -> str:
    services = provider.findall(f"{_METADATA}IDPSSODescriptor/{_METADATA}SingleSignOnService")
    by_binding = {item.get("Binding"): item.get("Location", "").strip() for item in services}
    return next((by_binding[name] for name in _BINDINGS if by_binding.get(name)), "")


def _certificate(provider: Element) -> str:
    for key in provider.findall(f"{_METADATA}IDPSSODescriptor/{_METADATA}KeyDescriptor"):
        # A key without a use is for everything; those for encryption sign nothing.
        if key.get("use", "signing") == "signing":
            for certificate in key.iter(f"{_SIGNATURE}X509Certificate"):
                return "".join((certificate.text or "").split())
    return ""


def _unreadable(text: str) -> Refusal:
    return refusal("saml_failed_to_parse_idp_metadata", "metadata cannot be read", text)
