"""When an asset changes, what was made from it is forgotten: here, in the shared stores, at the edge."""

from __future__ import annotations

import asyncio
import logging
import random
import re
import time
from collections import Counter
from collections.abc import Coroutine, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final, Protocol

from origin.errors import OriginError
from origin.ports import Announcements, EdgePurger, EmittedUrls, PurgeReminders
from origin.service.admission import Admitted, Ask
from origin.service.catalog import CachedAssets
from origin.service.changes import INTERVAL

log = logging.getLogger(__name__)

_MEMORY = 100_000
"""Emitted URLs of which this process knows that they are on record."""
_SURE = 86_400.0
"""Seconds for which it is sure of that; then the URL is put on record anew, which keeps it there."""


class Forgetful(Protocol):
    async def forget(self, asset: str) -> int: ...


class Emissions:
    """Keeps on record which URLs a cache in front may hold, so that a purge can walk them.

    A URL is on record before its first answer is sent. What cannot be recorded is answered all the same, but
    not for caches to keep.
    """

    def __init__(self, record: EmittedUrls) -> None:
        self._record = record
        self._known: dict[tuple[str, str], float] = {}

    async def note(self, ask: Ask, admitted: Admitted, variant: str) -> bool:
        """Whether the answer may be kept by a cache in front; ``variant`` is its ``X-Cache-Variant``."""
        line = spelled(ask.path, variant)
        now = time.monotonic()
        new = [asset for asset in admitted.assets if self._known.get((asset, line), 0.0) <= now]
        if not new:
            return True
        try:
            await self._record.emitted(new, line)
        except OriginError:
            return False
        if len(self._known) > _MEMORY:
            self._known.clear()
        self._known.update(dict.fromkeys(((asset, line) for asset in new), now + _SURE))
        return True

    def forget(self, asset: str) -> None:
        self._known = {pair: until for pair, until in self._known.items() if pair[0] != asset}


_SOON = (1.5 * INTERVAL, 4 * INTERVAL)
"""Seconds until the edges are told again: when every process should have heard of the change, and when a busy
one has, too. A process that has not heard fills the edge with what was."""
FOLLOW_UP: Final = 2.0
"""Seconds between two looks for what the edges must be told once more."""
BATCH: Final = 50
"""Reminders followed in one look."""
AGAIN: Final = timedelta(seconds=30)
"""When an edge is told again that did not take a purge."""
GIVEN_UP: Final = timedelta(days=2)
"""When that ends. Until then an edge that was away may come back with old copies."""

_VARIANT = re.compile(r"(?:any|avif|webp)(?:\|[0-9.]{0,6}){4}\|(?:on)?")
"""Accept class and client hints as nginx.conf writes them. Whoever asks past nginx could send anything."""


def spelled(path: bytes, variant: str) -> str:
    """One copy of an edge: the raw path, a line feed, and what tells the copies of this path apart there.

    The edge says the latter itself, since it may tell more apart than the origin does. Empty when the request
    came past every such edge; other caches are told of the path alone.
    """
    return f"{path.decode('ascii', 'replace')}\n{variant if _VARIANT.fullmatch(variant) else ''}"


class Rasters(Protocol):
    async def changed(self, id: str) -> None:
        """Remove the decoded pictures of an asset that nobody may ask for any more."""
        ...


class Purge:
    """Carries out what follows from a change that the database has already counted."""

    def __init__(
        self,
        assets: CachedAssets,
        results: Forgetful,
        edges: Sequence[EdgePurger],
        record: EmittedUrls,
        reminders: PurgeReminders,
        *,
        deadline: float,
        emissions: Emissions | None = None,
        announcements: Announcements | None = None,
        rasters: Rasters | None = None,
    ) -> None:
        self._rasters = rasters
        self._announcements = announcements
        self._assets = assets
        self._results = results
        self._edges = edges
        self._record = record
        self._reminders = reminders
        self._deadline = timedelta(seconds=deadline)
        self._emissions = emissions
        self._soon: set[asyncio.Task[None]] = set()
        self._following: asyncio.Task[None] | None = None
        self.told = Counter({"taken": 0, "failed": 0})
        """What became of the words to edges, since this process started."""

    async def changed(self, id: str) -> None:
        """Forget everything made from asset ``id``.

        The edge is told at once, again when every other origin has heard of the change, and once more after
        the request deadline: a fill that began before may end until then. The last is a reminder in the
        database, which any server follows: this process may be a command that ends at once.
        """
        self._assets.forget(id)
        await self._announce(id)
        await self._results.forget(id)
        if self._rasters is not None:
            await self._rasters.changed(id)
        if not self._edges:
            return
        if self._emissions is not None:
            self._emissions.forget(id)
        await self._remind(id)
        await self._tell(id)
        for pause in _SOON:
            _start(self._soon, self._again(id, pause))

    async def _remind(self, id: str) -> None:
        now = datetime.now(UTC)
        due = now + timedelta(seconds=_SOON[-1]) + self._deadline
        try:
            await self._reminders.remind(id, due, now + GIVEN_UP)
        except OriginError as error:
            log.warning("edges will not be told of %s after the deadline: %r", id, error.__cause__)

    async def _announce(self, id: str) -> None:
        if self._announcements is None:
            return
        try:
            await self._announcements.announce(id)
        except OriginError as error:
            log.warning("other servers will find the change of %s by themselves: %r", id, error.__cause__)

    async def _again(self, id: str, pause: float) -> None:
        await asyncio.sleep(pause)
        try:
            await self._tell(id)
        except OriginError as error:
            log.warning("the copies of %s are not known, so no edge was told: %r", id, error.__cause__)

    async def _tell(self, id: str) -> bool:
        """Whether every edge took it. Raises what reading the record raises."""
        # Read each time: a request that began before the change may put its copy on record after it.
        lines = await self._record.emitted_for(id)
        taken = True
        for done in await asyncio.gather(
            *(edge.purge(id, lines) for edge in self._edges), return_exceptions=True
        ):
            if isinstance(done, OriginError):
                taken = False
                self.told["failed"] += 1
                log.warning("an edge did not take the purge of %s: %r", id, done.__cause__)
            elif isinstance(done, BaseException):
                raise done
            else:
                self.told["taken"] += 1
        return taken

    async def start(self) -> None:
        """Follow reminders from now on, of every process."""
        if self._edges:
            self._following = asyncio.create_task(self._follow())

    async def _follow(self) -> None:
        while True:
            # Servers of a fleet need not look at the same moment. Twice told is only once too often.
            await asyncio.sleep(random.uniform(0.5, 1.5) * FOLLOW_UP)  # noqa: S311
            try:
                await self.follow_up(datetime.now(UTC))
            except OriginError as error:
                log.warning("reminders of purges cannot be read just now: %r", error.__cause__)

    async def follow_up(self, now: datetime) -> None:
        """Tell the edges what is due. Raises what the database raises."""
        for id in await self._reminders.due(now, BATCH):
            if await self._tell(id):
                await self._reminders.reminded(id, now)
            else:
                await self._reminders.put_off(id, now, now + AGAIN)

    async def settle(self) -> None:
        """Wait for the first repetitions to end: what a short-lived command does before it ends."""
        await asyncio.gather(*self._soon)

    async def close(self) -> None:
        tasks = self._soon | ({self._following} if self._following else set())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def _start(tasks: set[asyncio.Task[None]], work: Coroutine[Any, Any, None]) -> None:
    task = asyncio.create_task(work)
    tasks.add(task)
    task.add_done_callback(tasks.discard)
