"""A platform on one machine: PostgreSQL, Redis, a sandbox that is Clerk and issuer, replicas, a proxy.

All of it is started here, on free ports, and ends with the block.
"""

import base64
import contextlib
import os
import re
import secrets
import socket
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import httpx2
from pydantic import SecretStr

from deskclerk.hosted.agents.agent import AgentRules
from deskclerk.hosted.agents.tokens import WorkspaceTokens
from deskclerk.hosted.parts import opened
from deskclerk.hosted.people.persons import arrived
from deskclerk.hosted.people.sign_in import Claims
from deskclerk.hosted.workspaces.store import read_policy
from deskclerk.settings import Settings
from deskclerk.testing import sandbox_server
from tests.databases import Postgres
from tests.hosted.redis_server import running as redis_running

_STARTING_SECONDS = 60
_LISTENING = re.compile(r"listening on 127\.0\.0\.1:(\d+)")


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return listener.getsockname()[1]


class Replica:
    """One `deskclerk serve --hosted`, in a process of its own, with its worker."""

    def __init__(self, environment, log, *, port=0, worker=True, cpu=None, words=()):
        command = [sys.executable, "-m", "deskclerk", "serve", "--hosted", "--port", str(port or free_port())]
        command += [*words] if worker else ["--no-worker"]
        command = ["taskset", "-c", str(cpu), *command] if cpu is not None else command
        self.log = log
        self._output = log.open("ab")
        begins = self._output.tell()
        self.process = subprocess.Popen(
            command, env=environment, stdout=self._output, stderr=self._output, start_new_session=True
        )
        until = time.monotonic() + _STARTING_SECONDS
        while not (found := _LISTENING.search(log.read_text()[begins:])):
            if self.process.poll() is not None or time.monotonic() > until:
                raise RuntimeError(f"a replica did not start: {log.read_text()[begins:]}")
            time.sleep(0.05)
        self.port = int(found[1])

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}"

    def kill(self):
        """As if its machine had lost power; its worker finds its parent gone, and ends."""
        self.process.kill()
        self.process.wait()
        self._output.close()

    def end(self):
        self.process.terminate()
        try:
            self.process.wait(60)
        except subprocess.TimeoutExpired:
            self.kill()
            raise
        finally:
            self._output.close()


class Platform:
    """What the tests of many replicas stand on."""

    def __init__(self, folder, postgres, redis_url, clerk):
        self.folder, self.postgres, self.redis_url, self.clerk = folder, postgres, redis_url, clerk
        self.public_port = free_port()
        self.public_url = f"http://127.0.0.1:{self.public_port}"
        self.database = postgres.new()
        self.vault_key = base64.b64encode(secrets.token_bytes(32)).decode()
        made = self.api("POST", "/oauth_applications", {
            "name": "deskclerk",
            "redirect_uris": [f"{self.public_url}/sign-in/callback"],
            "scopes": "openid profile email",
            "consent_screen_enabled": False,
        })  # fmt: skip
        self.client_id, self.client_secret = made["client_id"], made["client_secret"]
        self.api_urls = (clerk.url,)
        self._stack = contextlib.ExitStack()
        self._numbers = iter(range(1000))

    def api(self, method, path, body=None, key=None):
        """Clerk's Backend API, past deskclerk."""
        answer = httpx2.request(
            method,
            f"{self.clerk.api_url}{path}",
            json=body,
            headers={"authorization": f"Bearer {key or self.clerk.secret_key}"},
            timeout=30,
        )
        answer.raise_for_status()
        return answer.json()

    @property
    def settings(self):
        """The settings of every replica."""
        return Settings(
            database=SecretStr(self.database),
            redis=SecretStr(self.redis_url),
            vault_key=SecretStr(self.vault_key),
            public_url=self.public_url,
            issuer=self.clerk.url,
            client_id=self.client_id,
            client_secret=SecretStr(self.client_secret),
            api_urls=self.api_urls,
        )

    @property
    def environment(self):
        """The same as variables of the environment."""
        own = {
            name: value for name, value in os.environ.items() if not name.startswith(("DESKCLERK", "CLERK"))
        }
        return own | {
            "DESKCLERK_DATABASE": self.database,
            "DESKCLERK_REDIS": self.redis_url,
            "DESKCLERK_VAULT_KEY": self.vault_key,
            "DESKCLERK_PUBLIC_URL": self.public_url,
            "DESKCLERK_ISSUER": self.clerk.url,
            "DESKCLERK_CLIENT_ID": self.client_id,
            "DESKCLERK_CLIENT_SECRET": self.client_secret,
            "DESKCLERK_API_URLS": ",".join(self.api_urls),
            "DESKCLERK_HOME": str(self.folder / "home"),
        }

    def replica(self, **options):
        """One more replica, which ends with the platform."""
        log = self.folder / f"replica-{next(self._numbers)}.log"
        log.touch()
        started = Replica(self.environment, log, **options)
        self._stack.callback(_end, started)
        return started

    def logs(self):
        """What all replicas and their workers have written."""
        return "".join(path.read_text() for path in sorted(self.folder.glob("replica-*.log")))

    async def workspace(self, parts, slug, *, instance="prod", key=None, policy=None, api_url=None):
        """A workspace with an owner, an instance, and an agent with a token.

        Its owner is a user of the sandbox with the address `owner@SLUG.example.com`.
        """
        email = f"owner@{slug}.example.com"
        user = self.api("POST", "/users", {"email_address": [email], "skip_password_requirement": True})
        claims = Claims(subject=user["id"], email=email, email_verified=True, name=f"Owner of {slug}")
        async with parts.database.whole.writing() as connection:
            person = await arrived(connection, self.clerk.url, claims)
        made = await parts.workspaces.create(slug, slug.title(), person.id)
        await parts.workspaces.set_policy(made.id, read_policy({"approval_wait": 0, **(policy or {})}))
        await parts.workspaces.add_instance(
            made.id, instance, SecretStr(key or self.clerk.secret_key), api_url or self.clerk.url
        )
        rules = AgentRules(toolsets=("core", "jobs"), dialogue=True)
        agent = await parts.agents.create(made.id, "bot", rules, person.id)
        scopes = ["clerk:read", "clerk:write", "clerk:destructive", "jobs"]
        _, token = await WorkspaceTokens(parts.database).make(
            made.id, agent.id, scopes=scopes, days=1, made_by=person.id
        )
        return SimpleNamespace(
            id=made.id, slug=slug, instance=instance, person=person, user=user["id"], agent=agent, token=token
        )

    def parts(self):
        """The parts of a hosted desk in this process, for what is prepared and looked at."""
        return opened(self.settings)

    @contextlib.asynccontextmanager
    async def signed_in(self, user, origin=None):
        """A browser in which a user of the sandbox is signed in at the desk."""
        async with httpx2.AsyncClient(base_url=origin or self.public_url, timeout=60) as browser:
            begun = await browser.get("/sign-in")
            address = httpx2.URL(begun.headers["location"])
            asked = {**dict(address.params), "user_id": user, "decision": "allow"}
            page = await browser.post(str(address.copy_with(query=None)), data=asked)
            back = httpx2.URL(page.headers["location"])
            answer = await browser.get(f"{back.path}?{back.query.decode()}")
            assert answer.status_code == 303, answer.text
            yield browser

    def dump(self):
        """The whole database as pg_dump writes it."""
        command = ["pg_dump", "--dbname", self.database]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def _end(replica):
    if replica.process.poll() is None:
        replica.end()


@contextlib.contextmanager
def platform(folder, in_its_place=None):
    """A platform without replicas yet; `in_its_place` is a context with another Clerk than the sandbox."""
    folder = Path(folder)
    with (
        Postgres.started() as postgres,
        redis_running() as redis,
        in_its_place or sandbox_server(folder / "clerk.db") as clerk,
    ):
        found = Platform(folder, postgres, redis.url, clerk)
        with found._stack:
            yield found
