"""Clearing away, in the background, what nobody can ask for any more."""

from __future__ import annotations

import asyncio
import logging
import random
import re
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final, Protocol

from origin.errors import StorageTimeout
from origin.ports import Aging, ObjectWriter, Sweepable
from origin.service.library import RESTORE_WINDOW
from origin.service.uploads import QUARANTINE

log = logging.getLogger(__name__)

INTERVAL: Final = timedelta(hours=1)

ORPHANED: Final = timedelta(hours=1)
"""Age from which an object that no version has is not on its way to one. Also how long a ticket for the
quarantine lasts."""

BATCH: Final = 500
"""Assets or objects that the database is asked about at once."""

REMOVAL: Final = 1.0
"""Seconds for removing one object: changes of assets wait meanwhile."""

_CONTENT: Final = re.compile("[0-9a-f]{64}")


class Storage(ObjectWriter, Aging, Protocol):
    """The store of the originals."""


@dataclass(slots=True)
class Swept:
    """How much was cleared away."""

    buried: int = 0
    """Assets that can no longer be restored."""
    orphans: int = 0
    """Originals that no version has any more."""
    abandoned: int = 0
    """Straight uploads that were never completed."""


class Sweeper:
    """Ends deletions for good, and removes originals that nothing refers to.

    Any number of servers may do this at once: each step is harmless when another was quicker. Whatever is
    not certain stays, and so everything does while the database is away.

    An orphan may be sent in again while it is being removed. Objects are removed under the lock that every
    change of assets takes, after a last look that no version has the content. So the row of such an upload
    comes either first, and the object stays, or afterwards; and whoever adds a row looks then whether the
    object is still there, and puts it once more (``Ingest.secure``). The age alone would not do: the put may
    fall between our look and our removal. What remains is a removal that storage carries out after we stopped
    waiting for it, just when the same bytes come in; sending them again mends that.
    """

    def __init__(
        self,
        assets: Sweepable,
        storage: Storage,
        *,
        restore_window: timedelta = RESTORE_WINDOW,
        interval: timedelta = INTERVAL,
    ) -> None:
        self._assets = assets
        self._storage = storage
        self._restore_window = restore_window
        self._interval = interval.total_seconds()
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        self._task = asyncio.create_task(self._watch())

    async def close(self) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def _watch(self) -> None:
        # Servers of a fleet that start together need not sweep together.
        await asyncio.sleep(random.uniform(0, self._interval))  # noqa: S311
        while True:
            try:
                log.info("swept: %s", await self.sweep(datetime.now(UTC)))
            except Exception:
                log.exception("sweeping ended early and goes on next time")
            await asyncio.sleep(self._interval)

    async def sweep(self, now: datetime) -> Swept:
        """Clear away once. Raises DatabaseUnavailable and what storage raises; the rest is left as it is."""
        swept = Swept()
        swept.buried = await self._bury(now - self._restore_window)
        await self._assets.forget_old(now)
        async for batch in self._old_objects(now - ORPHANED):
            contents = [key for key in batch if _CONTENT.fullmatch(key)]
            kept = await self._assets.referenced(contents) if contents else set()
            for key in contents:
                if key not in kept:
                    swept.orphans += await self._remove_orphan(key)
            for key in batch:
                if key.startswith(QUARANTINE):
                    await self._storage.delete(key)
                    swept.abandoned += 1
        return swept

    async def _bury(self, before: datetime) -> int:
        buried = 0
        while ids := await self._assets.expired(before, BATCH):
            for id in ids:
                await self._assets.bury(id, before)
            buried += len(ids)
        return buried

    async def _old_objects(self, before: datetime) -> AsyncIterator[list[str]]:
        batch: list[str] = []
        async for key in self._storage.older_than("", before):
            batch.append(key)
            if len(batch) == BATCH:
                yield batch
                batch = []
        if batch:
            yield batch

    async def _remove_orphan(self, key: str) -> bool:
        async def remove() -> None:
            try:
                async with asyncio.timeout(REMOVAL):
                    await self._storage.delete(key)
            except TimeoutError as error:
                raise StorageTimeout from error

        return await self._assets.remove_unreferenced(key, remove)
