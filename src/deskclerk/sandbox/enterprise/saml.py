"""The SAML half of a connection: what is known of the identity provider, and what it is told of us."""

from collections.abc import Mapping
from typing import Any

from deskclerk.sandbox.enterprise.given import check_urls, set_in, texts_in
from deskclerk.sandbox.enterprise.idp_metadata import read_metadata, validity
from deskclerk.sandbox.http.errors import ill_formed, refusal
from deskclerk.sandbox.http.rows import RowMapping
from deskclerk.sandbox.instance.domains import frontend_url
from deskclerk.sandbox.store.store import Instance

ATTRIBUTES = ("user_id", "email_address", "first_name", "last_name")
NEEDED = ("idp_entity_id", "idp_sso_url", "idp_certificate")
"""What a connection cannot be turned on without."""
DEFAULTS: Mapping[str, Any] = {
    "idp_certificate": None,
    "attribute_mapping": {
        "user_id": "",
        "email_address": "mail",
        "first_name": "givenName",
        "last_name": "surname",
    },
    "allow_subdomains": False,
    "allow_idp_initiated": False,
    "force_authn": False,
    "login_hint": {"mode": "email_address"},
}
_TEXTS = (*NEEDED, "idp_metadata_url", "idp_metadata")
_FLAGS = ("allow_subdomains", "allow_idp_initiated", "force_authn")


def saml_values(body: Mapping[str, Any], before: RowMapping, within: str = "") -> dict[str, Any]:
    """What a body changes in a SAML half that was so before."""
    values: dict[str, Any] = {**texts_in(body, _TEXTS), **set_in(body, _FLAGS)}
    if values.get("idp_metadata"):
        # The document has the last word about what is given beside it.
        values |= read_metadata(values["idp_metadata"])
    check_urls(values, ("idp_sso_url", "idp_metadata_url"), within)
    if "idp_certificate" in values:
        values |= _times(values["idp_certificate"], within)
    mapping = set_in(body.get("attribute_mapping") or {}, ATTRIBUTES)
    if mapping:
        values["attribute_mapping"] = {**before["attribute_mapping"], **mapping}
    if hint := body.get("login_hint"):
        values["login_hint"] = _checked_hint(hint, within)
    return values | (named(body["name"]) if body.get("name") else {})


def named(name: str) -> dict[str, str]:
    """A half's name, also as it is searched for."""
    return {"name": name, "name_folded": name.casefold()}


def _times(certificate: str | None, within: str) -> dict[str, int | None]:
    if certificate is None:
        return {"idp_certificate_issued_at": None, "idp_certificate_expires_at": None}
    try:
        found = validity(certificate)
    except ValueError:
        name = f"{within}idp_certificate"
        raise ill_formed(name, f"{name} must be an X.509 certificate.") from None
    return {"idp_certificate_issued_at": found.begins, "idp_certificate_expires_at": found.ends}


def _checked_hint(hint: Mapping[str, Any], within: str) -> dict[str, Any]:
    if hint["mode"] == "custom_attribute" and not hint.get("source"):
        name, text = f"{within}login_hint.source", "is required when the mode is custom_attribute."
        raise refusal("form_conditional_param_missing", "is missing", f"{name} {text}", param=name)
    return dict(hint)


def check_saml_can_be_on(row: RowMapping) -> None:
    """Refuse to turn on a connection whose identity provider is not known."""
    lacking = [name for name in NEEDED if not row[name]]
    # Clerk would read them there; a connection that it could turn on can be turned on here.
    if lacking and not row["idp_metadata_url"]:
        text = f"The connection needs {', '.join(lacking)} before it can be turned on."
        raise refusal("saml_connection_cant_be_activated", "connection cannot be activated", text)


def own_addresses(key: str, instance: Instance) -> dict[str, str]:
    """What the identity provider is told: where its assertions go, and who we are to it."""
    return {
        "acs_url": frontend_url(instance, f"/v1/saml/acs/{key}"),
        "sp_entity_id": frontend_url(instance, f"/saml/{key}"),
        "sp_metadata_url": frontend_url(instance, f"/v1/saml/metadata/{key}.xml"),
    }


def saml_answer(row: RowMapping, connection: RowMapping, instance: Instance) -> dict[str, Any]:
    """The half as it stands inside a connection's answer."""
    names = ("id", "name", "idp_entity_id", "idp_sso_url", "idp_metadata_url", *_FLAGS, "login_hint")
    return {
        **{name: row[name] for name in names},
        **own_addresses(row["id"], instance),
        "active": connection["active"],
    }
