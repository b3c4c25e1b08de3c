"""Two replicas of one hosted desk, each with a vault of its own, and two workspaces."""

import base64
from dataclasses import dataclass

import pytest
from pydantic import SecretStr

from deskclerk.hosted.database import HostedDatabase
from deskclerk.hosted.vault.data_keys import DataKeys
from deskclerk.hosted.vault.doors import SealedHandovers, SealedItems, SealedSecrets
from deskclerk.hosted.vault.key_wrapping import LocalKeys
from deskclerk.hosted.vault.rotation import Rotation
from deskclerk.hosted.vault.vault import Vault
from deskclerk.hosted.workspaces.store import WorkspaceStore

KEY, OTHER_KEY = b"vault-key-one-of-32-bytes-length", b"vault-key-two-of-32-bytes-length"
CONSOLE = "https://desk.example/w/acme/i/prod/secrets"


def text_of(*keys):
    return ",".join(base64.b64encode(key).decode() for key in keys)


@dataclass
class Replica:
    """One process's view: the database and a vault with what it keeps in memory."""

    database: HostedDatabase
    vault: Vault

    @property
    def workspaces(self):
        return WorkspaceStore(self.database, self.vault)

    def rotation(self, **options):
        return Rotation(self.database.of, self.vault, **options)

    def secrets(self, workspace, instance="prod"):
        return SealedSecrets(self.database.of(workspace), self.vault, workspace, instance, console=CONSOLE)

    def handovers(self, workspace, instance="prod"):
        return SealedHandovers(self.database.of(workspace), self.vault, workspace, instance, console=CONSOLE)

    def items(self, workspace):
        return SealedItems(self.vault, workspace)


@pytest.fixture
async def replica(url):
    """Makes replicas on the test's database; `keys` are the vault keys that they have."""
    opened = []

    async def make(*keys, wrapper=None, **options):
        database = await HostedDatabase.open(SecretStr(url))
        opened.append(database)
        given = wrapper or LocalKeys(keys or (KEY,))
        return Replica(database, Vault(DataKeys(database.of, given, **options)))

    yield make
    for database in opened:
        await database.close()


@pytest.fixture
async def one(replica):
    return await replica()


@pytest.fixture
async def acme(one):
    return (await one.workspaces.create("acme", "Acme")).id


@pytest.fixture
async def bolt(one):
    return (await one.workspaces.create("bolt", "Bolt")).id
