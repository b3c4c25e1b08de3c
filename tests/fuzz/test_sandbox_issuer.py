"""The sandbox's OAuth endpoints before parameters, headers and bodies that are nearly right, or not: no 5xx.

Two databases keep different texts: `--postgres` has the same said to the other one.
"""

import base64
from urllib.parse import quote, urlencode

import httpx2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from deskclerk.sandbox.oauth.endpoints import ENDPOINTS
from deskclerk.testing import sandbox_server
from tests.sandbox.oauth.browser import CHALLENGE, VERIFIER

SECONDS = 30
KEY = {"authorization": "Bearer sk_test_sandbox", "clerk-api-version": "2026-05-12"}
BACK = "http://127.0.0.1/callback"
NAMES = ("client_id", "client_secret", "redirect_uri", "response_type", "response_mode", "scope", "state")
NAMES += ("code_challenge", "code_challenge_method", "nonce", "prompt", "resource", "user_id", "decision")
NAMES += ("search", "login_hint", "grant_type", "code", "code_verifier", "refresh_token", "token")
NAMES += ("access_token", "request", "request_uri", "token_type_hint", "client_name", "redirect_uris")
TEXTS = st.one_of(
    st.text(max_size=40),
    st.sampled_from(["", "\0", "%", "_", "[", "http://[", "http://127.0.0.1:99999/callback", "a" * 5000]),
    st.sampled_from(["none", "consent", "form_post", "plain", "S256", "authorization_code", "refresh_token"]),
    st.sampled_from(
        ["oat_company_good", "ort_company_good", "oat_company_expired", "a.b.c", "allow", "deny"]
    ),
)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | TEXTS, lambda inner: st.lists(inner, max_size=3)
)


@pytest.fixture(scope="module")
def sandbox(databases):
    with sandbox_server(databases.new(), company=True) as sandbox:
        yield sandbox


@pytest.fixture(scope="module")
def right(sandbox):
    """Parameters that are right for most endpoints."""
    body = {"name": "Portal", "public": True, "redirect_uris": [BACK], "scopes": "openid profile email"}
    with httpx2.Client(base_url=sandbox.api_url, headers=KEY) as http:
        made = http.post("/oauth_applications", json=body).json()
        registers = {"dynamic_oauth_client_registration": True}
        http.patch("/instance/oauth_application_settings", json=registers).raise_for_status()
        (user,) = http.get("/users", params={"limit": 1}).json()
    return {
        "client_id": made["client_id"],
        "redirect_uri": BACK,
        "response_type": "code",
        "grant_type": "authorization_code",
        "code_challenge": CHALLENGE,
        "code_challenge_method": "S256",
        "code_verifier": VERIFIER,
        "token": "oat_company_good",
        "user_id": user["id"],
        "decision": "allow",
    }


@pytest.fixture(scope="module")
def http(sandbox):
    with httpx2.Client(base_url=sandbox.url, timeout=SECONDS) as client:
        yield client


@st.composite
def headers(draw):
    kind = draw(st.sampled_from([None, "Basic", "Bearer"]))
    if kind is None:
        return {}
    if kind == "Bearer":
        shown = draw(st.sampled_from(["oat_company_good", "a.b.c", ""]))
    else:
        pair = draw(st.one_of(st.binary(max_size=20), st.tuples(TEXTS, TEXTS).map(":".join).map(quote_parts)))
        shown = base64.b64encode(pair).decode()
    return {"authorization": f"{kind} {shown}".strip()}


def quote_parts(pair):
    return quote(pair, safe=":").encode()


@pytest.mark.parametrize("path", ENDPOINTS)
@given(data=st.data())
def test_no_request_is_a_fault_of_the_issuers(path, data, http, right):
    kept = data.draw(st.sets(st.sampled_from(sorted(right)))) if data.draw(st.booleans()) else right
    fields = {name: right[name] for name in kept}
    fields |= data.draw(st.dictionaries(st.sampled_from(NAMES), TEXTS, max_size=3))
    sent = {"headers": data.draw(headers())}
    method = data.draw(st.sampled_from(["GET", "POST"]))
    if method == "GET":
        path = f"{path}?{urlencode(fields)}"
    elif ENDPOINTS[path].takes == "application/json":
        more = {"redirect_uris": [BACK]} | data.draw(
            st.dictionaries(st.sampled_from(NAMES), JSON, max_size=3)
        )
        sent["json"] = data.draw(st.sampled_from([more, [more], data.draw(JSON)]))
    else:
        sent["data"] = fields
    answer = http.request(method, path, **sent)
    assert answer.status_code < 500, answer.text
