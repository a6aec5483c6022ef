"""Straight uploads: a browser puts the object into storage itself, and then says that it is done."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import IO, Final, Protocol

from origin.errors import (
    BadRequest,
    Conflict,
    ImageError,
    NotFound,
    SourceTooLarge,
    StorageFull,
    StorageTruncated,
    UnsupportedMedia,
    UploadMismatch,
)
from origin.ports import (
    AssetLibrary,
    ObjectReader,
    ObjectStream,
    ObjectWriter,
    Presigner,
    Ticket,
    TicketKeeper,
)
from origin.service.ids import chosen_id, new_id
from origin.service.ingest import Ingested, Upload
from origin.service.library import checked_tags

QUARANTINE: Final = "quarantine/"
LASTS: Final = timedelta(hours=1)


class Ingests(Protocol):
    async def upload(self, upload: Upload) -> Ingested: ...


class Storage(ObjectReader, ObjectWriter, Protocol):
    """The store of the originals."""


@dataclass(frozen=True, slots=True)
class Wish:
    """What a browser wants to put."""

    sha256: str
    bytes: int
    media_type: str
    id: str | None = None
    visibility: str = "public"
    tags: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Place:
    """Where and how to put it."""

    id: str
    url: str
    headers: dict[str, str]
    expires: datetime


class StraightUploads:
    """Tickets for uploads past this server. What was put counts only after it was looked at here."""

    def __init__(
        self,
        tickets: TicketKeeper,
        assets: AssetLibrary,
        storage: Storage,
        presigner: Presigner | None,
        ingest: Ingests,
        folder: Path,
        *,
        max_bytes: int,
        quota: int,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._tickets = tickets
        self._assets = assets
        self._storage = storage
        self._presigner = presigner
        self._ingest = ingest
        self._folder = folder
        self._max_bytes = max_bytes
        self._quota = quota
        self._clock = clock

    async def presign(self, owner: str, wish: Wish) -> Place:
        """A place for one object of exactly this length and hash, for an hour."""
        if self._presigner is None:
            raise BadRequest("Originals are kept in a folder here, not in S3; upload with POST /images.")
        if wish.bytes > self._max_bytes:
            raise SourceTooLarge(
                f"The file has {wish.bytes} bytes; at most {self._max_bytes} are accepted.",
                max_bytes=self._max_bytes,
            )
        id = chosen_id(wish.id) if wish.id is not None else new_id()
        if wish.id is not None and await self._assets.find(id) is not None:
            raise Conflict(f"The id {id!r} is taken.")
        now = self._clock()
        tags = checked_tags(wish.tags)
        ticket = Ticket(
            id, owner, wish.sha256, wish.bytes, wish.visibility, tags, QUARANTINE + new_id(), now, now + LASTS
        )
        await self._tickets.add_ticket(ticket, quota=self._quota)
        url, headers = await self._presigner.presign_put(
            ticket.key,
            sha256=wish.sha256,
            size=wish.bytes,
            media_type=wish.media_type,
            seconds=int(LASTS.total_seconds()),
        )
        return Place(id, url, headers, ticket.expires)

    async def complete(self, owner: str, id: str) -> Ingested:
        """Take in what was put. What is refused for good is removed at once, and its ticket ends.

        Raises NotFound without a ticket, Conflict while nothing was put, UploadMismatch for other bytes (the
        right ones may still be put), and what an upload raises.
        """
        ticket = await self._tickets.ticket(owner, id)
        if ticket is None or ticket.expires < self._clock():
            known = await self._finished(owner, id)
            if known is None:
                raise NotFound
            return known
        try:
            async with self._fetched(ticket) as path:
                upload = Upload(path, owner, ticket.id, ticket.visibility, ticket.tags)
                ingested = await self._ingest.upload(upload)
        except UploadMismatch:
            raise
        except (ImageError, UnsupportedMedia):
            await self._tickets.cancel_ticket(ticket.key)
            await self._storage.delete(ticket.key)
            raise
        except Conflict:
            # Said twice at once, the first may have made the asset and cleared away what was put.
            known = await self._finished(owner, id)
            if known is None or known.asset.current.sha256 != ticket.sha256:
                raise
            ingested = known
        await self._tickets.drop_ticket(ticket.id)
        await self._storage.delete(ticket.key)
        return ingested

    async def _finished(self, owner: str, id: str) -> Ingested | None:
        """The asset, when an earlier ``complete`` had already made it: saying it twice does no harm."""
        try:
            return Ingested(await self._assets.owned(owner, id), created=False)
        except NotFound:
            return None

    @asynccontextmanager
    async def _fetched(self, ticket: Ticket) -> AsyncIterator[Path]:
        """The object as a local file, its length and hash checked while it streams."""
        with NamedTemporaryFile(dir=self._folder, prefix="complete-") as file:
            digest, size = hashlib.sha256(), 0
            async with self._put_object(ticket) as stream:
                if stream.info.size != ticket.bytes:
                    await self._refuse(ticket)
                async for chunk in stream.chunks():
                    size += len(chunk)
                    digest.update(chunk)
                    await asyncio.to_thread(_write, file, chunk)
            if size != ticket.bytes:
                raise StorageTruncated
            if digest.hexdigest() != ticket.sha256:
                await self._refuse(ticket)
            file.flush()
            yield Path(file.name)

    @asynccontextmanager
    async def _put_object(self, ticket: Ticket) -> AsyncIterator[ObjectStream]:
        try:
            async with self._storage.open(ticket.key) as stream:
                yield stream
        except NotFound as error:
            raise Conflict("Nothing has been put at the address yet.") from error

    async def _refuse(self, ticket: Ticket) -> None:
        await self._storage.delete(ticket.key)
        raise UploadMismatch


def _write(file: IO[bytes], chunk: bytes) -> None:
    try:
        file.write(chunk)
    except OSError as error:
        raise StorageFull from error
