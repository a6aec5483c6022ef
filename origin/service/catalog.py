"""What there is: assets by id (cached for the delivery path) and the objects of named sources."""

from __future__ import annotations

import math
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Generic, TypeVar

from origin.errors import DatabaseUnavailable, NotFound, OriginError, StorageMissing, Unavailable
from origin.ports import Asset, AssetFinder, AssetVersion, ObjectInfo, ObjectReader
from urlspec.sources import AssetRef, NamedRef, SourceRef

T = TypeVar("T")

FRESH = 60.0
"""Seconds for which metadata is believed without asking."""
STALE = 600.0
"""Seconds for which it is used when the system that knows is away."""
ENTRIES = 20_000


@dataclass(slots=True)
class _Entry(Generic[T]):
    value: T
    read: float


class _Memory(Generic[T]):
    """A bounded map whose entries know when they were read."""

    def __init__(self, entries: int) -> None:
        self._entries: OrderedDict[str, _Entry[T]] = OrderedDict()
        self._most = entries

    def get(self, key: str) -> _Entry[T] | None:
        entry = self._entries.get(key)
        if entry is not None:
            self._entries.move_to_end(key)
        return entry

    def put(self, key: str, value: T, now: float) -> None:
        self._entries[key] = _Entry(value, now)
        self._entries.move_to_end(key)
        if len(self._entries) > self._most:
            self._entries.popitem(last=False)

    def drop(self, key: str) -> None:
        self._entries.pop(key, None)


class CachedAssets:
    """Assets as the delivery path reads them: 60 s fresh, 10 min stale while the database is away.

    ``announced`` says whether changes made elsewhere are heard of at once; while they are not, entries are
    fresh for one second only.
    """

    def __init__(self, finder: AssetFinder, clock: Callable[[], float] = time.monotonic) -> None:
        self._finder = finder
        self._clock = clock
        self._memory: _Memory[Asset | None] = _Memory(ENTRIES)
        self._doubted = -math.inf
        """What was read until then has to be asked for again."""
        self.announced = False

    async def find(self, id: str, *, fresh: bool = False) -> Asset | None:
        """The asset or None. ``fresh`` asks the database whatever is remembered.

        Raises DatabaseUnavailable when nothing usable is remembered.
        """
        now = self._clock()
        entry = self._memory.get(id)
        trusted = entry and entry.read > self._doubted and not fresh
        if entry and trusted and now - entry.read < (FRESH if self.announced else 1.0):
            return entry.value
        try:
            found = await self._finder.find(id)
        except DatabaseUnavailable:
            if entry and now - entry.read < STALE:
                return entry.value
            raise
        self._memory.put(id, found, self._clock())
        return found

    def forget(self, id: str) -> None:
        self._memory.drop(id)

    def doubt_all(self) -> None:
        """Ask again about everything; what is remembered still serves where nobody can be asked."""
        self._doubted = self._clock()


@dataclass(frozen=True, slots=True)
class NamedSource:
    """A source of ``ORIGIN_SOURCES`` with the reader that serves it."""

    reader: ObjectReader
    public: bool


@dataclass(frozen=True, slots=True)
class Found:
    """A picture that a URL names, as far as it is known before its bytes are read."""

    ref: SourceRef
    identity: str
    """Changes with the bytes and with every purge: what result keys are made of."""
    modified: datetime
    reader: ObjectReader
    key: str
    size: int | None = None
    sha256: str | None = None
    asset: Asset | None = None
    version: AssetVersion | None = None
    public: bool = True
    """Anybody may see it, given a URL that is admitted."""

    def missing(self) -> OriginError:
        """What it means that the store does not have the bytes: for an asset of ours, that it lost them."""
        return StorageMissing() if self.asset else NotFound()

    @property
    def content(self) -> str:
        """Names the bytes alone, for the cache of originals."""
        return self.sha256 or self.identity


def identity(asset: Asset, version: AssetVersion) -> str:
    """Changes with the bytes and with every purge."""
    return f"{asset.id}:{version.number}:{asset.purges}:{version.sha256[:16]}"


class Catalog:
    """Finds what a URL names."""

    def __init__(
        self,
        assets: CachedAssets,
        originals: ObjectReader,
        sources: Mapping[str, NamedSource],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._assets = assets
        self._originals = originals
        self._sources = sources
        self._clock = clock
        self._objects: _Memory[ObjectInfo | None] = _Memory(ENTRIES)

    async def asset(self, ref: AssetRef, *, fresh: bool = False) -> Asset | None:
        return await self._assets.find(ref.id, fresh=fresh)

    def from_asset(self, ref: AssetRef, asset: Asset, version: AssetVersion) -> Found:
        return Found(
            ref,
            identity(asset, version),
            version.created,
            self._originals,
            version.sha256,
            size=version.bytes,
            sha256=version.sha256,
            asset=asset,
            version=version,
            public=asset.visibility == "public",
        )

    def source(self, ref: NamedRef) -> NamedSource | None:
        return self._sources.get(ref.name)

    async def object(self, ref: NamedRef, source: NamedSource) -> Found:
        """The object of a key. Raises NotFound, or Unavailable when its store is away and it is not known."""
        info = await self._stat(ref, source)
        if info is None:
            raise NotFound
        identity = f"@{ref.name}/{ref.key}:{info.validator}:{info.size}"
        return Found(ref, identity, info.modified, source.reader, ref.key, size=info.size)

    async def _stat(self, ref: NamedRef, source: NamedSource) -> ObjectInfo | None:
        key = f"{ref.name}/{ref.key}"
        now = self._clock()
        entry = self._objects.get(key)
        # An absent object is believed for ten seconds only: it may be on its way.
        if entry and now - entry.read < (FRESH if entry.value else 10.0):
            return entry.value
        try:
            info: ObjectInfo | None = await source.reader.stat(ref.key)
        except NotFound:
            info = None
        except Unavailable:
            if entry and now - entry.read < STALE:
                return entry.value
            raise
        self._objects.put(key, info, self._clock())
        return info
