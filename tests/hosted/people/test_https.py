"""A desk behind a proxy that ends TLS: people sign in, and cookies are those of an https origin."""

import asyncio
import re
import socket
import ssl

import httpx2
import pytest
import uvicorn

from deskclerk.faces.hosted.app import pages_app
from deskclerk.faces.hosted.site import people_site
from deskclerk.hosted.attempts import JournalledAttempts
from deskclerk.hosted.issuer import Issuer
from tests.hosted.conftest import destinations_of
from tests.hosted.people.conftest import Desks
from tests.hosted.tls import HOST, certificate, proxy

pytestmark = pytest.mark.anyio


@pytest.fixture
async def origin(hosted, workspaces, issuer, tmp_path):
    """The https address of a desk whose server speaks plain HTTP behind the proxy; and who may trust it."""
    issuer.published = {"end_session_endpoint": f"{issuer.url}/leave"}
    file = certificate(tmp_path)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        async with proxy(file) as (port, lead_to), Issuer(issuer.url, "desk", "desk-secret") as at:
            lead_to(listener.getsockname()[1])
            found = f"https://{HOST}:{port}"
            site = people_site(
                found,
                hosted,
                workspaces,
                JournalledAttempts(hosted),
                at,
                destinations=destinations_of(hosted),
            )
            config = uvicorn.Config(pages_app(site, Desks(site, None)), log_config=None, lifespan="off")
            server = uvicorn.Server(config)
            serving = asyncio.create_task(server.serve(sockets=[listener]))
            yield found, ssl.create_default_context(cafile=file), listener.getsockname()[1]
            server.should_exit = True
            await serving


def cookies_of(answer):
    """The cookies that an answer sets: what is said of each, by its name."""
    found = {}
    for line in answer.headers.get_list("set-cookie"):
        first, *parts = line.split("; ")
        found[first.partition("=")[0]] = set(parts)
    return found


def check(cookies, *names):
    assert set(cookies) == set(names)
    for parts in cookies.values():
        # What __Host- asks for (RFC 6265bis, 4.1.3.2), or the browser would not keep it.
        assert {"Secure", "HttpOnly", "Path=/", "SameSite=lax"} <= parts
        assert not any(part.startswith("Domain") for part in parts)


async def test_people_sign_in_and_out_through_the_proxy_with_cookies_for_this_host_and_https_alone(origin):
    address, trust, inner = origin
    async with httpx2.AsyncClient(base_url=address, verify=trust) as browser, httpx2.AsyncClient() as outside:
        begun = await browser.get("/sign-in?to=/security")
        assert begun.status_code == 303
        check(cookies_of(begun), "__Host-deskclerk-way")
        back = (await outside.get(begun.headers["location"])).headers["location"]
        assert back.startswith(f"{address}/sign-in/callback?")
        arrived = await browser.get(back)
        assert (arrived.status_code, arrived.headers["location"]) == (303, "/security")
        check(cookies_of(arrived), "__Host-deskclerk")
        page = await browser.get("/security")
        assert page.status_code == 200
        # By the way around the proxy nothing is sent along that opens anything.
        around = await browser.get(f"http://{HOST}:{inner}/security")
        assert around.status_code == 303
        csrf = re.search(r'name="csrf" value="([^"]+)"', page.text)[1]
        left = await browser.post("/sign-out", data={"csrf": csrf})
        assert left.headers["location"] == "/signed-out"
        check(cookies_of(left), "__Host-deskclerk")
        told = await browser.get("/signed-out")
        check(cookies_of(told), "__Host-deskclerk-out")
        assert f"post_logout_redirect_uri=https%3A%2F%2F{HOST}" in told.text
        assert (await browser.get("/security")).status_code == 303
