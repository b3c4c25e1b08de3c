"""Signed checkpoints: what a journal that was cut off begins behind, so that its chain can still be checked.

A checkpoint is the number and the hash of the last line that went, signed with Ed25519 by a key of the
workspace which only the vault opens. Whoever can change the database and not open the vault can neither make
a checkpoint nor move one: the public half is derived from the sealed key and stands nowhere else.
"""

import base64
from dataclasses import dataclass

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import insert, select
from sqlalchemy.exc import IntegrityError

from deskclerk.database import Connection
from deskclerk.desk.journal.heads import BEGINNING, Head
from deskclerk.desk.time_and_ids import now
from deskclerk.errors import StorageUnavailable
from deskclerk.hosted.database import HostedDatabase
from deskclerk.hosted.retention.tables import checkpoint_keys, checkpoints
from deskclerk.hosted.workspaces.store import Sealer

KEY = "checkpoint_key"
"""What the sealed key is sealed for."""


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """The last line that was cut off, and when."""

    head: Head
    made_at: int


class Checkpoints:
    """The checkpoints of all workspaces."""

    def __init__(self, hosted: HostedDatabase, sealer: Sealer) -> None:
        self._hosted = hosted
        self._sealer = sealer

    async def newest(self, workspace: str) -> Checkpoint | None:
        """The checkpoint that a journal begins behind; None if it is whole.

        StorageUnavailable for one whose signature does not hold.
        """
        query = select(checkpoints).order_by(checkpoints.c.seq.desc()).limit(1)
        async with self._hosted.of(workspace).reading() as connection:
            row = (await connection.execute(query)).mappings().one_or_none()
        if row is None:
            return None
        found = Checkpoint(Head(row["seq"], row["hash"]), row["made_at"])
        key = await self.key(workspace)
        try:
            key.public_key().verify(base64.b64decode(row["signature"]), _signed(workspace, found))
        except InvalidSignature:
            raise StorageUnavailable(
                "The journal's checkpoint is not signed by this workspace's key.",
                next_step="Compare the database with a backup: somebody has changed it.",
            ) from None
        return found

    async def beginning(self, workspace: str) -> Head:
        """The line behind which the journal begins: that of the newest checkpoint, else none."""
        found = await self.newest(workspace)
        return found.head if found else Head(0, BEGINNING)

    async def make(
        self, connection: Connection, workspace: str, head: Head, key: Ed25519PrivateKey
    ) -> Checkpoint:
        """Note a checkpoint, signed with the workspace's key, in the transaction that cuts the lines off."""
        made = Checkpoint(head, now())
        signature = key.sign(_signed(workspace, made))
        row = {
            "workspace": workspace,
            "seq": head.seq,
            "hash": head.hash,
            "made_at": made.made_at,
            "signature": base64.b64encode(signature).decode(),
        }
        await connection.execute(insert(checkpoints), row)
        return made

    async def key(self, workspace: str) -> Ed25519PrivateKey:
        """The key that a workspace's checkpoints are signed with, made when it is first asked for."""
        query = select(checkpoint_keys.c.sealed)
        async with self._hosted.of(workspace).reading() as connection:
            sealed = (await connection.execute(query)).scalar_one_or_none()
        if sealed is None:
            key = Ed25519PrivateKey.generate()
            raw = base64.b64encode(key.private_bytes_raw()).decode()
            row = {"sealed": await self._sealer.seal(workspace, "", KEY, raw)}
            try:
                async with self._hosted.of(workspace).writing() as connection:
                    await connection.execute(insert(checkpoint_keys), row)
            except IntegrityError:
                # Another replica was faster: its key stands.
                return await self.key(workspace)
            return key
        opened = await self._sealer.open(workspace, "", KEY, sealed)
        return Ed25519PrivateKey.from_private_bytes(base64.b64decode(opened))


def _signed(workspace: str, checkpoint: Checkpoint) -> bytes:
    return f"deskclerk checkpoint\n{workspace}\n{checkpoint.head}\n{checkpoint.made_at}".encode()
