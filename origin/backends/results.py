"""Finished pictures in memory and in a folder."""

from __future__ import annotations

import asyncio
import errno
import fcntl
import hashlib
import logging
import os
import random
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Protocol

from origin.backends.disk import ByteBudget, files_below, publish, temporary, touch
from origin.backends.result_entry import Complaint, decode, encode
from origin.backends.tally import Tally
from origin.errors import OriginError
from origin.ports import Result, ResultStore

log = logging.getLogger(__name__)

OVERHEAD = 1024
"""Bytes that an entry costs in memory beside its body."""

COMPACT_FROM = 1 << 16
"""Bytes of an asset's index from which it is rewritten each time it has doubled."""


Found = tuple[Result, tuple[str, ...]]
"""A result and the assets it was made from."""


class Tier(ResultStore, Protocol):
    """A result store that can also tell from which assets a result was made, for the tier above it."""

    async def find(self, key: str) -> Found | None: ...


class SharedTier(Tier, Protocol):
    def accepts(self, result: Result) -> bool:
        """Whether a ``put`` of it would be kept."""
        ...


class MemoryResults:
    """The most recently used results, at most ``max_bytes`` of them, in this process."""

    name = "memory"

    def __init__(self, max_bytes: int) -> None:
        self.tally = Tally()
        self._max_bytes = max_bytes
        self._bytes = 0
        self._entries: OrderedDict[str, Found] = OrderedDict()
        self._of_asset: dict[str, set[str]] = {}

    async def get(self, key: str) -> Result | None:
        found = await self.find(key)
        return found and found[0]

    async def find(self, key: str) -> Found | None:
        found = self._entries.get(key)
        if found is None:
            self.tally.misses += 1
            return None
        self.tally.hits += 1
        self._entries.move_to_end(key)
        return found

    async def put(self, key: str, result: Result, assets: Sequence[str]) -> None:
        self._drop(key)
        if len(result.body) + OVERHEAD > self._max_bytes:
            return
        self._entries[key] = (result, tuple(assets))
        self._bytes += len(result.body) + OVERHEAD
        for asset in assets:
            self._of_asset.setdefault(asset, set()).add(key)
        while self._bytes > self._max_bytes:
            self._drop(next(iter(self._entries)))
            self.tally.evictions += 1

    @property
    def used(self) -> int:
        """Bytes, with what entries cost beside their bodies."""
        return self._bytes

    @property
    def limit(self) -> int:
        return self._max_bytes

    async def forget(self, asset: str) -> int:
        keys = tuple(self._of_asset.get(asset, ()))
        for key in keys:
            self._drop(key)
        return len(keys)

    def _drop(self, key: str) -> None:
        result, assets = self._entries.pop(key, (None, ()))
        if result is None:
            return
        self._bytes -= len(result.body) + OVERHEAD
        for asset in assets:
            keys = self._of_asset.get(asset, set())
            keys.discard(key)
            if not keys:
                self._of_asset.pop(asset, None)


class FolderResults:
    """Results as files below ``root``, at most ``max_bytes`` of them, for all processes of the host.

    An entry says itself what it is and how long; one that is damaged, cut or older is a miss and is removed,
    so nothing needs to reach the disk before the answer does. ``assets/`` lists for each asset the entries
    that used it; a list may name entries that are gone, and only ``forget`` and compaction care.
    """

    name = "files"

    def __init__(self, root: Path, max_bytes: int) -> None:
        self._root = root
        self._entries = root / "entries"
        self._assets = root / "assets"
        self._max_bytes = max_bytes
        self.tally = Tally()
        self._budget = ByteBudget(root, max_bytes, content="entries", afterwards=self._tidy, tally=self.tally)
        self._complain = Complaint(log, f"results in {root} fail")

    async def close(self) -> None:
        await self._budget.close()

    async def get(self, key: str) -> Result | None:
        found = await self.find(key)
        return found and found[0]

    async def find(self, key: str) -> Found | None:
        path = self._name(key)
        # Looked for here: that takes microseconds, going to a thread and back ten milliseconds where the
        # machine is busy, and most of what is not in memory is not here either.
        found = await asyncio.to_thread(self._find, path, key) if _may_exist(path) else None
        if found is None:
            self.tally.misses += 1
        else:
            self.tally.hits += 1
        return found

    @property
    def used(self) -> int | None:
        """Bytes, as far as this process knows."""
        return self._budget.used

    @property
    def limit(self) -> int:
        return self._max_bytes

    async def put(self, key: str, result: Result, assets: Sequence[str]) -> None:
        data = encode(key, result, assets)
        if len(data) > self._max_bytes:
            return
        try:
            await asyncio.to_thread(self._put, key, data, assets)
        except (OSError, OriginError) as error:
            self._complain(error)
            if isinstance(error, OSError) and error.errno in {errno.ENOSPC, errno.EDQUOT}:
                await self._budget.make_room(len(data))
            return
        self._budget.wrote(len(data))

    async def forget(self, asset: str) -> int:
        try:
            return await asyncio.to_thread(self._forget, asset)
        except OSError as error:
            self._complain(error)
            return 0

    def _name(self, key: str) -> str:
        """The file of an entry, as text: every request asks for it, and a Path takes ten times as long."""
        name = hashlib.sha256(key.encode()).hexdigest()
        return f"{self._entries}/{name[:2]}/{name}"

    def _entry(self, name: str) -> Path:
        return self._entries / name[:2] / name

    def _index(self, asset: str) -> Path:
        name = hashlib.sha256(asset.encode()).hexdigest()
        return self._assets / name[:2] / name

    def _find(self, path: str, key: str) -> Found | None:
        try:
            with open(path, "rb") as file:  # noqa: PTH123 - a Path takes longer
                data = file.read()
                touch(file.fileno(), os.fstat(file.fileno()))
        except FileNotFoundError:
            return None
        except OSError as error:
            self._complain(error)
            return None
        found = decode(data, key)
        if found is None:
            with suppress(OSError):
                os.unlink(path)  # noqa: PTH108
        return found

    def _put(self, key: str, data: bytes, assets: Sequence[str]) -> None:
        path = Path(self._name(key))
        with temporary(self._root) as temp:
            temp.write_bytes(data)
            # Listed first and checked last: a purge in between takes the list away, and then the entry too.
            listed = [(index, self._list(index, path.name)) for index in map(self._index, assets)]
            publish(temp, path, durable=False)
            if any(_inode(index) != inode for index, inode in listed):
                path.unlink(missing_ok=True)

    def _list(self, index: Path, name: str) -> int:
        """Add an entry to an asset's list; the list's inode."""
        index.parent.mkdir(parents=True, exist_ok=True)
        with _locked(index) as file:
            before = os.fstat(file).st_size
            os.write(file, name.encode() + b"\n")
            after = os.fstat(file).st_size
            if after >= COMPACT_FROM and before.bit_length() != after.bit_length():
                self._compact(file, keep=name)
            return os.fstat(file).st_ino

    def _compact(self, file: int, keep: str = "") -> bool:
        """Leave the entries that are gone out of a list, in place, under its lock. Whether any is left."""
        names = [name for name in _names(file) if name == keep or self._entry(name).exists()]
        os.ftruncate(file, 0)
        os.write(file, "".join(f"{name}\n" for name in names).encode())
        return bool(names)

    def _forget(self, asset: str) -> int:
        index = self._index(asset)
        if not index.exists():
            return 0
        dropped = 0
        with _locked(index) as file:
            index.unlink(missing_ok=True)
            for name in _names(file):
                with suppress(FileNotFoundError):
                    self._entry(name).unlink()
                    dropped += 1
        return dropped

    def _tidy(self) -> None:
        """Shorten one in 256 of the lists, at random, and remove those without entries. Blocks."""
        for _, _, index in list(files_below(self._assets / f"{random.randrange(256):02x}")):  # noqa: S311
            with _locked(index) as file:
                if not self._compact(file):
                    index.unlink(missing_ok=True)


class TieredResults:
    """Memory first, then what the processes share: Redis for what fits there, else a folder.

    A find further down is copied to memory. Drafts are not kept in memory: another process may replace them
    at any moment, and only the shared tiers would know.
    """

    name = "tiered"

    def __init__(self, memory: MemoryResults, shared: SharedTier | None, folder: Tier | None) -> None:
        self._memory = memory
        self._shared = shared
        self._folder = folder

    async def lookup(self, key: str) -> tuple[Result, str] | None:
        """The result and the name of the tier that had it."""
        for tier in (self._memory, self._shared, self._folder):
            found = await tier.find(key) if tier is not None else None
            if tier is not None and found is not None:
                result, assets = found
                if tier is not self._memory and not result.draft:
                    await self._memory.put(key, result, assets)
                return result, tier.name
        return None

    async def get(self, key: str) -> Result | None:
        found = await self.lookup(key)
        return found and found[0]

    async def put(self, key: str, result: Result, assets: Sequence[str]) -> None:
        if not result.draft:
            await self._memory.put(key, result, assets)
        if self._shared is not None and self._shared.accepts(result):
            await self._shared.put(key, result, assets)
        elif self._folder is not None:
            await self._folder.put(key, result, assets)

    async def forget(self, asset: str) -> int:
        """How many were dropped, the copies in each tier counted one by one."""
        tiers = (self._memory, self._shared, self._folder)
        return sum([await tier.forget(asset) for tier in tiers if tier is not None])


@contextmanager
def _locked(path: Path) -> Iterator[int]:
    """The file that ``path`` names, created if need be, for this holder alone."""
    while True:
        file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(file, fcntl.LOCK_EX)
            if _inode(path) == os.fstat(file).st_ino:
                yield file
                return
        finally:
            os.close(file)


def _may_exist(path: str) -> bool:
    try:
        os.stat(path)  # noqa: PTH116 - a Path takes longer
    except FileNotFoundError:
        return False
    except OSError:
        return True  # who reads it will say what is wrong
    return True


def _inode(path: Path) -> int | None:
    try:
        return path.stat().st_ino
    except FileNotFoundError:
        return None


def _names(file: int) -> list[str]:
    text = os.pread(file, os.fstat(file).st_size, 0).decode("ascii", "replace")
    # A line that a dying process cut short is no name of an entry.
    return [name for name in dict.fromkeys(text.split("\n")) if len(name) == 64 and name.isalnum()]
