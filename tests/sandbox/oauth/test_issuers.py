"""Which instance issues, what it says of itself, and what every request to it meets."""

import pytest

from deskclerk.sandbox.controls.faults import AddFault, add_fault
from deskclerk.sandbox.controls.instances import AddInstance, SetLimits, add_new_instance, set_limits
from deskclerk.sandbox.http.faults import Dropped
from tests.sandbox.oauth.conftest import HOST

pytestmark = pytest.mark.anyio

OAUTH, OPENID = "/.well-known/oauth-authorization-server", "/.well-known/openid-configuration"
JWKS = "/.well-known/jwks.json"


async def test_the_embedded_instance_issues_at_the_root(visitor):
    found = (await visitor.get(OAUTH)).json()
    assert found == (await visitor.get(OPENID)).json()
    assert found["issuer"] == HOST
    endpoints = {name: value for name, value in found.items() if name.endswith(("_endpoint", "_uri"))}
    assert endpoints == {
        "authorization_endpoint": f"{HOST}/oauth/authorize",
        "token_endpoint": f"{HOST}/oauth/token",
        "userinfo_endpoint": f"{HOST}/oauth/userinfo",
        "revocation_endpoint": f"{HOST}/oauth/token/revoke",
        "introspection_endpoint": f"{HOST}/oauth/token_info",
        "end_session_endpoint": f"{HOST}/oauth/logout",
        "jwks_uri": f"{HOST}{JWKS}",
    }
    assert found["code_challenge_methods_supported"] == ["S256"]
    assert found["authorization_response_iss_parameter_supported"]


async def test_the_issuer_is_where_it_is_asked(visitor):
    for host in ("localhost:8767", "127.0.0.1:8767"):
        found = (await visitor.get(OAUTH, headers={"host": host})).json()
        assert found["issuer"] == f"http://{host}"


async def test_another_instance_issues_below_a_path_of_its_own(clerk, visitor):
    await add_new_instance(clerk.sandbox.store, AddInstance(slug="second"))
    issuer = f"{HOST}/instances/second"
    places = [f"{known}/instances/second" for known in (OAUTH, OPENID)]
    places += [f"/instances/second{known}" for known in (OAUTH, OPENID)]
    for place in places:
        found = (await visitor.get(place)).json()
        assert (found["issuer"], found["token_endpoint"]) == (issuer, f"{issuer}/oauth/token"), place
    first, second = [(await visitor.get(path)).json()["keys"] for path in (JWKS, f"/instances/second{JWKS}")]
    assert first[0]["kid"] != second[0]["kid"]
    assert first == (await clerk.get("/jwks"))["keys"]


@pytest.mark.parametrize("slug", ["none", "sandbox", "", "a/b"])
async def test_where_no_instance_issues_nothing_is_found(clerk, visitor, slug):
    # Not the embedded one either: it would have two names.
    for place in (f"{OAUTH}/instances/{slug}", f"/instances/{slug}{JWKS}", f"/instances/{slug}/oauth/token"):
        answer = await visitor.get(place)
        assert answer.status_code in (401, 404), place
        assert answer.json()["errors"]


async def test_all_else_is_the_backend_api(visitor):
    for path in (
        "/oauth",
        "/oauth/",
        "/oauth/other",
        "/.well-known/other",
        "/instances",
        "/instances/second",
    ):
        answer = await visitor.get(path)
        assert answer.json()["errors"][0]["code"] == "authorization_header_format_invalid", path


async def test_a_wrong_method_is_refused(visitor):
    for method, path, allowed in (
        ("GET", "/oauth/token", "POST"),
        ("POST", OAUTH, "GET"),
        ("DELETE", "/oauth/authorize", "GET, POST"),
    ):
        answer = await visitor.request(method, path)
        assert (answer.status_code, answer.headers["allow"]) == (405, allowed)
        assert answer.headers["x-clerk-trace-id"] == answer.json()["clerk_trace_id"]


async def test_scripts_of_any_origin_fetch_tokens_and_none_reads_the_page(visitor):
    asked = {
        "origin": "https://app.example",
        "access-control-request-method": "POST",
        "access-control-request-headers": "authorization,content-type,mcp-protocol-version",
    }
    for path in (
        OAUTH,
        OPENID,
        JWKS,
        "/oauth/token",
        "/oauth/token/revoke",
        "/oauth/userinfo",
        "/oauth/register",
    ):
        before = await visitor.options(path, headers=asked)
        assert before.status_code == 200
        assert before.headers["access-control-allow-origin"] in ("*", "https://app.example")
        assert "authorization" in before.headers["access-control-allow-headers"]
        answer = await visitor.get(path, headers={"origin": "https://app.example"})
        assert answer.headers["access-control-allow-origin"] == "*"
        assert "access-control-allow-credentials" not in answer.headers
    for path in ("/oauth/authorize", "/oauth/logout", "/v1/jwks"):
        answer = await visitor.get(path, headers={"origin": "https://app.example"})
        assert "access-control-allow-origin" not in answer.headers
        before = await visitor.options(path, headers=asked)
        assert before.status_code >= 400


async def test_a_form_has_its_type_and_is_not_too_large(visitor):
    async def refused(**sent):
        answer = await visitor.post("/oauth/token", **sent)
        return answer.status_code, answer.json()["error"]

    form = {"content-type": "application/x-www-form-urlencoded"}
    assert await refused(json={"grant_type": "authorization_code"}) == (400, "invalid_request")
    assert await refused(content=b"a=" + b"b" * 2**20, headers=form) == (413, "invalid_request")
    assert await refused(content=b"a=%ff&b=\xff", headers=form) == (400, "invalid_request")
    assert await refused(content=b"&".join([b"a=b"] * 101), headers=form) == (400, "invalid_request")
    twice = b"client_id=a&client_id=b"
    assert await refused(content=twice, headers=form) == (400, "invalid_request")
    # In the address nothing counts: it would stand in logs.
    answer = await visitor.post("/oauth/token?client_id=a&client_secret=b")
    assert answer.json()["error"] == "invalid_client"


async def test_faults_meet_the_issuer_by_its_paths(clerk, visitor):
    store = clerk.sandbox.store
    made = await add_new_instance(store, AddInstance(slug="second"))
    await add_fault(store, AddFault(path="/oauth/token", status=503, count=1))
    answer = await visitor.post("/oauth/token", headers={"origin": "https://app.example"})
    assert (answer.status_code, answer.headers["access-control-allow-origin"]) == (503, "*")
    assert (await visitor.post("/oauth/token")).status_code == 401
    await add_fault(store, AddFault(path="/.well-known/**", drop=True, instance=made["id"]))
    assert (await visitor.get(OAUTH)).status_code == 200
    with pytest.raises(Dropped):
        await visitor.get(f"{OAUTH}/instances/second")
    # What is for the Backend API meets nobody here.
    await add_fault(store, AddFault(path="/users/**", status=500))
    assert (await visitor.get(OAUTH)).status_code == 200


async def test_the_limits_of_the_backend_api_do_not_count_here(clerk, visitor):
    await set_limits(clerk.sandbox.store, SetLimits(mode="test"))
    for _ in range(101):
        assert (await visitor.get(OAUTH)).status_code == 200
    assert (await clerk.http.get("/users")).status_code == 200
