"""Whatever somebody names of another workspace: nothing is told, nothing changes, and it is noted."""

import base64
import contextlib
import re
from urllib.parse import unquote

import pytest
from sqlalchemy import text

from deskclerk.catalogue.route import check_segment
from deskclerk.errors import InvalidRequest
from deskclerk.faces.mcp.resources import PLACES
from deskclerk.hosted.agents.tokens import WorkspaceTokens
from tests.hosted.attacks.routes import addresses
from tests.hosted.attacks.world import ALL, ENOUGH, told

pytestmark = pytest.mark.anyio
LEAST = {
    "test_no_page_of_another_workspace_opens_for_anybody": 150,
    "test_ids_of_another_workspace_are_nowhere_in_ones_own": 45,
    "test_forms_with_ids_of_another_workspace_do_nothing": 150,
    "test_no_tool_reaches_another_workspace": 50,
    "test_no_resource_reaches_another_workspace": 80,
    "test_no_list_or_prompt_reaches_another_workspace": 10,
    "test_no_mcp_address_of_another_workspace_answers": 120,
    "test_a_dialogue_of_another_workspace_cannot_be_answered": 24,
    "test_a_bearer_that_is_not_whole_is_nobody": 66,
    "test_cookies_open_what_is_their_own_alone": 67,
    "test_forged_headers_make_nobody_somebody_else": 68,
    "test_whoever_comes_with_anothers_session_is_noted_with_the_other": 0,
}
"""How many attempts each test makes at least."""
assert sum(LEAST.values()) >= 500
_OUT = ("/out", "/sign-out", "/security/sessions/end-all")
"""What signs whoever does it out."""


def marks_of(customer):
    """Words and ids that stand nowhere but where something of a customer is told."""
    ids = [
        customer.id, customer.waiting, customer.signed, customer.used, customer.job_plan, customer.job,
        customer.started_plan, customer.started, customer.handover, customer.agent.id, customer.token_id,
        customer.token, customer.token_beginning, customer.client, customer.oauth, customer.invitation,
        customer.link, customer.passkey, customer.once, customer.secret_value, customer.clerk_key,
        customer.destination, customer.hook, customer.hook_secret,
        *customer.sessions, *customer.users, *customer.entries,
        *(one.person.id for one in customer.people.values()),
    ]  # fmt: skip
    # The word is in every name: of the company, its people, its agent, its instance, its notes.
    return {customer.word, *ids}


class Attacks:
    """Counts what was tried, and looks at each answer."""

    def __init__(self, world):
        self.world, self.count, self.failures = world, 0, []
        self.marks = marks_of(world.bolt)

    def check(self, what, answer, *sent, refused=True):
        """That an answer gives nothing away that was not sent, and is no yes."""
        self.count += 1
        said = "\n".join([answer.text, *(f"{name}: {value}" for name, value in answer.headers.multi_items())])
        given = unquote(unquote(" ".join([str(answer.request.url), *map(str, sent)])))
        leaked = sorted(mark for mark in self.marks if mark in said and mark not in given)
        if leaked:
            self.failures.append((what, answer.status_code, "tells", leaked))
        if refused and answer.status_code < 400 and not signs_out(answer):
            self.failures.append((what, answer.status_code, "is a yes"))
        if answer.status_code >= 500:
            self.failures.append((what, answer.status_code, "is a fault"))


def signs_out(answer):
    return answer.status_code == 303 and answer.headers["location"].startswith("/sign-in")


@pytest.fixture
async def attacks(world, request):
    """What a test has tried, which is as much as it says."""
    found = Attacks(world)
    yield found
    assert found.count >= LEAST[request.node.originalname]


@pytest.fixture
async def unchanged(world):
    """Nothing of Bolt's is another afterwards."""
    before = await world.rows(world.bolt)
    yield
    after = await world.rows(world.bolt)
    assert {name for name in after if after[name] != before[name]} == set()


@pytest.fixture
async def served(world):
    """Every address of the replica and of Acme's console."""
    acme = world.acme
    page = await acme.people["owner"].browser.get(f"{acme.console}/")
    assert page.status_code == 200
    (console,) = [found for found in world.replica.places._consoles if found.url.endswith(acme.console)]
    outer = list(addresses(world.replica.app))
    inner = list(addresses(console.app, "/w/{slug}/i/{instance}", ("slug", "instance")))
    assert len(inner) > 30
    paths = {address.path for address in outer}
    assert {
        "/mcp",
        "/sign-in",
        "/w/{slug}/members/invite",
        "/security/passkeys/remove",
        "/invitations/{value}",
    } <= paths
    return outer + inner


def ids_for(customer):
    """What stands for each variable of an address."""
    return {
        "slug": [customer.slug],
        "instance": [customer.instance],
        "plan_id": [customer.waiting, customer.signed, customer.used, customer.job_plan],
        "job_id": [customer.job, customer.started],
        "entry_id": [customer.write, customer.entries[-1]],
        "value": [customer.link, f"-{customer.link}"],
        "user_id": customer.users[:1],
        "organization_id": ["org_" + "2" * 27],
        "name": ["clerk_user_ban", "clerk_users_list"],
        "control": ["reset"],
        "path": ["index.html"],
    }


def could_be_ours(place, value):
    """Whether an address names a plan or job of a desk; what no job can be called is refused unasked."""
    if place.uri.startswith("deskclerk://jobs/"):
        # The links are made at random, and one in 32 of them begins as no id does.
        with contextlib.suppress(InvalidRequest):
            return bool(check_segment("job_id", value))
        return False
    return place.uri.startswith("deskclerk://plans/")


def combinations(address, values):
    longest = max([len(values[name]) for name in address.names], default=1)
    for number in range(longest):
        yield {name: values[name][number % len(values[name])] for name in address.names}


def fields_of(customer):
    """Forms that name something of a customer's under every name that a form of ours has."""
    ids = {
        "plan": customer.waiting, "job": customer.job, "entry": customer.write, "agent": customer.agent.id,
        "token": customer.token_id, "client": customer.client, "invitation": customer.invitation,
        "person": customer.people["viewer"].person.id, "handover": customer.handover,
        "session": customer.sessions[0], "passkey": customer.passkey, "instance": customer.instance,
        "secret": customer.secret, "destination": customer.destination,
    }  # fmt: skip
    for kind, value in ids.items():
        yield kind, {
            "id": value, "name": value, "plan": value, "client": value, "user_id": value, "user": value,
            "issuer": "ISSUER", "role": "owner", "decision": "sign", "digest": "0" * 64, "days": "1",
            "scope": "clerk:read", "access": "read", "step": "1",
        }  # fmt: skip


@pytest.mark.promise("customers-keep-apart")
async def test_no_page_of_another_workspace_opens_for_anybody(world, attacks, served, unchanged):
    acme, bolt = world.acme, world.bolt
    values = ids_for(bolt)
    for role in ("owner", "viewer"):
        browser = acme.people[role].browser
        for address in served:
            if "slug" not in address.names:
                continue
            for filled in combinations(address, values):
                path = address.filled(filled)
                for method in sorted(address.methods):
                    noted = len(await world.attempts(acme))
                    if method == "POST":
                        forms = list(fields_of(bolt))[:1]
                        answer = await browser.post(path, forms[0][1])
                    else:
                        answer = await browser.get(path, follow_redirects=True)
                    attacks.check(
                        (role, method, path),
                        answer,
                        fields_of(bolt),
                        bolt.slug,
                        *filled.values(),
                        bolt.waiting,
                    )
                    if len(await world.attempts(acme)) != noted + 1:
                        attacks.failures.append((role, method, path, "is not noted"))
    # Who was a member once, and who never was one of any, have nowhere that it could be noted.
    gone = acme.people["gone"].browser
    for address in served:
        if "slug" in address.names:
            for customer in (acme, bolt):
                path = address.filled(next(combinations(address, ids_for(customer))))
                answer = await (
                    gone.post(path) if "POST" in address.methods else gone.get(path, follow_redirects=True)
                )
                attacks.check(("gone", path), answer)
    assert attacks.failures == [], "\n".join(map(str, attacks.failures))


TAKES = {
    "/plans/{plan_id}": "plan_id",
    "/jobs/{job_id}": "job_id",
    "/activity/{entry_id}": "entry_id",
    "/invitations/{value}": "value",
}
"""What an address begins with that names something: it is noted whatever comes behind."""


@pytest.mark.promise("customers-keep-apart")
async def test_ids_of_another_workspace_are_nowhere_in_ones_own(world, attacks, served, unchanged):
    acme, bolt = world.acme, world.bolt
    browser = acme.people["owner"].browser
    values = ids_for(bolt) | {"slug": [acme.slug], "instance": [acme.instance]}
    for address in served:
        names = set(address.names) - {"slug", "instance", "name", "control", "path", "organization_id"}
        for filled in combinations(address, values) if names else ():
            path = address.filled(filled)
            for method in sorted(address.methods):
                noted = len(await world.attempts(acme))
                answer = await (browser.post(path) if method == "POST" else browser.get(path))
                attacks.check((method, path), answer, *filled.values())
                is_ours = any(begins in address.path for begins in TAKES)
                if is_ours and len(await world.attempts(acme)) == noted:
                    attacks.failures.append((method, path, answer.status_code, "is not noted"))
    # A console of one's own workspace, of an instance that is another's.
    noted = len(await world.attempts(acme))
    attacks.check("instance", await browser.get(f"{acme.home}/i/{bolt.instance}/"), bolt.instance)
    assert len(await world.attempts(acme)) == noted + 1
    assert attacks.failures == [], "\n".join(map(str, attacks.failures))


NOTED = {
    "/w/{slug}/i/{instance}/secrets/hand-over": ("handover",),
    "/w/{slug}/i/{instance}/secrets/remove": ("secret",),
    "/w/{slug}/i/{instance}/together": (),
    "/w/{slug}/members/take-back": ("invitation",),
    "/w/{slug}/members/role": ("person",),
    "/w/{slug}/members/remove": ("person",),
    "/w/{slug}/agents/change": ("agent",),
    "/w/{slug}/agents/remove": ("agent",),
    "/w/{slug}/agents/tokens": ("agent",),
    "/w/{slug}/agents/tokens/revoke": ("token",),
    "/w/{slug}/agents/clients/allow": ("client",),
    "/w/{slug}/agents/clients/refuse": ("client",),
    "/w/{slug}/instances/key": ("instance",),
    "/w/{slug}/instances/remove": ("instance",),
    "/w/{slug}/passkey": ("plan",),
    "/w/{slug}/notifications/remove": ("destination",),
    "/w/{slug}/notifications/test": ("destination",),
    "/security/passkeys/remove": ("passkey",),
    "/security/sessions/end": ("session",),
}
"""Forms that name something, and of which kind: what is another's is noted."""


@pytest.mark.promise("customers-keep-apart")
async def test_forms_with_ids_of_another_workspace_do_nothing(world, attacks, served, unchanged):
    acme, bolt = world.acme, world.bolt
    owner = acme.people["owner"]
    browser = owner.browser
    values = ids_for(acme)
    posts = {address.path: address for address in served if "POST" in address.methods}
    assert set(NOTED) <= set(posts)
    for path, address in posts.items():
        if set(address.names) - {"slug", "instance", "name", "control"} or path.startswith("/mcp"):
            continue
        for kind, fields in fields_of(bolt):
            fields["issuer"] = world.here.clerk.url
            if kind == "plan":
                fields["plan"] = f"{bolt.waiting}:{'0' * 64}" if path.endswith("/together") else bolt.waiting
            if "/agents" in path:
                # A name of one's own: what is made here is shown on the next page.
                fields["name"] = "laptop"
            noted = await world.attempts(acme)
            answer = await browser.post(address.filled(next(combinations(address, values))), fields)
            attacks.check((path, kind), answer, *fields.values(), refused=False)
            wanted = NOTED.get(path, ())
            if kind in wanted and len(await world.attempts(acme)) == len(noted):
                attacks.failures.append((path, kind, answer.status_code, "is not noted"))
            if path.endswith(_OUT):
                await browser.sign_in()
    assert attacks.failures == [], "\n".join(map(str, attacks.failures))


OURS = ("job_id",)
"""Arguments that name something of the desk's own; `plan_id` is one of Clerk's billing."""


@pytest.mark.promise("customers-keep-apart")
@pytest.mark.parametrize("credential", ["token", "oauth"])
async def test_no_tool_reaches_another_workspace(world, attacks, unchanged, credential):
    acme, bolt = world.acme, world.bolt
    token = getattr(acme, credential)
    tools = told(await world.mcp(token, "tools/list", {}))["tools"]
    assert len(tools) > 200
    for tool in tools:
        properties = tool["inputSchema"]["properties"]
        needed = tool["inputSchema"].get("required", [])
        own = [name for name in properties if name in OURS]
        others = [name for name in properties if name.endswith("_id") and name not in OURS]
        # Of what Clerk has, one argument of each tool: the key alone says whose it is.
        for name in own or others[:1]:
            for value in (bolt.job, bolt.started, bolt.waiting, bolt.write) if own else bolt.users[:1]:
                arguments = {item: filler(properties[item]) for item in needed} | {name: value}
                noted = len(await world.attempts(acme))
                answer = await world.mcp(token, "tools/call", {"name": tool["name"], "arguments": arguments})
                attacks.check((tool["name"], name), answer, value, refused=False)
                if own and len(await world.attempts(acme)) == noted:
                    attacks.failures.append((tool["name"], name, value, told(answer), "is not noted"))
                if own and not told(answer).get("isError"):
                    attacks.failures.append((tool["name"], name, told(answer), "is a yes"))
    # A secret that only the other has stored is none here, and nothing is planned with it.
    asked = {
        "name": "clerk_user_update",
        "arguments": {"user_id": acme.users[0], "password": f"secret:{bolt.secret}"},
    }
    answer = await world.mcp(token, "tools/call", asked)
    attacks.check("secret", answer, bolt.secret, refused=False)
    assert told(answer)["isError"]
    assert "secret" in told(answer)["content"][0]["text"]
    assert attacks.failures == [], "\n".join(map(str, attacks.failures))


@pytest.mark.promise("customers-keep-apart")
@pytest.mark.parametrize("credential", ["token", "oauth"])
async def test_no_resource_reaches_another_workspace(world, attacks, unchanged, credential):
    acme, bolt = world.acme, world.bolt
    token = getattr(acme, credential)
    for place in PLACES:
        for values in ids_for(bolt).values():
            for value in values if place.variable else ():
                uri = re.sub(
                    r"\{\??\w+\}", f"?{place.variable}={value}" if "{?" in place.uri else value, place.uri
                )
                noted = len(await world.attempts(acme))
                answer = await world.mcp(token, "resources/read", {"uri": uri})
                attacks.check(uri, answer, value, refused=False)
                if could_be_ours(place, value) and len(await world.attempts(acme)) == noted:
                    attacks.failures.append((uri, "is not noted"))
        if place.variable:
            for value in ("", bolt.waiting[:9], bolt.job[:8], bolt.word, "victim_"):
                completed = {
                    "ref": {"type": "ref/resource", "uri": place.uri},
                    "argument": {"name": place.variable, "value": value},
                }
                answer = await world.mcp(token, "completion/complete", completed)
                attacks.check(("complete", place.uri), answer, value, refused=False)
    assert attacks.failures == [], "\n".join(map(str, attacks.failures))


@pytest.mark.promise("customers-keep-apart")
@pytest.mark.parametrize("credential", ["token", "oauth"])
async def test_no_list_or_prompt_reaches_another_workspace(world, attacks, unchanged, credential):
    bolt, token = world.bolt, getattr(world.acme, credential)
    cursor = base64.urlsafe_b64encode(f"{2**62} {bolt.waiting}".encode()).decode()
    for params in ({}, {"cursor": cursor}):
        attacks.check("list", await world.mcp(token, "resources/list", params), cursor, refused=False)
    for prompt in told(await world.mcp(token, "prompts/list", {}))["prompts"]:
        for argument in prompt.get("arguments", []):
            given = {item["name"]: bolt.users[0] for item in prompt["arguments"]}
            asked = {"name": prompt["name"], "arguments": given}
            attacks.check(
                prompt["name"], await world.mcp(token, "prompts/get", asked), *given.values(), refused=False
            )
            completed = {
                "ref": {"type": "ref/prompt", "name": prompt["name"]},
                "argument": {"name": argument["name"], "value": bolt.word},
            }
            answer = await world.mcp(token, "completion/complete", completed)
            attacks.check(("complete", prompt["name"]), answer, bolt.word, refused=False)
    assert attacks.failures == [], "\n".join(map(str, attacks.failures))


def filler(schema):
    """Something of a schema's type."""
    kinds = {"integer": 1, "number": 1, "boolean": True, "array": ["x"], "object": {}}
    if schema.get("enum"):
        return schema["enum"][0]
    return kinds.get(schema.get("type"), "x")


@pytest.mark.promise("customers-keep-apart")
async def test_no_mcp_address_of_another_workspace_answers(world, attacks, unchanged):
    acme, bolt = world.acme, world.bolt
    places = [f"/mcp/{bolt.slug}", f"/mcp/{bolt.slug}/", f"/mcp/{bolt.slug}/{bolt.instance}",
              f"/mcp/{bolt.slug}/{acme.instance}", f"/mcp/{acme.slug}/{bolt.instance}"]  # fmt: skip
    methods = [
        ("tools/list", {}),
        ("resources/list", {}),
        ("tools/call", {"name": "clerk_users_list", "arguments": {}}),
        ("tools/call", {"name": "clerk_user_ban", "arguments": {"user_id": bolt.users[0]}}),
        ("resources/read", {"uri": f"deskclerk://plans/{bolt.waiting}"}),
        ("server/discover", {}),
    ]
    for token in (acme.token, acme.oauth):
        for path in places:
            for modern in (False, True):
                for method, params in methods:
                    noted = len(await world.attempts(acme))
                    answer = await world.mcp(token, method, params, path=path, modern=modern)
                    attacks.check((path, method), answer, bolt.waiting, bolt.users[0])
                    assert answer.status_code == 404
                    assert len(await world.attempts(acme)) == noted + 1
    assert attacks.failures == [], "\n".join(map(str, attacks.failures))


async def test_a_dialogue_of_another_workspace_cannot_be_answered(world, attacks):
    acme, bolt = world.acme, world.bolt
    ban = {"name": "clerk_user_ban", "arguments": {"user_id": bolt.users[0]}}
    asked = told(await world.mcp(bolt.token, "tools/call", ban, modern=True))
    assert asked["resultType"] == "input_required"
    yes = {"confirm": {"action": "accept", "content": {"confirm": True}}}
    before = await world.rows(bolt)
    state = asked["requestState"]
    altered = [
        state,
        state[:-4],
        state[:-1] + ("A" if state[-1] != "A" else "B"),
        "",
        bolt.waiting,
        "x" * 5000,
    ]
    for token in (acme.token, acme.oauth):
        for given in altered:
            for arguments in (ban["arguments"], {"user_id": acme.users[0]}):
                params = {
                    "name": "clerk_user_ban", "arguments": arguments,
                    "requestState": given, "inputResponses": yes,
                }  # fmt: skip
                noted = len(await world.attempts(acme))
                answer = await world.mcp(token, "tools/call", params, modern=True)
                attacks.check("state", answer, *altered, bolt.users[0], refused=False)
                assert "error" in answer.json(), answer.text
                assert len(await world.attempts(acme)) == noted + 1
    assert await world.rows(bolt) == before
    assert attacks.failures == [], "\n".join(map(str, attacks.failures))


async def test_a_bearer_that_is_not_whole_is_nobody(world, attacks, unchanged):
    acme, bolt = world.acme, world.bolt
    tokens = WorkspaceTokens(world.parts.database)
    removed = await world.parts.agents.create(acme.id, "removed", acme.rules, acme.owner.id)
    _, deleted = await tokens.make(acme.id, removed.id, scopes=ALL, days=1, made_by=acme.owner.id)
    await world.parts.agents.remove(acme.id, removed.id)
    record, revoked = await tokens.make(acme.id, acme.agent.id, scopes=ALL, days=1, made_by=acme.owner.id)
    await tokens.revoke(acme.id, record.id)
    _, orphan = await tokens.make(
        acme.id, acme.agent.id, scopes=ALL, days=1, made_by=acme.people["gone"].person.id
    )
    past, expired = await tokens.make(acme.id, acme.agent.id, scopes=ALL, days=1, made_by=acme.owner.id)
    async with world.parts.database.whole.writing() as connection:
        await connection.execute(
            text("UPDATE agent_tokens SET expires_at = 1 WHERE id = :id"), {"id": past.id}
        )
    broken = [
        deleted, revoked, orphan, expired, bolt.token[:-1], bolt.token + "x", bolt.token.swapcase(),
        bolt.token[4:], "dck_", bolt.token_id, bolt.token_beginning, bolt.oauth[:-1], bolt.oauth + "x",
        acme.people["owner"].browser.cookie, bolt.people["owner"].browser.cookie, bolt.clerk_key,
    ]  # fmt: skip
    for token in broken:
        for path in ("/mcp", f"/mcp/{bolt.slug}", f"/mcp/{acme.slug}", f"/mcp/{bolt.slug}/{bolt.instance}"):
            answer = await world.mcp(token, "tools/list", {}, path=path)
            attacks.check(("token", path), answer, token)
            assert answer.status_code == 401, (token, answer.text)
            assert "Bearer" in answer.headers["www-authenticate"]
    # Two bearers are none, and one in the address or in a cookie is not looked for.
    for headers in ({}, {"cookie": f"authorization={bolt.token}"}):
        answer = await world.http.post(
            f"/mcp/{bolt.slug}?access_token={bolt.token}", json={}, headers=headers
        )
        attacks.check("query", answer, bolt.token)
        assert answer.status_code == 401
    assert attacks.failures == [], "\n".join(map(str, attacks.failures))


async def test_cookies_open_what_is_their_own_alone(world, attacks, unchanged):
    acme, bolt = world.acme, world.bolt
    mine, theirs = acme.people["owner"].browser, bolt.people["owner"].browser
    paths = [
        bolt.home + "/",
        f"{bolt.console}/",
        f"{bolt.console}/plans/{bolt.waiting}",
        f"{bolt.home}/members",
    ]
    altered = [
        theirs.cookie[:-1], theirs.cookie + "x", theirs.cookie.swapcase(), theirs.cookie[::-1],
        f'"{theirs.cookie}', bolt.sessions[0], bolt.owner.id, bolt.token, "",
    ]  # fmt: skip
    for path in paths:
        for cookie in altered:
            answer = await world.http.get(path, headers={"cookie": f"deskclerk={cookie}"})
            attacks.check(("cookie", path), answer, cookie)
            assert signs_out(answer)
        # Under other names it is none; beside an own one the own counts, or neither does.
        for cookies in (f"__Host-deskclerk={theirs.cookie}", f"Deskclerk={theirs.cookie}",
                        f"deskclerk-way={theirs.cookie}", f"deskclerk.session={theirs.cookie}"):  # fmt: skip
            answer = await world.http.get(path, headers={"cookie": cookies})
            attacks.check(("cookie", path), answer, theirs.cookie)
            assert signs_out(answer)
    # One person's form token is not another's.
    for path in (f"{acme.console}/plans/{acme.waiting}", f"{acme.home}/members/invite", "/sign-out"):
        for csrf in (theirs.csrf, "", mine.csrf[:-1], mine.csrf.swapcase(), mine.cookie):
            answer = await mine.http.post(
                path, data={"csrf": csrf, "email": "eve@example.com", "role": "owner"}
            )
            attacks.check(("csrf", path), answer, csrf)
            assert answer.status_code == 403
    assert attacks.failures == [], "\n".join(map(str, attacks.failures))


async def test_forged_headers_make_nobody_somebody_else(world, attacks, unchanged):
    acme, bolt = world.acme, world.bolt
    browser = acme.people["viewer"].browser
    host = world.url.partition("//")[2]
    forged = [
        {"x-forwarded-host": "evil.example"}, {"x-forwarded-proto": "https"},
        {"forwarded": "host=evil.example"}, {"x-forwarded-prefix": bolt.home},
        {"x-original-url": f"{bolt.home}/"}, {"x-rewrite-url": f"{bolt.home}/"},
        {"x-forwarded-for": "127.0.0.1"}, {"x-forwarded-user": bolt.owner.id},
        {"x-http-method-override": "GET"}, {"host": "evil.example"}, {"host": f"{host}/w/{bolt.slug}"},
        {"host": f"{host}/out?"}, {"host": f"{host}#"}, {"host": "evil.example/out?"}, {"host": ""},
        {"host": "a@" + host}, {"host": "[::1"},
    ]  # fmt: skip
    for headers in forged:
        for path in (f"{bolt.home}/", f"{bolt.console}/plans/{bolt.waiting}"):
            answer = await browser.get(path, headers=headers, follow_redirects=False)
            attacks.check((headers, path), answer, bolt.waiting, *headers.values())
            assert answer.status_code in (400, 404, 421), (headers, answer.text)
        # A viewer only looks, whatever the request says of its own address.
        answer = await browser.post(
            f"{acme.console}/plans/{acme.waiting}", {"decision": "decline"}, headers=headers
        )
        attacks.check((headers, "viewer"), answer, *headers.values())
        mcp = await world.mcp(acme.token, "tools/list", {}, path=f"/mcp/{bolt.slug}", **headers)
        attacks.check((headers, "mcp"), mcp, *headers.values())
        # What leads somewhere leads to this site.
        begun = await world.http.get(f"{acme.home}", headers=headers)
        assert "evil" not in begun.headers.get("location", "")
        begun = await world.http.get(f"{acme.home}/", headers=headers)
        assert "evil" not in begun.headers.get("location", "")
    waiting = await world.column("SELECT status FROM plans WHERE id = :id", id=acme.waiting)
    assert waiting == ["waiting"]
    assert attacks.failures == [], "\n".join(map(str, attacks.failures))


async def test_nobody_fills_a_journal_with_more_attempts_than_a_workspace_may_make_requests(world):
    acme, bolt = world.acme, world.bolt
    browser, noted = bolt.people["viewer"].browser, len(await world.attempts(bolt))
    await world.parts.workspaces.set_limits(bolt.id, {"requests_per_minute": 1}, None)
    try:
        places = [f"{home}/{number}" for home in (acme.home, f"{bolt.home}/i") for number in range(5)]
        pages = [(await browser.get(f"{place}/")).status_code for place in places]
        tools = [await world.mcp(bolt.token, "tools/list", {}, path=f"/mcp/{acme.slug}") for _ in range(5)]
    finally:
        await world.parts.workspaces.set_limits(bolt.id, ENOUGH, None)
    assert set(pages[1:]) == {429}
    assert {answer.status_code for answer in tools} == {429}
    assert all(int(answer.headers["retry-after"]) > 0 for answer in tools)
    assert len(await world.attempts(bolt)) <= noted + 1


async def test_whoever_comes_with_anothers_session_is_noted_with_the_other(world, attacks):
    """The session decides who asks, and so whose journal has it."""
    acme, bolt = world.acme, world.bolt
    theirs = bolt.people["viewer"].browser
    before, noted = await world.rows(acme), len(await world.attempts(bolt))
    paths = [f"{acme.home}/", f"{acme.console}/plans/{acme.waiting}", f"{acme.home}/agents"]
    for path in paths:
        answer = await theirs.get(path)
        assert answer.status_code == 404
        assert acme.word not in answer.text
    assert await world.attempts(bolt) == [*(await world.attempts(bolt))[:noted], *paths]
    assert await world.rows(acme) == before
