"""Hearing of changes that another process made, so that cached metadata ends at once."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Protocol

from origin.errors import OriginError
from origin.service.catalog import CachedAssets

INTERVAL = 0.5
"""Seconds between two looks; a change made elsewhere shows within twice that."""


class ChangeLog(Protocol):
    async def changed_since(self, mark: int) -> tuple[int, list[str]]: ...


class ChangeWatch:
    """Polls the log of changes and forgets what changed.

    While the log cannot be read, cached metadata is believed for a second only.
    """

    def __init__(
        self,
        log: ChangeLog,
        assets: CachedAssets,
        interval: float = INTERVAL,
        also: Callable[[str], None] = lambda _: None,
    ) -> None:
        """``also`` is called with every id, too."""
        self._also = also
        self._log = log
        self._assets = assets
        self._interval = interval
        self._mark: int | None = None
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        self._task = asyncio.create_task(self._watch())

    async def close(self) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def _watch(self) -> None:
        while True:
            await self.look()
            await asyncio.sleep(self._interval)

    async def look(self) -> None:
        """Read the log once."""
        try:
            mark, ids = await self._log.changed_since(-1 if self._mark is None else self._mark)
        except OriginError:
            self._assets.announced = False
            return
        if self._mark is None or not self._assets.announced:
            # What happened while nobody listened is unknown: nothing remembered can be trusted by itself.
            self._assets.doubt_all()
        for id in ids:
            self._assets.forget(id)
            self._also(id)
        self._mark = mark
        self._assets.announced = True
