"""From a file to an asset: looked at, decoded in full, stored, and only then known."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, Protocol

from origin.errors import Conflict, NotFound, Overloaded, QuotaExceeded, SourceTooLarge
from origin.imaging.model import Inspection, Lost, media_type
from origin.ports import Asset, AssetLibrary, AssetVersion, ObjectStore
from origin.service.ids import chosen_id, new_id
from origin.service.refused import Refusals

PATIENCE: Final = 30.0
"""Seconds that an upload waits for its turn to be looked at: it has come a long way."""


class Inspector(Protocol):
    """Decodes an upload in full, in a worker."""

    async def inspect(self, path: str, lost: Lost | None = None) -> Inspection: ...


@dataclass(frozen=True, slots=True)
class Upload:
    """A file that somebody wants to become an asset."""

    path: Path
    owner: str | None = None
    """User id; None for the operator."""
    id: str | None = None
    """A slug, or None for an id made here."""
    visibility: str | None = None
    """``public`` or ``private``; None: whatever it is, public when it is new."""
    tags: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Ingested:
    asset: Asset
    created: bool
    """False when the same owner had already sent the same bytes."""


class Ingest:
    """Takes files in. The object is stored before the row that names it, so no row is without its object."""

    def __init__(
        self,
        assets: AssetLibrary,
        originals: ObjectStore,
        inspector: Inspector,
        max_bytes: int,
        *,
        at_once: int = 1,
        refusals: Refusals | None = None,
    ) -> None:
        """``at_once``: uploads that workers look at; more wait here, not in the queue of the pictures.

        ``refusals`` remembers files that ended workers.
        """
        self._assets = assets
        self._originals = originals
        self._inspector = inspector
        self._max_bytes = max_bytes
        self._refusals = refusals
        self._turns = asyncio.Semaphore(at_once)

    async def ingest(self, upload: Upload, *, quota: int | None = None) -> Ingested:
        """Take one file in. ``quota``: most bytes of the owner, asked before anything is stored.

        Raises SourceTooLarge, QuotaExceeded, UnsupportedMedia, the ImageErrors, Conflict for a slug that is
        taken, and what storage and the database raise.
        """
        id = chosen_id(upload.id) if upload.id is not None else None
        size, sha256 = await self._measured(upload.path)
        if (same := await self._same(upload, id, sha256)) is not None:
            await self.secure(upload.path, same.current)
            return Ingested(same, created=False)
        version = await self._stored(upload, size, sha256, quota)
        ingested = await self._add(upload, id, version, quota)
        await self.secure(upload.path, version)
        return ingested

    async def prepare(
        self, upload: Upload, *, quota: int | None = None, known: str | None = None
    ) -> AssetVersion | None:
        """A stored and checked version that no asset has yet; None when its SHA-256 is ``known``."""
        size, sha256 = await self._measured(upload.path)
        return None if sha256 == known else await self._stored(upload, size, sha256, quota)

    async def secure(self, path: Path, version: AssetVersion) -> None:
        """Put the file of a version that has its row once more, if storage does not have it.

        Before there was a row the sweeper may have taken the object for an orphan that lay there from
        earlier; now it does not touch it. A file that was lost comes back this way as well.
        """
        try:
            await self._originals.stat(version.sha256)
        except NotFound:
            await self._originals.put(version.sha256, path, media_type=media_type(version.format))

    async def _measured(self, path: Path) -> tuple[int, str]:
        size, sha256 = await asyncio.to_thread(fingerprint, path)
        if size > self._max_bytes:
            raise SourceTooLarge(
                f"The file has {size} bytes; at most {self._max_bytes} are accepted.",
                max_bytes=self._max_bytes,
            )
        return size, sha256

    async def _stored(self, upload: Upload, size: int, sha256: str, quota: int | None) -> AssetVersion:
        if quota is not None and upload.owner is not None:
            used = await self._assets.bytes_of(upload.owner, besides=upload.id or "")
            QuotaExceeded.check(quota, used, size)
        inspection = await self._inspected(str(upload.path), sha256)
        version = _version(inspection, sha256, size)
        await self._originals.put(sha256, upload.path, media_type=media_type(version.format))
        return version

    async def _inspected(self, path: str, sha256: str) -> Inspection:
        case = await self._refusals.upload(sha256) if self._refusals else None
        async with self._turn():
            inspection = await self._inspector.inspect(path, lost=case.lost if case else None)
        if case:
            await case.passed()
        return inspection

    @asynccontextmanager
    async def _turn(self) -> AsyncIterator[None]:
        try:
            async with asyncio.timeout(PATIENCE):
                await self._turns.acquire()
        except TimeoutError as error:
            raise Overloaded("More uploads are waiting than can be looked at just now.") from error
        try:
            yield
        finally:
            self._turns.release()

    async def _same(self, upload: Upload, id: str | None, sha256: str) -> Asset | None:
        """The asset that these bytes already are, for this owner and with this id and visibility."""
        if id is not None:
            taken = await self._assets.find(id)
            if taken is None:
                return None
            mine = taken.owner == upload.owner and taken.deleted is None
            if mine and taken.current.sha256 == sha256 and upload.visibility in {None, taken.visibility}:
                return taken
            raise Conflict(f"The id {id!r} is taken.")
        return await self._assets.find_same(upload.owner, sha256, visibility=upload.visibility)

    async def _add(
        self, upload: Upload, id: str | None, version: AssetVersion, quota: int | None
    ) -> Ingested:
        """The asset, or the one that the same upload has become meanwhile: clients send things twice."""
        asset = Asset(
            id or new_id(),
            upload.owner,
            upload.visibility or "public",
            version,
            purges=0,
            created=version.created,
            tags=upload.tags,
        )
        try:
            added = await self._assets.add(asset, once=id is None, quota=quota)
        except Conflict:
            same = await self._same(upload, id, version.sha256)
            if same is None:
                raise
            return Ingested(same, created=False)
        return Ingested(added, created=added.id == asset.id)


def fingerprint(path: Path) -> tuple[int, str]:
    """Size in bytes and SHA-256 (hex) of a file."""
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256")
        return file.tell(), digest.hexdigest()


def _version(inspection: Inspection, sha256: str, size: int) -> AssetVersion:
    header = inspection.header
    return AssetVersion(
        1,
        sha256,
        size,
        header.format,
        header.width,
        header.height,
        header.frames,
        header.has_alpha,
        header.orientation,
        datetime.now(UTC),
        thumbhash=inspection.thumbhash,
        dominant_color=inspection.dominant_color,
    )
