"""Decoded pictures as files of this host: shared by all its processes, kept within a budget of bytes."""

from __future__ import annotations

import asyncio
import hashlib
import logging
import os
import time
from collections import OrderedDict
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path

from origin.backends.disk import ByteBudget, publish, storage_errors, temporary
from origin.backends.tally import Tally

log = logging.getLogger(__name__)

NAMES = ("wide", "1", "2", "4", "8")
"""What is kept of one original: one that serves nearly all variants, or single sizes, by how much smaller."""

_USED = 60.0
"""Seconds between two notes that a file is in use."""
_FORGOTTEN = 10_000
"""Owners of which this process knows when they were last forgotten."""


class RasterFolder:
    """Files below ``root``, at most ``max_bytes`` of them, least recently used leave first.

    They are named by the owner (an asset) and by what is known of the content (its version), so what changed
    is not found any more, and an owner can be forgotten without asking anybody what it had. A file appears
    whole. It may vanish at any moment; who has it open keeps reading it.
    """

    def __init__(self, root: Path, max_bytes: int) -> None:
        self._root = root
        self.tally = Tally()
        self._budget = ByteBudget(root, max_bytes, tally=self.tally)
        self._forgotten: OrderedDict[str, tuple[float, Collection[str]]] = OrderedDict()
        """When, and besides what."""

    async def close(self) -> None:
        await self._budget.close()

    @property
    def used(self) -> int | None:
        """Bytes, as far as this process knows."""
        return self._budget.used

    @property
    def limit(self) -> int:
        return self._budget.max_bytes

    def find(self, owner: str, content: str) -> tuple[str, ...]:
        """Paths of what is kept of a content. So few looks into a folder are not worth a thread."""
        stem = self._stem(owner, content)
        found = []
        now = time.time()
        for name in NAMES:
            path = f"{stem}{name}"
            try:
                status = os.stat(path)  # noqa: PTH116 - a Path takes as long as the look
                if now - status.st_atime > _USED:
                    os.utime(path, ns=(int(now * 1e9), status.st_mtime_ns))
            except OSError:
                continue  # not kept, or just being removed: then there is the original
            found.append(path)
        return tuple(found)

    def count(self, *, hit: bool) -> None:
        """A variant was made from what is kept, or not."""
        self.tally.hits += hit
        self.tally.misses += not hit

    @contextmanager
    def begin(self) -> Iterator[str]:
        """An empty file to be filled; gone afterwards unless it was published."""
        with temporary(self._root) as path:
            with storage_errors():
                path.touch(mode=0o600)
            yield str(path)

    async def publish(self, path: str, owner: str, content: str, name: str, *, begun: float) -> None:
        """Keep the finished file ``path``, whose original was looked up at ``begun`` (``time.monotonic()``).

        What was made before its owner was forgotten is not kept. Raises what the disk raises.
        """
        if self._outlived(owner, content, begun):
            return
        with storage_errors():
            # Giving a name takes less than handing that to a thread. It is not durable: who reads the file
            # can tell whether all of it reached the disk.
            size = _published(Path(path), Path(f"{self._stem(owner, content)}{name}"))
        self._budget.wrote(size)

    def _outlived(self, owner: str, content: str, begun: float) -> bool:
        forgotten, besides = self._forgotten.get(owner, (0.0, ()))
        return forgotten >= begun and content not in besides

    async def forget(self, owner: str, besides: Collection[str] = ()) -> None:
        """Remove what is kept of an owner ``besides`` these contents, also what is being made just now."""
        self._forgotten[owner] = (time.monotonic(), tuple(besides))
        self._forgotten.move_to_end(owner)
        if len(self._forgotten) > _FORGOTTEN:
            self._forgotten.popitem(last=False)
        await asyncio.to_thread(self._remove, owner, {_name(content) for content in besides})

    def _remove(self, owner: str, besides: set[str]) -> None:
        name = _name(owner)
        try:
            for entry in os.scandir(self._root / name[:2]):
                if entry.name.startswith(f"{name}-") and entry.name.split("-")[1] not in besides:
                    Path(entry.path).unlink(missing_ok=True)
        except FileNotFoundError:
            return
        except OSError:
            log.exception("what was kept of %s could not be removed", owner)

    def _stem(self, owner: str, content: str) -> str:
        name = _name(owner)
        return f"{self._root}/{name[:2]}/{name}-{_name(content)}-"


def _published(path: Path, final: Path) -> int:
    """Give a finished file its name; its bytes."""
    size = path.stat().st_size
    publish(path, final, durable=False)
    return size


@lru_cache(256)
def _name(text: str) -> str:
    return hashlib.sha256(text.encode(errors="surrogatepass")).hexdigest()[:32]
