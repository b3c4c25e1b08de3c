"""What PostgreSQL does not keep: U+0000 and halves of characters, wherever anybody may write something."""

import re
from html import unescape
from urllib.parse import quote

import pytest

from tests.hosted.attacks.test_other_workspaces import served
from tests.hosted.attacks.world import told

__all__ = ["served"]
pytestmark = pytest.mark.anyio
BAD = {"nul": "a\0b", "half": "a\ud800b"}
ENDING = ("/sign-out", "/out", "/end", "/end-all", "/remove", "/take-back", "/revoke", "/events")


async def call(world, name, arguments, **more):
    answer = await world.mcp(world.acme.token, "tools/call", {"name": name, "arguments": arguments}, **more)
    assert answer.status_code == 200, (name, answer.text)
    return told(answer)


def said(result):
    return result["content"][0]["text"] if "content" in result else str(result)


@pytest.mark.parametrize("modern", [False, True])
async def test_a_tools_argument_is_refused_by_its_name_and_the_journal_goes_on(world, modern):
    bad = BAD["nul"]
    asked = [
        ("clerk_user_create", "first_name", bad),
        ("clerk_user_update", "public_metadata", {"note": bad}),
        ("clerk_user_update", "public_metadata", {bad: "note"}),
        ("clerk_users_list", "query", bad),
        ("clerk_users_list", "user_id", [bad]),
        ("clerk_user_get", "user_id", bad),
        ("clerk_user_ban", "user_id", bad),
        ("clerk_organization_create", "name", bad),
        ("clerk_job_get", "job_id", bad),
        ("clerk_bulk_propose", "targets", [bad]),
        ("clerk_changes_propose", "steps", [{"action": "clerk_user_ban", "arguments": {"user_id": bad}}]),
        ("clerk_users_list", f"que{bad}ry", "x"),
    ]
    for name, argument, value in asked:
        first = world.acme.users[0]
        given = {"user_id": first} if name == "clerk_user_update" else {}
        result = await call(world, name, {**given, argument: value}, modern=modern)
        assert result["isError"], (name, result)
        assert "inside deskclerk" not in said(result), (name, argument)
        assert "U+0000" in said(result), (name, argument, said(result))
        assert argument.replace("\0", "\ufffd") in said(result), (name, said(result))
    # A read and the journal after all of it: nothing that waited for a place there was lost.
    assert "items" in said(await call(world, "clerk_users_list", {"limit": 1}, modern=modern))
    journal = await world.mcp(world.acme.token, "resources/read", {"uri": "deskclerk://journal"})
    assert "contents" in told(journal)


async def test_half_a_character_is_no_fault_of_the_desks(world):
    for modern in (False, True):
        for name, arguments in (
            ("clerk_user_create", {"first_name": BAD["half"], "skip_password_requirement": True}),
            ("clerk_users_list", {"query": BAD["half"]}),
            ("clerk_user_ban", {"user_id": BAD["half"]}),
            ("clerk_organization_create", {"name": BAD["half"]}),
        ):
            params = {"name": name, "arguments": arguments}
            answer = await world.mcp(world.acme.token, "tools/call", params, modern=modern)
            assert answer.status_code < 500, (name, answer.text)
            assert "inside deskclerk" not in answer.text, (name, answer.text)


async def test_whatever_else_an_agent_says_is_answered(world):
    token = world.acme.token
    for bad in BAD.values():
        for method, params in (
            ("tools/call", {"name": f"clerk_{bad}", "arguments": {}}),
            ("resources/read", {"uri": f"deskclerk://plans/{bad}"}),
            ("resources/read", {"uri": f"clerk://users/{quote('a' + chr(0), safe='')}"}),
            ("prompts/get", {"name": "find_user", "arguments": {"who": bad}}),
            (
                "completion/complete",
                {
                    "ref": {"type": "ref/resource", "uri": "clerk://users/{user_id}"},
                    "argument": {"name": "user_id", "value": bad},
                },
            ),
            (
                "initialize",
                {
                    "protocolVersion": "2025-06-18",
                    "capabilities": {},
                    "clientInfo": {"name": bad, "version": bad},
                },
            ),
        ):
            answer = await world.mcp(token, method, params)
            assert answer.status_code < 500, (method, answer.text)
            assert "inside deskclerk" not in answer.text, (method, answer.text)
    for path in ("/mcp/a%00b", "/mcp/acme/a%00b", "/.well-known/oauth-protected-resource/mcp/a%00b"):
        answer = await world.mcp(token, "tools/list", {}, path=path)
        assert 400 <= answer.status_code < 500, (path, answer.text)


async def test_every_page_says_what_is_wrong_with_an_address(world, served):
    browser, values = world.acme.people["owner"].browser, {"slug": "acme", "instance": world.acme.instance}
    asked = 0
    for address in served:
        if "GET" not in address.methods or address.path.endswith(ENDING):
            continue
        path = address.filled({name: values.get(name, "x") for name in address.names})
        if path.startswith(("/static", "/mcp", "/metrics", "/livez", "/readyz", "/.well-known")):
            continue
        answer = await browser.get(f"{path}?query=a%00b&x=1")
        assert answer.status_code == 422, (path, answer.status_code, answer.text)
        assert "query: has the character U+0000" in unescape(answer.text), path
        for name in address.names:
            spoilt_path = address.filled(
                {item: values.get(item, "x") for item in address.names} | {name: "a%00b"}
            )
            answer = await browser.get(spoilt_path)
            assert answer.status_code == 404, (spoilt_path, answer.status_code)
        answer = await browser.get(f"{path}?query=a%ED%A0%80b")
        assert answer.status_code < 500, path
        asked += 1
    assert asked > 20
    outside = await world.http.get("/sign-in/callback?state=a%00&code=b")
    assert outside.status_code == 422
    assert "U+0000" in outside.text


async def test_an_id_with_it_in_an_address_is_one_that_is_nowhere(world):
    acme = world.acme
    for path in ("plans/x%00", "jobs/%00", "activity/%00", "actions/%00", "people/users/x%00"):
        answer = await acme.people["owner"].browser.get(f"{acme.console}/{path}")
        assert answer.status_code == 404, path


async def test_every_form_says_which_field_is_wrong_and_does_nothing(world, served):
    acme = world.acme
    browser = acme.people["owner"].browser
    values = {
        "slug": "acme", "instance": acme.instance, "plan_id": acme.waiting, "job_id": acme.started,
        "entry_id": acme.write, "name": "clerk_users_list", "value": acme.link,
    }  # fmt: skip
    # The journal apart: who asks for what is not there is noted.
    before = await world.rows(acme, without=("events", "heads"))
    asked = 0
    for address in served:
        if "POST" not in address.methods or address.path.startswith(("/mcp", "/{path}")):
            continue
        path = address.filled({name: values.get(name, "x") for name in address.names})
        for fields in ({"name": "a\0b"}, {"na\0me": "b"}):
            answer = await browser.post(path, fields)
            assert answer.status_code == 422, (path, answer.status_code)
            assert "U+0000" in answer.text, path
            assert re.search("na(me|\ufffdme): has the character", unescape(answer.text)), path
        asked += 1
    assert asked > 25
    after = await world.rows(acme, without=("events", "heads"))
    for rows in (before, after):
        rows.pop("sessions")
    assert after == before
