"""Sealing and opening for the rest of a hosted desk."""

from collections.abc import Callable
from typing import Self

from deskclerk.database import Database
from deskclerk.database.failures import Told, as_it_is
from deskclerk.errors import StorageUnavailable
from deskclerk.hosted.vault.data_keys import DataKeys, Kept
from deskclerk.hosted.vault.key_ring import open_wrapper
from deskclerk.hosted.vault.sealing import Place, version_at
from deskclerk.settings import Settings

CHECKED_SECONDS = 10.0
"""For how long it is taken that the vault opens keys: of many probes one asks it."""


class Vault:
    """Seals texts for one place in the database, and opens them there and nowhere else."""

    def __init__(self, keys: DataKeys) -> None:
        self.keys = keys
        self._checked: Kept[None, None] = Kept(CHECKED_SECONDS)
        self.told: Told = as_it_is
        """How it is told that a key cannot be had; of others' requests, without where the vault is."""

    @classmethod
    def of_settings(cls, of: Callable[[str], Database], settings: Settings) -> Self:
        """The vault that the settings name; `of` gives the database of a workspace.

        Raises:
            InvalidSettings: there is no vault key, or it cannot be used.
        """
        return cls(DataKeys(of, open_wrapper(settings)))

    async def check(self, whole: Database) -> None:
        """Look whether the vault opens keys that stand in the database; StorageUnavailable."""
        try:
            await self._checked.get(None, lambda: self.keys.check(whole))
        except StorageUnavailable as error:
            raise self.told(error) from None

    async def seal(self, workspace: str, instance: str, purpose: str, text: str) -> str:
        """A text sealed for a workspace, one of its instances (or "") and what it is for."""
        return await self.seal_at(Place(workspace, instance, purpose), text)

    async def open(self, workspace: str, instance: str, purpose: str, sealed: str) -> str:
        """The text; the errors are those of `open_at`."""
        return await self.open_at(Place(workspace, instance, purpose), sealed)

    async def seal_at(self, place: Place, text: str) -> str:
        """A text sealed for a place; of a column `SealedColumn.place` says it, for each row."""
        try:
            key = await self.keys.newest(place.workspace)
        except StorageUnavailable as error:
            raise self.told(error) from None
        return key.seal(place, text)

    async def open_at(self, place: Place, sealed: str) -> str:
        """The text.

        Raises:
            SealBroken: it was sealed for another place, or changed.
            StorageUnavailable: the data key does not unwrap, or the vault cannot be asked.
        """
        version = version_at(place, sealed)
        try:
            key = await self.keys.version(place.workspace, version)
        except StorageUnavailable as error:
            raise self.told(error) from None
        return key.open(place, sealed)
