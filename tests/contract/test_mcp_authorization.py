"""MCP's own client before a protected MCP server whose authorization server is the sandbox, on sockets."""

import socket
from contextlib import asynccontextmanager
from urllib.parse import urlsplit

import httpx2
import mcp_types as types
import pytest
import uvicorn
from mcp import Client
from mcp.client.auth import OAuthClientProvider, OAuthFlowError, OAuthRegistrationError
from mcp.client.streamable_http import streamable_http_client
from mcp.server import Server
from mcp.server.auth.middleware.auth_context import get_access_token
from mcp.server.auth.provider import AccessToken
from mcp.server.auth.settings import AuthSettings
from mcp.shared.auth import AuthorizationCodeResult, OAuthClientInformationFull, OAuthClientMetadata

from deskclerk.sandbox.serving import Server as HttpServer
from tests.sandbox.oauth.browser import Page, press, sent_back

pytestmark = pytest.mark.anyio

BACK = "http://127.0.0.1:1/callback"


class Clerk:
    """Checks tokens as a resource server of Clerk's does: at the Backend API, with the secret key."""

    def __init__(self, sandbox, key):
        self.url, self.headers = (
            f"{sandbox.api_url}/oauth_applications/access_tokens/verify",
            {"authorization": f"Bearer {key}"},
        )

    async def verify_token(self, token):
        async with httpx2.AsyncClient() as http:
            answer = await http.post(self.url, json={"access_token": token}, headers=self.headers)
        found = answer.json()
        if answer.status_code != 200 or found.get("revoked", True) or found["expired"]:
            return None
        return AccessToken(
            token=token, client_id=found["client_id"], scopes=found["scopes"], subject=found["subject"]
        )


@asynccontextmanager
async def protected(sandbox, issuer, key, scopes=("profile", "email")):
    """An MCP server with one tool, which tells who asks; its address."""

    async def list_tools(_context, _params):
        tool = types.Tool(name="whoami", input_schema={"type": "object"})
        return types.ListToolsResult(tools=[tool])

    async def call_tool(_context, _params):
        text = get_access_token().subject
        return types.CallToolResult(content=[types.TextContent(type="text", text=text)])

    server = Server("protected", on_list_tools=list_tools, on_call_tool=call_tool)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        address = f"http://127.0.0.1:{listener.getsockname()[1]}/mcp"
        settings = AuthSettings(
            issuer_url=issuer,
            resource_server_url=address,
            required_scopes=list(scopes),
            validate_token_resource=False,
        )
        app = server.streamable_http_app(auth=settings, token_verifier=Clerk(sandbox, key))
        running = HttpServer(uvicorn.Config(app, log_config=None, lifespan="off", ws="none"))
        async with server.session_manager.run():
            await running.start(listener)
            try:
                yield address
            finally:
                await running.stop()


class Storage:
    def __init__(self, client=None):
        self.client, self.tokens = client, None

    async def get_tokens(self):
        return self.tokens

    async def set_tokens(self, tokens):
        self.tokens = tokens

    async def get_client_info(self):
        return self.client

    async def set_client_info(self, client_info):
        self.client = client_info


class Person:
    """Opens the address that the client would open, picks a user, and says yes."""

    def __init__(self, http, user_id, decision="allow"):
        self.http, self.user_id, self.decision, self.said = http, user_id, decision, None

    async def open(self, address):
        answer = await self.http.get(address)
        assert answer.status_code == 200, answer.headers.get("location", answer.text)
        answer = await press(self.http, Page(answer.text), "user_id", self.user_id)
        self.address = address
        _, self.said = sent_back(await press(self.http, Page(answer.text), "decision", self.decision))

    async def come_back(self):
        said = self.said
        return AuthorizationCodeResult(code=said.get("code", ""), state=said["state"], iss=said.get("iss"))


def provider(address, storage, person, method="none"):
    metadata = OAuthClientMetadata(
        redirect_uris=[BACK], client_name="Agent", token_endpoint_auth_method=method
    )
    return OAuthClientProvider(address, metadata, storage, person.open, person.come_back)


@asynccontextmanager
async def connected(address, auth):
    async with (
        httpx2.AsyncClient(auth=auth, follow_redirects=True) as http,
        Client(streamable_http_client(address, http_client=http)) as client,
    ):
        yield client


def signed_in(address, storage, person, method="none"):
    return connected(address, provider(address, storage, person, method))


@pytest.fixture
async def http():
    async with httpx2.AsyncClient() as client:
        yield client


async def backend(http, sandbox, method, path, body, *, key=None):
    headers = {"authorization": f"Bearer {key or sandbox.secret_key}", "clerk-api-version": "2026-05-12"}
    answer = await http.request(method, f"{sandbox.api_url}{path}", json=body, headers=headers)
    assert answer.status_code == 200, answer.text
    return answer.json()


def seed(sandbox, **more):
    sandbox.seed({"users": [{"id": "user_ada", "email_address": ["ada@example.com"]}]}, **more)


async def allow_registration(http, sandbox, key=None):
    body = {"dynamic_oauth_client_registration": True}
    await backend(http, sandbox, "PATCH", "/instance/oauth_application_settings", body, key=key)


async def who(client):
    return (await client.call_tool("whoami", {})).content[0].text


@pytest.mark.promise("sandbox-is-an-issuer")
@pytest.mark.parametrize("jwt", [False, True], ids=["opaque", "jwt"])
@pytest.mark.parametrize("method", ["none", "client_secret_basic", "client_secret_post"])
async def test_a_client_registers_itself_and_comes_in_as_who_was_picked(clerk_sandbox, http, method, jwt):
    seed(clerk_sandbox)
    await allow_registration(http, clerk_sandbox)
    settings = {"oauth_jwt_access_tokens": jwt}
    await backend(http, clerk_sandbox, "PATCH", "/instance/oauth_application_settings", settings)
    storage, person = Storage(), Person(http, "user_ada")
    async with protected(clerk_sandbox, clerk_sandbox.url, clerk_sandbox.secret_key) as address:
        async with signed_in(address, storage, person, method) as client:
            assert await who(client) == "user_ada"
        assert "resource=" in person.address
        assert set(storage.tokens.scope.split()) == {"profile", "email", "offline_access"}
        assert storage.client.token_endpoint_auth_method == method
        assert (storage.tokens.access_token.count(".") == 2) is jwt


async def test_a_client_that_an_administrator_made_comes_in_without_registering(clerk_sandbox, http):
    seed(clerk_sandbox)
    body = {"name": "Agent", "public": True, "redirect_uris": ["http://127.0.0.1/callback"]}
    body |= {"scopes": "profile email offline_access"}
    made = await backend(http, clerk_sandbox, "POST", "/oauth_applications", body)
    storage = Storage(
        OAuthClientInformationFull(
            client_id=made["client_id"], redirect_uris=[BACK], token_endpoint_auth_method="none"
        )
    )
    async with (
        protected(clerk_sandbox, clerk_sandbox.url, clerk_sandbox.secret_key) as address,
        signed_in(address, storage, Person(http, "user_ada")) as client,
    ):
        assert await who(client) == "user_ada"


async def test_what_has_expired_is_refreshed_without_anybody(clerk_sandbox, http):
    seed(clerk_sandbox)
    await allow_registration(http, clerk_sandbox)
    storage = Storage()
    async with protected(clerk_sandbox, clerk_sandbox.url, clerk_sandbox.secret_key) as address:
        auth = provider(address, storage, Person(http, "user_ada"))
        async with connected(address, auth) as client:
            await who(client)
            first = storage.tokens
            clerk_sandbox.clock.advance("2d")
            auth.context.token_expiry_time = 1
            auth.context.redirect_handler = None
            assert await who(client) == "user_ada"
    assert storage.tokens.access_token != first.access_token
    assert storage.tokens.refresh_token != first.refresh_token


async def test_an_instance_beside_the_first_is_an_issuer_of_its_own(clerk_sandbox, http):
    second = clerk_sandbox.instances.add("second", user_quota=0)
    seed(clerk_sandbox, instance="second")
    await allow_registration(http, clerk_sandbox, second["secret_key"])
    issuer = f"{clerk_sandbox.url}/instances/second"
    storage = Storage()
    async with (
        protected(clerk_sandbox, issuer, second["secret_key"]) as address,
        signed_in(address, storage, Person(http, "user_ada")) as client,
    ):
        assert await who(client) == "user_ada"
    # The first instance knows nothing of it.
    verifier = Clerk(clerk_sandbox, clerk_sandbox.secret_key)
    assert await verifier.verify_token(storage.tokens.access_token) is None


async def refused(address, storage, person):
    """What ends the way in."""
    with pytest.raises(BaseExceptionGroup) as error:
        async with signed_in(address, storage, person) as client:
            await client.list_tools()
    found = error.value
    while isinstance(found, BaseExceptionGroup):
        found = found.exceptions[0]
    return found


async def test_a_client_that_may_not_register_is_told(clerk_sandbox, http):
    seed(clerk_sandbox)
    async with protected(clerk_sandbox, clerk_sandbox.url, clerk_sandbox.secret_key) as address:
        error = await refused(address, Storage(), Person(http, "user_ada"))
    assert isinstance(error, OAuthRegistrationError)


async def test_whoever_says_no_lets_nobody_in(clerk_sandbox, http):
    seed(clerk_sandbox)
    await allow_registration(http, clerk_sandbox)
    storage, person = Storage(), Person(http, "user_ada", decision="deny")
    async with protected(clerk_sandbox, clerk_sandbox.url, clerk_sandbox.secret_key) as address:
        error = await refused(address, storage, person)
    assert isinstance(error, OAuthFlowError)
    assert person.said["error"] == "access_denied"
    assert storage.tokens is None


async def test_a_token_that_was_revoked_at_clerk_lets_nobody_in(clerk_sandbox, http):
    seed(clerk_sandbox)
    await allow_registration(http, clerk_sandbox)
    storage, person = Storage(), Person(http, "user_ada")
    async with protected(clerk_sandbox, clerk_sandbox.url, clerk_sandbox.secret_key) as address:
        async with signed_in(address, storage, person) as client:
            await who(client)
        (application,) = (await backend(http, clerk_sandbox, "GET", "/oauth_applications", None))["data"]
        assert application["dynamically_registered"]
        place = f"{clerk_sandbox.api_url}/oauth_applications/{application['id']}/revoke_token"
        headers = {"authorization": f"Bearer {clerk_sandbox.secret_key}"}
        answer = await http.post(place, json={"token": storage.tokens.access_token}, headers=headers)
        assert answer.status_code == 204
        async with httpx2.AsyncClient() as plain:
            shown = {"authorization": f"Bearer {storage.tokens.access_token}"}
            assert (await plain.post(address, json={}, headers=shown)).status_code == 401
    assert urlsplit(person.address).path == "/oauth/authorize"
