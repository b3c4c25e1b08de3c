"""What every request meets, whatever it asks for."""

import pytest

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize("path", ["/sessions", "/no/such/route"])
@pytest.mark.parametrize(
    ("header", "code"),
    [
        ("", "authorization_header_format_invalid"),
        ("Basic abc", "authorization_header_format_invalid"),
        ("Bearer", "authorization_header_format_invalid"),
        ("Bearer sk_test_other", "clerk_key_invalid"),
    ],
)
async def test_a_wrong_key_is_refused_before_routing(shared, path, header, code):
    assert await shared.refused("GET", path, headers={"Authorization": header}) == (401, code, None)


async def test_an_unknown_path_is_not_found(shared):
    assert await shared.refused("GET", "/no/such/route") == (404, "resource_not_found", None)
    assert await shared.refused("GET", "/sessions/") == (404, "resource_not_found", None)


async def test_a_wrong_method_is_refused_in_the_envelope(shared):
    assert await shared.refused("DELETE", "/sessions") == (405, "resource_not_found", None)


async def test_every_answer_carries_a_trace_id(shared):
    good, bad = await shared.http.get("/sessions"), await shared.http.get("/nowhere")
    assert len(good.headers["x-clerk-trace-id"]) == 32
    assert bad.json()["clerk_trace_id"] == bad.headers["x-clerk-trace-id"]


async def test_an_unknown_session_is_not_found(shared):
    assert await shared.refused("GET", "/sessions/sess_none") == (404, "resource_not_found", None)


@pytest.mark.parametrize(
    ("version", "query"),
    [("2020-01-01", ""), ("2026-05-12", "?__clerk_api_version=2026-05-12"), ("", "?__clerk_api_version=1")],
)
async def test_an_unknown_or_doubled_api_version_is_refused(shared, version, query):
    headers = {"Clerk-API-Version": version}
    assert await shared.refused("GET", f"/sessions{query}", headers=headers) == (
        400,
        "api_version_invalid",
        None,
    )


async def test_the_api_version_may_come_in_the_query_or_not_at_all(clerk):
    del clerk.http.headers["Clerk-API-Version"]
    assert await clerk.get("/sessions") == []
    assert await clerk.get("/sessions?__clerk_api_version=2025-11-10") == []


@pytest.mark.parametrize("value", ["0", "501", "-1", "99999999999999999999"])
async def test_a_limit_out_of_range_is_refused(shared, value):
    refused = await shared.refused("GET", "/sessions", params={"limit": value})
    assert refused == (422, "form_param_value_invalid", "limit")


async def test_query_values_of_a_wrong_type_are_refused(shared):
    assert await shared.refused("GET", "/sessions?limit=ten") == (422, "form_param_type_invalid", "limit")
    refused = await shared.refused("GET", "/sessions?paginated=maybe")
    assert refused == (422, "form_param_type_invalid", "paginated")


async def test_an_unknown_query_parameter_is_ignored(shared):
    assert await shared.get("/sessions?colour=blue") == []
