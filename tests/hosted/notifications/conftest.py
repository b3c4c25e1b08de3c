"""Receivers with certificates of the tests' own authority, workspaces with desks, and who sends for them."""

import asyncio
import datetime as dt
import ssl
from contextlib import AsyncExitStack, asynccontextmanager
from types import SimpleNamespace

import httpx2
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from pydantic import SecretStr

from deskclerk.catalogue import BanUser
from deskclerk.clerk.client import Clerk
from deskclerk.desk import Caller, Desk
from deskclerk.desk.waking import Bells
from deskclerk.desk.workspace import Workspace
from deskclerk.errors import ApprovalNeeded
from deskclerk.hosted.database import HostedDatabase
from deskclerk.hosted.notifications.delivery import Delivery, Sources
from deskclerk.hosted.notifications.destinations import Destinations
from deskclerk.hosted.notifications.outbox import CHANNEL, Outbox, OutboxTeller
from deskclerk.hosted.notifications.outgoing import Outgoing
from deskclerk.hosted.people.signing_rules import MemberSigningRules
from deskclerk.hosted.vault.data_keys import DataKeys
from deskclerk.hosted.vault.key_wrapping import LocalKeys
from deskclerk.hosted.vault.vault import Vault
from deskclerk.hosted.workspaces.store import WorkspaceStore
from deskclerk.settings import Rules
from tests.desk.conftest import TinyClerk
from tests.desk.notifications.conftest import PATH, SECRET, Receiver
from tests.hosted.vault.conftest import KEY

HOST, SLACK = "hooks.example.com", "hooks.slack.com"
ADDRESS = f"https://{HOST}{PATH}"
SLACK_PATH = "/services/T1JJ3T3L2/A1BRTD4JD/TIiajkdnlazkcOXrIdevi7FQ"
PUBLIC = "https://desk.example.com"
KEYS = {"acme": "sk_live_abcdefghijklmnopqrstuvwx", "bolt": "sk_live_bbcdefghijklmnopqrstuvwx"}
BOT = Caller("mcp", client="Cursor 2", token="bot")


def signed(name, key, issuer, issuers_key, *extensions):
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    at = dt.datetime.now(dt.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer or subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(at - dt.timedelta(days=1))
        .not_valid_after(at + dt.timedelta(days=1))
    )
    for extension in extensions:
        made = made.add_extension(extension, critical=isinstance(extension, x509.BasicConstraints))
    return made.sign(issuers_key, hashes.SHA256())


@pytest.fixture(scope="session")
def authority(tmp_path_factory):
    """`trust`, and `of(*names)`: a context for a server that is these hosts."""
    folder = tmp_path_factory.mktemp("authority")
    key = ec.generate_private_key(ec.SECP256R1())
    root = signed("Tests", key, None, key, x509.BasicConstraints(ca=True, path_length=None))
    pem = serialization.Encoding.PEM

    def of(*names):
        own = ec.generate_private_key(ec.SECP256R1())
        hosts = x509.SubjectAlternativeName([x509.DNSName(name) for name in names])
        made = signed(names[0], own, root.subject, key, hosts)
        chain = folder / "chain.pem"
        private = own.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        chain.write_bytes(private + made.public_bytes(pem))
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(chain)
        return context

    trust = ssl.create_default_context(cadata=root.public_bytes(pem).decode())
    return SimpleNamespace(trust=trust, of=of)


@asynccontextmanager
async def receiving(authority, *names):
    """A receiver that is these hosts; `asked` has the names that were asked for."""
    receiver, context = Receiver(), authority.of(*names)
    receiver.asked = []
    context.sni_callback = lambda _, name, __: receiver.asked.append(name)
    server = await asyncio.start_server(receiver.serve, "127.0.0.1", 0, ssl=context)
    receiver.port = server.sockets[0].getsockname()[1]
    receiver.url = f"https://127.0.0.1:{receiver.port}"
    try:
        yield receiver
    finally:
        receiver.answers.set()
        server.close()


@pytest.fixture
async def receiver(authority):
    async with receiving(authority, HOST, SLACK) as found:
        yield found


def loopback_as_public(address):
    return address == "127.0.0.1"


async def on_loopback(host):
    del host
    return ["127.0.0.1"]


@pytest.fixture
def outgoing(authority, receiver):
    """Finds every host at the receiver, which stands in for a machine of the public network."""
    return Outgoing(resolve=on_loopback, public=loopback_as_public, port=receiver.port, tls=authority.trust)


class Replica:
    """One process's view of the database."""

    def __init__(self, hosted, outgoing, clock):
        self.hosted = hosted
        self.vault = Vault(DataKeys(hosted.of, LocalKeys((KEY,))))
        self.workspaces = WorkspaceStore(hosted, self.vault)
        self.bells = Bells(lambda poll: poll)
        self.destinations = Destinations(hosted, self.vault, lambda: self.bells.ring(CHANNEL))
        self.outbox = Outbox(hosted, clock)
        sources = Sources(hosted, self.workspaces, self.destinations, self.console)
        self.delivery = Delivery(sources, self.bells, self.outbox, outgoing)

    @staticmethod
    def console(workspace, instance):
        return f"{PUBLIC}/w/{workspace.slug}/i/{instance}"

    def teller(self, workspace):
        return OutboxTeller(self.hosted.of(workspace), lambda: self.bells.ring(CHANNEL))

    async def send(self):
        """One look, and what it took sent."""
        await self.delivery.look()
        await self.delivery.settled()


class Clock:
    """Stands still behind the desk's own clock until it is put forward."""

    def __init__(self):
        self.ahead = 0

    def __call__(self):
        from deskclerk.desk.time_and_ids import now  # noqa: PLC0415

        return now() + self.ahead


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
async def replica(url, outgoing, clock):
    """Makes replicas on the test's database."""
    async with AsyncExitStack() as stack:

        async def make(sends=outgoing):
            hosted = await HostedDatabase.open(SecretStr(url))
            stack.push_async_callback(hosted.close)
            return Replica(hosted, sends, clock)

        yield make


@pytest.fixture
async def one(replica):
    return await replica()


class Customer:
    """A workspace with a live instance, and its desk before a tiny Clerk."""

    def __init__(self, replica, record, desk, clerk):
        self.replica, self.record, self.desk, self.clerk = replica, record, desk, clerk
        self.id = record.id
        self.sends = replica.delivery._outgoing

    async def hook(self, name="ops", address=ADDRESS, secret=SECRET, kind="webhook"):
        made = await self.replica.destinations.add(
            self.id, name, kind, address=SecretStr(address), secret=secret and SecretStr(secret), by="per_1"
        )
        # As a desk that is opened anew finds them.
        self.desk.signing._teller = self.replica.teller(self.id)
        return made

    async def plan(self, user="user_1", caller=BOT):
        """A plan that waits, since nobody is there to sign it; its id."""
        self.clerk.users.setdefault(user, {**self.clerk.users["user_1"], "id": user})
        with pytest.raises(ApprovalNeeded) as waits:
            await self.desk.perform(BanUser(user_id=user), caller=caller)
        return waits.value.plan_id

    async def notices(self):
        """By subject: outcome, why and tries of each."""
        async with self.replica.hosted.of(self.id).reading() as connection:
            from sqlalchemy import select  # noqa: PLC0415

            from deskclerk.hosted.notifications.tables import notices  # noqa: PLC0415

            rows = await connection.execute(select(notices).order_by(notices.c.created_at, notices.c.id))
            return [(row["subject"], row["outcome"], row["why"], row["tries"]) for row in rows.mappings()]


@pytest.fixture
async def customer(one):
    """Makes workspaces."""
    async with AsyncExitStack() as stack:

        async def make(slug="acme"):
            record = await one.workspaces.create(slug, slug.title(), "per_1")
            key = SecretStr(KEYS[slug])
            await one.workspaces.add_instance(record.id, "prod", key)
            settings = record.policy.settings("prod", key, None, Rules(), {})
            settings = settings.model_copy(update={"approval_wait": 0})
            rules = MemberSigningRules(one.hosted, one.workspaces, record.id, None)
            workspace = Workspace(
                record.id, one.hosted.storage(record.id), signing=rules, teller=one.teller(record.id)
            )
            tiny = TinyClerk()
            transport = httpx2.MockTransport(tiny)
            clerk = await stack.enter_async_context(Clerk("https://clerk.test", "sk", transport=transport))
            desk = await stack.enter_async_context(Desk(settings, clerk=clerk, workspace=workspace))
            return Customer(one, record, desk, tiny)

        yield make


@pytest.fixture
async def acme(customer):
    return await customer()


@pytest.fixture
async def bolt(customer):
    return await customer("bolt")
